"""System calls that fail, each in turn and with each errno: the count is true, paths hold the old or the new, no descriptor is left open.

tests/fault/failing_calls.c is loaded before the C library, into a program of its own.
"""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from helpers import UNDER_ASAN

SOURCE = Path(__file__).parents[2] / "fault/failing_calls.c"

pytestmark = pytest.mark.skipif(
    UNDER_ASAN or not sys.platform.startswith("linux") or not shutil.which("gcc"),
    reason="needs gcc, and glibc without sanitizers",
)

PRELUDE = """
import ctypes, errno, io, json, os, socket, sys, tempfile, threading
import rjson

library = ctypes.CDLL(None, use_errno=True)
library.fault_count.restype = ctypes.c_long
ROWS = [{"id": i, "name": "é" * (i % 40)} for i in range(300)]
DATA = rjson.dumps_bytes(ROWS)
os.chdir(sys.argv[1])

def descriptors():
    return sorted(os.listdir("/proc/self/fd"))

def every_failure(job, errors, times=1, before=lambda: None):
    # Calls before(), then job() with its nth call failing, for all n and every errno; yields the errno, n, the result, and the exception or None.
    for error in errors:
        n = 0
        while True:
            n += 1
            before()
            library.fault_arm(n, error, times)
            result = failure = None
            try:
                result = job()
            except OSError as e:
                failure = e
            count = library.fault_count()
            library.fault_arm(0, 0, 0)
            if count < n:
                assert failure is None, failure
                break
            yield error, n, result, failure
        assert n > 1
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    path = tmp_path_factory.mktemp("shim") / "failing_calls.so"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, SOURCE, "-o", path, "-ldl"], check=True)
    return path


@pytest.fixture
def run(shim, tmp_path):
    def run(calls, code):
        environment = {**os.environ, "LD_PRELOAD": str(shim), "FAULT_CALLS": calls}
        command = [sys.executable, "-c", PRELUDE + textwrap.dedent(code) + "\nprint('ok')", tmp_path]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr[-3000:]

    return run


@pytest.mark.parametrize("dump", ["rjson.dump(ROWS, f, chunk_size=1000)", "rjson.dump_to(ROWS, f, chunk_size=1000)"])
@pytest.mark.parametrize("buffering", [0, -1])
def test_files(run, dump, buffering):
    """What failed tells how many bytes are there; a call that was cut short or interrupted is gone on with."""
    run(
        "w",
        f"""
        def job():
            with open("file", "wb", buffering={buffering}) as f:
                try:
                    return {dump}
                except OSError as e:
                    e.there = os.fstat(f.fileno()).st_size
                    raise
        before = descriptors()
        for error, n, result, failure in every_failure(job, [0, errno.EINTR, errno.ENOSPC, errno.EIO, errno.EPIPE]):
            data = open("file", "rb").read()
            if error in (0, errno.EINTR):
                assert failure is None and data == DATA, (error, n, failure)
            else:
                assert failure.errno == error and DATA.startswith(data)
                assert failure.bytes_written == failure.there == len(data), (n, failure.bytes_written, len(data))
        assert descriptors() == before
        """,
    )


@pytest.mark.parametrize("kind", ["socket", "pipe", "nonblocking pipe"])
def test_connections(run, kind):
    """The peer gets all, or as many bytes as the exception says."""
    run(
        "wsp",
        f"""
        def job():
            if {kind!r} == "socket":
                ours, theirs = (s.detach() for s in socket.socketpair())
            else:
                theirs, ours = os.pipe()
                os.set_blocking(ours, {"non" not in kind})
            got = []
            def drain():
                while part := os.read(theirs, 3000):
                    got.append(part)
            thread = threading.Thread(target=drain)
            thread.start()
            try:
                target = socket.socket(fileno=os.dup(ours)) if {kind!r} == "socket" else ours
                try:
                    rjson.dump_to(ROWS, target, chunk_size=1000)
                except OSError as e:
                    e.got = got
                    raise
                finally:
                    if {kind!r} == "socket":
                        target.close()
            finally:
                os.close(ours)
                thread.join()
                os.close(theirs)
            return got
        before = descriptors()
        for error, n, result, failure in every_failure(job, [0, errno.EINTR, errno.EAGAIN, errno.EPIPE, errno.EIO, errno.ECONNRESET]):
            data = b"".join(result or failure.got)
            if failure is None:
                assert data == DATA, (error, n, len(data))
            else:
                assert failure.errno == error and failure.bytes_written == len(data), (error, n, failure)
                assert DATA.startswith(data)
            if error in (0, errno.EINTR):
                assert failure is None, (error, n, failure)
        assert descriptors() == before
        """,
    )


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("fsync", [False, True])
def test_atomic_paths(run, suffix, fsync):
    """Whatever fails, the path has the old document or the new one, and nothing else is left in the folder."""
    run(
        "wfroc",
        f"""
        import gzip
        name = "data.json{suffix}"
        def reset():
            rjson.dump_path("old", name)
        reset()
        before = descriptors()
        def job():
            return rjson.dump_path(ROWS, name, fsync={fsync})
        for error, n, result, failure in every_failure(job, [errno.EIO, errno.ENOSPC, errno.EINTR, errno.EACCES, 0], before=reset):
            found = rjson.load_path(name)
            assert found == (ROWS if failure is None else "old") or ({fsync} and failure and found == ROWS), (error, n, failure)
            assert os.listdir(".") == [name], (error, n, os.listdir("."))
            assert descriptors() == before, (error, n, failure)
        """,
    )


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_writer(run, suffix):
    """A file of lines has whole lines, and the number of bytes that the writer says; one that was compressed is read up to its failure."""
    run(
        "woc",
        f"""
        name = "log.jsonl{suffix}"
        before = descriptors()
        def job():
            writer = rjson.Writer.open(name, chunk_size=1000)
            try:
                with writer:
                    for row in ROWS:
                        writer.write(row)
            finally:
                job.count = writer.bytes_written
        for error, n, result, failure in every_failure(job, [0, errno.EIO, errno.ENOSPC, errno.EINTR]):
            assert descriptors() == before, (error, n, failure)
            if failure is None:
                assert list(rjson.iterload_path(name, framing="lines")) == ROWS, (error, n)
            elif not {bool(suffix)} and os.path.exists(name):
                data = open(name, "rb").read()
                assert data == b"" or data.endswith(b"\\n"), (error, n, data[-50:])
                rows = [json.loads(line) for line in data.splitlines()]
                assert rows == ROWS[:len(rows)]
            if os.path.exists(name):
                os.remove(name)
        """,
    )


def test_appending(run):
    """The lines that were there stay, and what is added is whole lines."""
    run(
        "woc",
        """
        before = descriptors()
        def job():
            with rjson.Writer.open("log.jsonl", append=True, chunk_size=1000) as writer:
                writer.write_all(ROWS)
        def reset():
            with open("log.jsonl", "w") as f:
                f.write('"old"\\n')
        for error, n, result, failure in every_failure(job, [0, errno.EIO, errno.ENOSPC, errno.EINTR], before=reset):
            data = open("log.jsonl", "rb").read()
            rows = [json.loads(line) for line in data.splitlines()]
            assert data.endswith(b"\\n") and rows == ["old", *ROWS][:len(rows)] and rows[0] == "old", (error, n, failure, data[-60:])
            assert failure or len(rows) == 1 + len(ROWS), (error, n)
            assert descriptors() == before, (error, n, failure)
        """,
    )


def test_reformat(run):
    """From file to file: all of it, or an exception; no descriptor is left."""
    run(
        "woc",
        """
        with open("in.json", "wb") as f:
            f.write(DATA)
        before = descriptors()
        def job():
            with open("in.json", "rb") as source, open("out.json", "wb", buffering=0) as target:
                return rjson.reformat(source, target, chunk_size=1000)
        for error, n, result, failure in every_failure(job, [0, errno.EIO, errno.ENOSPC, errno.EINTR]):
            assert descriptors() == before, (error, n, failure)
            data = open("out.json", "rb").read() if os.path.exists("out.json") else b""
            assert (data == DATA) if failure is None else DATA.startswith(data), (error, n, failure)
        """,
    )
