"""rjson.reformat between files, descriptors, sockets and objects: nothing lost, constant memory, faults of either end."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

import rjson
from helpers import UNDER_ASAN, Reader
from rjson._compressed import Decompressed

TEXT = b'{"rows": [' + b", ".join(b'{"id": %d, "name": "n\xc3\xa9", "x": 1.50}' % i for i in range(20_000)) + b"]}\n"
COMPACT = TEXT.replace(b": ", b":").replace(b", ", b",").strip()


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "in.json"
    file.write_bytes(TEXT)
    return file


def written(source: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    rjson.reformat(source, out, **options)
    return out.getvalue()


def test_sources(path):
    """Files of bytes and of text, buffered and not, descriptors, sockets, text itself and parts of it."""
    with open(path, "rb") as buffered, open(path, "rb", buffering=0) as raw, open(path, encoding="utf-8") as text:
        assert written(buffered) == written(raw) == written(text) == COMPACT
        fd = os.open(path, os.O_RDONLY)
        assert written(fd) == COMPACT
        os.close(fd)
    assert written(TEXT) == written(bytearray(TEXT)) == written(memoryview(TEXT)) == written(TEXT.decode()) == COMPACT
    assert written(io.BytesIO(TEXT)) == written(io.StringIO(TEXT.decode())) == COMPACT
    assert written(TEXT[i : i + 999] for i in range(0, len(TEXT), 999)) == COMPACT
    assert written([b"", b"[1", "", ",2", b"", b"]"]) == b"[1,2]"
    a, b = socket.socketpair()
    with a, b:
        thread = threading.Thread(target=lambda: (a.sendall(TEXT), a.shutdown(socket.SHUT_WR)))
        thread.start()
        assert written(b) == COMPACT
        thread.join()


def test_a_libuv_stream_is_refused_in_words():
    """It takes what rjson encodes, on its own loop."""
    uv = pytest.importorskip("rjson.uv", exc_type=ImportError)
    a, b = socket.socketpair()
    with a, b, uv.Stream(a) as stream, pytest.raises(TypeError, match="write other text to its socket"):
        rjson.reformat(TEXT, stream)


def test_a_file_is_read_from_where_it_is(path):
    """And is at its end afterwards."""
    path.write_bytes(b"header\n" + TEXT)
    with open(path, "rb") as file:
        assert file.readline() == b"header\n"
        assert written(file) == COMPACT
        assert file.tell() == path.stat().st_size
        assert file.read() == b""


def test_targets(path, tmp_path):
    """Whatever dump_to writes to; the count is of bytes, or of characters for text."""
    for mode, buffering in (("wb", -1), ("wb", 0)):
        with open(tmp_path / "out", mode, buffering=buffering) as out:
            out.write(b"> ")
            assert rjson.reformat(TEXT, out) == len(COMPACT)
            out.write(b" <")
        assert (tmp_path / "out").read_bytes() == b"> " + COMPACT + b" <"
    with open(tmp_path / "out", "w", encoding="utf-8") as text:
        assert rjson.reformat(TEXT, text) == len(COMPACT.decode())
    assert (tmp_path / "out").read_bytes() == COMPACT
    string = io.StringIO()
    assert rjson.reformat(TEXT, string, indent=1) == len(string.getvalue())
    a, b = socket.socketpair()
    with a, b:
        reader = Reader(b.recv)
        assert rjson.reformat(TEXT, a) == len(COMPACT)
        a.shutdown(socket.SHUT_WR)
        assert reader.result() == COMPACT


def test_from_file_to_file_by_descriptors(path, tmp_path):
    """Through files that are open already, both kept open."""
    with open(path, "rb") as source, open(tmp_path / "out", "wb") as target:
        assert rjson.reformat(source, target, indent=2) == target.tell()
    assert rjson.loads((tmp_path / "out").read_bytes()) == rjson.loads(TEXT)


class Grudging:
    """Takes up to seven bytes, or nothing."""

    def __init__(self) -> None:
        self.data, self.calls = bytearray(), 0

    def write(self, data: bytes) -> int | None:
        self.calls += 1
        if self.calls % 3 == 0:
            return None
        self.data += data[:7]
        return min(len(data), 7)


def test_short_writes_are_continued():
    """Nothing is lost, nothing written twice."""
    target, text = Grudging(), TEXT[:20_001]
    last = text.rindex(b"}") + 1
    rjson.reformat(text[:last] + b"]}", target)
    assert bytes(target.data) == text[:last].replace(b": ", b":").replace(b", ", b",") + b"]}"


def test_a_target_that_fails():
    """Its exception comes out, with what it has taken."""

    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as caught:
        rjson.reformat(TEXT, Full())
    assert caught.value.bytes_written == 0
    with open("/dev/full", "wb") as full, pytest.raises(OSError, match="No space"):
        rjson.reformat(TEXT, full)
    r, w = os.pipe()
    os.close(r)
    with pytest.raises(BrokenPipeError):
        rjson.reformat(TEXT, w)
    os.close(w)


def test_a_source_that_fails():
    """What came before is out; the exception is the source's."""

    def parts():
        yield b"[1, 2, "
        raise KeyError("gone")

    out = io.BytesIO()
    with pytest.raises(KeyError) as caught:
        rjson.reformat(parts(), out)
    assert out.getvalue() == b""
    assert caught.value.bytes_written == 0
    folder = os.open(".", os.O_RDONLY)
    with pytest.raises(IsADirectoryError):
        rjson.reformat(folder, out)
    os.close(folder)
    with pytest.raises(TypeError, match="source must be"):
        rjson.reformat(object(), out)
    with pytest.raises(TypeError):
        rjson.reformat([1, 2], out)
    with pytest.raises(BlockingIOError):
        rjson.reformat([None], out)
    with pytest.raises(TypeError, match="target must be"):
        rjson.reformat(b"1", object())


def test_a_source_that_gives_nothing():
    """The timeout is for each wait."""
    r, w = os.pipe()
    os.set_blocking(r, False)
    os.write(w, b"[1,")
    with pytest.raises(TimeoutError, match="source gave 3 bytes"):
        rjson.reformat(r, io.BytesIO(), timeout=0.05)
    os.close(r), os.close(w)


def test_what_was_checked_is_out_when_a_text_breaks_off(path, tmp_path):
    """Everything before the mistake, in the file that it was written to."""
    broken = TEXT[:-30] + b"}" + TEXT[-30:]
    with open(tmp_path / "out", "wb") as target, pytest.raises(rjson.DecodeError) as caught:
        rjson.reformat(io.BytesIO(broken), target)
    data = (tmp_path / "out").read_bytes()
    assert caught.value.bytes_written == len(data)
    assert COMPACT.startswith(data)


def test_progress_tells_what_was_read(path, tmp_path):
    """At the end, all of it."""
    told: list[int] = []
    with open(path, "rb") as source, open(tmp_path / "out", "wb") as target:
        rjson.reformat(source, target, progress=told.append)
    assert told[-1] == len(TEXT)
    told.clear()
    rjson.reformat(io.BytesIO(TEXT), io.BytesIO(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(TEXT)
    assert len(told) > 3
    with pytest.raises(ZeroDivisionError):
        rjson.reformat(io.BytesIO(TEXT), io.BytesIO(), progress=lambda n: 1 // 0)


def test_other_threads_run_meanwhile():
    """From descriptor to descriptor the GIL is not held."""
    r, w = os.pipe()
    r2, w2 = os.pipe()
    thread = threading.Thread(target=rjson.reformat, args=(r, w2))
    thread.start()
    os.write(w, b"[1]")  # it waits for more, and this thread runs
    os.close(w)
    thread.join()
    assert os.read(r2, 100) == b"[1]"
    for fd in (r, r2, w2):
        os.close(fd)


@pytest.mark.parametrize("target", ["fd", "object"])
def test_a_signal_interrupts(target):
    """A handler that raises ends a wait for the source, and a read of an endless one."""

    def stop(*args: object) -> None:
        raise InterruptedError("stop")

    r, w = os.pipe()
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for source in (r, iter(lambda: b"[" + b"1," * 10000 + b"1]\n", None)):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with open(os.devnull, "wb") as null, pytest.raises(InterruptedError):
                rjson.reformat(source, null if target == "fd" else io.BytesIO())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        os.close(r), os.close(w)


SHAPES = {
    "one string": "yield b'\"'; yield from repeat(b'x' * 65536, n); yield b'\"'",
    "one key": "yield b'{\"'; yield from repeat(b'k\\\\u00e9' * 8000, n); yield b'\":1}'",
    "one number": "yield from repeat(b'7' * 65536, n)",
    "one array": "yield b'[1'; yield from repeat(b',[2]' * 16384, n); yield b']'",
    "one object": "yield b'{\"a\":1'; yield from repeat(b',\"a\":2' * 10000, n); yield b'}'",
    "white space": "yield b'[1'; yield from repeat(b' \\n' * 32768, n); yield b']'",
    "documents": "yield from repeat(b'[1]\\n' * 16384, n)",
}


@pytest.mark.skipif(UNDER_ASAN, reason="memory cannot be measured under it")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 2])
def test_constant_memory_for_any_shape(shape, indent):
    """A hundred megabytes of it take no more than ten."""
    program = rf"""
        import re
        from itertools import repeat
        import rjson
        def parts(n):
            {SHAPES[shape]}
        out = open("/dev/null", "wb")
        rjson.reformat(parts(10), out, indent={indent})
        def peak():  # in KiB; that of getrusage is inherited from the parent
            with open("/proc/self/status") as status:
                return int(re.search("VmHWM:\\s*([0-9]+)", status.read())[1])
        before = peak()
        rjson.reformat(parts(1600), out, indent={indent})
        print(peak() - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10 * 1024


def test_deep_indentation_is_written_in_constant_memory():
    """A text of sixteen kilobytes that becomes sixty megabytes: indentation larger than any chunk."""
    depth = 8_000
    text = b"[" * depth + b"]" * depth
    length, count = 0, 0

    class Counting:
        def write(self, data: bytes) -> None:
            nonlocal length, count
            length += len(data)
            count = max(count, len(data))

    rjson.reformat(text, Counting(), indent=1)
    assert length == 2 * depth + 2 * (depth - 1) + 2 * sum(range(depth)) - (depth - 1)
    assert count <= 65536


def test_nothing_is_left_open(path):
    """Neither descriptors nor references, whatever happens."""
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    broken = [b"[1,", b"}"]
    for _ in range(50):
        with pytest.raises(rjson.DecodeError):
            rjson.reformat(broken, None)
        with open(path, "rb") as file, open(os.devnull, "wb") as null:
            rjson.reformat(file, null)
    assert sys.getrefcount(broken) < 10
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("format", ["gz", "bz2", "xz"])
def test_every_beginning_of_a_compressed_text(format, tmp_path):
    """None is taken for the whole, and what is written is the beginning of what would have come out."""
    text = b"[" + b",".join(b'{"id": %d, "on": true}' % n for n in range(300)) + b"]"
    whole = text.replace(b" ", b"")
    packed = io.BytesIO()
    with rjson.compressed(packed, format) as fp:
        fp.write(text)
    for end in range(0, len(packed.getvalue()), 7):
        out = io.BytesIO()
        with pytest.raises((EOFError, OSError)) as caught:
            rjson.reformat(Decompressed(io.BytesIO(packed.getvalue()[:end]), format), out)
        assert whole.startswith(out.getvalue())
        assert caught.value.bytes_written == len(out.getvalue())
    out = io.BytesIO()
    rjson.reformat(Decompressed(io.BytesIO(packed.getvalue()), format), out)
    assert out.getvalue() == whole
