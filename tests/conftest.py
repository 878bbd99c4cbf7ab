"""Fixtures of several files, and the event loops that asynchronous tests run on."""

import asyncio
import os
import subprocess

import pytest
import uvloop
from hypothesis import settings

# The same examples in every run, so that a run says something about the change at hand; RJSON_SLOW=1 looks for new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("RJSON_SLOW") == "1" else "same")


def pytest_asyncio_loop_factories(config, item):
    """Every asynchronous test runs on both."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A PEM file with a key and its certificate, and a .crt file with the certificate alone."""
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path
