"""rjson.integrations under uvicorn, against a framework's own responses and orjson's; each server in a process of its own.

    python bench/http.py [big] [many] [rows] [small]

Ratios within one run are what counts. The client is this process, with sockets and no HTTP library, so that it takes
little of the machine.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from statistics import median

from machine import describe

SERVER = """
import asyncio, os, sys, time
import orjson
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse as StarletteJSON, Response
from starlette.routing import Mount, Route
from rjson.integrations.starlette import JSONResponse, NDJSONResponse


def row(i):
    return {"id": i, "name": f"user {i}", "email": f"user{i}@example.com", "score": i / 8, "tags": ["a", "b"], "ok": True}


BIG = [row(i) for i in range(440_000)]
OK = {"ok": True}


def rows():
    for i in range(20_000):
        yield row(i)


async def arows():
    for i in range(20_000):
        yield row(i)


def answer(make):
    async def endpoint(request):
        return make()
    return endpoint


def memory(reset):
    if reset:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    with open("/proc/self/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return int(fields["VmHWM"].split()[0]), int(fields["VmRSS"].split()[0])


longest = [0.0, 0.0]


async def ticker():
    while True:
        before = time.monotonic(), time.process_time()
        await asyncio.sleep(0.001)
        longest[0] = max(longest[0], time.monotonic() - before[0] - 0.001)
        longest[1] = max(longest[1], time.process_time() - before[1])


async def stall(request):
    if not hasattr(app.state, "ticker"):
        app.state.ticker = asyncio.create_task(ticker())
    result, longest[:] = list(longest), [0.0, 0.0]
    return StarletteJSON(result)


api = FastAPI()


@api.get("/rows-fastapi-async")
async def fastapi_async():
    for i in range(20_000):
        yield row(i)


@api.get("/rows-fastapi-sync")
def fastapi_sync():
    for i in range(20_000):
        yield row(i)


app = Starlette(routes=[
    Route("/big-rjson", answer(lambda: JSONResponse(BIG))),
    Route("/big-orjson", answer(lambda: Response(orjson.dumps(BIG), media_type="application/json"))),
    Route("/big-json", answer(lambda: StarletteJSON(BIG))),
    Route("/small-rjson", answer(lambda: JSONResponse(OK))),
    Route("/small-orjson", answer(lambda: Response(orjson.dumps(OK), media_type="application/json"))),
    Route("/rows-rjson-async", answer(lambda: NDJSONResponse(arows()))),
    Route("/rows-rjson-sync", answer(lambda: NDJSONResponse(rows()))),
    Route("/memory", answer(lambda: StarletteJSON(memory(False)))),
    Route("/reset", answer(lambda: StarletteJSON(memory(True)))),
    Route("/stall", stall),
    Mount("/", api),
])
"""


def start() -> tuple[subprocess.Popen[bytes], int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    code = f"import uvicorn\n{SERVER}\nuvicorn.run(app, port={port}, log_level='critical', access_log=False)"
    process = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(600):
        try:
            connect(port).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def ask(sock: socket.socket, path: str) -> tuple[float, float, bytes]:
    """Seconds to the first byte of the body and to the last, and the end of what came."""
    started = time.perf_counter()
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, body = data.split(b"\r\n\r\n", 1)
    if not body:
        body = sock.recv(65536)
    first = time.perf_counter() - started
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in fields:
        left, tail = int(fields[b"content-length"]) - len(body), body[-100:]
        while left > 0:
            part = sock.recv(1 << 20)
            left -= len(part)
            tail = part[-100:]
    else:
        tail = body[-100:]
        while not tail.endswith(b"0\r\n\r\n"):
            tail = (tail + sock.recv(1 << 20))[-100:]
    return first, time.perf_counter() - started, tail


def value(port: int, path: str) -> str:
    with connect(port) as sock:
        return ask(sock, path)[2].decode()


def peak(port: int, path: str) -> float:
    """MiB that a response takes at most above what was there before."""
    value(port, "/reset")
    before = int(value(port, "/memory").strip("[]").split(",")[1])
    with connect(port) as sock:
        ask(sock, path)
    return (int(value(port, "/memory").strip("[]").split(",")[0]) - before) / 1024


def beside(port: int, path: str) -> float:
    """The slowest of small requests, in seconds, while a large one is answered to a client in another process."""
    slow = subprocess.Popen([sys.executable, __file__, "--get", str(port), path])
    worst = 0.0
    with connect(port) as sock:
        while slow.poll() is None:
            worst = max(worst, ask(sock, "/small-orjson")[1])
    return worst


def big(port: int) -> None:
    print("\n54 MB list of dicts: first byte, total (medians of 5, in turns); extra memory; slowest small request beside it")
    times: dict[str, list[tuple[float, float]]] = {path: [] for path in ("/big-rjson", "/big-orjson")}
    for _ in range(5):
        for path, seen in times.items():
            with connect(port) as sock:
                seen.append(ask(sock, path)[:2])
    with connect(port) as sock:
        times["/big-json"] = [ask(sock, "/big-json")[:2]]
    for path, seen in times.items():
        first, total = (median(t[i] for t in seen) * 1e3 for i in (0, 1))
        extra, slowest = peak(port, path), beside(port, path) * 1e3
        print(f"  {path:14} {first:8.1f} ms {total:8.1f} ms {extra:8.1f} MiB {slowest:8.1f} ms", flush=True)


CLIENTS = 50


def many(port: int) -> None:
    """All read a part and then nothing, so that each response is in the middle at a time; then they leave."""
    print(f"\nthe same to {CLIENTS} clients that stop reading: memory of the server for each")
    for path in ("/big-rjson", "/big-orjson"):
        value(port, "/reset")
        before = int(value(port, "/memory").strip("[]").split(",")[1])
        clients = [connect(port) for _ in range(CLIENTS)]
        for sock in clients:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for sock in clients:
            sock.recv(65536)
        time.sleep(1)
        grown = (int(value(port, "/memory").strip("[]").split(",")[0]) - before) / 1024
        for sock in clients:
            sock.close()
        print(f"  {path:14} {grown / CLIENTS:8.2f} MiB", flush=True)


def rows(port: int) -> None:
    print("\n20,000 rows of 120 bytes from a generator (medians of 5; FastAPI's own of 3)")
    print("the event loop's longest stall, and in CPU time of the server, which others on this machine take no part in")
    value(port, "/stall")
    for path, rounds in (
        ("/rows-rjson-async", 5),
        ("/rows-fastapi-async", 3),
        ("/rows-rjson-sync", 5),
        ("/rows-fastapi-sync", 3),
    ):
        seen = []
        value(port, "/stall")
        for _ in range(rounds):
            with connect(port) as sock:
                seen.append(ask(sock, path)[1])
        stall, busy = (float(seconds) * 1e3 for seconds in value(port, "/stall").strip("[]").split(","))
        print(f"  {path:20} {median(seen) * 1e3:8.1f} ms   stall {stall:6.1f} ms, {busy:6.1f} ms", flush=True)


def small(port: int) -> None:
    print('\n{"ok":true} on a keep-alive connection: requests a second, best of 20 batches of 200 in turns')
    best = {"/small-rjson": 1e9, "/small-orjson": 1e9}
    with connect(port) as sock:
        for _ in range(20):
            for path in best:
                started = time.perf_counter()
                for _ in range(200):
                    ask(sock, path)
                best[path] = min(best[path], time.perf_counter() - started)
    for path, seconds in best.items():
        print(f"  {path:14} {200 / seconds:8.0f}")


def main() -> None:
    if sys.argv[1:2] == ["--get"]:
        with connect(int(sys.argv[2])) as sock:
            ask(sock, sys.argv[3])
        return
    print(describe())
    process, port = start()
    try:
        for section in sys.argv[1:] or ["big", "many", "rows", "small"]:
            {"big": big, "many": many, "rows": rows, "small": small}[section](port)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
