"""Fixtures of several files, the event loops that asynchronous tests run on, and which tests run side by side."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

try:
    import uvloop
except ImportError:  # newer Pythons have to wait for it
    uvloop = None

# The same examples in every run, so that a run says something about the change at hand; RJSON_SLOW=1 looks for new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("RJSON_SLOW") == "1" else "same")

# Folders and files whose tests compile: what is built is built once a run, and shared. They take longest, so they begin first.
BUILDS = {"package", "test_uv_server", "test_soak"}


def group_of(path):
    """Of a file: those of one group run in one process, one after the other."""
    return "builds" if not BUILDS.isdisjoint({path.parent.name, path.stem}) else path.stem


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: group_of(item.path) != "builds")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Groups by files, without pytest-xdist's marks: its `--dist loadgroup` (3.8.0) finds none of them with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(Path(nodeid.partition("::")[0]))

    return Groups(config, log)


def pytest_asyncio_loop_factories(config, item):
    """Every asynchronous test runs on both; under the sanitizers on one, which is as much of our own code."""
    if uvloop is None or "asan" in os.environ.get("LD_PRELOAD", ""):
        return {"asyncio": asyncio.new_event_loop}
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
