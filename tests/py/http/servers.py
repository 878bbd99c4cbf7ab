"""Real servers in processes of their own, and what a test asks of each."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import rjson

APPS = Path(__file__).parent / "apps"


class Server(NamedTuple):
    """A way to run one of apps/."""

    name: str
    needs: tuple[str, ...]  # modules
    command: tuple[str, ...]  # {port} is filled in
    kinds: tuple[str, ...]  # of sources
    shows_failure: bool = True  # to HTTP/1.1 clients that read to the end


def asgi(name, command, *needs):
    return Server(name, needs, command, ("async", "sync"))


UVICORN = ("-m", "uvicorn", "--port", "{port}", "--no-access-log", "--log-level", "critical")
SERVERS = [
    asgi("starlette uvicorn h11", (*UVICORN, "--http", "h11", "starlette_app:app"), "starlette", "uvicorn"),
    asgi("starlette uvicorn httptools", (*UVICORN, "--http", "httptools", "starlette_app:app"), "starlette", "uvicorn", "httptools"),
    asgi("starlette hypercorn", ("-m", "hypercorn", "-b", "127.0.0.1:{port}", "starlette_app:app"), "starlette", "hypercorn"),
    asgi("starlette granian", ("-m", "granian", "--interface", "asgi", "--port", "{port}", "starlette_app:app"), "starlette", "granian"),
    asgi("fastapi uvicorn", (*UVICORN, "fastapi_app:app"), "fastapi", "uvicorn"),
    asgi("django uvicorn", (*UVICORN, "--lifespan", "off", "django_app:app"), "django", "uvicorn"),
    asgi("litestar uvicorn", (*UVICORN, "litestar_app:app"), "litestar", "uvicorn"),
    asgi("falcon uvicorn", (*UVICORN, "falcon_app:app"), "falcon", "uvicorn"),
    asgi("aiohttp", ("aiohttp_app.py", "{port}"), "aiohttp"),
    asgi("sanic", ("-m", "sanic", "sanic_app:app", "--port", "{port}", "--single-process", "--no-access-logs"), "sanic"),
    Server("flask gunicorn", ("flask", "gunicorn"), ("-m", "gunicorn", "-b", "127.0.0.1:{port}", "-k", "gthread", "--threads", "4", "flask_app:app"), ("sync",)),
    Server("flask waitress", ("flask", "waitress"), ("-m", "waitress", "--listen", "127.0.0.1:{port}", "flask_app:app"), ("sync",)),
    Server("django gunicorn", ("django", "gunicorn"), ("-m", "gunicorn", "-b", "127.0.0.1:{port}", "-k", "gthread", "--threads", "4", "django_app:wsgi"), ("sync",)),
    Server("falcon gunicorn", ("falcon", "gunicorn"), ("-m", "gunicorn", "-b", "127.0.0.1:{port}", "-k", "gthread", "--threads", "4", "falcon_app:wsgi"), ("sync",)),
]  # fmt: skip


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@contextmanager
def running(server: Server, folder: Path):
    """The port of a server that answers."""
    port = free_port()
    command = [sys.executable, *(word.format(port=port) for word in server.command)]
    package = str(Path(rjson.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(APPS), package])}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=APPS, env=environment, stdout=log, stderr=log)
    try:
        wait_for(port, process, folder / "log")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port, process, log):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server does not answer: {log.read_text()}")


CURL = shutil.which("curl")
