"""rjson.uv.Fanout: everybody gets whole messages, once and in order, at their own pace; the slow are treated as was asked for."""

import asyncio
import gc
import hashlib
import http.client
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

import rjson
from aio_helpers import Peer
from helpers import CHUNK_SIZES, HAS_UV, UNDER_ASAN, tcp_pair

if not HAS_UV:
    pytest.skip("built without libuv", allow_module_level=True)

from rjson.uv import Fanout, Stream


def message(n):
    """Mostly small; now and then one of several parts."""
    return {"n": n, "text": "é" * (20_000 if n % 20 == 7 else n % 300)}


def stdlib(obj):
    return json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode()


def lines(count, first=0):
    return b"".join(stdlib(message(n)) + b"\n" for n in range(first, count))


class Client:
    """A subscriber's two ends; the far one is read on a thread."""

    def __init__(self, kind="tcp", small=True, **peer_options):
        if kind == "pipe":
            r, self.fd = os.pipe()
            self.ours, self.theirs = None, os.fdopen(r, "rb", 0)
            self.peer = Peer(self.theirs.read, **peer_options)
        else:
            self.ours, self.theirs = tcp_pair() if kind == "tcp" else socket.socketpair()
            self.fd = self.ours.fileno()
            if small:
                self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
                self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            self.peer = Peer(self.theirs.recv, **peer_options)

    @property
    def target(self):
        return self.fd if self.ours is None else self.ours

    def hang_up(self):
        if self.ours is not None:
            self.ours.close()
        elif self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def result(self):
        """What it got; the fan-out must have let go of it."""
        self.hang_up()
        self.peer.resume()
        self.peer._thread.join(60)
        assert not self.peer._thread.is_alive()
        self.theirs.close()
        return bytes(self.peer.data)


@contextmanager
def clients(*options):
    made = [Client(**o) for o in options]
    try:
        yield made
    finally:
        for client in made:
            client.result()


KINDS = ["tcp", "unix", "pipe"]


@pytest.mark.parametrize("max_bytes", [1, 5000, 1 << 20])
@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_everybody_gets_everything(chunk_size, max_bytes):
    """Fast and slow readers of sockets and pipes, by digest, at hostile chunk sizes and limits."""
    count = 60
    options = [{"kind": KINDS[i % 3], "pause": 0.0002 * (i % 2), "size": [65536, 2777, 4096][i % 3]} for i in range(9)]
    with clients(*options) as made:
        with Fanout([c.target for c in made], max_bytes=max_bytes, chunk_size=chunk_size) as fanout:
            assert len(fanout) == 9
            sizes = [fanout.publish(message(n)) for n in range(count)]
            fanout.wait_drained(timeout=60)
            report = fanout.report()
        expected = lines(count)
        assert sum(sizes) == len(expected)
        assert [r[1:] for r in report] == [("open", count, len(expected), 0, 0, None)] * 9
        digests = {hashlib.sha256(c.result()).digest() for c in made}
        assert digests == {hashlib.sha256(expected).digest()}


def test_comers_and_goers():
    """Each gets exactly the messages between add() and remove()."""
    with clients(*({"kind": KINDS[i % 3], "pause": 0.0001} for i in range(12))) as made:
        ids = []
        with Fanout(max_bytes=100_000) as fanout:
            for n in range(240):
                if n % 20 == 0:
                    ids.append(fanout.add(made[n // 20].target))
                fanout.publish(message(n))
                if n % 20 == 5 and n >= 40:
                    assert fanout.remove(ids[n // 20 - 2])
        for i, client in enumerate(made):
            last = 240 if i >= 10 else (i + 2) * 20 + 6
            assert client.result() == lines(last, i * 20)


def test_who_comes_in_the_middle_of_a_message():
    """Waits for the next one."""
    with clients({}, {}) as (first, second), Fanout([first.target], chunk_size=512) as fanout:

        def items():
            for i in range(1000):
                if i == 500:
                    time.sleep(0.1)  # the first half is out
                    fanout.add(second.target)
                yield i

        fanout.publish(items())
        fanout.publish("next")
        fanout.close()
        assert first.result() == stdlib(list(range(1000))) + b'\n"next"\n'
        assert second.result() == b'"next"\n'


# ---- the slow


def whole_numbers(data):
    """The numbers of the messages; each line must be one."""
    found = [json.loads(line) for line in data.splitlines()]
    assert data.endswith(b"\n")
    for m in found:
        assert m == message(m["n"])
    return [m["n"] for m in found]


def test_skipping_whole_messages():
    """Who stops reading misses messages, all of them whole, and goes on with the newest; publishing does not wait."""
    stopping = [{"limit": 1}, {"limit": 50_000}, {"kind": "unix", "limit": 1}, {"kind": "pipe", "limit": 1}]
    with clients(*stopping[:2], {"small": False}, *stopping[2:]) as made:
        with Fanout([c.target for c in made], slow="skip", max_bytes=300_000) as fanout:
            for n in range(400):
                fanout.publish(message(n))
                while fanout.report()[2].behind > 60_000:  # the fast one is to stay fast
                    time.sleep(0.001)
            for client in made:
                client.peer.resume()
            fanout.wait_drained(timeout=60)
            fanout.publish(message(400))
            fanout.wait_drained(timeout=60)
            report = fanout.report()
        got = [whole_numbers(c.result()) for c in made]
    for numbers, r in zip(got, report):
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == 400
        assert (r.messages, r.messages + r.skipped) == (len(numbers), 401)
    assert got[2] == list(range(401))
    assert all(len(numbers) < 401 for i, numbers in enumerate(got) if i != 2)


def test_dropping_by_bytes():
    """Who is too far behind is reset; TCP peers see that."""
    with clients({"limit": 1}, {"small": False}, {"kind": "unix", "limit": 1}) as made:
        with Fanout([c.target for c in made], slow="drop", max_bytes=300_000) as fanout:
            for n in range(400):
                fanout.publish(message(n))
                while next(r for r in fanout.report() if r.id == 2).behind > 60_000:  # the fast one is to stay fast
                    time.sleep(0.001)
            fanout.wait_drained(timeout=60)
            assert len(fanout) == 1
        data = [c.result() for c in made]
        assert data[1] == lines(400)
        assert all(lines(400).startswith(d) and len(d) < len(data[1]) for d in (data[0], data[2]))
        assert isinstance(made[0].peer.error, ConnectionResetError)


@pytest.mark.parametrize("slow", ["wait", "drop"])
def test_dropping_by_seconds(slow):
    """Who accepts nothing for that long is dropped, and reported as such; then the others go on."""
    with clients({"limit": 1}, {"small": False}, {"limit": 1}) as made:
        limit = 10_000 if slow == "wait" else 1 << 30
        with Fanout([c.target for c in made], slow=slow, max_bytes=limit, max_seconds=1.0) as fanout:
            for n in range(300):
                fanout.publish(message(n))
            fanout.wait_drained(timeout=60)
            report = {r.id: r for r in fanout.report()}
        assert [report[i].state for i in (1, 2, 3)] == ["dropped", "open", "dropped"]
        assert report[1].bytes < report[2].bytes == len(lines(300))
        assert made[1].result() == lines(300)


def test_publishing_waits_and_times_out():
    """With "wait" the slowest sets the pace; `timeout` is a TimeoutError, which resets those that have a part of the message."""
    with clients({"kind": "unix", "limit": 1}, {}) as made, Fanout([c.target for c in made], max_bytes=1000) as fanout:
        fanout.publish("before")
        with pytest.raises(TimeoutError):
            fanout.publish(["x" * 1000] * 1000, timeout=0.2)
        fanout.publish("after")  # which nobody is there to get
        fanout.wait_drained(timeout=10)
        assert [r.state for r in fanout.report()] == ["failed", "failed"]
        assert isinstance(fanout.report(), list)
        assert len(fanout) == 0
        data = made[1].result()
        assert data.startswith(b'"before"\n["xxx')
        assert b"after" not in data
        assert isinstance(made[1].peer.error, ConnectionResetError)


# ---- documents that fail


def test_a_message_that_fails():
    """Nothing of one part is sent; subscribers of a longer one's first parts are reset, and only they."""

    def parts():
        """A document whose beginning has arrived when it fails."""
        yield from ["x" * 100] * 100
        while len(made[0].peer.data) < 1000:
            time.sleep(0.001)
        yield {1}

    with clients({}, {}) as made, Fanout([made[0].target], chunk_size=512) as fanout:
        with pytest.raises(rjson.EncodeError, match=r"at \$\.a") as failure:
            fanout.publish({"a": {1}})
        assert failure.value.bytes_written == 0
        fanout.publish("fine")
        with pytest.raises(rjson.EncodeError) as failure:
            fanout.publish(parts())
        assert failure.value.bytes_written > 0
        fanout.add(made[1].target)
        fanout.publish("next")
        fanout.wait_drained(timeout=10)
        states = [(r.state, r.messages) for r in fanout.report()]
        assert states == [("failed", 1), ("open", 1)]
        fanout.close()
        assert made[0].result().startswith(b'"fine"\n["xxx')
        assert isinstance(made[0].peer.error, ConnectionResetError)
        assert made[1].result() == b'"next"\n'


def test_a_message_may_not_publish():
    """Another one, from `default` or from another task's blocking call: a RuntimeError, not a deadlock."""
    fanout = Fanout(default=lambda obj: fanout.publish(1))
    with fanout, pytest.raises(RuntimeError, match="in the middle of"):
        fanout.publish([{1}])

    async def main():
        async def default(obj):
            await (fanout.apublish(1) if obj == {1} else asyncio.sleep(0.1))

        fanout = Fanout(default=default)
        async with fanout:
            with pytest.raises(RuntimeError, match="in the middle of"):
                await fanout.apublish([{1}])
            task = asyncio.create_task(fanout.apublish([{2}]))
            await asyncio.sleep(0.01)
            with pytest.raises(RuntimeError, match="use apublish"):
                fanout.publish(1)
            await task

    asyncio.run(main())


# ---- peers


@pytest.mark.parametrize("how", ["close", "reset", "half"])
def test_peers_that_go(how):
    """They leave, without anything being published; who closes only its sending half gets what there is first."""
    ours, theirs = tcp_pair()
    size = 20_000_000 if how == "half" else 10
    with ours, theirs, Fanout([ours]) as fanout:
        thread = threading.Thread(target=fanout.publish, args=("x" * size,))
        thread.start()
        if how == "half":
            time.sleep(0.1)
            theirs.shutdown(socket.SHUT_WR)
            time.sleep(0.1)
        assert len(theirs.recv(size + 3, socket.MSG_WAITALL)) == size + 3
        thread.join()
        if how == "reset":
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how != "half":
            theirs.close()
        deadline = time.monotonic() + 10
        while len(fanout) and time.monotonic() < deadline:
            time.sleep(0.01)
        (report,) = fanout.report()
        assert report.messages == 1
        assert report.state == ("failed" if how == "reset" else "left")
        assert isinstance(report.error, ConnectionResetError) == (how == "reset")
        assert fanout.report() == []


# ---- framings


def sse_events(data):
    """A parser after the HTML standard, section 9.2.6."""
    events, event = [], {"event": "message", "data": []}
    for line in data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line == "":
            if event["data"]:
                events.append({**event, "data": "\n".join(event["data"])})
            event = {"event": "message", "data": []}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                event["data"].append(value)
            else:
                event[name] = value
    return events


RAW = rjson.Raw(b'{\n "pretty": [\r\n1,\n2]}')


@pytest.mark.parametrize("chunk_size", [512, 65536])
@pytest.mark.parametrize("http_chunked", [False, True])
@pytest.mark.parametrize("framing", ["lines", "sse", "concat", "http-chunked"])
def test_framings(framing, http_chunked, chunk_size):
    """Independent parsers of each find the messages, also those that hold newlines."""
    messages = [message(n) for n in range(50)]
    with clients({}) as (client,):
        with Fanout([client.target], framing=framing, http_chunked=http_chunked, chunk_size=chunk_size) as fanout:
            if framing == "sse":
                fanout.publish(RAW, event="raw", id="17")
                fanout.comment("are you there?")
            else:
                fanout.publish(RAW)
            for m in messages:
                fanout.publish(m)
        data = client.result()
    if http_chunked or framing == "http-chunked":

        class Socket:
            def makefile(self, mode):
                import io

                return io.BytesIO(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data)

        response = http.client.HTTPResponse(Socket())
        response.begin()
        data = response.read()
        response.close()
    if framing == "lines":
        found = [json.loads(line) for line in data.splitlines()]
    elif framing == "sse":
        events = sse_events(data)
        assert {"event": "raw", "id": "17"}.items() <= events[0].items()
        assert all(event["event"] == "message" for event in events[1:])
        found = [json.loads(event["data"]) for event in events]
    else:
        decoder, text, found = json.JSONDecoder(), data.decode(), []
        while text:
            obj, end = decoder.raw_decode(text)
            found.append(obj)
            text = text[end:]
    assert found == [{"pretty": [1, 2]}, *messages]


def test_bad_arguments(tmp_path):
    """Messages name the argument and its value."""
    with pytest.raises(ValueError, match="framing must be 'concat', 'lines', 'sse' or 'seq', not 'x'"):
        Fanout(framing="x")
    with pytest.raises(ValueError, match="slow must be one of 'wait', 'skip', 'drop', not 1"):
        Fanout(slow=1)
    for name, value in (("max_bytes", 0), ("max_seconds", 0), ("max_seconds", float("nan")), ("chunk_size", 0)):
        with pytest.raises(ValueError, match=name):
            Fanout(**{name: value})
    with pytest.raises(TypeError, match="go into the encoder: default"):
        Fanout(encoder=rjson.Encoder(), default=str)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        Fanout(nothing=1)
    with Fanout() as fanout:
        with pytest.raises(ValueError, match='need framing="sse"'):
            fanout.publish(1, event="x")
        with pytest.raises(ValueError, match='only framing="sse"'):
            fanout.comment()
        with open(tmp_path / "file", "wb") as file, pytest.raises(ValueError, match="is no stream socket"):
            fanout.add(file.fileno())
        with pytest.raises(TypeError, match="must be a file descriptor"):
            fanout.add("x")
        assert not fanout.remove(17)
        assert repr(fanout) == "<rjson.uv.Fanout with 0 subscribers>"
    assert repr(fanout) == "<rjson.uv.Fanout closed>"
    for use in (lambda: fanout.publish(1), lambda: fanout.report(), lambda: fanout.remove(1), lambda: fanout.wait_drained()):
        with pytest.raises(ValueError, match="closed"):
            use()
    fanout.close()
    fanout.abort()
    with Fanout(framing="sse") as fanout:
        with pytest.raises(ValueError, match="event must be a single line"):
            fanout.publish(1, event="a\nb")
        with pytest.raises(ValueError, match="too long: 255 bytes"):
            fanout.publish(1, id="x" * 300)


# ---- threads and event loops


def test_many_threads_publish():
    """Messages stay whole, and each thread's in order."""
    with clients(*({"kind": kind} for kind in KINDS)) as made:
        with Fanout([c.target for c in made], max_bytes=10_000) as fanout:

            def work(name):
                for i in range(100):
                    fanout.publish([name, i, "x" * random.randrange(2000)])

            threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for client in made:
            got = [json.loads(line)[:2] for line in client.result().splitlines()]
            assert [[i for n, i in got if n == name] for name in range(4)] == [list(range(100))] * 4


async def test_apublish_from_many_tasks():
    """Async iterators in the message, at the pace of the slowest; the event loop goes on meanwhile."""

    async def numbers(n):
        for i in range(n):
            if i % 100 == 0:
                await asyncio.sleep(0)
            yield i

    with clients(*({"kind": kind, "pause": 0.0002} for kind in KINDS)) as made:
        turns = 0
        async with Fanout([c.target for c in made], max_bytes=10_000) as fanout:
            work = asyncio.gather(*(fanout.apublish({"task": t, "list": numbers(t * 100)}) for t in range(40)))
            while not work.done():
                await asyncio.sleep(0)
                turns += 1
            await fanout.drained(timeout=60)
        assert turns > 40
        for client in made:
            data = await asyncio.to_thread(client.result)
            expected = [{"task": t, "list": list(range(t * 100))} for t in range(40)]
            assert [json.loads(line) for line in data.splitlines()] == expected


async def test_apublish_fails_and_is_cancelled():
    """As publish: nothing of it, or the connection reset."""

    async def never():
        await asyncio.sleep(1000)
        yield 1

    with clients({}, {}) as made:
        async with Fanout([made[0].target]) as fanout:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(fanout.apublish([1, never()]), 0.05)
            with pytest.raises(rjson.EncodeError):
                await fanout.apublish([{1}])
            await fanout.apublish("fine")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(fanout.apublish([["x" * 1000] * 1000, never()]), 0.2)
            fanout.add(made[1].target)
            await fanout.apublish("next")
        assert (await asyncio.to_thread(made[0].result)).startswith(b'"fine"\n[["xxx')
        assert isinstance(made[0].peer.error, ConnectionResetError)
        assert await asyncio.to_thread(made[1].result) == b'"next"\n'


async def test_connections_of_an_event_loop():
    """StreamWriters and transports of asyncio's and uvloop's as subscribers, and Streams."""
    received = []

    async def serve(reader, writer):
        received.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    writers = [(await asyncio.open_connection(*address))[1] for _ in range(3)]
    stream = Stream(writers[2])
    async with Fanout([writers[0], writers[1].transport, stream]) as fanout:
        for n in range(100):
            await fanout.apublish(message(n))
    for writer in writers:
        writer.close()
    stream.close()
    while len(received) < 3:
        await asyncio.sleep(0.01)
    server.close()
    assert received == [lines(100)] * 3


# ---- the end


@pytest.mark.parametrize("way", ["close", "aclose"])
def test_closing_waits_for_the_slow_but_not_for_ever(way):
    """Everybody gets everything; who does not take it in time is reset."""
    with clients({"pause": 0.001}, {"limit": 1}) as made:
        fanout = Fanout([c.target for c in made])
        for n in range(200):
            fanout.publish(message(n % 7))
        fanout.publish("x" * 500_000, timeout=60)
        ids = [r.id for r in fanout.report()]
        assert len(ids) == 2
        if way == "close":
            fanout.close(timeout=2)
        else:
            asyncio.run(fanout.aclose(timeout=2))
        assert fanout.closed
        assert made[0].result().endswith(b'xxx"\n')
        made[1].result()
        assert isinstance(made[1].peer.error, ConnectionResetError)


def test_an_exception_in_the_block_aborts():
    """Nobody waits for anybody then."""
    with clients({"kind": "unix", "limit": 1}) as made:
        with pytest.raises(ZeroDivisionError), Fanout([made[0].target]) as fanout:
            fanout.publish("x" * 900_000)
            raise ZeroDivisionError
        assert fanout.closed


def test_the_users_sockets():
    """Closing a user's socket takes nothing from the fan-out, and leaving it closes nothing of the user's."""
    ours, theirs = tcp_pair()
    with theirs, Fanout([ours]) as fanout:
        ours.close()
        fanout.publish("still there")
        assert theirs.recv(100) == b'"still there"\n'
    ours, theirs = tcp_pair()
    with ours, theirs:
        assert os.get_blocking(ours.fileno())
        with Fanout([ours]) as fanout:
            fanout.publish(1)
        assert os.get_blocking(ours.fileno())
        ours.sendall(b"mine")
        assert theirs.recv(6, socket.MSG_WAITALL) == b"1\nmine"


@pytest.mark.skipif(UNDER_ASAN, reason="it keeps what was freed")
def test_nothing_is_left_behind():
    """Threads and descriptors are the same after fan-outs were closed, aborted and forgotten in every state."""

    def idle(fanout, client):
        pass

    def busy(fanout, client):
        with pytest.raises(TimeoutError):
            fanout.publish(["x" * 1000] * 5000, timeout=0.02)

    def queued(fanout, client):
        fanout.publish("x" * 500_000)

    def watched(fanout, client):
        async def main():
            fanout.publish("x" * 500_000)
            with pytest.raises(TimeoutError):
                await fanout.drained(timeout=0.02)

        asyncio.run(main())

    def count():
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def once():
        for use in (idle, busy, queued, watched):
            for end in (Fanout.abort, lambda fanout: fanout.close(timeout=0.05), lambda fanout: None):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    fanout = Fanout([ours])
                    use(fanout, theirs)
                    end(fanout)
                    del fanout
        gc.collect()

    once()
    before = count()
    for _ in range(3):
        once()
    assert count() == before


@pytest.mark.skipif(UNDER_ASAN, reason="it keeps what was freed")
def test_memory_is_bounded():
    """100 MB to ten clients, one of them slow: no more than the limit and some buffers."""

    def resident(name):
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(name)) * 1024

    text = "x" * 1000
    pairs = [tcp_pair() for _ in range(10)]
    script = "import sys; n = 0\nwhile b := sys.stdin.buffer.read1(1 << 16): n += len(b)\nprint(n)"
    readers = [
        subprocess.Popen([sys.executable, "-c", script], stdin=theirs.fileno(), stdout=subprocess.PIPE)
        for _, theirs in pairs
    ]
    for _, theirs in pairs:
        theirs.close()
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    before = resident("VmRSS")
    with Fanout([ours for ours, _ in pairs]) as fanout:
        size = fanout.publish(text for _ in range(100_000))
        fanout.wait_drained()
    assert resident("VmHWM") - before < 8_000_000
    for ours, _ in pairs:
        ours.close()
    for reader in readers:
        assert int(reader.communicate()[0]) == size
