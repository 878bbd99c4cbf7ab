"""rjson.aio: data that has to be awaited, and when what is encoded leaves."""

import asyncio
import gc
import itertools
import time

import pytest

import rjson
from aio_helpers import connection, finish
from helpers import CHUNK_SIZES, stdlib
from rjson import aio


async def arange(n, pause=0.0):
    for i in range(n):
        await asyncio.sleep(pause)
        yield i


async def ready(items):
    """Never suspends."""
    for item in items:
        yield item


class Cursor:
    """An async iterator that is no generator."""

    def __init__(self, n):
        self.left = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        await asyncio.sleep(0)
        return {"left": self.left}


class Table:
    """An async iterable."""

    def __aiter__(self):
        return Cursor(3)


async def encode(obj, **options):
    return b"".join([chunk async for chunk in aio.iterencode(obj, **options)]).decode()


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("flush", ["full", "item", 0, 0.01])
async def test_async_iterators_at_any_depth(chunk_size, flush):
    """In lists, dicts, sync iterators, one another; suspended or not; at the root."""

    def make():
        return {
            "a": [arange(3), ready([]), ready(["x" * 2000, arange(2)])],
            "b": (arange(i) for i in range(4)),
            "c": {"d": Cursor(2), "e": Table(), "f": ready(iter([(1, 2)]) for _ in range(2))},
            "z": "end",
        }

    expected = stdlib(
        {
            "a": [[0, 1, 2], [], ["x" * 2000, [0, 1]]],
            "b": [list(range(i)) for i in range(4)],
            "c": {
                "d": [{"left": 1}, {"left": 0}],
                "e": [{"left": 2}, {"left": 1}, {"left": 0}],
                "f": [[[1, 2]], [[1, 2]]],
            },
            "z": "end",
        }
    )
    assert await encode(make(), chunk_size=chunk_size, flush=flush) == expected
    assert await encode(arange(5), chunk_size=chunk_size, flush=flush) == "[0,1,2,3,4]"
    async with connection("stream") as (target, peer):
        await aio.dump(make(), target, chunk_size=chunk_size, flush=flush)
        await finish(target)
        assert (await peer.result()).decode() == expected


async def test_deep_async_nesting():
    """Deeper than the native stack: generators within generators."""

    async def nest(depth):
        if depth:
            await asyncio.sleep(0)
            yield nest(depth - 1)

    assert await encode(nest(1000)) == "[" * 1001 + "]" * 1001
    with pytest.raises(RecursionError, match="max_depth=100"):
        await encode(nest(1000), max_depth=100)


async def test_default_may_return_an_awaitable():
    """A coroutine, a future, a task, an object with __await__: what it gives is encoded, lazily produced data too."""

    class Ask:
        def __init__(self, answer):
            self.answer = answer

    class Awaitable:
        def __init__(self, value):
            self.value = value

        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return self.value

    async def answer(value):
        await asyncio.sleep(0)
        return value

    async def at_once(value):
        return value

    def default(obj):
        if isinstance(obj, set):
            return answer(sorted(obj))
        if isinstance(obj, Ask):
            return obj.answer
        return at_once([Ask(None), "nested"])

    def make():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, {"from": "future"})
        return {
            "set": {3, 1, 2},
            "future": Ask(future),
            "task": Ask(asyncio.ensure_future(answer(1.5))),
            "await": Ask(Awaitable([Ask(answer(2))])),
            "generator": Ask(answer(arange(2))),
            "at once": 1j,
        }

    expected = (
        '{"set":[1,2,3],"future":{"from":"future"},"task":1.5,"await":[2],"generator":[0,1],"at once":[null,"nested"]}'
    )
    for chunk_size in CHUNK_SIZES:
        assert await encode(make(), default=default, chunk_size=chunk_size) == expected
    assert await encode(Ask(answer("root")), default=default) == '"root"'


async def test_errors_of_sources_come_out_as_they_are():
    """The exception itself, with the path as a note and the bytes that are out."""
    error = KeyError("gone")

    async def rows():
        yield {"id": 1}
        await asyncio.sleep(0)
        raise error

    with pytest.raises(KeyError) as caught:
        await encode({"rows": [rows()]})
    assert caught.value is error
    assert error.__notes__ == ["while encoding $.rows[0][1]"]
    assert error.bytes_written == 0


async def test_errors_of_awaitables_from_default():
    """The same there. A StopAsyncIteration is no end of anything (generators turn it into a RuntimeError, PEP 525)."""

    async def fail(obj):
        await asyncio.sleep(0)
        raise obj.error

    class Fails:
        def __init__(self, error):
            self.error = error

    error = OSError("no")
    with pytest.raises(OSError, match="no") as caught:
        await encode({"a": [1, Fails(error)]}, default=fail)
    assert caught.value is error
    assert error.__notes__ == ["while encoding $.a[1]"]
    with pytest.raises(RuntimeError, match="StopAsyncIteration"):
        await encode({"a": [1, Fails(StopAsyncIteration())]}, default=fail)


async def test_what_cannot_be_awaited():
    """Broken protocols are TypeErrors that say so."""

    class NoAwaitable:
        def __aiter__(self):
            return self

        def __anext__(self):
            return 1

    class NoIterator:
        def __aiter__(self):
            return 1

    with pytest.raises(TypeError, match="async iterator gave a int, which cannot be awaited"):
        await encode([NoAwaitable()])
    with pytest.raises(TypeError, match=r"__aiter__\(\) of NoIterator returned a int"):
        await encode([NoIterator()])


def test_the_synchronous_functions_say_no():
    """dumps awaits nothing."""
    with pytest.raises(rjson.EncodeError, match="Cursor is not JSON serializable"):
        rjson.dumps([Cursor(1)])


@pytest.mark.skipif(not hasattr(asyncio, "timeout"), reason="asyncio.timeout came with 3.11")
async def test_a_timeout_of_a_source_reaches_it_while_its_next_turn_is_waited_for():
    """It is not the caller who is cancelled."""

    async def source():
        try:
            async with asyncio.timeout(0.02):
                while True:
                    await asyncio.sleep(0)
        except TimeoutError:
            yield "timed out"

    async def busy():
        async for _ in aio.iterencode([list(range(1000))] * 1_000_000):
            pass

    others = [asyncio.ensure_future(busy()) for _ in range(3)]
    for _ in range(5):
        assert await encode({"page": [{"rows": source()}]}) == '{"page":[{"rows":["timed out"]}]}'
    for other in others:
        other.cancel()
    await asyncio.wait(others)


# ---- when bytes leave


async def times_of_chunks(obj, **options):
    started = time.monotonic()
    return [(time.monotonic() - started, chunk) async for chunk in aio.iterencode(obj, **options)]


async def slow(items, pause):
    for item in items:
        yield item
        await asyncio.sleep(pause)


async def test_a_slow_source_does_not_hold_back_what_is_there():
    """With the default, what is encoded leaves soon although the source has nothing yet."""
    chunks = [chunk async for chunk in aio.iterencode({"head": 1, "rows": slow(["a", "b"], 0.1)})]
    assert chunks == [b'{"head":1,"rows":["a"', b',"b"', b"]}"]


async def test_idle_time():
    """A number is how long bytes wait at most: a source that is faster than that is not flushed for each item."""
    assert len([c async for c in aio.iterencode(slow("abc", 0.02), flush=5)]) == 1
    # Not even if every wait is short: 60 items of 5 ms are 300 ms.
    chunks = [c async for c in aio.iterencode(slow(["x"] * 60, 0.005), flush=0.05)]
    assert 3 <= len(chunks) <= 20
    assert b"".join(chunks) == stdlib(["x"] * 60).encode()


async def test_flush_when_full():
    """ "full" waits for as long as the source does."""
    assert len([c async for c in aio.iterencode(slow("abc", 0.05), flush="full")]) == 1
    chunks = [c async for c in aio.iterencode(slow(["x" * 300] * 4, 0.01), flush="full", chunk_size=512)]
    assert len(chunks) >= 3


@pytest.mark.parametrize("make", [lambda: ready("abc"), lambda: iter("abc")], ids=["async", "sync"])
async def test_flush_after_each_item(make):
    """ "item" flushes between the items of the outermost lazily produced array, ready or not."""
    chunks = [c async for c in aio.iterencode({"head": 1, "rows": make()}, flush="item")]
    assert chunks == [b'{"head":1,"rows":', b'["a"', b',"b"', b',"c"', b"]}"] or chunks == [
        b'{"head":1,"rows":["a"',
        b',"b"',
        b',"c"',
        b"]}",
    ]
    # Each array that is in no other is one.
    chunks = [c async for c in aio.iterencode({"a": make(), "b": make()}, flush="item")]
    assert chunks[-3:] == [b',"b"', b',"c"', b"]}"]
    assert len(chunks) >= 6
    # Not between the items of those within.
    chunks = [c async for c in aio.iterencode((iter([1, 2, 3]) for _ in range(2)), flush="item")]
    assert chunks == [b"[[1,2,3]", b",[1,2,3]", b"]"]


async def test_flush_reaches_the_reader():
    """And so on a connection: the reader has the first row while the second is being waited for."""
    release = asyncio.Event()

    async def rows():
        yield {"id": 1}
        await release.wait()
        yield {"id": 2}

    async def serve(reader, writer):
        await aio.dump({"rows": rows()}, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert await reader.readuntil(b"}") == b'{"rows":[{"id":1}'
    release.set()
    assert await reader.read() == b',{"id":2}]}'
    writer.close()
    server.close()


# ---- what is left behind


@pytest.mark.parametrize("where", ["before the first", "in the middle"])
async def test_ending_iterencode_early_closes_the_generators(where):
    """aclose(): async generators and plain ones, begun ones only, each at once."""
    closed = []

    async def outer():
        try:
            while True:
                yield inner()
        finally:
            await asyncio.sleep(0)
            closed.append("outer")

    def inner():
        try:
            for i in itertools.count():
                yield "x" * 100 + str(i)
        finally:
            closed.append("inner")

    stream = aio.iterencode([outer()], chunk_size=512)
    if where == "in the middle":
        start = b""
        while len(start) < 4:  # a piece leaves early where the machine is busy
            start += await stream.__anext__()
        assert start.startswith(b'[[["')
    await stream.aclose()
    assert closed == (["inner", "outer"] if where == "in the middle" else [])


async def test_a_source_that_is_waited_for_is_closed():
    """aclose() while a chunk was taken from in front of a source that has nothing yet."""
    closed = []

    async def rows():
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            closed.append("rows")

    stream = aio.iterencode({"rows": rows()}, flush=0.01)
    assert await stream.__anext__() == b'{"rows":[1'
    await stream.aclose()
    assert closed == ["rows"]


async def test_errors_while_closing_do_not_hide_the_first():
    """A generator whose cleanup fails is reported to the loop's exception handler."""
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context["exception"]))

    async def bad_cleanup():
        try:
            while True:
                yield 1j
        finally:
            raise OSError("cleanup")

    with pytest.raises(rjson.EncodeError, match="complex"):
        await encode([bad_cleanup()])
    assert [str(e) for e in reports] == ["cleanup"]


async def test_memory_of_a_paused_document_is_collected():
    """A document that was dropped in the middle, in a reference cycle with its own pump, goes with the garbage."""

    class Marker:
        alive = 0

        def __init__(self):
            Marker.alive += 1

        def __del__(self):
            Marker.alive -= 1

    def rows(marker, holder):
        while True:
            yield [marker is None, "x" * 600]

    holder = []
    marker = Marker()
    stream = aio.iterencode(rows(marker, holder), chunk_size=512)
    holder.append(stream)
    await stream.__anext__()
    await stream.aclose()
    del stream, marker
    holder.clear()
    gc.collect()
    assert Marker.alive == 0


async def test_a_million_items_of_an_async_source():
    """Steady memory and no leak of references per item."""
    import sys

    item = {"id": 1}
    before = sys.getrefcount(item)
    size = 0
    async for chunk in aio.iterencode(ready(itertools.repeat(item, 200_000))):
        size += len(chunk)
    assert size == len('{"id":1},') * 200_000 + 1
    assert sys.getrefcount(item) <= before + 1  # since 3.14 what is repeated lives a little longer
