"""rjson.aio: the ways in which event loops, transports and sockets have surprised others, each reproduced."""

import asyncio
import socket

import pytest

from aio_helpers import UV_KINDS, connection, finish
from helpers import stdlib
from rjson import aio


async def test_drain_need_not_yield():
    """With a fast reader, write() and drain() never suspend; a document does, so that a bystander runs."""
    turns = 0

    async def bystander():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with connection("stream", size=1 << 20) as (target, peer):
        # The trap itself: what drain() alone gives a bystander while as much is written.
        task = asyncio.create_task(bystander())
        await asyncio.sleep(0)
        turns = 0
        await aio.dump(["x" * 1000] * 30_000, target)
        assert turns >= 5
        task.cancel()
        peer.data.clear()


async def test_drain_after_abort_returns_as_if_all_were_well():
    """A document does not: the connection is gone, and it says so."""
    async with connection("stream") as (target, _):
        target.transport.abort()
        with pytest.raises(ConnectionError):
            await aio.dump({"small": True}, target)
        with pytest.raises(ConnectionError):
            await aio.dump(["x" * 1000] * 1000, target)
    async with connection("transport") as (target, _):
        target.abort()
        await asyncio.sleep(0.01)
        with pytest.raises(ConnectionError, match="connection lost"):
            await aio.dump({"small": True}, target)


async def test_a_transport_that_is_being_closed():
    """close() was called: what is queued leaves, a document after it does not, and says so."""
    async with connection("stream") as (target, peer):
        target.write(b"before")
        target.close()
        with pytest.raises(ConnectionError):
            await aio.dump({"after": True}, target)
        await finish(target)
        assert await peer.result() == b"before"


async def test_a_transport_that_is_being_closed_for_long():
    """The same, at once, while a peer that does not read keeps it from being closed."""
    async with connection("stream", limit=1) as (target, peer):
        target.write(b"q" * 20_000_000)
        target.close()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(aio.dump({"after": True}, target), 20)
        assert target.transport.get_write_buffer_size() > 0
        del peer


async def test_after_write_eof():
    """The transport's own error; what was sent before is not torn by it."""
    async with connection("stream") as (target, peer):
        await aio.dump([1], target)
        target.write_eof()
        with pytest.raises((RuntimeError, ConnectionError)):
            await aio.dump([2], target)
        await finish(target)
        assert await peer.result() == b"[1]"
        assert peer.error is None


@pytest.mark.parametrize("kind", ["stream", "transport", "tls", "tls-transport", "pipe", "unix"])
async def test_chunks_that_a_transport_keeps(kind, certificate):
    """Transports keep what they are handed (3.12+ and uvloop do). It is not overwritten while they do: with a queue that
    holds many chunks, and a peer that begins to read when the document is complete."""
    doc = [f"{i:050}" for i in range(20_000)]
    # A TLS handshake wants a reader.
    options = {"pause": 0.001} if kind.startswith("tls") else {"limit": 0}
    async with connection(kind, certificate, **options) as (target, peer):
        transport = getattr(target, "transport", target)
        transport.set_write_buffer_limits(high=100_000_000)
        sock = transport.get_extra_info("socket")
        if sock and kind != "pipe":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await aio.dump(doc, target, chunk_size=4096)
        peer.resume()
        await finish(target)
        assert await peer.result() == stdlib(doc).encode()


async def test_tls_is_not_bypassed(certificate):
    """The socket below a TLS transport is the raw one: nothing readable may go over it."""
    seen = bytearray()

    async def tap(reader, writer):
        up_reader, up_writer = await asyncio.open_connection(*server.sockets[0].getsockname())

        async def copy(a, b, keep):
            while data := await a.read(65536):
                if keep:
                    seen.extend(data)
                b.write(data)
            b.close()

        await asyncio.gather(copy(reader, up_writer, False), copy(up_reader, writer, True))

    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader, writer):
        await aio.dump({"secret": ["plaintext"] * 20_000}, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    proxy = await asyncio.start_server(tap, "127.0.0.1", 0)
    client = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    client.check_hostname = False
    reader, writer = await asyncio.open_connection(*proxy.sockets[0].getsockname(), ssl=client, server_hostname="localhost")
    assert await reader.read() == stdlib({"secret": ["plaintext"] * 20_000}).encode()
    writer.close()
    assert len(seen) > 200_000
    assert b"plaintext" not in seen
    await asyncio.sleep(0.05)
    server.close()
    proxy.close()


async def test_low_water_marks_are_the_users():
    """uvloop's low mark is 16 bytes by default. It is respected, and works; asyncio's is 16 KiB."""
    async with connection("stream", pause=0.001) as (target, peer):
        before = target.transport.get_write_buffer_limits()
        await aio.dump(["x" * 1000] * 3000, target)
        assert target.transport.get_write_buffer_limits() == before
        await finish(target)
        assert len(await peer.result()) == 1003 * 3000 + 1


async def test_two_waiting_for_one_transport():
    """A document and somebody else's drain() on one connection: both are woken."""
    async with connection("stream", limit=1) as (target, peer):
        task = asyncio.create_task(aio.dump(["x" * 1000] * 5000, target.transport))
        await asyncio.get_running_loop().run_in_executor(None, peer.reached_limit.wait)
        await asyncio.sleep(0.02)
        drain = asyncio.create_task(target.drain())
        await asyncio.sleep(0.02)
        peer.resume()
        assert await asyncio.wait_for(task, 20) == 1003 * 5000 + 1
        await asyncio.wait_for(drain, 20)
        await finish(target)
        assert len(await peer.result()) == 1003 * 5000 + 1


@pytest.mark.parametrize("kind", ["stream", "socket", "awaitable", *UV_KINDS])
async def test_two_documents_at_once(kind):
    """They would end up in one another. The second is refused, however small, by whatever way; the first is not harmed."""
    doc = ["x" * 1000] * 5000
    async with connection(kind, limit=1) as (target, peer):
        task = asyncio.create_task(aio.dump(doc, target))
        await asyncio.get_running_loop().run_in_executor(None, peer.reached_limit.wait)
        await asyncio.sleep(0.02)
        for other in (target, getattr(target, "transport", target)):
            with pytest.raises(RuntimeError, match="another document is being written there"):
                await aio.dump([], other)
        with pytest.raises(RuntimeError, match="another document is being written there"):
            await aio.Writer(target).write([])
        peer.resume()
        await task
        assert await aio.dump([], target) == 2
        await finish(target)
        assert await peer.result() == stdlib(doc).encode() + b"[]"
