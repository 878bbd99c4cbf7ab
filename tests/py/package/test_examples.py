"""The programs of examples/py run, against real clients."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers import HAS_UV

ROOT = Path(__file__).parents[3]


def test_demo():
    """`make demo` on a few files and rows: every way agrees on the number of records, and what it wrote parses."""
    command = [sys.executable, "examples/py/demo.py", "--files", "50", "--rows", "2000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if "rjson.dump_to" in line]
    assert [(line[0], line[2]) for line in lines] == [
        (place, count) for count in ("50", "2,000") for place in ("file", "gzip", "socket")
    ]


@pytest.fixture(scope="module", autouse=True)
def interruptible():
    """Shells run what is in the background with SIGINT ignored, and a program that inherits that could not be asked to end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def running(*command):
    """A program, once it has said that it listens; it must end well when it is asked to."""
    with subprocess.Popen(
        [sys.executable, "-u", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            finally:
                process.kill()
    assert process.returncode in (0, -signal.SIGINT), process.returncode


@pytest.fixture(params=["asyncio", "uvloop", "tls", "uvloop-tls"])
def sqlite_server(request, certificate):
    """The port of examples/py/sqlite_server.py, and a way to connect to it."""
    command = ["examples/py/sqlite_server.py", "--port", "0"]
    if "uvloop" in request.param:
        command.append("--uvloop")
    if "tls" in request.param:
        command += ["--tls", str(certificate)]
    context = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    context.check_hostname = False
    with running(*command) as process:
        url = process.stdout.readline().split()[-1]
        port = int(re.search(r":(\d+)/", url)[1])
        if "tls" in request.param:
            yield url, lambda: http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
        else:
            yield url, lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def get(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_sqlite_server(sqlite_server):
    """Keep-alive, small and large documents, errors; a small request beside a large document that nobody reads."""
    _, connect = sqlite_server
    connection = connect()
    assert get(connection, "/health") == (200, {"ok": True})
    status, document = get(connection, "/rows?count=30000")
    assert status == 200
    assert document["count"] == len(document["rows"]) == 30_000
    assert document["rows"][1003] == {"id": 3, "name": "station 3", "city": "Zürich", "height": 400.375}
    assert get(connection, "/nothing") == (404, {"error": "there is no /nothing"})
    stalled = connect()
    stalled.request("GET", "/rows?count=1000000")
    assert get(connection, "/health") == (200, {"ok": True})
    stalled.close()
    assert get(connection, "/health") == (200, {"ok": True})
    connection.close()


def test_sqlite_server_with_curl(sqlite_server, certificate):
    """curl, another implementation of chunked framing, reads it all, in parts and at once."""
    url, _ = sqlite_server
    url = url.replace("count=1000000", "count=20000")
    command = ["curl", "--silent", "--show-error", "--fail", "--insecure", url, "--next", "--silent", "--insecure", url]
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(command, capture_output=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    decoder, text = json.JSONDecoder(), done.stdout.decode()
    first, end = decoder.raw_decode(text)
    assert first == json.loads(text[end:])
    assert first["count"] == len(first["rows"]) == 20_000


@pytest.mark.skipif(not HAS_UV, reason="built without libuv")
def test_live_feed():
    """Many curls and sockets, some of which stop, reset or come later: whoever reads gets whole events, in order."""
    with running("examples/py/live_feed.py", "--port", "0", "--interval", "0.001") as process:
        url = process.stdout.readline().split()[-1]
        port = int(re.search(r":(\d+)/", url)[1])

        def subscribe():
            sock = socket.create_connection(("127.0.0.1", port), timeout=60)
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            return sock

        stopped = [subscribe() for _ in range(5)]
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        command = ["curl", "-sSN", "--max-time", "2", f"{url}events"]
        curls = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) for _ in range(5)
        ]
        for sock in stopped[:2]:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        outputs = [curl.communicate(timeout=60)[0].decode() for curl in curls]
        for sock in stopped[2:]:
            sock.close()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        assert b"EventSource" in connection.getresponse().read()
        connection.close()
    for output in outputs:
        events = [dict(line.split(": ", 1) for line in event.split("\n")) for event in output.split("\n\n")[:-1]]
        numbers = [int(event["id"]) for event in events]
        assert len(numbers) > 10
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert all(json.loads(event["data"])["symbol"] == "ABC" and event["event"] == "price" for event in events)


@pytest.mark.parametrize("to", ["pipe", "file"])
def test_log_collector(tmp_path, to):
    """Every record of every shipper arrives once, in the order of its shipper; into a pipe and into a file."""
    path = tmp_path / "logs.sock"
    program = [sys.executable, "examples/py/log_collector.py"]
    with open(tmp_path / "out", "wb") as file:
        out = subprocess.PIPE if to == "pipe" else file
        collector = subprocess.Popen([*program, "collect", path], cwd=ROOT, stdout=out, stderr=subprocess.PIPE)
        assert b"collecting" in collector.stderr.readline()
        received = []
        reader = threading.Thread(target=lambda: received.append(collector.stdout.read() if collector.stdout else b""))
        reader.start()
        shippers = [
            subprocess.Popen(
                [*program, "ship", path, "--name", name], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for name in ("a", "b")
        ]
        text = "".join(f"line {i} é\n" for i in range(5000)).encode()
        answers = [shipper.communicate(text, timeout=60)[0] for shipper in shippers]
        assert [json.loads(answer) for answer in answers] == [{"received": 5000}] * 2
        collector.terminate()
        collector.wait(10)
        reader.join()
        collector.stderr.close()
    data = received[0] or (tmp_path / "out").read_bytes()
    if collector.stdout:
        collector.stdout.close()
    records = [json.loads(line)["record"] for line in data.splitlines()]
    for name in ("a", "b"):
        assert [r["message"] for r in records if r["name"] == name] == [f"line {i} é" for i in range(5000)]
