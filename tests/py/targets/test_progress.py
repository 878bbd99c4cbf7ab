"""progress=, of everything that writes: growing counts up to all that is out, or a bar; and what it raises."""

import asyncio
import inspect
import io
import socket
import sys
import threading
from contextlib import suppress

import pytest

import rjson
from helpers import HAS_UV
from rjson import aio

ROW = {"name": "x" * 200}
ROWS = [ROW] * 5_000  # about a megabyte, many chunks
SIZE = len(rjson.dumps_bytes(ROWS))
LINES = len(rjson.dumps_bytes(ROW) + b"\n") * len(ROWS)


class FakeTqdm:
    bars = []

    def __init__(self, **settings):
        self.n, self.is_closed = 0, False
        self.bars.append(self)

    def update(self, count):
        self.n += count

    def close(self):
        self.is_closed = True


@pytest.fixture
def bars(monkeypatch):
    fake = type(sys)("tqdm")
    fake.tqdm = FakeTqdm
    monkeypatch.setitem(sys.modules, "tqdm", fake)
    FakeTqdm.bars = []
    return FakeTqdm.bars


class Sink:
    """An object with an awaitable write()."""

    def __init__(self):
        self.size = 0

    async def write(self, data):
        await asyncio.sleep(0)
        self.size += len(data)

    def abort(self):
        self.size = -1


# ---- ways to write: what is to be told at the end


def by_dump(progress, tmp_path):
    rjson.dump(ROWS, io.BytesIO(), progress=progress)
    return SIZE


def by_dump_to(progress, tmp_path):
    with open(tmp_path / "file", "wb") as fp:
        rjson.dump_to(ROWS, fp.fileno(), progress=progress)
    return SIZE


def by_encoder(progress, tmp_path):
    rjson.Encoder().dump(ROWS, io.BytesIO(), progress=progress)
    return SIZE


def by_dump_path(progress, tmp_path):
    rjson.dump_path(ROWS, tmp_path / "file.gz", progress=progress)
    return SIZE


def by_reformat(progress, tmp_path):
    rjson.reformat(io.BytesIO(rjson.dumps_bytes(ROWS)), io.BytesIO(), progress=progress)
    return SIZE


def by_check(progress, tmp_path):
    rjson.reformat(io.BytesIO(rjson.dumps_bytes(ROWS)), None, progress=progress)
    return SIZE


def by_iterencode(progress, tmp_path):
    assert sum(map(len, rjson.iterencode(ROWS, framing="lines", progress=progress))) == LINES
    return LINES


def by_iterencode_with_a_thread(progress, tmp_path):
    assert sum(map(len, rjson.Encoder().iterencode(iter(ROWS), flush=0.01, progress=progress))) == SIZE
    return SIZE


def by_writer(progress, tmp_path):
    with rjson.Writer(io.BytesIO(), progress=progress) as w:
        for row in ROWS:
            w.write(row)
    return LINES


def by_writer_in_one(progress, tmp_path):
    with rjson.Writer(io.BytesIO(), framing="array", flush="item", progress=progress) as w:
        w.write_all(ROWS)
    return SIZE


def by_writer_of_a_path(progress, tmp_path):
    with rjson.Writer.open(tmp_path / "file.gz", progress=progress) as w, w.array():
        for row in ROWS:
            w.write(row)
    return SIZE + 1


def by_aio_dump(progress, tmp_path):
    assert asyncio.run(aio.dump(ROWS, Sink(), progress=progress)) == SIZE
    return SIZE


def by_aio_dump_to_a_socket(progress, tmp_path):
    """Where full chunks leave without the driver."""

    async def run():
        ours, theirs = socket.socketpair()
        with theirs:
            reader = threading.Thread(target=lambda: [None for _ in iter(lambda: theirs.recv(1 << 16), b"")])
            reader.start()
            _, writer = await asyncio.open_connection(sock=ours)
            try:
                await aio.dump(ROWS, writer, progress=progress)
            finally:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
                reader.join()

    asyncio.run(run())
    return SIZE


def by_aio_iterencode(progress, tmp_path):
    async def run():
        return sum([len(chunk) async for chunk in aio.iterencode(ROWS, framing="array", progress=progress)])

    assert asyncio.run(run()) == SIZE
    return SIZE


def by_aio_writer(progress, tmp_path):
    async def run():
        async with aio.Writer(Sink(), progress=progress) as w:
            for row in ROWS[:1000]:
                await w.write(row)
            await w.write_all(ROWS[1000:])

    asyncio.run(run())
    return LINES


def by_aio_writer_of_a_built_document(progress, tmp_path):
    async def run():
        async with aio.Writer(Sink(), progress=progress) as w, w.array():
            for row in ROWS:
                await w.write(row)

    asyncio.run(run())
    return SIZE + 1


def by_arrow(progress, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from rjson.integrations.arrow import write_ndjson

    write_ndjson(pa.Table.from_pylist(ROWS), io.BytesIO(), progress=progress)
    return LINES


WAYS = [way for name, way in list(globals().items()) if name.startswith("by_")]


@pytest.mark.parametrize("way", WAYS)
def test_growing_counts(way, tmp_path):
    """Several, and the last one is the total."""
    told = []
    total = way(told.append, tmp_path)
    assert told[-1] == total
    assert told == sorted(told)
    assert len(told) >= 2


@pytest.mark.parametrize("way", WAYS)
def test_a_bar(way, tmp_path, bars):
    """progress=True: one bar, which ends at the total, and is closed."""
    total = way(True, tmp_path)
    assert [bar.n for bar in bars] == [total]
    assert bars[0].is_closed


class StopError(Exception):
    pass


def stop(count):
    if count > 300_000:
        raise StopError


@pytest.mark.parametrize("way", WAYS)
def test_what_it_raises_ends_the_writing(way, tmp_path):
    """It comes out, and tells how much is out."""
    with pytest.raises(StopError) as caught:
        way(stop, tmp_path)
    if way not in (by_check, by_aio_writer):  # which writes nothing; which counts the document at hand
        assert 200_000 < caught.value.bytes_written < SIZE


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("progress", [5, "x", False])
def test_what_it_may_be(way, tmp_path, progress):
    """Everything that cannot be told is refused."""
    with pytest.raises(TypeError, match="progress must be callable, True or None"):
        way(progress, tmp_path)


def test_everything_that_writes_takes_it():
    """A list that has to grow with the package; names are those of the manual."""
    public = [
        *(rjson.dump, rjson.dump_to, rjson.dump_path, rjson.iterencode, rjson.reformat, rjson.Writer),
        *(rjson.Encoder.dump, rjson.Encoder.dump_to, rjson.Encoder.dump_path, rjson.Encoder.iterencode),
        *(aio.dump, aio.iterencode, aio.Writer),
    ]
    for function in public:
        parameter = inspect.signature(function).parameters["progress"]
        assert parameter.default is None
        assert parameter.annotation == "Progress"


# ---- failures


def failing(count):
    yield from ROWS[:count]
    raise KeyError("the source")


def test_bars_are_closed_after_errors(tmp_path, bars):
    """Where they got to."""
    with pytest.raises(KeyError) as caught:
        rjson.dump_path(failing(4000), tmp_path / "a", progress=True)
    assert 0 < bars[0].n <= caught.value.bytes_written
    with pytest.raises(KeyError), rjson.Writer(io.BytesIO(), progress=True) as w:
        w.write_all(failing(4000))
    with pytest.raises(KeyError):
        list(rjson.iterencode(failing(4000), progress=True))
    with pytest.raises(KeyError):
        asyncio.run(aio.dump(failing(4000), Sink(), progress=True))

    async def write():
        async with aio.Writer(Sink(), progress=True) as writer:
            await writer.write_all(failing(4000))

    with pytest.raises(KeyError):
        asyncio.run(write())
    chunks = rjson.iterencode(ROWS, progress=True)
    next(chunks)
    chunks.close()
    assert len(bars) == 6
    assert all(bar.is_closed for bar in bars)


def test_a_writer_goes_on_behind_what_it_raises(tmp_path):
    """A document that was complete is there; one that was not leaves no part in a file."""
    with open(tmp_path / "file", "wb") as fp:
        with rjson.Writer(fp, progress=stop) as w:
            for _ in ROWS[:1000]:
                w.write(ROW)
            with pytest.raises(StopError) as caught:
                w.write(ROWS)
            assert caught.value.bytes_written == w.bytes_written == fp.tell()
            assert w.documents == 1000
        assert (tmp_path / "file").read_bytes() == (rjson.dumps_bytes(ROW) + b"\n") * 1000
        with rjson.Writer(fp, flush="item", progress=lambda n: 1 // 0) as w:
            with pytest.raises(ZeroDivisionError):
                w.write("whole")
            assert w.documents == 1
    assert (tmp_path / "file").read_bytes().endswith(b'"whole"\n')


def test_it_may_not_write_to_its_writer():
    """In the middle of a document."""
    out = io.BytesIO()
    with rjson.Writer(out, progress=lambda n: w.write(1)) as w, pytest.raises(RuntimeError, match="used by its own target"):
        w.write(ROWS)
    assert out.getvalue() == b""


def test_the_sources_of_what_it_ends_are_closed():
    """By iterencode: its reader does not know that there is a next one to close."""
    closed = []

    def rows():
        try:
            yield from ROWS
        finally:
            closed.append(1)

    for flush in "full", 0.01:
        source = rows()
        with pytest.raises(StopError):
            list(rjson.iterencode(source, flush=flush, progress=stop))
    assert closed == [1, 1]


async def test_what_it_raises_aborts_a_connection():
    """A document that is cut does not look whole."""
    sink = Sink()
    with pytest.raises(StopError):
        await aio.dump(ROWS, sink, progress=stop)
    assert sink.size == -1
    writer = aio.Writer(sink, progress=stop)
    with pytest.raises(StopError):
        await writer.write(ROWS)
    with pytest.raises(ConnectionAbortedError):
        await writer.write(1)


@pytest.mark.skipif(not HAS_UV, reason="needs libuv")
async def test_to_a_stream_of_libuv():
    """Which takes full chunks without the driver."""
    from rjson.uv import Stream

    ours, theirs = socket.socketpair()
    told = []
    with ours, theirs, Stream(ours) as stream:
        reader = threading.Thread(target=lambda: [None for _ in iter(lambda: theirs.recv(1 << 16), b"")])
        reader.start()
        await aio.dump(ROWS, stream, progress=told.append)
        stream.close()
        ours.close()
        await asyncio.to_thread(reader.join)
    assert told[-1] == SIZE
    assert told == sorted(told)
