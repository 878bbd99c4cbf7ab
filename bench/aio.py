"""`make bench`: rjson.aio beside `writer.write(orjson.dumps(obj)); await writer.drain()`, over loopback TCP.

Each method runs in a process of its own, in turns; ratios within one run are what counts. bench/README.md has the method.

    python bench/aio.py [section ...]     big busy first many small
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson

import rjson.aio
from machine import describe, memory, reset_peak
from stream import Busy, make_rows

LOOPS = ("asyncio", "uvloop")
Send = Callable[[Any, asyncio.StreamWriter], Awaitable[object]]


async def send_orjson(obj: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(orjson.dumps(obj))
    await writer.drain()


async def send_rjson(obj: Any, writer: asyncio.StreamWriter) -> None:
    await rjson.aio.dump(obj, writer)


METHODS: dict[str, Send] = {"rjson": send_rjson, "orjson": send_orjson}


# ---- one big document to one client that reads as fast as it can

READER = """
import socket, sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
buffer = bytearray(1 << 20)
while True:
    c.sendall(b"?")
    left = int.from_bytes(c.recv(8, socket.MSG_WAITALL), "big")
    if not left: break
    while left: left -= c.recv_into(buffer, min(left, len(buffer)))
    c.sendall(b".")
"""


class Ticker:
    """How long other tasks had to wait: what each turn of a 1 ms sleep took longer than that."""

    def __init__(self) -> None:
        self.stalls: list[float] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.stalls.append(now - last - 0.001)
            last = now

    def stop(self) -> dict[str, float]:
        self._task.cancel()
        ordered = sorted(self.stalls)
        return {"stall_max": ordered[-1] * 1000, "stall_p999": ordered[int(len(ordered) * 0.999)] * 1000}


async def big(send: Send, rounds: int, busy: bool) -> dict[str, float]:
    """Seconds until the client has it all, stalls meanwhile, memory taken beside the objects."""
    doc = make_rows(450_000 if not busy else 100_000)
    size = len(b"".join(rjson.iterencode(doc)))
    done: asyncio.Future[dict[str, float]] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset_peak()
        before = memory("VmRSS")
        best = float("inf")
        ticker = Ticker()
        for _ in range(rounds):
            await reader.readexactly(1)
            writer.write(size.to_bytes(8, "big"))
            started = time.perf_counter()
            await send(doc, writer)
            await reader.readexactly(1)
            best = min(best, time.perf_counter() - started)
        result = {"seconds": best, "size": size, "extra": memory("VmHWM") - before, **ticker.stop()}
        await reader.readexactly(1)
        writer.write(bytes(8))
        await writer.drain()
        writer.close()
        done.set_result(result)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = subprocess.Popen([sys.executable, "-c", READER, str(server.sockets[0].getsockname()[1])])
    if busy:
        with Busy():
            result = await done
    else:
        result = await done
    client.wait()
    server.close()
    return result


def bench_big() -> None:
    print("\none 100 MB document to one client (best of 20), a 1 ms ticker beside it")
    compare(lambda loop, method: worker("big", loop, method, "20"), show_big)


def show_big(name: str, r: dict[str, float]) -> str:
    return (
        f"    {name:16} {r['size'] / r['seconds'] / 1e6:6.0f} MB/s   stalls: max {r['stall_max']:7.2f} ms, "
        f"p99.9 {r['stall_p999']:7.2f} ms   extra memory {r['extra'] / 1e6:7.2f} MB"
    )


def bench_busy() -> None:
    print("\nthe same (22 MB, best of 3) beside a thread that computes all the time")
    compare(lambda loop, method: worker("busy", loop, method, "3"), show_big)


# ---- the first byte

FIRST_CLIENT = """
import json, socket, sys, time
best = {"e": float("inf"), "b": float("inf")}
for _ in range(int(sys.argv[2])):
    for kind in best:
        c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        started = time.perf_counter()
        c.sendall(kind.encode()); c.recv(1)
        best[kind] = min(best[kind], time.perf_counter() - started)
        c.close()
        time.sleep(0.05)
print(json.dumps({"empty": best["e"] * 1000, "big": best["b"] * 1000}))
"""


async def first(send: Send, rounds: int, busy: bool) -> dict[str, float]:
    """Milliseconds until the client has the first byte of {} and of a big document."""
    docs: dict[bytes, Any] = {b"e": {}, b"b": make_rows(450_000)}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await send(docs[await reader.read(1)], writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    code = [sys.executable, "-c", FIRST_CLIENT, str(server.sockets[0].getsockname()[1]), str(rounds)]
    client = await asyncio.create_subprocess_exec(*code, stdout=asyncio.subprocess.PIPE)
    out, _ = await client.communicate()
    server.close()
    result: dict[str, float] = json.loads(out)
    return result


def bench_first() -> None:
    print("\nmilliseconds from the request to the first byte, of {} and of a 100 MB document (best of 10)")
    compare(
        lambda loop, method: worker("first", loop, method, "10"),
        lambda name, r: f"    {name:16} {{}} {r['empty']:8.3f}   big {r['big']:8.3f}",
    )


# ---- many connections with throttled readers, and small requests beside them

THROTTLED = """
import asyncio, sys, time
port, count, rate = map(int, sys.argv[1:])
STEP = 0.1

async def read(i):
    await asyncio.sleep(i / count)
    loop = asyncio.get_running_loop()
    import socket
    sock = socket.socket(); sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536); sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, b"b")
    buffer = bytearray(int(rate * STEP)); due = time.monotonic(); total = 0
    while True:
        n = await loop.sock_recv_into(sock, buffer)
        if not n: break
        total += n; due += n / rate
        await asyncio.sleep(max(0, due - time.monotonic()))
    return total

async def main():
    totals = await asyncio.gather(*(read(i) for i in range(count)))
    print(min(totals), max(totals))
asyncio.run(main())
"""

SMALL_CLIENT = """
import json, socket, sys, time
port, seconds = int(sys.argv[1]), float(sys.argv[2])
times = []; end = time.perf_counter() + seconds
while time.perf_counter() < end:
    t = time.perf_counter()
    c = socket.create_connection(("127.0.0.1", port)); c.sendall(b"s")
    assert c.recv(100).startswith(b"{"); times.append(time.perf_counter() - t); c.close()
    time.sleep(0.002)
times.sort()
print(json.dumps([times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000, times[-1] * 1000]))
"""

CONNECTIONS = 1000
RATE = 100_000  # bytes per second and connection


async def many(send: Send, rounds: int, busy: bool) -> dict[str, Any]:
    """What the server takes per connection, and how long a small request takes beside them (milliseconds)."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    doc = make_rows(45_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = await reader.read(1)
        await send(doc if kind == b"b" else {"ok": True}, writer)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    reset_peak()
    before = memory("VmRSS")
    readers = subprocess.Popen([sys.executable, "-c", THROTTLED, str(port), str(CONNECTIONS), str(RATE)])
    await asyncio.sleep(3)
    code = [sys.executable, "-c", SMALL_CLIENT, str(port), "10"]
    client = await asyncio.create_subprocess_exec(*code, stdout=asyncio.subprocess.PIPE)
    out, _ = await client.communicate()
    grown = memory("VmHWM") - before
    readers.kill()
    readers.wait()
    server.close()
    await asyncio.sleep(0.5)
    median, p99, worst = json.loads(out)
    return {"per_connection": grown / CONNECTIONS, "median": median, "p99": p99, "worst": worst}


def bench_many() -> None:
    print(f"\n{CONNECTIONS} connections, each sent 10 MB at {RATE // 1000} kB/s; a small request beside them")
    compare(
        lambda loop, method: worker("many", loop, method, "1"),
        lambda name, r: (
            f"    {name:16} {r['per_connection'] / 1024:8.1f} KiB per connection   small request: "
            f"median {r['median']:6.2f}, p99 {r['p99']:6.2f}, worst {r['worst']:6.2f} ms"
        ),
    )


# ---- a keep-alive server of small replies

KEEP_ALIVE = """
import json, socket, sys, time
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
best = dict.fromkeys(sys.argv[2], float("inf"))
for _ in range(int(sys.argv[3])):
    for kind in best:
        request = kind.encode()
        started = time.perf_counter()
        for _ in range(100):
            c.sendall(request); c.recv(100)
        best[kind] = min(best[kind], time.perf_counter() - started)
print(json.dumps({kind: 100 / seconds for kind, seconds in best.items()}))
"""


async def small(send: Send, rounds: int, busy: bool) -> dict[str, float]:
    """Requests per second over one connection; the methods take turns, in one process."""
    kinds = {name[0].encode(): send for name, send in METHODS.items()}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while kind := await reader.read(1):
            await kinds[kind]({"ok": True}, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    names = b"".join(kinds).decode()
    code = [sys.executable, "-c", KEEP_ALIVE, str(server.sockets[0].getsockname()[1]), names, str(rounds)]
    client = await asyncio.create_subprocess_exec(*code, stdout=asyncio.subprocess.PIPE)
    out, _ = await client.communicate()
    server.close()
    rates = json.loads(out)
    return {name: rates[name[0]] for name in METHODS}


async def send_plainly(obj: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(orjson.dumps(obj))


def bench_small() -> None:
    print("\nkeep-alive replies of {'ok': true}, over one connection (requests per second, best of 300 batches of 100)")
    for loop in LOOPS:
        rates = worker("small", loop, "rjson", "300")
        print(f"  {loop:8} " + "   ".join(f"{name} {rate:.0f}/s" for name, rate in rates.items()))


METHODS["plain orjson, no drain"] = send_plainly

# ---- workers

JOBS: dict[str, Any] = {"big": big, "busy": big, "first": first, "many": many, "small": small}
SECTIONS = {"big": bench_big, "busy": bench_busy, "first": bench_first, "many": bench_many, "small": bench_small}


def worker(job: str, loop: str, method: str, rounds: str) -> dict[str, Any]:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--worker", job, loop, method, rounds]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def work(job: str, loop: str, method: str, rounds: str) -> None:
    """The job itself, in its process."""
    coroutine = JOBS[job](METHODS[method], int(rounds), job == "busy")
    if loop == "uvloop":
        import uvloop

        result = uvloop.run(coroutine)
    else:
        result = asyncio.run(coroutine)
    print(json.dumps(result))


def compare(
    run: Callable[[str, str], dict[str, Any]],
    show: Callable[[str, dict[str, Any]], str],
) -> None:
    for loop in LOOPS:
        print(f"  {loop}")
        results = {method: run(loop, method) for method in ("rjson", "orjson")}
        for method, result in results.items():
            print(show(method, result))
        if "seconds" in results["rjson"]:
            print(f"    {results['orjson']['seconds'] / results['rjson']['seconds']:.2f}x")


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        work(*sys.argv[2:])
        return
    print(describe(), f"orjson {orjson.__version__}", sep="; ")
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
    main()
