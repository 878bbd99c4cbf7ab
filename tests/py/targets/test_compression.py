"""Compressed targets and files: other readers read them, errors come out, and what was given up does not look whole."""

import asyncio
import bz2
import gzip
import io
import json
import lzma
import os
import random
import socket
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress

import pytest

import rjson
import rjson.aio
from helpers import Reader
from rjson import _codecs, _compressed

FORMATS = ["gz", "bz2", "xz", "zst", "lz4"]
ROWS = [{"id": i, "text": "é" * (i % 97)} for i in range(8_000)]
RANDOM = random.Random(5)
NOISE = [f"{RANDOM.getrandbits(400):0100x}" for _ in range(7_000)]


def need(format):
    """Skip a format that has no codec here."""
    try:
        _codecs.new_compressor(format, None, False)
    except ImportError:
        pytest.skip(f"no codec for {format}")


@pytest.fixture(params=FORMATS)
def format(request):
    need(request.param)
    return request.param


def zst_by_command(data):
    try:
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    except FileNotFoundError:
        pytest.skip("no command zstd")


def zst_by_zstandard(data):
    zstandard = pytest.importorskip("zstandard")
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()


def lz4_by_package(data):
    return pytest.importorskip("lz4.frame").decompress(data)


PEERS = [
    ("gz", gzip.decompress),
    ("bz2", bz2.decompress),
    ("xz", lzma.decompress),
    ("zst", zst_by_command),
    ("zst", zst_by_zstandard),
    ("lz4", lz4_by_package),
]


def packed(obj, format, **arguments):
    out = io.BytesIO()
    with rjson.compressed(out, format, **arguments) as fp:
        assert rjson.dump(obj, fp) == len(rjson.dumps_bytes(obj))
    return out.getvalue()


def unpacked(data, format, source=io.BytesIO):
    return _compressed.decompressed(source(data), format)


# ---- every codec, and other readers


@pytest.mark.parametrize(("name", "peer"), PEERS)
@pytest.mark.parametrize("obj", [None, ROWS, NOISE], ids=["small", "rows", "noise"])
def test_other_readers_read_it(name, peer, obj):
    """The whole, and what flush points cut."""
    need(name)
    assert peer(packed(obj, name)) == rjson.dumps_bytes(obj)
    out = io.BytesIO()
    with rjson.compressed(out, name) as fp:
        for part in b"[1", b"", b",2", b"x" * 1_000_000, b"]":
            fp.write(part)
            fp.flush()
            fp.flush()
    assert peer(out.getvalue()) == b"[1,2" + b"x" * 1_000_000 + b"]"


@pytest.mark.parametrize("name", ["isal.isal_zlib", "zlib_ng.zlib_ng", "zlib"])
@pytest.mark.parametrize("level", [None, 0, 1, 3, 6, 9])
def test_every_codec_of_gz(name, level, monkeypatch):
    """Written by the one, read by the others."""
    pytest.importorskip(name)
    only(monkeypatch, name)
    data = packed(ROWS, "gz", level=level)
    assert json.loads(gzip.decompress(data)) == ROWS
    assert json.loads(unpacked(data, "gz").read()) == ROWS


@pytest.mark.parametrize("name", ["compression.zstd", "backports.zstd", "zstandard"])
def test_every_codec_of_zst(name, monkeypatch):
    """With threads and without; levels below zero; several frames."""
    pytest.importorskip(name)
    only(monkeypatch, name)
    for obj in ROWS, NOISE, 1:
        for level in None, -3, 9:
            data = packed(obj, "zst", level=level)
            assert zst_by_command(data) == rjson.dumps_bytes(obj)
            assert unpacked(data + data, "zst").read() == rjson.dumps_bytes(obj) * 2


def only(monkeypatch, name):
    """Of the packages that come into question only this one is installed."""
    for other in "isal.isal_zlib", "zlib_ng.zlib_ng", "compression.zstd", "backports.zstd", "zstandard":
        if other != name:
            monkeypatch.setitem(sys.modules, other, None)


@pytest.mark.parametrize(
    ("name", "modules", "advice"),
    [
        ("zst", ["compression.zstd", "backports.zstd", "zstandard"], "pip install backports.zstd"),
        ("lz4", ["lz4.frame"], "pip install lz4"),
    ],
)
def test_no_codec(name, modules, advice, monkeypatch, tmp_path):
    """The error says what to install, before any file is touched."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / f"data.{name}"
    path.write_bytes(b"old")
    for call in (
        lambda: rjson.compressed(io.BytesIO(), name),
        lambda: rjson.dump_path(1, path),
        lambda: rjson.load_path(path),
        lambda: rjson.iterload_path(path),
        lambda: rjson.Writer.open(path),
    ):
        with pytest.raises(ImportError, match=advice):
            call()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_wrong_arguments():
    """Told at once."""
    for arguments in ("gzip",), (None,), ("gz", 10), ("gz", True), ("xz", -1), ("zst", 23), ("bz2", 0):
        with pytest.raises(ValueError, match="must be"):
            rjson.compressed(io.BytesIO(), arguments[0], level=(*arguments, None)[1])
    with pytest.raises(TypeError, match="text"):
        rjson.compressed(io.StringIO(), "gz")


# ---- targets


def test_a_socket(format):
    """Through its descriptor, from the thread."""
    a, b = socket.socketpair()
    with a, b:
        reader = Reader(b.recv)
        with rjson.compressed(a, format) as fp:
            rjson.dump_to(NOISE, fp)
        a.shutdown(socket.SHUT_WR)
        assert json.loads(unpacked(reader.result(), format).read()) == NOISE


def test_a_descriptor_and_files(format, tmp_path):
    """What they have was there before stays; they stay open."""
    with open(tmp_path / "x", "wb") as file:
        for target in file, file.fileno(), file.raw:
            with rjson.compressed(target, format) as fp:
                rjson.dump(ROWS, fp)
            assert not file.closed
            assert fp.bytes_written > 0
    assert (tmp_path / "x").stat().st_size == 3 * fp.bytes_written
    with open(tmp_path / "x", "rb") as file:
        assert unpacked(file.read(), format).read() == rjson.dumps_bytes(ROWS) * 3


def test_a_writer_flushes(format):
    """After Writer.flush() everything so far can be read."""
    out = io.BytesIO()
    with rjson.compressed(out, format) as fp, rjson.Writer(fp) as w:
        for i in range(3):
            w.write({"i": i})
            w.flush()
            reading = unpacked(out.getvalue(), format)
            assert b"".join(until_cut(reading)) == b"".join(b'{"i":%d}\n' % n for n in range(i + 1))
    assert len(unpacked(out.getvalue(), format).read().splitlines()) == 3


def until_cut(reading):
    """What is there of something that has no end; and that it has none."""
    try:
        while part := reading.read1(100_000):
            yield part
    except EOFError:
        return
    pytest.fail("it looks whole")


def test_writer_open(format, tmp_path):
    """By suffix; by name; flush(); what is aborted keeps whole documents and lacks its end."""
    path = tmp_path / f"rows.{format}"
    with rjson.Writer.open(path) as w:
        w.write_all(ROWS)
    assert list(rjson.iterload_path(path)) == ROWS
    with rjson.Writer.open(tmp_path / "x", compression=format) as w:
        w.write(1)
        w.flush()
        assert next(rjson.iterload_path(tmp_path / "x", framing="lines", compression=format)) == 1
    assert rjson.load_path(tmp_path / "x", compression=format) == 1
    with pytest.raises(KeyError), rjson.Writer.open(path) as w:
        w.write_all(ROWS)
        raise KeyError
    seen = []
    with pytest.raises(EOFError):
        for value in rjson.iterload_path(path, framing="lines"):
            seen.append(value)
    assert seen == ROWS
    with pytest.raises(ValueError, match="append"):
        rjson.Writer.open(path, append=True)


def test_a_document_that_fails_in_a_compressed_file(format, tmp_path):
    """A short one leaves nothing; of a long one a part is in, so that the writer is of no use and the file not whole."""
    path = tmp_path / f"rows.{format}"
    with rjson.Writer.open(path) as w:
        w.write(1)
        with pytest.raises(rjson.EncodeError):
            w.write(["x", object()])
        w.write(2)
    assert list(rjson.iterload_path(path)) == [1, 2]
    w = rjson.Writer.open(path)
    with pytest.raises(rjson.EncodeError):
        w.write(["x" * 1_000_000, object()])
    with pytest.raises(ConnectionAbortedError):
        w.write(2)
    w.close()
    with pytest.raises(EOFError):
        rjson.load_path(path)


def test_event_loops(format, tmp_path):
    """rjson.aio writes to it through a thread, on asyncio and trio; what fails does not look whole."""
    trio = pytest.importorskip("trio")

    async def rows(error):
        for row in ROWS:
            yield row
        if error:
            raise error

    async def write(fp, error=None):
        await rjson.aio.dump(rows(error), fp)

    for run in asyncio.run, lambda coroutine: trio.run(lambda: coroutine):
        out = io.BytesIO()
        with rjson.compressed(out, format) as fp:
            run(write(fp))
        assert json.loads(unpacked(out.getvalue(), format).read()) == ROWS
        out = io.BytesIO()
        fp = rjson.compressed(out, format)
        with pytest.raises(KeyError):
            run(write(fp, KeyError()))
        assert fp.closed
        b"".join(until_cut(unpacked(out.getvalue(), format)))


def test_encoding_and_compressing_overlap():
    """While the codec works, the source is asked for more, up to four pieces ahead."""
    inside, go_on, asked = threading.Event(), threading.Event(), []

    class Slow:
        def write(self, data):
            inside.set()
            assert go_on.wait(30)

    def rows():
        for i in range(100):
            asked.append(i)
            yield os.urandom(100_000).hex()

    thread = threading.Thread(target=lambda: run())

    def run():
        with rjson.compressed(Slow(), "gz", level=1) as fp:
            rjson.dump(rows(), fp)

    thread.start()
    assert inside.wait(30)
    deadline = time.monotonic() + 30
    while len(asked) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert 5 <= len(asked) < 20
    go_on.set()
    thread.join()
    assert len(asked) == 100


# ---- failures


class FailingAt:
    """A target whose call n fails."""

    def __init__(self, n):
        self.left = n
        self.data = b""

    def write(self, data):
        self.left -= 1
        if self.left < 0:
            raise OSError("the target")
        self.data += data


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_a_target_that_fails_at_call_n(format, n):
    """It comes out of dump or close(); what is there does not look whole."""
    target = FailingAt(n)
    with pytest.raises(OSError, match="the target") as caught, rjson.compressed(target, format) as fp:
        for _ in range(20):
            rjson.dump(NOISE, fp)
            fp.flush()
    assert fp.closed
    assert caught.value.bytes_written >= 0
    assert fp.bytes_written == len(target.data)
    b"".join(until_cut(unpacked(target.data, format)))


@pytest.mark.parametrize("n", [1, 2, 5, 50])
@pytest.mark.parametrize("obj", [NOISE * 5, [1]], ids=["long", "short"])
def test_a_codec_that_fails_at_call_n(n, obj, monkeypatch, tmp_path):
    """The same; the file keeps its old content."""
    calls = []

    class Failing:
        def __init__(self):
            self.real = zlib.compressobj(1, 8, 31)

        def compress(self, data):
            calls.append(len(data))
            if len(calls) == n:
                raise MemoryError("the codec")
            return self.real.compress(data)

        def flush_point(self):
            return self.real.flush(zlib.Z_SYNC_FLUSH)

        def finish(self):
            if n == 50:
                raise MemoryError("the codec")
            return self.real.flush()

    monkeypatch.setattr(_compressed, "new_compressor", lambda *_: Failing())
    path = tmp_path / "x.json.gz"
    path.write_bytes(b"old")
    if len(obj) == 1 and n not in (1, 50):
        pytest.skip("it has one call")
    with pytest.raises(MemoryError, match="the codec") as caught:
        rjson.dump_path(obj, path)
    assert 0 <= caught.value.bytes_written <= len(rjson.dumps_bytes(obj))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_after_a_failure_every_call_fails():
    """write(), flush() and close() tell it, as long as it is open."""
    fp = rjson.compressed(FailingAt(0), "gz")
    fp.write(b"x")
    for call in fp.flush, lambda: fp.write(b"x"), fp.flush, fp.close:
        with pytest.raises(OSError, match="the target"):
            call()
    fp.close()
    with pytest.raises(ValueError, match="closed"):
        fp.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        fp.flush()


@pytest.mark.parametrize("count", [0, 1, 3, 300_000, 3_000_000])
def test_what_is_aborted_does_not_look_whole(format, count):
    """However much was written, after a flush point too; the target gets nothing more."""
    for flushes in False, True:
        out = io.BytesIO()
        fp = rjson.compressed(out, format)
        fp.write(b"x" * count)
        if flushes:
            fp.flush()
        fp.abort()
        fp.close()
        assert fp.bytes_written == len(out.getvalue())
        b"".join(until_cut(unpacked(out.getvalue(), format)))


def test_what_nobody_closes_does_not_look_whole(format):
    """A ResourceWarning tells; the thread ends."""
    out = io.BytesIO()
    fp = rjson.compressed(out, format)
    fp.write(b"x" * 1_000_000)
    (thread,) = (t for t in threading.enumerate() if t.name == "rjson.compressed")
    with pytest.warns(ResourceWarning, match="neither closed nor aborted"):
        del fp
    thread.join(30)
    assert not thread.is_alive()
    b"".join(until_cut(unpacked(out.getvalue(), format)))


def test_no_thread_stays():
    """After close(), abort() and failures."""
    for end in "close", "abort":
        fp = rjson.compressed(io.BytesIO(), "gz")
        fp.write(b"x" * 1_000_000)
        getattr(fp, end)()
    with pytest.raises(OSError, match="the target"), rjson.compressed(FailingAt(0), "gz") as fp:
        rjson.dump(NOISE, fp)
    assert not [t for t in threading.enumerate() if t.name == "rjson.compressed"]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_cannot_write():
    """The thread is the parent's: an error, where waiting for it would have no end. The parent goes on."""
    out = io.BytesIO()
    with rjson.compressed(out, "gz") as fp:
        fp.write(b"x" * 1_000_000)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                fp.write(b"y")
            except RuntimeError as e:
                code = 0 if "forked" in str(e) else 2
            fp.abort()
            os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
    assert gzip.decompress(out.getvalue()) == b"x" * 1_000_000


# ---- reading


@pytest.mark.parametrize("size", [1, 7, 4096, None])
def test_reading_by_any_size(format, size):
    """read, read1 and readinto, of several streams, from a source that gives little at a time."""
    obj = ROWS[:300]
    data = packed(obj, format) * 2

    class Trickle(io.BytesIO):
        def read(self, _size=-1):
            return super().read(11)

    expected = rjson.dumps_bytes(obj) * 2
    for name in "read", "read1":
        reading = unpacked(data, format, Trickle)
        parts = []
        while part := getattr(reading, name)(-1 if size is None else size):
            assert size is None or len(part) <= size
            parts.append(part)
        assert b"".join(parts) == expected
    assert io.TextIOWrapper(unpacked(data, format), encoding="utf-8").read() == expected.decode()


def test_every_beginning(format):
    """Truncated input is an EOFError, wherever it ends, if not at the end of a stream."""
    one = packed([1, "x" * 50], format)
    data = one + packed(2, format)
    for end in range(len(data)):
        if end == len(one):
            assert unpacked(data[:end], format).read() == rjson.dumps_bytes([1, "x" * 50])
            continue
        with pytest.raises(EOFError, match="cut"):
            unpacked(data[:end], format).read()


def test_truncated_files(format, tmp_path):
    """load_path and iterload_path; what was before the cut is given out."""
    path = tmp_path / f"rows.{format}"
    with rjson.Writer.open(path) as w:
        w.write_all(NOISE)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(EOFError):
        rjson.load_path(path)
    seen = []
    with pytest.raises(EOFError):
        for value in rjson.iterload_path(path, framing="lines"):
            seen.append(value)
    assert seen == NOISE[: len(seen)]
    assert len(seen) > 0 or format in ("bz2", "zst", "lz4", "xz")


def test_damaged_files(format, tmp_path):
    """OSError, also for what is something else; all formats have a checksum, so that nothing wrong comes out."""
    path = tmp_path / f"x.{format}"
    good = packed(ROWS, format)
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 0x10
    path.write_bytes(bad)
    with suppress(OSError, EOFError):
        assert rjson.load_path(path) == ROWS  # lz4 has bits that mean the same
    for data in b"[1,2,3] and more of it", good + b"garbage behind it, of some length":
        path.write_bytes(data)
        with pytest.raises((OSError, EOFError)):
            rjson.load_path(path)


def test_padding():
    """Zeros behind a stream, as tape drives and xz --list know them."""
    for name in "gz", "xz":
        assert unpacked(packed(1, name) + bytes(512), name).read() == b"1"


def test_what_expands_much_takes_little_memory(format):
    """By small reads: a bomb does not come out at once."""
    out = io.BytesIO()
    with rjson.compressed(out, format) as fp:
        for _ in range(50):
            fp.write(bytes(1_000_000))
    reading = unpacked(out.getvalue(), format)
    total = 0
    while part := reading.read1(65536):
        assert len(part) <= 65536
        total += len(part)
    assert total == 50_000_000
