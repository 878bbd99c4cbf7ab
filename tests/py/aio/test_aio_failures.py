"""rjson.aio: what goes wrong in the middle of a document: what the caller learns, what the peer got, what is left behind."""

import asyncio
import gc
import json
import socket
import ssl
import struct
import subprocess
import sys
import warnings

import pytest

import rjson
from aio_helpers import PLAIN_KINDS, UV_KINDS, Bare, Stingy, connection, finish
from helpers import HAS_UV, stdlib, tcp_pair
from rjson import aio

# What a peer's read raises where a message was torn: over TCP a reset, over TLS an end without its goodbye, or a reset.
TORN = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)  # by what the peer was doing


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """No coroutine that was never awaited, no unclosed transport, no error in a callback."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()


class Sources:
    """A document with open generators of both kinds, and a record of what became of them."""

    def __init__(self, rows=10_000, fail_at=None, error=None):
        self.closed = []
        self.rows, self.fail_at, self.error = rows, fail_at, error

    async def outer(self):
        try:
            yield self.inner()
        finally:
            await asyncio.sleep(0)
            self.closed.append("outer")

    def inner(self):
        try:
            for i in range(self.rows):
                if i == self.fail_at:
                    raise self.error
                yield {"id": i, "pad": "p" * 100}
        finally:
            self.closed.append("inner")

    def document(self):
        return {"rows": [self.outer()]}

    def text(self):
        return stdlib({"rows": [[[{"id": i, "pad": "p" * 100} for i in range(self.rows)]]]}).encode()


def is_torn(data, whole):
    """A proper prefix, and so nothing that parses."""
    with pytest.raises(json.JSONDecodeError):
        json.loads(data)
    return whole.startswith(data) and data != whole


class Recorded:
    """Awaits in a task of its own, and keeps the exception as it left (Python 3.10 makes another for whoever awaits the task)."""

    def __init__(self, coroutine):
        self.error = None
        self.task = asyncio.create_task(self._run(coroutine))

    async def _run(self, coroutine):
        try:
            return await coroutine
        except BaseException as e:
            self.error = e
            raise

    async def cancel(self):
        """The error that the cancellation ended with, None if it came too late or was survived."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        assert self.error is None or isinstance(self.error, asyncio.CancelledError)
        return self.error


# ---- the document fails


@pytest.mark.parametrize("kind", ["stream", "transport", "socket", "tls", "awaitable", *UV_KINDS[:1]])
async def test_a_source_that_raises_resets_the_connection(kind, certificate):
    """The peer got a part, and over TCP an error with it; never a short document that ends like a whole one."""
    error = ValueError("row 9000")
    sources = Sources(fail_at=9000, error=error)
    async with connection(kind, certificate) as (target, peer):
        with pytest.raises(ValueError, match="row 9000") as caught:
            await aio.dump(sources.document(), target)
        assert caught.value is error
        assert error.__notes__ == ["while encoding $.rows[0][0][9000]"]
        await finish(target)
        data = await peer.result()
        assert error.bytes_written > 0
        assert len(data) <= error.bytes_written
        assert is_torn(data, sources.text())
        if kind != "awaitable":  # which is not ours to reset
            assert isinstance(peer.error, TORN), peer.error
    assert sources.closed == ["inner", "outer"]


@pytest.mark.parametrize("kind", ["stream", "transport", "socket", "awaitable", *UV_KINDS])
async def test_nothing_was_sent_nothing_is_broken(kind):
    """A document that fails in its first chunk sends nothing, and the connection can be used: for a 500, say."""
    sources = Sources(rows=10, fail_at=5, error=KeyError("early"))
    async with connection(kind) as (target, peer):
        with pytest.raises(KeyError) as caught:
            await aio.dump(sources.document(), target)
        assert caught.value.bytes_written == 0
        with pytest.raises(rjson.EncodeError) as failed:
            await aio.dump({"a": [1, 1j]}, target)
        assert (failed.value.path, failed.value.bytes_written) == ("$.a[1]", 0)
        assert await aio.dump({"error": 500}, target) == 13
        await finish(target)
        assert await peer.result() == b'{"error":500}'
    assert sources.closed == ["inner", "outer"]


@pytest.mark.parametrize("n", [0, 1, 5, 17, 40])
async def test_default_raises_at_the_nth_chunk(n):
    """What was sent before is a prefix of the document, and counted."""

    def default(obj):
        raise OverflowError("default")

    doc = ["x" * 500] * n + [1j]
    async with connection("stream") as (target, peer):
        with pytest.raises(OverflowError) as caught:
            await aio.dump(doc, target, chunk_size=512, default=default)
        assert caught.value.__notes__ == [f"while encoding $[{n}]"]
        await finish(target)
        data = await peer.result()
        assert len(data) <= caught.value.bytes_written
        assert stdlib(["x" * 500] * n)[:-1].encode().startswith(data)
        assert (caught.value.bytes_written == 0) == (n == 0)


# ---- the peer


@pytest.mark.parametrize("kind", PLAIN_KINDS)
@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_peer_that_goes_away(kind, how):
    """It is a ConnectionError, soon, with what was written; the sources are closed."""
    sources = Sources(rows=10_000_000)
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair() if kind == "unix" else tcp_pair()
    ours.setblocking(False)
    if kind in ("stream", "unix"):
        _, target = await asyncio.open_connection(sock=ours)
    else:
        target, _ = await loop.create_connection(Bare, sock=ours)
    task = asyncio.create_task(aio.dump(sources.document(), target))
    theirs.setblocking(False)
    assert (await loop.sock_recv(theirs, 1000)).startswith(b'{"rows":[[[')
    if how == "reset" and kind != "unix":
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    with pytest.raises(ConnectionError) as caught:
        await task
    assert caught.value.bytes_written > 0
    assert sources.closed == ["inner", "outer"]
    with pytest.raises(ConnectionError) as caught:
        await aio.dump({}, target)
    assert caught.value.bytes_written == 0
    await finish(target)


@pytest.mark.parametrize("kind", ["stream", "transport", "slotted", "unix", "socket", "tls", "awaitable", "pipe", *UV_KINDS])
async def test_timeout(kind, certificate):
    """A peer that takes nothing for that long is a TimeoutError, and the connection is gone."""
    sources = Sources(rows=1_000_000)
    async with connection(kind, certificate, limit=1) as (target, peer):
        with pytest.raises(TimeoutError, match="timed out") as caught:
            await aio.dump(sources.document(), target, timeout=0.1)
        assert caught.value.bytes_written >= 0
        if hasattr(target, "is_closing"):
            assert target.is_closing()
        assert sources.closed == ["inner", "outer"]
        del peer


async def test_timeout_is_for_no_progress():
    """A reader that is slow and steady may take longer than the timeout for the whole."""
    doc = ["x" * 1000] * 6000
    async with connection("unix", pause=0.01, size=100_000) as (target, peer):
        target.transport.set_write_buffer_limits(high=4_000_000, low=0)  # one wait of half a second
        assert await aio.dump(doc, target, timeout=0.2) == 1003 * 6000 + 1
        await finish(target)
        assert len(await peer.result()) == 1003 * 6000 + 1


async def test_a_source_is_not_a_target():
    """The timeout is about the target: a source may take its time."""

    async def slow():
        await asyncio.sleep(0.2)
        yield 1

    async with connection("stream") as (target, peer):
        await aio.dump(slow(), target, timeout=0.05)
        await finish(target)
        assert await peer.result() == b"[1]"


# ---- cancellation


@pytest.mark.parametrize("kind", ["stream", "transport", "socket", "awaitable", "tls", *UV_KINDS[:1]])
async def test_cancel_while_the_peer_does_not_read(kind, certificate):
    """CancelledError with .bytes_written, the connection reset, the generators closed."""
    sources = Sources(rows=1_000_000)
    async with connection(kind, certificate, limit=1) as (target, peer):
        task = Recorded(aio.dump(sources.document(), target))
        await asyncio.get_running_loop().run_in_executor(None, peer.reached_limit.wait)
        await asyncio.sleep(0.02)
        assert (await task.cancel()).bytes_written > 0
        assert sources.closed == ["inner", "outer"]
        await finish(target)
        peer.resume()
        data = await peer.result()
        assert is_torn(data, stdlib({"rows": [[[{"id": i, "pad": "p" * 100} for i in range(100_000)]]]}).encode()[:-100])
        if kind not in ("awaitable",):
            assert isinstance(peer.error, TORN)


async def test_cancel_at_every_boundary_in_turn():
    """Wherever the cancellation comes: the peer has a prefix or all of it, and nothing is left behind."""
    step = 1
    finished = False
    whole = Sources(rows=300).text()
    while not finished:
        sources = Sources(rows=300)
        async with connection("stream") as (target, peer):
            pauses = 0
            task = Recorded(aio.dump(sources.document(), target, chunk_size=512, slice_us=1))
            while pauses < step and not task.task.done():
                await asyncio.sleep(0)
                pauses += 1
            finished = task.task.done()
            error = await task.cancel()
            await finish(target)
            data = await peer.result()
            if finished:
                assert task.task.result() == len(whole)
                assert data == whole
            else:
                assert task.task.cancelled()
                assert whole.startswith(data)
                assert sources.closed in (
                    [],
                    ["outer"],
                    ["inner", "outer"],
                    ["inner"],
                )  # "outer" may be cancelled in its cleanup
                assert len(data) <= error.bytes_written
        step += 1 if step < 12 else 7
    assert step > 20


async def test_cancel_when_all_is_handed_over():
    """A document that the transport has as a whole is not torn by a cancellation that comes after."""
    doc = ["x" * 1000] * 200
    async with connection("unix", limit=1) as (target, peer):
        ours = target.get_extra_info("socket")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        target.transport.set_write_buffer_limits(high=0)
        task = Recorded(aio.dump(doc, target, chunk_size=1 << 20))
        await asyncio.sleep(0.05)
        assert not task.task.done()
        assert (await task.cancel()).bytes_written == 1003 * 200 + 1
        assert not target.transport.is_closing()
        peer.resume()
        await finish(target)
        assert await peer.result() == stdlib(doc).encode()


@pytest.mark.parametrize("flush", ["full", 0.01, "item"])
async def test_cancel_while_a_source_is_awaited(flush):
    """The source sees the cancellation where it waits, and may clean up; the future that it waits for is cancelled."""
    seen = []
    waited_for = []

    async def rows():
        try:
            yield "x" * 1000
            waited_for.append(asyncio.get_running_loop().create_future())
            await waited_for[0]
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("cancelled")
            raise

    async with connection("stream") as (target, _):
        task = Recorded(aio.dump({"rows": rows()}, target, flush=flush))
        await asyncio.sleep(0.001 if flush == 0.01 else 0.05)
        error = await task.cancel()
        assert seen == ["cancelled"]
        assert waited_for[0].cancelled()
        assert (error.bytes_written > 0) == (flush == "item")
        assert target.transport.is_closing() == (flush == "item")


async def test_a_source_may_survive_cancellation():
    """As any coroutine may: then the document goes on."""

    async def rows():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            yield "survived"

    async with connection("stream") as (target, peer):
        task = asyncio.create_task(aio.dump({"rows": rows()}, target))
        await asyncio.sleep(0.001)
        task.cancel()
        assert await task == 21
        await finish(target)
        assert await peer.result() == b'{"rows":["survived"]}'


async def test_outer_timeouts():
    """asyncio.wait_for around a dump: TimeoutError there, everything cleaned up here."""
    sources = Sources(rows=1_000_000)
    async with connection("stream", limit=1) as (target, _):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aio.dump(sources.document(), target), 0.1)
        assert sources.closed == ["inner", "outer"]
        assert target.transport.is_closing()


def test_a_loop_that_ends_in_the_middle():
    """asyncio.run() that returns, and a loop that is closed under a document: no warning, no traceback."""
    code = """
import asyncio, gc, socket
from rjson import aio
closed = []
def rows():
    try:
        while True:
            yield "x" * 1000
    finally:
        closed.append("rows")
async def slow():
    try:
        while True:
            yield 1
            await asyncio.sleep(60)
    finally:
        closed.append("slow")
async def start(doc):
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    task = asyncio.create_task(aio.dump(doc, writer))
    await asyncio.sleep(0.05)
    return task, theirs, writer
async def main():
    keep.append(await start({"rows": rows()}))
    keep.append(await start({"rows": slow()}))
keep = []
asyncio.run(main())  # cancels them
assert sorted(closed) == ["rows", "slow"], closed
assert all(task.cancelled() for task, _, _ in keep)
for _, theirs, _ in keep: theirs.close()
keep.clear(); closed.clear()
loop = asyncio.new_event_loop()
task, theirs, writer = loop.run_until_complete(start({"rows": rows()}))
writer.transport.abort()
loop.call_soon(loop.stop)
loop._ready.clear() if hasattr(loop, "_ready") else None
loop.close()
task._log_destroy_pending = False
coroutine = task.get_coro()
coroutine.close()
theirs.close()
del task, coroutine, writer
gc.collect()
assert closed == ["rows"], closed
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "never awaited" not in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_coroutine_that_is_closed():
    """Thrown away in the middle, without the loop: the transport is aborted, the generators are closed."""
    sources = Sources(rows=1_000_000)

    def rows():
        return sources.inner()

    async with connection("stream", limit=1) as (target, _):
        coroutine = aio.dump({"rows": rows()}, target)
        coroutine.send(None)
        coroutine.close()
        assert target.transport.is_closing()
        assert sources.closed == ["inner"]


# ---- resources


async def test_failures_leak_nothing():
    """References and file descriptors are the same after a hundred failures of each kind."""
    import os

    marker = object()

    class Item:
        def __init__(self):
            self.marker = marker

    def fails(obj):
        raise KeyError

    async def rows():
        for i in range(3):
            yield [Item() if i == 2 else 0] * 1
            await asyncio.sleep(0)

    async def once():
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=ours)
        with pytest.raises(KeyError):
            await aio.dump(rows(), writer, default=fails, chunk_size=512)
        task = asyncio.create_task(aio.dump([Item(), "x" * 3_000_000], writer, default=lambda o: 1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        theirs.close()
        await finish(writer)

    for _ in range(3):
        await once()
    gc.collect()
    descriptors, references = len(os.listdir("/proc/self/fd")), sys.getrefcount(marker)
    for _ in range(20):
        await once()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert sys.getrefcount(marker) == references


async def test_exceptions_with_slots():
    """An exception that takes no attributes comes out without one."""

    class Tight(Exception):
        __slots__ = ()

        def __setattr__(self, name, value):
            raise AttributeError(name)

    def rows():
        yield 1
        raise Tight

    with pytest.raises(Tight):
        await aio.dump(rows(), Stingy(None))


@pytest.mark.parametrize("kind", ["socket", "timeout-socket", "tls-socket"])
@pytest.mark.parametrize("by", ["task", "thread"])
async def test_a_socket_that_is_closed_under_it(kind, by, certificate):
    """dump() ends with an exception that says why, also where the number of the descriptor is another file's by then."""
    async with connection(kind, certificate, limit=1) as (target, _peer):
        task = asyncio.create_task(aio.dump(["x" * 100_000] * 300, target))
        await asyncio.sleep(0.1)
        if by == "thread":
            await asyncio.get_running_loop().run_in_executor(None, target.close)
        else:
            target.close()
        pair = socket.socketpair()  # one of them gets the number
        with pytest.raises(ValueError, match="closed while it was written to") as caught:
            await asyncio.wait_for(task, 20)
        assert caught.value.bytes_written < 30_000_000
        for end in pair:
            end.setblocking(False)
            with pytest.raises(BlockingIOError):
                end.recv(100)
        for end in pair:
            end.close()


def test_a_socket_that_is_closed_under_it_on_trio():
    """The same."""
    trio = pytest.importorskip("trio")

    async def main():
        ours, theirs = socket.socketpair()
        ours.setblocking(False)

        async def close():
            await trio.sleep(0.1)
            ours.close()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(close)
            with trio.fail_after(20), pytest.raises(ValueError, match="closed while it was written to"):
                await aio.dump(["x" * 100_000] * 300, ours)
        theirs.close()

    trio.run(main)


@pytest.mark.skipif(not HAS_UV, reason="built without libuv")
async def test_a_stream_that_is_closed_under_it():
    """rjson.uv's, too."""
    from rjson.uv import Stream

    ours, theirs = socket.socketpair()
    stream = Stream(ours)
    task = asyncio.create_task(aio.dump(["x" * 100_000] * 300, stream))
    await asyncio.sleep(0.1)
    stream.close()
    with pytest.raises(Exception, match="closed"):
        await asyncio.wait_for(task, 20)
    ours.close()
    theirs.close()
