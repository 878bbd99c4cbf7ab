"""rjson.uv.Stream with dump_to, and what both ways share. (rjson.aio on Streams: the kinds "uv..." of test_aio_*.py.)"""

import asyncio
import gc
import json
import os
import pty
import signal
import socket
import struct
import sys
import threading
import time
import tty

import pytest

import rjson
from helpers import CHUNK_SIZES, HAS_UV, UNDER_ASAN, Reader, tcp_pair

if not HAS_UV:
    pytest.skip("built without libuv", allow_module_level=True)

import rjson.aio
from rjson.uv import Stream

ROWS = [{"id": i, "name": f"row {i} é"} for i in range(20_000)]
WHOLE = json.dumps(ROWS, ensure_ascii=False, separators=(",", ":")).encode()


def make(kind):
    """A descriptor to write to and one to read from."""
    if kind == "pipe":
        r, w = os.pipe()
        return w, r
    if kind == "tty":
        r, w = pty.openpty()
        tty.setraw(w)
        return w, r
    ours, theirs = tcp_pair() if kind == "tcp" else socket.socketpair()
    return ours.detach(), theirs.detach()


def read_some(fd):
    def read(n):
        try:
            return os.read(fd, n)
        except OSError:  # a terminal's way to end
            return b""

    return read


def drain_now(sock):
    """What has arrived by now."""
    sock.setblocking(False)
    data = b""
    while True:
        try:
            part = sock.recv(1 << 20)
        except BlockingIOError:
            return data
        if not part:
            return data
        data += part


@pytest.mark.parametrize("pause", [0, 0.0005])
@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("kind", ["tcp", "unix", "pipe", "tty"])
def test_every_byte_arrives(kind, chunk_size, pause):
    """To each kind of stream, at hostile chunk sizes, to fast and to slow readers; several documents on one Stream."""
    w, r = make(kind)
    reader = Reader(read_some(r), pause)
    rows = ROWS[: 20_000 if chunk_size > 5000 else 2000]
    with Stream(w) as stream:
        counts = [rjson.dump_to(doc, stream, chunk_size=chunk_size) for doc in (rows, "x" * 100_000, 17)]
        if kind == "tty":  # or what is in its queue goes with it
            time.sleep(0.2)
        os.close(w)
    data = reader.result()
    os.close(r)
    assert sum(counts) == len(data)
    whole = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    assert data == whole + b'"' + b"x" * 100_000 + b'"17'


@pytest.mark.parametrize("kind", ["tcp", "unix", "pipe"])
def test_the_mode_of_the_description_is_restored(kind):
    """O_NONBLOCK belongs to everybody who has the socket open: it is set only while something is on its way."""
    w, r = make(kind)
    stream = Stream(w)
    assert os.get_blocking(w)
    seen = []
    reader = Reader(read_some(r))
    rjson.dump_to((seen.append(os.get_blocking(w)) or row for row in ROWS), stream)
    assert os.get_blocking(w)
    assert False in seen
    with pytest.raises(rjson.EncodeError):
        rjson.dump_to([*ROWS, {1}], stream)
    assert os.get_blocking(w)
    asyncio.run(rjson.aio.dump(ROWS, stream))
    assert os.get_blocking(w)
    stream.close()
    assert os.get_blocking(w)
    os.set_blocking(w, False)
    with Stream(w) as stream:
        rjson.dump_to(17, stream)
    assert not os.get_blocking(w)
    os.close(w)
    reader.result()
    os.close(r)


def test_what_is_no_stream_is_refused(tmp_path, certificate):
    """With messages that name the target, and before anything is encoded."""
    from helpers import tls_pair

    with open(tmp_path / "file", "wb") as file:
        with pytest.raises(ValueError, match="is no stream socket, pipe or terminal"):
            Stream(file.fileno())
        with pytest.raises(TypeError, match="must be a file descriptor, a stream socket"):
            Stream(file)
    with pytest.raises(OSError, match="Bad file descriptor"):
        Stream(1_000_000)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, pytest.raises(ValueError, match="must be a stream socket"):
        Stream(datagrams)
    closed = socket.socket()
    closed.close()
    with pytest.raises(ValueError, match="is closed"):
        Stream(closed)
    client, server = tls_pair(certificate)
    with client, server, pytest.raises(ValueError, match="plain socket"):
        Stream(client)
    with pytest.raises(TypeError):
        Stream()


def test_timeout_and_what_had_left():
    """A peer that stops: TimeoutError, and .bytes_written is exactly what it gets, then and later."""
    ours, theirs = tcp_pair()
    with ours, theirs, Stream(ours) as stream:
        with pytest.raises(TimeoutError) as failure:
            rjson.dump_to(["x" * 1000] * 50_000, stream, timeout=0.3)
        time.sleep(0.1)
        assert len(drain_now(theirs)) == failure.value.bytes_written > 0
        theirs.setblocking(True)
        assert rjson.dump_to("again", stream) == 7
        assert theirs.recv(100) == b'"again"'


def test_progress_restarts_the_timeout():
    """A slow reader is no stopped one."""
    w, r = make("unix")
    reader = Reader(lambda n: time.sleep(0.05) or os.read(r, 40_000))
    with Stream(w) as stream:
        assert rjson.dump_to(["x" * 1000] * 500, stream, timeout=0.5) == 501_501
    os.close(w)
    assert len(reader.result()) == 501_501
    os.close(r)


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_document_that_fails(size):
    """.bytes_written is exactly what the peer got, and the Stream can be used again."""
    ours, theirs = tcp_pair()
    with ours, theirs, Stream(ours) as stream:
        reader = Reader(theirs.recv, 0.0001)
        with pytest.raises(rjson.EncodeError) as failure:
            rjson.dump_to([["x" * size] * 30, {"a": {1}}], stream)
        assert failure.value.path == "$[1].a"
        assert (failure.value.bytes_written > 0) == (size > 10)
        rjson.dump_to("end", stream)
        ours.close()
        stream.close()
        data = reader.result()
    assert len(data) == failure.value.bytes_written + len(b'"end"')
    assert data.endswith(b'"end"')


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_peer_that_goes(how):
    """An OSError with the Stream in its message, and no signal."""
    ours, theirs = tcp_pair()
    with ours, Stream(ours) as stream:

        def go():
            theirs.recv(100)
            if how == "reset":
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            theirs.close()

        thread = threading.Thread(target=go)
        thread.start()
        with pytest.raises((ConnectionResetError, BrokenPipeError), match=r"rjson\.uv\.Stream") as failure:
            rjson.dump_to(["x" * 1000] * 1_000_000, stream)
        thread.join()
        assert failure.value.bytes_written > 0
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            rjson.dump_to(["x" * 1000] * 10_000, stream)


def test_waiting_releases_the_gil_and_answers_signals():
    """Other threads run while the peer does not read, and a handler's exception comes out."""
    ours, theirs = socket.socketpair()
    ran = threading.Event()

    def interrupt():
        time.sleep(0.2)
        ran.set()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    def handler(number, frame):
        raise InterruptedError("by the test")

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=interrupt)
    try:
        with ours, theirs, Stream(ours) as stream:
            thread.start()
            with pytest.raises(InterruptedError, match="by the test") as failure:
                rjson.dump_to(["x" * 1000] * 10_000, stream)
            assert ran.is_set()
            assert len(drain_now(theirs)) == failure.value.bytes_written
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_closed_by_another_thread_while_it_waits():
    """A ValueError for the one that waits, and nothing left behind."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = Stream(ours)
        thread = threading.Thread(target=lambda: (time.sleep(0.2), stream.close()))
        thread.start()
        with pytest.raises(ValueError, match="closed while it was written to"):
            rjson.dump_to(["x" * 1000] * 10_000, stream, timeout=5)
        thread.join()
        with pytest.raises(ValueError, match="the stream is closed"):
            rjson.dump_to(1, stream)
        assert stream.closed
        assert stream.fileno() == -1
        assert "closed" in repr(stream)
        stream.close()


def test_the_users_socket_may_be_closed_meanwhile():
    """The Stream has a descriptor of its own."""
    ours, theirs = tcp_pair()
    with theirs:
        stream = Stream(ours)
        reader = Reader(theirs.recv, 0.0005)

        def rows():
            for i, row in enumerate(ROWS):
                if i == 5000:
                    ours.close()
                yield row

        rjson.dump_to(rows(), stream)
        stream.close()
        assert reader.result() == WHOLE


def test_another_document_in_the_middle_of_one_is_refused():
    """From `default`, and from another thread."""
    ours, theirs = socket.socketpair()
    with ours, theirs, Stream(ours) as stream:
        with pytest.raises(RuntimeError, match="another document"):
            rjson.dump_to([{1}], stream, default=lambda obj: rjson.dump_to(1, stream))
        with pytest.raises(RuntimeError, match="another document"):
            rjson.dump_to([{1}], stream, default=lambda obj: asyncio.run(rjson.aio.dump(1, stream)))
        assert rjson.dump_to(1, stream) == 1
        assert drain_now(theirs) == b"1"


@pytest.mark.parametrize("chunk_size", [512, 65536])
def test_one_stream_on_many_loops(chunk_size):
    """dump_to, asyncio, uvloop, another asyncio loop, dump_to again: one stream of bytes."""
    import uvloop

    ours, theirs = tcp_pair()
    with ours, theirs:
        reader = Reader(theirs.recv, 0.0001)
        stream = Stream(ours)
        for run in (asyncio.run, uvloop.run, asyncio.run):
            rjson.dump_to(ROWS[:3000], stream, chunk_size=chunk_size)
            run(rjson.aio.dump(ROWS[:3000], stream, chunk_size=chunk_size))
        stream.close()
        ours.close()
        one = json.dumps(ROWS[:3000], ensure_ascii=False, separators=(",", ":")).encode()
        assert reader.result() == one * 6


def test_progress_and_options():
    """As everywhere: what the target has accepted, and the encoder's options."""
    ours, theirs = tcp_pair()
    with ours, theirs, Stream(ours) as stream:
        reader = Reader(theirs.recv)
        seen = []
        count = rjson.Encoder(default=list).dump_to([ROWS, {17}], stream, progress=seen.append)
        assert seen == sorted(seen)
        assert seen[-1] == count
        with pytest.raises(ValueError, match="chunk_size must be between 1 and"):
            rjson.dump_to(1, stream, chunk_size=0)
        stream.close()
        ours.close()
        assert reader.result() == b"[" + WHOLE + b",[17]]"


async def test_nothing_in_python_happens_per_chunk():
    """A plain document is sent by C alone: Python is called once per wake-up of the event loop, not once per chunk."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        ours.setblocking(False)
        reader = Reader(theirs.recv)
        package = os.path.dirname(rjson.__file__)
        calls = 0

        def count(frame, event, argument):
            nonlocal calls
            # How often the loop wakes up is a question of speed; what it runs then is not.
            calls += frame.f_code.co_filename.startswith(package) or frame.f_code.co_name == "_run"

        doc = ROWS * 20
        sys.setprofile(count)
        try:
            with Stream(ours) as stream:
                size = await rjson.aio.dump(doc, stream, chunk_size=512)
        finally:
            sys.setprofile(None)
        ours.close()
        assert await asyncio.to_thread(reader.result)
        assert calls < size / 512  # a chunk that goes by way of Python takes several


async def test_the_documents_own_code_runs_in_its_task():
    """Also where C has gone on by itself in between: context variables, the current task, asyncio.timeout() work."""
    import contextvars

    variable = contextvars.ContextVar("variable")
    variable.set("mine")
    task = asyncio.current_task()
    seen = set()

    def look(obj):
        seen.add((variable.get(None), asyncio.current_task() is task))
        return "x" * 1000

    async def rows():
        for _ in range(300):
            seen.add((variable.get(None), asyncio.current_task() is task))
            yield {"big": ["x" * 500] * 20, "own": look}

    ours, theirs = tcp_pair()
    with ours, theirs:
        ours.setblocking(False)
        reader = Reader(theirs.recv, 0.0002)
        with Stream(ours) as stream:
            await rjson.aio.dump([rows(), map(look, range(2000))], stream, default=look, chunk_size=512)
        ours.close()
        assert len(json.loads(await asyncio.to_thread(reader.result))[0]) == 300
    assert seen == {("mine", True)}


async def test_a_small_answer_beside_many_large_documents():
    """A thousand fast documents do not keep the event loop: each of its turns is short. (Figures: bench/.)"""
    rows = ROWS * (2 if UNDER_ASAN else 10)
    pairs = [socket.socketpair() for _ in range(20)]
    readers = [Reader(theirs.recv) for _, theirs in pairs]
    streams = [Stream(ours) for ours, _ in pairs]
    tasks = [asyncio.create_task(rjson.aio.dump(rows, stream)) for stream in streams]
    turns = 0
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20
    for stream, (ours, _) in zip(streams, pairs):
        stream.close()
        ours.close()
    for reader, (_, theirs) in zip(readers, pairs):
        assert json.loads(await asyncio.to_thread(reader.result)) == rows
        theirs.close()


async def test_a_writer_on_a_stream():
    """Many documents, in any framing; close() returns when everything has left."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        reader = Reader(theirs.recv, 0.0002)
        with Stream(ours) as stream:
            async with rjson.aio.Writer(stream, framing="lines", http_chunked=True, flush="full") as writer:
                await asyncio.gather(*(writer.write({"n": n, "pad": "x" * n}) for n in range(500)))
        ours.close()
        data = await asyncio.to_thread(reader.result)
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        body, end, data = body + data[: int(size, 16)], data[int(size, 16) :][:2], data[int(size, 16) + 2 :]
        assert end == b"\r\n"
        if size == b"0":
            break
    assert data == b""
    assert [json.loads(line) for line in body.splitlines()] == [{"n": n, "pad": "x" * n} for n in range(500)]


async def test_a_stream_of_a_stream_writer():
    """asyncio's and uvloop's connections can be written to with Streams; not those with data in their own buffer, nor TLS."""
    ours, theirs = tcp_pair()
    ours.setblocking(False)
    _, writer = await asyncio.open_connection(sock=ours)
    reader = Reader(theirs.recv)
    with Stream(writer) as stream:
        await rjson.aio.dump(ROWS, stream)
    with Stream(writer.transport) as stream:
        await rjson.aio.dump(17, stream)
    writer.close()
    assert await asyncio.to_thread(reader.result) == WHOLE + b"17"
    theirs.close()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    _, writer = await asyncio.open_unix_connection(sock=ours)
    writer.write(b"x" * 10_000_000)
    with pytest.raises(ValueError, match=r"await its drain\(\) first"):
        Stream(writer)
    writer.transport.abort()
    theirs.close()
    await asyncio.sleep(0.01)


@pytest.mark.skipif(UNDER_ASAN, reason="it keeps what was freed")
def test_nothing_is_left_behind():
    """Descriptors are the same after Streams were used, failed, cancelled, closed or forgotten in every state."""

    async def cancelled(stream):
        task = asyncio.create_task(rjson.aio.dump(["x" * 1000] * 10_000, stream))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def forgotten(stream):
        keep.append(asyncio.create_task(rjson.aio.dump(["x" * 1000] * 10_000, stream)))
        await asyncio.sleep(0.01)

    def timed_out(stream):
        with pytest.raises(TimeoutError):
            rjson.dump_to(["x" * 1000] * 10_000, stream, timeout=0.01)

    keep = []
    uses = [
        lambda stream: None,
        lambda stream: rjson.dump_to(1, stream),
        lambda stream: asyncio.run(rjson.aio.dump(1, stream)),
        timed_out,
        lambda stream: asyncio.run(cancelled(stream)),
        lambda stream: asyncio.run(forgotten(stream)),
        lambda stream: stream.abort(),
    ]

    def once():
        for use in uses:
            ours, theirs = socket.socketpair()
            with ours, theirs:
                use(Stream(ours))
        keep.clear()
        gc.collect()

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        once()
    assert len(os.listdir("/proc/self/fd")) == before
