"""rjson.aio.Writer: many documents, framed, on one target."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading

import pytest

import rjson
from aio_helpers import connection, dechunk, finish
from helpers import CHUNK_SIZES, stdlib
from rjson import aio

DOCS = [{"a": 1}, [], 1, 2, "s", None, 3.5, [1], True, {"big": "é" * 3000}, -1, iter([1, 2])]


def docs():
    return [*DOCS[:-1], iter([1, 2])]


TEXTS = [stdlib(d) for d in DOCS[:-1]] + ["[1,2]"]
FRAMED = {
    "lines": "".join(t + "\n" for t in TEXTS),
    "array": "[" + ",".join(TEXTS) + "]",
    "seq": "".join("\x1e" + t + "\n" for t in TEXTS),
    "concat": '{"a":1}[]1 2 "s"null 3.5 [1]true ' + TEXTS[9] + "-1 [1,2]",
    "http-chunked": '{"a":1}[]1 2 "s"null 3.5 [1]true ' + TEXTS[9] + "-1 [1,2]",
}


def test_the_framings_can_be_read():
    """What this file expects is itself readable: concatenated documents by a decoder that reads one after the other."""
    decoder, text, values = json.JSONDecoder(), FRAMED["concat"], []
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip()
    assert values == [json.loads(t) for t in TEXTS]


@pytest.mark.parametrize("framing", FRAMED)
@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("http_chunked", [False, True])
@pytest.mark.parametrize("flush", ["full", 0.01])
async def test_framings(framing, chunk_size, http_chunked, flush):
    """Byte for byte, at every chunk size, alone and as a chunked body, collected or sent one by one."""
    async with connection("stream") as (target, peer):
        async with aio.Writer(
            target, framing=framing, http_chunked=http_chunked, chunk_size=chunk_size, flush=flush
        ) as writer:
            sizes = [await writer.write(doc) for doc in docs()]
        assert sum(sizes) + (framing == "array") == writer.bytes_written == len(FRAMED[framing].encode())
        await finish(target)
        data = await peer.result()
    if http_chunked or framing == "http-chunked":
        data = dechunk(data)
    assert data.decode() == FRAMED[framing]


@pytest.mark.parametrize(
    ("framing", "expected"),
    [("lines", b""), ("array", b"[]"), ("seq", b""), ("concat", b""), ("http-chunked", b"0\r\n\r\n")],
)
async def test_no_documents(framing, expected):
    """An empty stream is a valid one."""
    async with connection("stream") as (target, peer):
        async with aio.Writer(target, framing=framing):
            pass
        await finish(target)
        assert await peer.result() == expected


@pytest.mark.parametrize("framing", ["lines", "array", "seq", "concat", "http-chunked"])
async def test_dump_with_framing(framing):
    """dump() takes them too: one document, and whatever ends the stream."""
    for doc in ({"a": 1}, {"a": ["x" * 10_000] * 30}):
        text = stdlib(doc).encode()
        expected = {"lines": text + b"\n", "array": b"[" + text + b"]", "seq": b"\x1e" + text + b"\n"}.get(framing, text)
        async with connection("stream") as (target, peer):
            assert await aio.dump(doc, target, framing=framing) == len(expected)
            await finish(target)
            data = await peer.result()
        assert (dechunk(data) if framing == "http-chunked" else data) == expected


async def test_a_real_http_client_reads_the_body():
    """http.client decodes the chunked response of a bare asyncio server, document after document, on one connection."""

    async def rows():
        for i in range(2000):
            yield {"id": i, "name": "é" * (i % 50)}

    async def serve(reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                async with aio.Writer(writer, framing="http-chunked", chunk_size=3000) as body:
                    await body.write({"rows": rows()})
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        results = []
        for _ in range(3):
            connection.request("GET", "/")
            results.append(json.loads(connection.getresponse().read()))
        connection.close()
        return results

    results = await asyncio.get_running_loop().run_in_executor(None, client)
    assert results == [{"rows": [{"id": i, "name": "é" * (i % 50)} for i in range(2000)]}] * 3
    server.close()


async def test_a_torn_chunked_body_is_an_error_for_a_real_http_client():
    """It does not look like a short response."""

    def rows():
        yield from range(100_000)
        raise ValueError("database is gone")

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ValueError, match="gone"):
            await aio.dump(rows(), writer, framing="http-chunked")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/")
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            connection.getresponse().read()
        connection.close()

    await asyncio.get_running_loop().run_in_executor(None, client)
    server.close()


@pytest.mark.parametrize("framing", ["lines", "array"])
@pytest.mark.parametrize("flush", ["full", 0.01])
async def test_concurrent_writes(framing, flush):
    """Documents stay whole, in the order of the calls, whatever they wait for meanwhile."""

    async def slow(i):
        for k in range(5):
            await asyncio.sleep(0.001 * ((i + k) % 3))
            yield [i, k, "x" * 3000]

    async with connection("stream", pause=0.0005) as (target, peer):
        async with aio.Writer(target, framing=framing, flush=flush) as writer:
            await asyncio.gather(*(writer.write({"doc": i, "items": slow(i)}) for i in range(20)))
        await finish(target)
        data = await peer.result()
    expected = [{"doc": i, "items": [[i, k, "x" * 3000] for k in range(5)]} for i in range(20)]
    assert ([json.loads(line) for line in data.splitlines()] if framing == "lines" else json.loads(data)) == expected


async def test_a_cancelled_wait_for_the_turn_writes_nothing():
    """The others go on."""
    release = asyncio.Event()

    async def slow():
        await release.wait()
        yield 1

    async with connection("stream") as (target, peer):
        async with aio.Writer(target) as writer:
            tasks = [asyncio.create_task(writer.write(doc)) for doc in (slow(), "cancelled", "last")]
            await asyncio.sleep(0.01)
            tasks[1].cancel()
            release.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert tasks[1].cancelled()
        await finish(target)
        assert await peer.result() == b'[1]\n"last"\n'


async def test_flush_full_collects():
    """Small documents leave together, when the chunk is full or somebody says so."""
    pieces = []

    class Target:
        async def write(self, data):
            pieces.append(bytes(data))

    async with aio.Writer(Target(), flush="full", chunk_size=1000) as writer:
        await writer.write(1)
        await writer.write(2)
        assert pieces == []
        await writer.flush()
        await writer.flush()
        assert pieces == [b"1\n2\n"]
        for i in range(1000):
            await writer.write(i)
        assert 4 <= len(pieces) <= 12
    assert b"".join(pieces) == b"1\n2\n" + b"".join(b"%d\n" % i for i in range(1000))


@pytest.mark.parametrize("flush", ["full", 0.01])
async def test_a_document_that_fails_early_leaves_no_trace(flush):
    """Nothing of it was sent, so the writer goes on: framing, order and all."""
    async with connection("stream") as (target, peer):
        async with aio.Writer(target, framing="array", flush=flush) as writer:
            for doc in (1j, 1, [2, 1j], 3, {"a": {"b": 1j}}):
                if isinstance(doc, int):
                    await writer.write(doc)
                else:
                    with pytest.raises(rjson.EncodeError) as caught:
                        await writer.write(doc)
                    assert caught.value.bytes_written == 0
        await finish(target)
        assert await peer.result() == b"[1,3]"


async def test_a_writer_that_failed_refuses_further_documents():
    """In the middle of a document: the connection is reset, and every later call says why."""

    def rows():
        yield "x" * 300_000
        raise KeyError("middle")

    async with connection("stream") as (target, peer):
        writer = aio.Writer(target)
        await writer.write("whole")
        waiting = asyncio.create_task(writer.write(rows()))
        behind = asyncio.create_task(writer.write("behind"))
        with pytest.raises(KeyError):
            await waiting
        for refused in (behind, writer.write("more"), writer.flush()):
            with pytest.raises(ConnectionAbortedError, match="failed before: KeyError") as caught:
                await refused
            assert isinstance(caught.value.__cause__, KeyError)
        await writer.close()  # has nothing left to do
        await finish(target)
        data = await peer.result()
        assert data.startswith(b'"whole"\n["xx')
        assert b"behind" not in data
        assert isinstance(peer.error, ConnectionResetError)


async def test_a_lost_connection_is_remembered():
    """A ConnectionError first, and then refusals."""
    async with connection("stream") as (target, _):
        writer = aio.Writer(target)
        await writer.write(1)
        target.transport.abort()
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await writer.write(2)
        with pytest.raises(ConnectionError):
            await writer.flush() if writer.bytes_written == 0 else await writer.write(3)


async def test_an_exception_in_the_block_aborts():
    """The peer must not take an unfinished stream for a finished one."""
    async with connection("stream") as (target, peer):
        with pytest.raises(ZeroDivisionError):
            async with aio.Writer(target, framing="array") as writer:
                await writer.write(1)
                raise ZeroDivisionError
        assert target.transport.is_closing()
        with pytest.raises(ValueError, match="closed"):
            await writer.write(2)
        assert await peer.result() in (b"[1", b"")
        assert isinstance(peer.error, ConnectionResetError)


async def test_an_exception_before_anything_was_sent_leaves_the_target_alone():
    """There is nothing to take back, and an error reply to be sent."""
    async with connection("stream") as (target, peer):
        with pytest.raises(ZeroDivisionError):
            async with aio.Writer(target, framing="array", flush="full") as writer:
                await writer.write("collected, not sent")
                raise ZeroDivisionError
        await aio.dump("error", target)
        await finish(target)
        assert await peer.result() == b'"error"'


async def test_closed_writers():
    """Closing twice does nothing; writing afterwards is a ValueError, as with files."""
    async with connection("stream") as (target, peer):
        writer = aio.Writer(target, framing="array")
        await writer.write(1)
        await writer.close()
        await writer.close()
        for call in (writer.write(2), writer.flush()):
            with pytest.raises(ValueError, match="the writer is closed"):
                await call
        await finish(target)
        assert await peer.result() == b"[1]"


async def test_a_document_cannot_write_to_its_own_writer():
    """It would wait for itself for ever."""
    async with connection("stream") as (target, peer):

        async def default(obj):
            await writer.write("inner")

        writer = aio.Writer(target, default=default)
        with pytest.raises(RuntimeError, match="used by the document that it is writing"):
            await writer.write([1j])
        await writer.write([1])
        await finish(target)
        assert await peer.result() == b"[1]\n"


@pytest.mark.parametrize("how", ["timeout", "cancelled"])
@pytest.mark.parametrize(("framing", "expected"), [("array", b"1,2]"), ("concat", b"1 2"), ("seq", b"1\n\x1e2\n")])
@pytest.mark.parametrize("first", [False, True])
async def test_a_document_that_the_target_took_nothing_of_leaves_no_trace(how, framing, expected, first):
    """What comes next has the framing that it would have without it: no comma before the first item, a space between numbers."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    writer = aio.Writer(ours, framing=framing, timeout=0.1 if how == "timeout" else None)
    if not first:
        await writer.write(1)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += ours.send(b"\0" * 1000)
    failures = []

    async def fail():  # looks itself: before 3.11 who awaits a cancelled task gets another exception than the task did
        try:
            await writer.write([5])
        except BaseException as e:
            failures.append(e)
            raise

    with pytest.raises(TimeoutError if how == "timeout" else asyncio.CancelledError):
        task = asyncio.create_task(fail())
        if how == "cancelled":
            await asyncio.sleep(0.05)
            task.cancel()
        await task
    assert [e.bytes_written for e in failures] == [0]
    assert writer.documents == (not first)
    with contextlib.suppress(BlockingIOError):
        data = b""
        while True:
            data += theirs.recv(1 << 20)
    await writer.write(2)
    await writer.close()
    data += theirs.recv(100)
    ours.close()
    theirs.close()
    if first:
        expected = {"array": b"[2]", "concat": b"2", "seq": b"\x1e2\n"}[framing]
    else:
        expected = {"array": b"[", "concat": b"", "seq": b"\x1e"}[framing] + expected
    assert data.replace(b"\0", b"") == expected


async def by_await(task):
    return await task


async def by_gather(task):
    await asyncio.gather(asyncio.sleep(0), task)


async def by_wait(task):
    await asyncio.wait([task])
    await task


async def by_wait_for(task):
    await asyncio.wait_for(task, 60)


async def by_shield(task):
    await asyncio.shield(task)


async def by_another_task(task):
    await asyncio.create_task(by_await(task))


async def by_a_task_group(task):
    if not hasattr(asyncio, "TaskGroup"):
        return await task
    async with asyncio.TaskGroup() as group:
        group.create_task(by_await(task))


async def through_a_queue_of_callbacks(task):
    future = asyncio.get_running_loop().create_future()
    task.add_done_callback(lambda task: future.done() or future.set_result(None))
    await future
    await task


WAYS = [by_await, by_gather, by_wait, by_wait_for, by_shield, by_another_task, by_a_task_group, through_a_queue_of_callbacks]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["source", "default", "object", "fan-out"])
async def test_a_document_cannot_wait_for_another_task_that_writes_there(way, what):
    """Whichever way it waits: an error that says so, in that task, and the document fails with it."""
    if what == "fan-out":
        uv = pytest.importorskip("rjson.uv")
    async with connection("stream") as (target, peer):

        async def source():
            yield 1
            await way(asyncio.create_task(write("inner")))

        async def default(obj):
            await way(asyncio.create_task(write("inner")))

        if what == "fan-out":
            writer = uv.Fanout([target])
            write = writer.apublish
        else:
            writer = aio.Writer(target, default=default)
            write = writer.write
        with pytest.raises(Exception) as caught:  # noqa: PT011
            async with asyncio.timeout(20) if hasattr(asyncio, "timeout") else contextlib.nullcontext():
                if what == "object":
                    async with writer.object():
                        await writer.key("a")
                        await way(asyncio.create_task(write("inner")))
                else:
                    await write([source() if what != "default" else 1j])
        error = caught.value
        while hasattr(error, "exceptions"):
            error = error.exceptions[0]
        assert isinstance(error, RuntimeError)
        assert "waits for its turn" in str(error)
        if what == "fan-out":
            await writer.aclose()
        await finish(target)
        await peer.result()


async def test_a_task_of_the_document_that_it_does_not_wait_for_may_write():
    """It has its turn after the document, however long that takes."""
    async with connection("stream") as (target, peer):
        tasks = []

        async def source():
            for i in range(4):
                tasks.append(asyncio.create_task(writer.write(i)))
                await asyncio.wait([asyncio.create_task(asyncio.sleep(0.2))])
                yield "item"

        writer = aio.Writer(target)
        await writer.write(source())
        await asyncio.gather(*tasks)
        await writer.close()
        await finish(target)
        assert await peer.result() == b'["item","item","item","item"]\n0\n1\n2\n3\n'


def test_a_document_cannot_wait_for_another_task_on_trio():
    """Of a nursery that it has opened; tasks of others have their turn."""
    trio = pytest.importorskip("trio")
    testing = pytest.importorskip("trio.testing")

    async def main():
        send, receive = testing.memory_stream_pair()

        async def default(obj):
            async with trio.open_nursery() as inner:
                inner.start_soon(writer.write, "inner")

        async def slow(obj):
            await trio.sleep(0.05)
            return obj

        writer = aio.Writer(send, default=default)
        with trio.fail_after(20), pytest.raises(Exception) as caught:  # noqa: PT011
            await writer.write([1j])
        error = caught.value
        while hasattr(error, "exceptions"):
            error = error.exceptions[0]
        assert "waits for its turn" in str(error)

        async def item():
            await trio.sleep(0.05)
            yield "slow"

        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.write, item())
            await trio.sleep(0.01)
            nursery.start_soon(writer.write, 1)
            await writer.write(2)
        await send.aclose()
        data = b""
        async for part in receive:
            data += part
        assert sorted(data.split()) == [b"1", b"2", b'["slow"]']

    trio.run(main)


async def test_abort():
    """abort() while a document waits for its reader: that write fails, and the connection is reset."""
    async with connection("stream", limit=1) as (target, peer):
        writer = aio.Writer(target)
        task = asyncio.create_task(writer.write(["x" * 1000] * 20_000))
        await asyncio.get_running_loop().run_in_executor(None, peer.reached_limit.wait)
        await asyncio.sleep(0.02)
        await writer.abort()
        with pytest.raises(ConnectionError):
            await task
        peer.resume()
        await peer.result()
        assert isinstance(peer.error, ConnectionResetError)


def test_unclosed_generators_of_threads():
    """Writers of two loops in two threads do not meet."""
    errors = []

    def work():
        async def main():
            async with connection("stream") as (target, peer):
                async with aio.Writer(target) as writer:
                    for i in range(200):
                        await writer.write({"i": i, "x": "y" * 2000})
                await finish(target)
                assert len((await peer.result()).splitlines()) == 200

        try:
            asyncio.run(main())
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
