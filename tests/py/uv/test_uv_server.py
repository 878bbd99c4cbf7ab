"""examples/c/uv_server.c against real clients: curl, and sockets that read slowly, stop and reset; and the installed library."""

import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from helpers import UNDER_ASAN

ROOT = Path(__file__).parents[3]
HAS_LIBUV = shutil.which("pkg-config") and subprocess.run(["pkg-config", "--exists", "libuv"]).returncode == 0

pytestmark = [
    pytest.mark.skipif(UNDER_ASAN, reason="it is built with its own sanitizers, and not for preloading"),
    pytest.mark.skipif(not HAS_LIBUV, reason="libuv is not installed"),
]


def row(i):
    return {"id": i, "name": f"row {i}", "share": i % 1000 / 8}


def document(count):
    return json.dumps([row(i) for i in range(count)], separators=(",", ":")).encode()


@contextmanager
def running(program):
    process = subprocess.Popen([program, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process, int(re.search(r":(\d+)/", process.stdout.readline())[1])
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors


@pytest.fixture(scope="module", params=["plain", "sanitized"])
def server(request):
    name = "stream-gcc-address" if request.param == "sanitized" else "stream-gcc"
    command = ["make", "-C", "stream", "-j2", "CC=gcc", f"BUILD=../build/{name}", "examples"]
    command += ["SANITIZE=1"] if request.param == "sanitized" else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with running(ROOT / "build" / name / "examples/uv_server") as (process, port):
        yield process, port


@contextmanager
def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    sock = connection.sock
    with connection.getresponse() as response:
        yield response, sock
    connection.close()


def peak_kib(process):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])


def test_curl_reads_documents_one_after_the_other(server):
    """Over one connection, of sizes around those of the chunks."""
    _, port = server
    counts = [1, 2, 1500, 1501, 20_000]
    urls = [f"http://127.0.0.1:{port}/{count}" for count in counts]
    done = subprocess.run(["curl", "-sS", "--fail", *urls], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"".join(document(count) for count in counts)


def test_other_methods_are_refused(server):
    """With the status for it."""
    _, port = server
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "x", f"http://127.0.0.1:{port}/"]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout == "405"


def test_many_slow_stopping_and_resetting_clients(server):
    """Those who read get every byte; the others neither disturb them nor cost memory."""
    process, port = server
    expected = hashlib.sha256(document(200_000)).digest()
    digests = []

    def read(pause, size):
        digest, wait = hashlib.sha256(), threading.Event()
        with get(port, "/200000") as (response, _):
            while part := response.read(size):
                digest.update(part)
                wait.wait(pause)
        digests.append(digest.digest())

    def reset(n):
        with get(port, "/100000000") as (response, sock):
            response.read(n * 10_000 + 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    stopped = ExitStack()
    for _ in range(20):
        stopped.enter_context(get(port, "/100000000"))
    readers = [threading.Thread(target=read, args=args) for args in [(0, 1 << 16)] * 10 + [(0.002, 50_000)] * 10]
    for reader in readers:
        reader.start()
    for n in range(20):
        reset(n)
    for reader in readers:
        reader.join(120)
    stopped.close()
    assert digests == [expected] * 20
    with get(port, "/1") as (response, _):
        assert response.read() == document(1)
    if "address" not in process.args[0].as_posix():
        assert peak_kib(process) < 20_000


def test_documents_of_any_size_in_constant_memory(server):
    """Ten times the rows take no more."""
    process, port = server
    peaks = []
    for count in (200_000, 2_000_000):
        with get(port, f"/{count}") as (response, _):
            while response.read(1 << 20):
                pass
        peaks.append(peak_kib(process))
    assert peaks[1] <= peaks[0] + 600


PROGRAM = """
#include <rjson/stream.h>
#ifdef WITH_UV
#include <rjson/uv.h>
#endif
int main(void)
{
    rj_sink *sink;
    rj_writer *w;
#ifdef WITH_UV
    uv_pipe_t out;
    uv_pipe_init(uv_default_loop(), &out, 0);
    uv_pipe_open(&out, 1);
    if (rj_uv_sink_new(&sink, (uv_stream_t *)&out, NULL, NULL) < 0)
        return 1;
#else
    if (rj_fd_sink_new(&sink, 1, NULL, NULL) < 0)
        return 1;
#endif
    if (rj_writer_new(&w, sink, NULL) < 0)
        return 1;
    rj_writer_begin_array(w);
    rj_writer_put_string(w, RJ_VERSION, sizeof RJ_VERSION - 1);
    rj_writer_end_array(w);
    int rc;
    while ((rc = rj_writer_finish(w)) == RJ_PAUSE) {
#ifdef WITH_UV
        uv_run(uv_default_loop(), UV_RUN_ONCE);
#endif
    }
    rj_writer_free(w);
    rj_sink_free(sink);
    return rc;
}
"""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where the library is installed; twice, for a second install changes nothing."""
    folder = tmp_path_factory.mktemp("prefix")
    for _ in range(2):
        command = ["make", "-C", "stream", "-j2", "BUILD=../build/stream-gcc", f"PREFIX={folder}", "install"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("link", ["shared", "static"])
@pytest.mark.parametrize("package", ["rjson", "rjson-uv"])
def test_outside_program_builds_against_what_make_install_puts_in_place(prefix, tmp_path, package, link):
    """With pkg-config alone; headers, a static and a shared library. A static one is not needed when the program runs."""
    (tmp_path / "program.c").write_text(PROGRAM)
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    ask = ["pkg-config", "--cflags", "--libs", package]
    flags = subprocess.run(ask, env=environment, capture_output=True, text=True, check=True).stdout.split()
    if link == "static":
        flags = [f"-l:lib{flag[2:]}.a" if flag.startswith("-lrjson") else flag for flag in flags]
    else:
        environment["LD_LIBRARY_PATH"] = str(prefix / "lib")
    define = ["-DWITH_UV"] if package == "rjson-uv" else []
    subprocess.run(
        ["gcc", "-Wall", "-Werror", *define, "program.c", "-o", "program", *flags, "-pthread"], cwd=tmp_path, check=True
    )
    version = re.search(r'RJ_VERSION "(.+)"', (ROOT / "stream/include/rjson/stream.h").read_text())[1]
    done = subprocess.run([tmp_path / "program"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f'["{version}"]')
