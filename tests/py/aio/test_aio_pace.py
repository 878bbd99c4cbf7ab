"""rjson.aio: backpressure, and time for others."""

import asyncio
import socket
import struct
import subprocess
import sys
import time

import pytest

from aio_helpers import Stingy, connection, dechunk, finish
from helpers import UNDER_ASAN, stdlib
from rjson import _core, aio


class Watch:
    """The most that a transport has queued, sampled at every turn of the loop and at every write."""

    def __init__(self, transport):
        self.most = 0
        self.transport = transport
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            self.most = max(self.most, self.transport.get_write_buffer_size())
            await asyncio.sleep(0)


@pytest.mark.parametrize("kind", ["stream", "transport", "slotted", "unix", "pipe", "pipe-stream"])
@pytest.mark.parametrize("chunk_size", [512, 65536])
@pytest.mark.parametrize("limits", [None, (0, 0), (1000, 10_000), (100_000, 400_000)], ids=str)
async def test_the_high_water_mark_is_kept(kind, chunk_size, limits):
    """A transport never holds more than its high-water mark and one chunk, whatever the marks are."""
    doc = ["x" * 100] * 20_000
    async with connection(kind, pause=0.0005) as (target, peer):
        transport = getattr(target, "transport", target)
        if limits:
            transport.set_write_buffer_limits(high=limits[1], low=limits[0])
        watch = Watch(transport)
        await aio.dump(doc, target, chunk_size=chunk_size)
        watch.task.cancel()
        if limits:
            assert transport.get_write_buffer_limits() == limits
        assert watch.most <= (limits or (0, 65536))[1] + max(chunk_size, 1024)
        await finish(target)
        assert await peer.result() == stdlib(doc).encode()


async def test_a_peer_that_does_not_read_stops_the_source():
    """No item is asked for that has no place to go."""
    asked = 0

    async def rows():
        nonlocal asked
        for _ in range(1_000_000):
            asked += 1
            yield "x" * 1000

    async with connection("stream", limit=1) as (target, peer):
        task = asyncio.create_task(aio.dump(rows(), target))
        await asyncio.get_running_loop().run_in_executor(None, peer.reached_limit.wait)
        await asyncio.sleep(0.1)
        before = asked
        await asyncio.sleep(0.1)
        assert asked == before < 100_000
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# ---- time: counted in turns of the loop, never in seconds


class Turns:
    """Counts the turns of the loop."""

    def __init__(self):
        self.count = 0
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            self.count += 1
            await asyncio.sleep(0)


class Sponge:
    """A target that takes everything at once."""

    def __init__(self):
        self.size = 0

    async def write(self, data):
        self.size += len(data)


DOCS = {
    "plain objects": lambda: [{"id": i, "name": "abc", "flag": None} for i in range(300_000)],
    "one string": lambda: "x" * 60_000_000,
    "one string to escape": lambda: '"\n' * 8_000_000,
    "one list of ints": lambda: list(range(10**9, 10**9 + 1_000_000)),
    "one dict": lambda: {str(i): i for i in range(400_000)},
    "a generator": lambda: (i for i in range(1_000_000)),
}


@pytest.mark.parametrize("name", DOCS)
@pytest.mark.parametrize("where", ["sponge", "stream", "iterencode"])
async def test_the_loop_goes_on_turning(name, where):
    """However fast the client: others get their turn at least once for every 5 ms that the encoder works, in any kind of document."""
    doc = DOCS[name]()
    turns = Turns()
    started = time.thread_time()
    if where == "sponge":
        await aio.dump(doc, Sponge(), slice_us=500)
    elif where == "iterencode":
        async for _ in aio.iterencode(doc, slice_us=500):
            pass
    else:
        async with connection("stream", size=1 << 20) as (target, peer):
            started = time.thread_time()
            turns.count = 0
            await aio.dump(doc, target, slice_us=500)
            peer.data.clear()
    busy = time.thread_time() - started
    turns.task.cancel()
    assert turns.count >= max(2, busy * 200)


async def test_slow_code_of_the_documents_own():
    """`default`, __next__ and items() that take long: the loop turns between two of their calls."""

    class Slow(dict):
        def items(self):
            for i in range(20):
                time.sleep(0.002)
                yield str(i), i

    def default(obj):
        time.sleep(0.002)
        return 1

    def rows():
        for _ in range(20):
            time.sleep(0.002)
            yield 1

    for doc in ([1j] * 20, rows(), Slow(a=1), [rows(), 1j], map(default, range(20))):
        turns = Turns()
        await aio.dump(doc, Sponge(), default=default)
        turns.task.cancel()
        assert turns.count >= 15


async def test_a_tiny_slice_still_gets_on():
    """Each turn writes something, even with a slice of a microsecond."""
    doc = {"a": [1j] * 300, "b": (i for i in range(300)), "c": ["x" * 100] * 3000}
    expected = stdlib({"a": ["j"] * 300, "b": list(range(300)), "c": ["x" * 100] * 3000})
    got = b"".join([c async for c in aio.iterencode(doc, slice_us=1, chunk_size=512, default=lambda o: "j")])
    assert got.decode() == expected


async def test_many_encodings_share_the_loop():
    """Thirty documents that take a slice for each item: a turn of the loop has one or two of their items, not thirty."""
    calls = 0

    def default(obj):
        nonlocal calls
        calls += 1
        time.sleep(0.001)
        return 1

    tasks = [asyncio.create_task(aio.dump([1j] * 10, Sponge(), default=default, slice_us=500)) for _ in range(30)]
    calls_per_turn = []
    while not all(task.done() for task in tasks):
        calls = 0
        await asyncio.sleep(0)
        calls_per_turn.append(calls)
    # The first step of a document is not held up, so that small ones are answered at once: that is one turn.
    assert sorted(calls_per_turn)[-1] <= 30
    assert sorted(calls_per_turn)[-2] <= 4


async def test_no_document_is_forgotten_when_others_are_cancelled():
    """Those who wait for their turn behind a cancelled one get it, without any error in a callback of the loop."""
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))

    def default(obj):
        time.sleep(0.001)
        return 1

    tasks = [asyncio.create_task(aio.dump([1j] * 10, Sponge(), default=default, slice_us=500)) for _ in range(30)]
    for _ in range(5):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(r, asyncio.CancelledError) for r in results[::2])
    assert results[1::2] == [21] * 15
    assert reports == []


def test_small_documents_are_one_write_without_a_task_switch():
    """A reply that the socket takes at once is sent before the coroutine is suspended: never."""

    async def main():
        async with connection("stream") as (target, peer):
            coroutine = aio.dump({"ok": True}, target)
            with pytest.raises(StopIteration) as stopped:
                coroutine.send(None)
            assert stopped.value.value == 11
            async with connection("tls-socket" if False else "transport") as (other, other_peer):
                coroutine = aio.dump({"ok": True}, other, framing="http-chunked")
                with pytest.raises(StopIteration):
                    coroutine.send(None)
                await finish(other)
                assert await other_peer.result() == b'B\r\n{"ok":true}\r\n0\r\n\r\n'
            await finish(target)
            assert await peer.result() == b'{"ok":true}'

    asyncio.run(main())


async def test_small_documents_are_one_write_call():
    """And where the transport is asked, it is asked once."""
    written = []

    class Target:
        async def write(self, data):
            written.append(bytes(data))

    await aio.dump({"ok": [1, 2, 3]}, Target(), framing="seq")
    assert written == [b'\x1e{"ok":[1,2,3]}\n']


# ---- memory


@pytest.mark.skipif(UNDER_ASAN, reason="measures memory")
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_constant_memory(loop):
    """100 MB to a slow reader, from a generator and from one string: under 1 MB more than before."""
    code = f"""
import asyncio, gc, socket, sys, threading
from rjson import aio
def status(name):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name))
async def main():
    for make in (lambda: ("x" * 1000 for _ in range(100_000)), lambda: big):
        for measured in (False, True):
            ours, theirs = socket.socketpair()
            buffer = bytearray(1 << 16)
            def read():
                while theirs.recv_into(buffer): pass
            thread = threading.Thread(target=read); thread.start()
            _, writer = await asyncio.open_connection(sock=ours)
            gc.collect()
            open("/proc/self/clear_refs", "w").write("5")
            before = status("VmRSS")
            await aio.dump(make(), writer)
            grown = status("VmHWM") - before
            writer.close(); await writer.wait_closed(); thread.join(); theirs.close()
        assert grown < 1000, grown
big = "y" * 100_000_000
if {loop!r} == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


# ---- sending past the transport: every precondition, checked before every burst


async def test_never_past_what_is_queued():
    """A transport with something in its queue gets the chunk, not its socket; also when the document itself queued it."""
    async with connection("stream", limit=1) as (target, peer):
        filler = b"q" * 6_000_000

        def rows():
            yield "a" * 100_000
            target.write(filler)  # more than the socket takes: the rest is queued
            peer.resume()
            time.sleep(0.1)  # and now the socket would take more, before what is queued
            yield "b" * 100_000

        await aio.dump(rows(), target, slice_us=10_000_000)
        await finish(target)
        data = await peer.result()
    at = data.index(b"q")
    assert data[at : at + len(filler)] == filler
    assert data[:at] + data[at + len(filler) :] == stdlib(["a" * 100_000, "b" * 100_000]).encode()


async def test_never_while_sendfile_uses_the_socket(tmp_path):
    """asyncio's sendfile() leaves the transport's queue empty, and the socket is not ours all the same."""
    loop = asyncio.get_running_loop()
    path = tmp_path / "file"
    path.write_bytes(b"f" * 8_000_000)
    async with connection("stream", limit=1) as (target, peer):
        with open(path, "rb") as f:
            try:
                sending = asyncio.ensure_future(loop.sendfile(target.transport, f, fallback=False))
                await asyncio.sleep(0.05)
                if sending.done():
                    sending.result()
            except (NotImplementedError, AttributeError, asyncio.SendfileNotAvailableError):
                pytest.skip("this loop has no sendfile()")
            with pytest.raises(RuntimeError, match="sendfile"):
                await aio.dump({"in": "between"}, target)
            peer.resume()
            await sending
        await finish(target)
        assert await peer.result() == b"f" * 8_000_000


async def test_not_past_a_patched_transport():
    """A transport whose write() was replaced on the instance is written to through that."""
    async with connection("stream") as (target, peer):
        if not hasattr(target.transport, "__dict__"):
            pytest.skip("uvloop's take no attributes")
        seen = []
        original = target.transport.write
        await aio.dump([1], target)
        target.transport.write = lambda data: (seen.append(bytes(data)), original(data))[1]
        await aio.dump([2], target)
        await finish(target)
        assert await peer.result() == b"[1][2]"
        assert seen == [b"[2]"]


async def test_what_the_socket_does_not_take_goes_to_the_transport():
    """With a tiny send buffer every burst ends in the middle of a chunk."""
    doc = [{"i": i, "pad": "p" * (i % 700)} for i in range(1000 if UNDER_ASAN else 4000)]
    for chunk_size in (512, 4096, 65536):
        async with connection("stream", pause=0.0001, size=3000) as (target, peer):
            sock = target.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            await aio.dump(doc, target, chunk_size=chunk_size, framing="http-chunked")
            await finish(target)
            assert dechunk(await peer.result()) == stdlib(doc).encode()


# ---- the pump itself, which a driver could use wrongly


def test_pump_refuses_misuse():
    """Every call out of place is an exception, and the pump works afterwards."""
    import rjson

    pump = _core.Pump(rjson.Encoder(default=lambda o: pump.run(-1)), 512, 1000, False, _core.FLUSH_NEVER)
    for call in (lambda: pump.run(-1), lambda: pump.resume(None), lambda: pump.throw(OSError())):
        with pytest.raises(RuntimeError, match="no document"):
            call()
    pump.begin([1])
    with pytest.raises(RuntimeError, match="has not been finished"):
        pump.begin([2])
    with pytest.raises(RuntimeError, match="waits for nothing"):
        pump.resume(None)
    assert pump.run(-1) == _core.PUMP_DONE
    assert pump.flush(-1) == b"[1]"
    assert pump.flush(-1) is None
    pump.begin([1j])
    with pytest.raises(RuntimeError, match="used by the document that it is writing"):
        pump.run(-1)
    assert pump.finish() == (None, [])
    for bad in ((), (1, 2, 3, 4)):
        with pytest.raises(TypeError, match="arguments"):
            pump.begin(*bad)
    with pytest.raises(TypeError):
        pump.run("1")
    pump.begin([3])
    assert pump.run(-1) == _core.PUMP_DONE
    assert pump.flush(-1) == b"[3]"


def test_a_burst_ends_with_the_slice():
    """Sending directly, a run stops when its slice is over, and not only when the socket is full."""
    import rjson

    ours, theirs = socket.socketpair()
    with ours, theirs:
        pump = _core.Pump(rjson.Encoder(), 4096, 1, False, _core.FLUSH_NEVER)
        pump.begin(["x" * 100] * 10_000)
        sizes = []
        while len(sizes) < 10:
            assert pump.run(ours.fileno()) == _core.PUMP_SLICE
            sizes.append(pump.bytes_written)
        assert sizes == sorted(sizes)
        assert sizes[-1] < 100_000
        assert theirs.recv(1 << 20).startswith(b'["xxx')
        pump.finish()


def test_a_chunk_that_somebody_keeps_is_not_written_to_again():
    """What flush() returned stays as it is, whoever keeps it, and in whatever form."""
    import rjson

    kept, views, copies = [], [], []
    pump = _core.Pump(rjson.Encoder(), 4096, 10**9, False, _core.FLUSH_NEVER)
    pump.begin([f"{i:0100}" for i in range(1000)])
    state = _core.PUMP_FULL
    while state != _core.PUMP_DONE:
        state = pump.run(-1)
        piece = pump.flush(-1)
        copies.append(bytes(bytearray(piece)))
        (kept if len(copies) % 2 else views).append(piece if len(copies) % 2 else memoryview(piece))
        del piece
    assert [bytes(p) for pair in zip(kept, [*views, b""], strict=False) for p in pair if p] == copies


async def test_stingy_targets():
    """A byte at a time."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        await aio.dump([1, 2, 3], Stingy(ours, 1))
        assert theirs.recv(100) == b"[1,2,3]"


async def test_a_reset_shows_in_time():
    """SO_LINGER 0 on the peer's side: the writer learns of it, and does not go on for ever."""
    async with connection("stream", limit=1000) as (target, peer):
        del peer
        ours = target.get_extra_info("socket")
        assert struct.unpack("ii", ours.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (0, 0)
        target.transport.abort()
        with pytest.raises(ConnectionResetError):
            await aio.dump(["x" * 1000] * 10000, target)
