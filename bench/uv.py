"""`make bench`: rjson.uv and the C server beside rjson.aio and orjson, over loopback TCP.

Each method runs in a process of its own; a client process reads and drops what it gets (MSG_TRUNC: without copying it).
bench/README.md has the method.

    python bench/uv.py [section ...]     sink many feed
    python bench/uv.py --full many       1,000 clients get 100 MB each, too: some minutes
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

import rjson.aio
import rjson.uv
from machine import describe, memory, reset_peak
from stream import make_rows

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build/stream"

# Connects `count` times, says so, and when it is told to, sends a request (if there is one) and reads `total` bytes (0: to
# the end of a chunked body) on each connection.
READER = """
import resource, select, socket, sys
port, count, total, request = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode()
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
epoll, left, socks = select.epoll(), {}, {}
for _ in range(count):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    socks[sock.fileno()], left[sock.fileno()] = sock, total or 1 << 60
    epoll.register(sock, select.EPOLLIN)
print("connected", flush=True)
sys.stdin.readline()
for sock in socks.values():
    sock.sendall(request or b"?")
buffer = bytearray(1 << 20)
while left:
    for fd, _ in epoll.poll():
        n = socks[fd].recv_into(buffer, len(buffer), 0 if request else socket.MSG_TRUNC)
        end = request and buffer[n - 5 : n] == b"0\\r\\n\\r\\n"
        left[fd] -= n
        if n == 0 or left[fd] <= 0 or end:
            epoll.unregister(fd)
            del left[fd]
print("done", flush=True)
sys.stdin.readline()
"""


class Reader:
    """The client process."""

    def __init__(self, port: int, count: int, total: int, request: str = "") -> None:
        command = [sys.executable, "-c", READER, str(port), str(count), str(total), request]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("connected")

    def _expect(self, word: str) -> None:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.strip() == word, line

    def start(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def wait_done(self) -> None:
        self._expect("done")

    async def wait_done_async(self) -> None:
        await asyncio.to_thread(self._expect, "done")

    def stop(self) -> None:
        self._process.communicate("\n")


def connected_sockets(count: int, total: int) -> tuple[Reader, list[socket.socket]]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        accepted: list[socket.socket] = []
        import threading

        thread = threading.Thread(target=lambda: accepted.extend(server.accept()[0] for _ in range(count)))
        thread.start()
        reader = Reader(server.getsockname()[1], count, total)
        thread.join()
    reader.start()
    return reader, accepted


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


# ---- one document to many clients


def by_fanout(doc: Any, socks: list[socket.socket], reader: Reader) -> None:
    with rjson.uv.Fanout(socks, framing="concat") as fanout:
        fanout.publish(doc)
        fanout.wait_drained()
        reader.wait_done()


async def open_writer(sock: socket.socket) -> asyncio.StreamWriter:
    sock.setblocking(False)
    return (await asyncio.open_connection(sock=sock))[1]


def on_loop(send: Callable[[Any, Any], Any], wrap: Callable[[socket.socket], Any], loop: str) -> Any:
    async def main(doc: Any, socks: list[socket.socket], reader: Reader) -> None:
        targets = [await wrap(sock) for sock in socks]
        await asyncio.gather(*(send(doc, target) for target in targets))
        await reader.wait_done_async()

    def run(doc: Any, socks: list[socket.socket], reader: Reader) -> None:
        run_on(loop, main(doc, socks, reader))

    return run


def run_on(loop: str, coroutine: Any) -> Any:
    if loop == "uvloop":
        import uvloop

        return uvloop.run(coroutine)
    return asyncio.run(coroutine)


async def stream_of(sock: socket.socket) -> rjson.uv.Stream:
    return rjson.uv.Stream(sock)


async def send_aio(doc: Any, target: Any) -> None:
    await rjson.aio.dump(doc, target)


async def send_orjson(doc: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(orjson.dumps(doc))
    await writer.drain()


MANY: dict[str, Any] = {
    "rjson.uv.Fanout": by_fanout,
    "rjson.uv.Stream, asyncio": on_loop(send_aio, stream_of, "asyncio"),
    "rjson.uv.Stream, uvloop": on_loop(send_aio, stream_of, "uvloop"),
    "rjson.aio, asyncio": on_loop(send_aio, open_writer, "asyncio"),
    "rjson.aio, uvloop": on_loop(send_aio, open_writer, "uvloop"),
    "orjson, asyncio": on_loop(send_orjson, open_writer, "asyncio"),
    "orjson, uvloop": on_loop(send_orjson, open_writer, "uvloop"),
}


def measure_many(method: str, count: int, megabytes: int) -> dict[str, float]:
    doc = make_rows(4500 * megabytes)
    size = sum(len(chunk) for chunk in rjson.iterencode(doc))
    reader, socks = connected_sockets(count, size)
    reset_peak()
    before, cpu, started = memory("VmRSS"), cpu_seconds(), time.perf_counter()
    MANY[method](doc, socks, reader)
    seconds = time.perf_counter() - started
    result = {"seconds": seconds, "size": size, "cpu": cpu_seconds() - cpu, "peak": memory("VmHWM") - before}
    reader.stop()
    return result


def measure_server(count: int, megabytes: int) -> dict[str, float]:
    """examples/c/uv_server.c: it generates the document while it sends it."""
    rows = megabytes * 20_500
    server = subprocess.Popen([BUILD / "examples/uv_server", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    port = int(re.search(r":(\d+)/", server.stdout.readline())[1])  # type: ignore[index]
    request = f"GET /{rows} HTTP/1.1\r\n\r\n"
    reader = Reader(port, count, 0, request)
    status = Path(f"/proc/{server.pid}/status").read_text
    peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", status())[1]) * 1024  # type: ignore[index]  # noqa: E731
    before, started = peak(), time.perf_counter()
    reader.start()
    reader.wait_done()
    seconds = time.perf_counter() - started
    after = peak()
    reader.stop()
    server.send_signal(2)
    _, _, usage = os.wait4(server.pid, 0)
    server.returncode = 0
    size = len(f'{{"id":{rows},"name":"row {rows}","share":12.125}},') * rows
    return {"seconds": seconds, "size": size, "cpu": usage.ru_utime + usage.ru_stime, "peak": after - before}


def show_many(name: str, count: int, r: dict[str, float]) -> None:
    print(
        f"    {name:26} {r['size'] * count / r['seconds'] / 1e6:6.0f} MB/s   {r['seconds']:7.2f} s   "
        f"CPU {r['cpu']:7.2f} s   memory {r['peak'] / 1e6:8.2f} MB",
        flush=True,
    )


def bench_many(full: bool) -> None:
    for count, megabytes in ((1, 100), (100, 100), (1000, 100 if full else 10)):
        print(f"\none {megabytes} MB document to {count} clients: altogether, CPU of the server, memory beside the objects")
        for name in MANY:
            needed = count * megabytes * 2e6
            if "orjson" in name and needed > 0.6 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
                print(f"    {name:26} not run: it would take about {needed / 1e9:.0f} GB")
                continue
            show_many(name, count, worker("many", name, str(count), str(megabytes)))
        show_many("C server (examples/c)", count, measure_server(count, megabytes))


# ---- a feed

MESSAGE = {"time": 1234567890.125, "symbol": "ABC", "bids": [[100.25 + i / 8, 10 * i] for i in range(70)], "note": "x" * 30}


def feed_fanout(socks: list[socket.socket], messages: int, reader: Reader) -> None:
    with rjson.uv.Fanout(socks) as fanout:
        for _ in range(messages):
            fanout.publish(MESSAGE)
        fanout.wait_drained()
        reader.wait_done()


def feed_fanout_one_by_one(socks: list[socket.socket], messages: int, reader: Reader) -> None:
    with rjson.uv.Fanout(socks) as fanout:
        for _ in range(messages):
            fanout.publish(MESSAGE)
            fanout.wait_drained()
        reader.wait_done()


def feed_loop(once: bool, loop: str) -> Any:
    async def main(socks: list[socket.socket], messages: int, reader: Reader) -> None:
        writers = [await open_writer(sock) for sock in socks]
        for _ in range(messages):
            data = orjson.dumps(MESSAGE) + b"\n"
            for writer in writers:
                writer.write(data if once else orjson.dumps(MESSAGE) + b"\n")
            for writer in writers:
                await writer.drain()
            await asyncio.sleep(0)
        await reader.wait_done_async()

    return lambda socks, messages, reader: run_on(loop, main(socks, messages, reader))


FEED: dict[str, tuple[Any, int]] = {
    "rjson.uv.Fanout": (feed_fanout, 6000),
    "Fanout, each waited for": (feed_fanout_one_by_one, 600),
    "orjson, asyncio": (feed_loop(False, "asyncio"), 300),
    "orjson, uvloop": (feed_loop(False, "uvloop"), 600),
    "orjson once, asyncio": (feed_loop(True, "asyncio"), 300),
    "orjson once, uvloop": (feed_loop(True, "uvloop"), 600),
}


def measure_feed(method: str, subscribers: int) -> dict[str, float]:
    send, messages = FEED[method]
    size = len(orjson.dumps(MESSAGE)) + 1
    reader, socks = connected_sockets(subscribers, size * messages)
    reset_peak()
    before, cpu, started = memory("VmRSS"), cpu_seconds(), time.perf_counter()
    send(socks, messages, reader)
    seconds = time.perf_counter() - started
    reader.stop()
    return {
        "rate": messages / seconds,
        "cpu": (cpu_seconds() - cpu) / messages * 1e3,
        "peak": memory("VmHWM") - before,
        "size": size,
    }


def bench_feed(full: bool) -> None:
    size = len(orjson.dumps(MESSAGE))
    print(f"\na message of {size} bytes to 1,000 subscribers, again and again: messages per second (best of 3)")
    best: dict[str, dict[str, float]] = {}
    for _ in range(3):
        for name in FEED:
            r = worker("feed", name, "1000")
            if name not in best or r["rate"] > best[name]["rate"]:
                best[name] = r
    ours = best["rjson.uv.Fanout"]["rate"]
    for name, r in best.items():
        print(
            f"    {name:24} {r['rate']:8.0f} messages/s   CPU {r['cpu']:6.2f} ms a message   "
            f"memory {r['peak'] / 1e6:7.2f} MB   {ours / r['rate']:5.1f}x"
        )


# ---- the sink


def bench_sink(full: bool) -> None:
    print("\n64 KiB chunks to one TCP client from C, 100 MB (best of 30; bench/c/uv_write.c)")
    done = subprocess.run([BUILD / "bench/uv_write", "100", "30"], check=True, capture_output=True, text=True)
    rates = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    for name, rate in rates.items():
        print(f"    {name:26} {rate:>6} MB/s   {float(rate) / float(rates['write(2)']):.2f}x")


# ---- processes


def worker(section: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, "--worker", section, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def run_worker(section: str, arguments: list[str]) -> None:
    if section == "many":
        result = measure_many(arguments[0], int(arguments[1]), int(arguments[2]))
    else:
        result = measure_feed(arguments[0], int(arguments[1]))
    print(json.dumps(result))


SECTIONS = {"sink": bench_sink, "many": bench_many, "feed": bench_feed}


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        run_worker(sys.argv[2], sys.argv[3:])
        return
    targets = ["examples", "../build/stream/bench/uv_write"]
    subprocess.run(["make", "-s", "-C", ROOT / "stream", *targets], check=True)
    print(f"{describe()}; libuv {rjson.uv.libuv_version}; orjson {orjson.__version__}")
    names = [name for name in sys.argv[1:] if name != "--full"]
    for name in names or SECTIONS:
        SECTIONS[name]("--full" in sys.argv)


if __name__ == "__main__":
    main()
