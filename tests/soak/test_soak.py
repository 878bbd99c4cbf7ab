"""The short form of `make soak`: the same servers, under few clients, for some seconds."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import HAS_UV, UNDER_ASAN

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HAS_LIBUV = shutil.which("pkg-config") and subprocess.run(["pkg-config", "--exists", "libuv"]).returncode == 0


@pytest.mark.skipif(UNDER_ASAN, reason="the C server is not for preloading")
def test_soak():
    """Every byte is right, nobody waits for ever, and no descriptor is left."""
    options = [] if HAS_UV else ["--no-fanout"]
    if HAS_LIBUV:
        command = ["make", "-C", "stream", "-j2", "CC=gcc", "BUILD=../build/stream-gcc", "examples"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        options += ["--c-server", ROOT / "build/stream-gcc/examples/uv_server"]
    command = [sys.executable, HERE / "soak.py", "--seconds", "3", "--clients", "45", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
