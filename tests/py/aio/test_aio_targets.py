"""rjson.aio: every kind of target gets every byte, on asyncio and uvloop."""

import asyncio
import io
import json
import os
import socket
import subprocess
import sys

import pytest

import rjson
from aio_helpers import KINDS, UV_KINDS, Bare, connection, finish
from helpers import CHUNK_SIZES, stdlib
from rjson import aio

DOC = {"rows": [{"id": i, "text": "é中😀" * (i % 9)} for i in range(1500)], "long": "x" * 300_000, "f": 0.1}
BYTES = stdlib(DOC).encode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
async def test_every_byte_arrives(kind, chunk_size, certificate):
    """Whatever the target, the chunk size, and a reader that is a little slow."""
    async with connection(kind, certificate, pause=0.0002) as (target, peer):
        assert await aio.dump(DOC, target, chunk_size=chunk_size) == len(BYTES)
        await finish(target)
        assert await peer.result() == BYTES


@pytest.mark.parametrize("kind", KINDS)
async def test_many_documents(kind, certificate):
    """Small documents one after the other, on one connection."""
    async with connection(kind, certificate) as (target, peer):
        for i in range(200):
            assert await aio.dump({"id": i}, target, framing="lines") == len(f'{{"id":{i}}}\n')
        await finish(target)
        assert await peer.result() == b"".join(b'{"id":%d}\n' % i for i in range(200))


@pytest.mark.parametrize("kind", KINDS)
async def test_many_documents_at_once_in_turn_with_the_users_own_writes(kind, certificate):
    """What the user writes to a transport before and after a document stays in its place, queued or not."""
    if "socket" in kind or kind in ("awaitable", *UV_KINDS):
        pytest.skip("has no queue")
    async with connection(kind, certificate, pause=0.001) as (target, peer):
        expected = b""
        for i in range(20):
            noise = bytes([65 + i]) * 50_000
            target.write(noise)
            await aio.dump(["y" * 100_000], target)
            expected += noise + b'["' + b"y" * 100_000 + b'"]'
        await finish(target)
        assert await peer.result() == expected


async def test_a_connection_that_becomes_tls(certificate):
    """After start_tls the same StreamWriter encrypts; what was known of it before does not count."""
    if not hasattr(asyncio.StreamWriter, "start_tls"):
        pytest.skip("Python 3.11")
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader, writer):
        await reader.readline()
        await aio.dump({"plain": True}, writer, framing="lines")
        await writer.start_tls(context)
        await aio.dump({"plain": False}, writer, framing="lines")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"go\n")
    assert await reader.readline() == b'{"plain":true}\n'
    client = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    client.check_hostname = False
    await writer.start_tls(client, server_hostname="localhost")
    assert await reader.readline() == b'{"plain":false}\n'
    writer.close()
    server.close()


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
async def test_iterencode(chunk_size):
    """Chunks of at most the size asked for, and all of them."""
    chunks = [chunk async for chunk in aio.iterencode(DOC, chunk_size=chunk_size)]
    assert b"".join(chunks) == BYTES
    assert all(type(chunk) is bytes and len(chunk) <= max(chunk_size, 600) for chunk in chunks)


@pytest.mark.parametrize(
    ("writer", "message"),
    [
        (io.BytesIO(), "rjson.dump_to"),
        (1, "rjson.dump_to"),
        (object(), "must be an asyncio.StreamWriter"),
        (asyncio.Protocol(), "must be an asyncio.StreamWriter"),
    ],
)
async def test_what_is_no_target(writer, message):
    """The error says what would be, and where to go with a file."""
    with pytest.raises(TypeError, match=message):
        await aio.dump({}, writer)


async def test_a_datagram_transport_is_no_target():
    """A document is a stream."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("127.0.0.1", 9)
    )
    with pytest.raises(TypeError, match="must be an asyncio"):
        await aio.dump({}, transport)
    transport.close()


async def test_sockets_that_are_none():
    """Datagram sockets and closed ones are refused before anything is encoded."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(ValueError, match="stream socket"):
        await aio.dump({}, sock)
    with pytest.raises(ValueError, match="closed"):
        await aio.dump({}, sock := socket.socket(), encoder=sock.close())


async def test_a_blocking_tls_socket_is_refused(certificate):
    """It would block the loop, and there is no way to ask it not to."""
    async with connection("tls-socket", certificate) as (target, _):
        target.setblocking(True)
        with pytest.raises(ValueError, match="setblocking"):
            await aio.dump({}, target)


async def test_a_writer_with_a_write_of_its_own_is_asked():
    """A StreamWriter whose class or instance has another write() is written to through that."""
    seen = []

    class Spy(asyncio.StreamWriter):
        def write(self, data):
            seen.append(bytes(data))
            super().write(data)

    async with connection("stream") as (target, peer):
        spy = Spy(target.transport, target._protocol, None, asyncio.get_running_loop())
        await aio.dump([1], spy)
        await aio.dump([2], target)
        target.write = lambda data: (seen.append(bytes(data)), target.transport.write(data))[0]
        await aio.dump([3], target)
        await finish(target)
        assert await peer.result() == b"[1][2][3]"
    assert seen == [b"[1]", b"[3]"]


async def test_returned_counts_are_honoured():
    """0 is tried again, a number is continued behind, what is neither a number nor None is an error."""
    taken = bytearray()
    answers = [0, 3, 0, 1, None]

    class Target:
        async def send(self, data):
            answer = answers.pop(0)
            taken.extend(bytes(data)[:answer])
            return answer

    await aio.dump([1, 2, 3, 4], Target())
    assert taken == b"[1,2,3,4]"
    answers = [99]
    with pytest.raises(TypeError, match="how many of 3 bytes"):
        await aio.dump([1], Target())


@pytest.mark.parametrize("answer", [0, 1])
async def test_a_trickle_is_no_progress(answer):
    """Not even `timeout` after `timeout`: neither nothing at all, nor a byte now and then."""

    class Target:
        async def write(self, data):
            await asyncio.sleep(0.001)
            return answer

    with pytest.raises(TimeoutError):
        await aio.dump(["x" * 10_000], Target(), timeout=0.1)


async def test_aiohttp_response():
    """aiohttp's StreamResponse is a target: an object with an awaitable write()."""
    pytest.importorskip("aiohttp")
    from aiohttp import ClientSession, web

    async def rows():
        for i in range(3000):
            yield {"id": i}

    async def handle(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await aio.dump({"rows": rows()}, response)
        return response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
        assert await response.json() == {"rows": [{"id": i} for i in range(3000)]}
    await runner.cleanup()


def all_of(sock):
    """What arrives until the connection ends, and whether it was reset."""
    data = b""
    with sock:
        sock.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        while True:
            try:
                part = sock.recv(65536)
            except ConnectionResetError:
                return data, True
            if not part:
                return data, False
            data += part


async def failing_rows():
    for i in range(3000):
        yield {"id": i}
    await asyncio.sleep(0.2)  # everything is on its way by now: there is nothing left that an abort() could cut off
    raise ZeroDivisionError


async def test_aiohttp_response_that_fails_is_reset():
    """So that even a client that knows no other end of a body than that of the connection (HTTP/1.0) notices."""
    web = pytest.importorskip("aiohttp.web")

    async def handle(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await aio.dump(failing_rows(), response)

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    client = socket.create_connection(site._server.sockets[0].getsockname())
    data, was_reset = await asyncio.to_thread(all_of, client)
    await runner.cleanup()
    assert b'{"id":2999}' in data
    assert was_reset


def test_sanic_response_that_fails_is_reset():
    """The same; sanic itself would end the body as if it were whole."""
    pytest.importorskip("sanic")
    program = """
import asyncio, socket
import rjson.aio
from sanic import Sanic
from test_aio_targets import all_of, failing_rows

app = Sanic("app")
app.config.ACCESS_LOG = False

@app.get("/")
async def handle(request):
    response = await request.respond(content_type="application/json")
    await rjson.aio.dump(failing_rows(), response)

async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True)
    await server.startup()
    client = socket.create_connection(listener.getsockname())
    data, was_reset = await asyncio.to_thread(all_of, client)
    print(b'{"id":2999}' in data, was_reset)

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.endswith("True True\n"), done.stdout + done.stderr


async def test_a_writer_over_a_transport_is_reset():
    """An object of the user's with an awaitable write(), whose `transport` is where that goes."""

    class Target:
        def __init__(self, writer):
            self.writer, self.transport = writer, writer.transport

        async def write(self, data):
            self.writer.write(data)
            await self.writer.drain()

    async with connection("stream") as (writer, peer):
        with pytest.raises(ZeroDivisionError):
            await aio.dump(failing_rows(), Target(writer))
        await peer.result()
        assert isinstance(peer.error, ConnectionResetError)


@pytest.mark.parametrize("answer", [True, -1, 10**6, "3", 2.0])
async def test_answers_that_are_no_counts(answer):
    """An error at once: nothing is written again, and nothing for ever."""

    class Target:
        calls = 0

        async def write(self, data):
            self.calls += 1
            return answer

    target = Target()
    with pytest.raises(TypeError, match=r"must return None or how many of 3 bytes it took"):
        await aio.dump([1], target)
    assert target.calls == 1


async def test_anyio_stream():
    """anyio's streams have an awaitable send()."""
    import anyio

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:

        async def handle(stream):
            async with stream:
                await aio.dump(DOC, stream)

        group.start_soon(listener.serve, handle)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            data = b"".join([part async for part in client])
        assert data == BYTES
        group.cancel_scope.cancel()


def test_trio():
    """On trio: its streams, its sockets, plain sockets; async sources; Writer; iterencode."""
    import trio

    async def numbers():
        for i in range(300):
            if i % 100 == 0:
                await trio.sleep(0.001)
            yield i

    async def receive(stream):
        data = b""
        async for part in stream:
            data += part
        return data

    async def main():
        results = {}

        async def collect(name, stream):
            results[name] = await receive(stream)

        expected = json.dumps({"n": list(range(300)), "d": DOC}, ensure_ascii=False, separators=(",", ":")).encode()
        for name in ("stream", "trio socket", "socket"):
            a, b = socket.socketpair()
            a.setblocking(False)
            b.setblocking(False)
            client = trio.SocketStream(trio.socket.from_stdlib_socket(b))
            trio_socket = trio.socket.from_stdlib_socket(a)
            target = {"stream": trio.SocketStream(trio_socket), "trio socket": trio_socket, "socket": a}[name]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(collect, name, client)
                assert await aio.dump({"n": numbers(), "d": DOC}, target, slice_us=100, timeout=30) == len(expected)
                trio_socket.close()
            assert results[name] == expected
            await client.aclose()
        chunks = [c async for c in aio.iterencode({"n": numbers(), "d": DOC}, slice_us=100)]
        assert b"".join(chunks) == expected
        assert len(chunks) > 4
        send, receive_end = trio.testing.memory_stream_pair()
        async with aio.Writer(send, framing="lines") as writer, trio.open_nursery() as nursery:
            for i in range(3):
                nursery.start_soon(writer.write, {"id": i})
        await send.aclose()
        assert sorted((await receive(receive_end)).split()) == [b'{"id":0}', b'{"id":1}', b'{"id":2}']

    import trio.testing

    trio.run(main)


def test_iterencode_may_be_made_without_a_loop():
    """In a function that a framework runs on a thread, say; what is wrong with the arguments is said there."""
    import trio

    made = [aio.iterencode({"n": [1, 2]}) for _ in range(3)]
    with pytest.raises(ValueError, match="chunk_size must be"):
        aio.iterencode({}, chunk_size=0)

    async def collect(chunks):
        return b"".join([chunk async for chunk in chunks])

    assert asyncio.run(collect(made[0])) == b'{"n":[1,2]}'
    assert trio.run(collect, made[1]) == b'{"n":[1,2]}'
    asyncio.run(made[2].aclose())
    assert asyncio.run(collect(made[2])) == b""


def test_without_a_loop():
    """A clear error, from whoever runs no event loop."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        aio.iterencode({}).asend(None).send(None)
    coroutine = aio.dump({}, type("T", (), {"send": lambda self, data: None})())
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"chunk_size": 0}, ValueError, "chunk_size must be"),
        ({"slice_us": 0}, ValueError, "slice_us must be at least 1"),
        ({"flush": "often"}, ValueError, 'flush must be "full", "item" or a number'),
        ({"flush": True}, ValueError, "flush must be"),
        ({"flush": -1}, ValueError, "flush must be"),
        ({"flush": float("nan")}, ValueError, "flush must be"),
        ({"timeout": 0}, ValueError, "timeout must be"),
        ({"framing": "xml"}, ValueError, "framing must be 'concat', 'lines', 'sse', 'seq' or 'array'"),
        ({"indents": 2}, TypeError, "indents"),
        ({"default": 1}, TypeError, "default must be callable"),
        ({"encoder": rjson.Encoder(), "allow_nan": True}, TypeError, "allow_nan"),
        ({"encoder": 1}, TypeError, "encoder must be an Encoder, not int"),
    ],
)
async def test_bad_options(options, error, message):
    """Each is refused by name, and the connection is as good as before."""
    async with connection("stream") as (target, peer):
        with pytest.raises(error, match=message):
            await aio.dump({}, target, **options)
        assert not target.transport.is_closing()
        assert await aio.dump([1 + 1j], target, encoder=rjson.Encoder(default=str)) == 10
        await finish(target)
        assert await peer.result() == b'["(1+1j)"]'


async def test_bare_protocols_are_left_as_they_were():
    """While somebody waits for a transport, its protocol's methods are wrapped; afterwards they are the class's again."""
    calls = []

    class Mine(Bare):
        def resume_writing(self):
            calls.append("resume")

    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    transport, protocol = await asyncio.get_running_loop().create_connection(Mine, sock=ours)
    task = asyncio.create_task(aio.dump(["x" * 5_000_000], transport))
    while transport.get_write_buffer_size() <= 65536:
        await asyncio.sleep(0.001)
    assert "resume_writing" in vars(protocol)
    theirs.setblocking(False)
    total = 0
    while not task.done():
        total += len(await asyncio.get_running_loop().sock_recv(theirs, 1 << 20))
    await task
    assert calls
    assert set(vars(protocol)) == {"transport"}
    transport.abort()
    theirs.close()
