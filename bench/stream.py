"""`make bench`: big documents, memory, sinks, and a busy thread beside them.

Ratios within one run are what counts; bench/README.md says how they come about.

    python bench/stream.py [section ...]     null file memory gil first cores
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import rjson
from machine import describe, interleaved_minimum

try:
    import orjson
except ImportError:  # free-threaded CPython: "cores" runs there
    orjson = None

ROWS = 1_300_000


def make_rows(count: int) -> list[dict[str, Any]]:
    """A listing like the demo's: paths, numbers, digests, flags."""
    return [
        {
            "id": i,
            "path": f"/usr/lib/python3/dist-packages/mod{i % 977}/file_{i}.py",
            "size": i * 37 % 100_003,
            "mode": "0o100644",
            "modified": 1_700_000_000 + i,
            "owner": {"user": "root", "group": "staff"},
            "digest": f"{i * 2654435761 % 2**64:016x}",
            "flags": [True, None, False],
        }
        for i in range(count)
    ]


def make_measurements(count: int) -> list[dict[str, Any]]:
    """Rows with floats and non-ASCII text."""
    return [
        {
            "id": i,
            "name": f"station {i}",
            "city": "Zürich",
            "lat": 47 + i / 7e6,
            "lon": 8.5 - i / 3e6,
            "value": i * 0.37,
        }
        for i in range(count)
    ]


# ---- one document to nowhere, and to a fresh file


def bench_null() -> None:
    """dump_to a descriptor that takes everything, against orjson.dumps alone, which writes nothing."""
    print("\nnull sink (seconds, best of 5)")
    for name, doc in (("listing", make_rows(ROWS)), ("measurements", make_measurements(2 * ROWS))):
        size = len(orjson.dumps(doc))
        with open(os.devnull, "wb", buffering=0) as null:
            best = interleaved_minimum(
                {
                    "rjson.dump_to(null)": lambda doc=doc, null=null: rjson.dump_to(doc, null),
                    "orjson.dumps": lambda doc=doc: orjson.dumps(doc),
                    "rjson.dumps_bytes": lambda doc=doc: rjson.dumps_bytes(doc),
                },
                5,
            )
        show(f"{name}, {size / 1e6:.0f} MB", best, "orjson.dumps")


def bench_file() -> None:
    print("\nfresh file (seconds, best of 5; the file is removed before each)")
    doc = make_rows(ROWS)
    size = len(orjson.dumps(doc))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.json")

        def fresh(write: Callable[[Any], object]) -> Callable[[], None]:
            def job() -> None:
                if os.path.exists(path):
                    os.unlink(path)
                with open(path, "wb") as fp:
                    write(fp)

            return job

        best = interleaved_minimum(
            {
                "rjson.dump": fresh(lambda fp: rjson.dump(doc, fp)),
                "rjson.dump(overlap=False)": fresh(lambda fp: rjson.dump(doc, fp, overlap=False)),
                "fp.write(orjson.dumps)": fresh(lambda fp: fp.write(orjson.dumps(doc))),
                "fp.write(rjson.dumps_bytes)": fresh(lambda fp: fp.write(rjson.dumps_bytes(doc))),
            },
            5,
        )
    show(f"listing, {size / 1e6:.0f} MB", best, "fp.write(orjson.dumps)")


def show(title: str, best: dict[str, float], against: str) -> None:
    print(f"  {title}")
    for name, seconds in best.items():
        print(f"    {name:30} {seconds:8.3f}   {best[against] / seconds:5.2f}x")


# ---- memory

MEMORY_CODE = """
import gc, json, os, sys
sys.path.insert(0, {bench!r})
import orjson, rjson
from stream import make_rows
doc = {make}
out = open({path!r}, {mode!r})
gc.collect()
def status(name):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name))
with open("/proc/self/clear_refs", "w") as f:
    f.write("5")
before = status("VmRSS")
{job}
print(status("VmHWM") - before, out.tell())
"""


def bench_memory() -> None:
    """Peak of the resident set over what the objects take, each in a process of its own."""
    print("\nextra peak memory (MiB)")
    docs = {
        "listing, 100 MB": "make_rows(500_000)",
        "listing, 260 MB": f"make_rows({ROWS})",
        "one 1 GiB string": "'x' * (1 << 30)",
    }
    jobs = {
        "rjson.dump": ("wb", "rjson.dump(doc, out)"),
        "rjson.dump(overlap=False)": ("wb", "rjson.dump(doc, out, overlap=False)"),
        "rjson.dump, text file": ("w", "rjson.dump(doc, out)"),
        "fp.write(orjson.dumps)": ("wb", "out.write(orjson.dumps(doc))"),
        "json.dump": ("w", "json.dump(doc, out)"),
    }
    for title, make in docs.items():
        print(f"  {title}")
        for name, (mode, job) in jobs.items():
            with tempfile.NamedTemporaryFile() as f:
                code = MEMORY_CODE.format(bench=os.path.dirname(__file__), make=make, path=f.name, mode=mode, job=job)
                out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
            grown, size = map(int, out.split())
            print(f"    {name:30} {grown / 1024:9.2f}   for {size / 1e6:.0f} MB")


# ---- a busy thread beside the sender


class Busy:
    """A thread that computes, and counts how far it gets."""

    def __enter__(self) -> Busy:
        self.stop = False
        self.count = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self.stop:
            self.count += 1

    def __exit__(self, *exc: object) -> None:
        self.stop = True
        self._thread.join()


RECEIVER = "import socket, sys\nc = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nwhile c.recv(1 << 20): pass"


def send_to_process(send: Callable[[socket.socket], int], busy: bool) -> tuple[float, float]:
    """Bytes per second into a TCP connection to another process, and how many turns a second a busy thread had."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver = subprocess.Popen([sys.executable, "-c", RECEIVER, str(server.getsockname()[1])])
        connection, _ = server.accept()
    turns = 0
    started = time.perf_counter()
    if busy:
        with Busy() as thread:
            size = send(connection)
            turns = thread.count
    else:
        size = send(connection)
    seconds = time.perf_counter() - started
    connection.close()
    receiver.wait()
    return size / seconds, turns / seconds


def sendall_loop(data: bytes) -> Callable[[socket.socket], int]:
    def send(sock: socket.socket) -> int:
        view = memoryview(data)
        for i in range(0, len(data), 65536):
            sock.sendall(view[i : i + 65536])
        return len(data)

    return send


def bench_gil() -> None:
    print("\nTCP to another process, with and without a CPU-bound Python thread in this one (median of 5)")
    doc = make_rows(400_000)
    data = orjson.dumps(doc)
    ways = {
        "rjson.dump_to(sock)": lambda sock: rjson.dump_to(doc, sock),
        "sendall(64 KiB) loop": sendall_loop(data[: 32 << 20]),
    }
    with Busy() as alone:
        time.sleep(0.5)
    print(f"    {'busy thread alone':30} {alone.count / 0.5 / 1e6:8.2f} M turns/s")
    speeds = {}
    for name, send in ways.items():
        for busy in (False, True):
            runs = [send_to_process(send, busy) for _ in range(5)]
            speed, turns = sorted(runs)[len(runs) // 2]
            speeds[name, busy] = speed
            beside = f"beside a busy thread, which had {turns / 1e6:.2f} M turns/s" if busy else "alone"
            print(f"    {name:30} {speed / 1e6:8.0f} MB/s  {beside}")
    ratio = speeds["rjson.dump_to(sock)", True] / speeds["sendall(64 KiB) loop", True]
    print(f"    beside a busy thread: {ratio:.0f}x")


# ---- the first byte of a lazily produced array


def bench_first() -> None:
    print("\ntime to the first chunk of a lazily produced array (milliseconds)")

    def rows(count: int) -> Iterator[dict[str, Any]]:
        for i in range(count):
            yield {"id": i, "name": f"row {i}", "x": i / 8}

    for count in (10_000, 100_000, 1_000_000):
        best = {"rjson.iterencode": float("inf"), "json.dumps(list)": float("inf")}
        for _ in range(3):
            started = time.perf_counter()
            next(iter(rjson.iterencode(rows(count))))
            best["rjson.iterencode"] = min(best["rjson.iterencode"], time.perf_counter() - started)
            started = time.perf_counter()
            json.dumps(list(rows(count)))
            best["json.dumps(list)"] = min(best["json.dumps(list)"], time.perf_counter() - started)
        print(f"    {count:>9,} items: " + ", ".join(f"{name} {s * 1000:.2f}" for name, s in best.items()))


# ---- one stream per core

CORES = 2
ROUND = 0.05  # seconds; the best of many short rounds is what an idle machine gives
_own = threading.local()


def stream_for_a_round(_: int) -> tuple[int, float, float, float]:
    """Writes a document of this worker's own to nowhere, again and again: bytes, begin, end, seconds of CPU."""
    if not hasattr(_own, "doc"):
        _own.doc = make_rows(3000)
    size = 0
    with open(os.devnull, "wb", buffering=0) as null:
        cpu, began = time.thread_time(), time.perf_counter()
        while time.perf_counter() - began < ROUND:
            size += rjson.dump_to(_own.doc, null)
        return size, began, time.perf_counter(), time.thread_time() - cpu


def speeds_of(pool: Executor, workers: int) -> tuple[float, float]:
    """Bytes of each worker: by second between the first begin and the last end, and by second of CPU."""
    sizes, begins, ends, cpu = zip(*pool.map(stream_for_a_round, range(workers)), strict=True)
    return sum(sizes) / (max(ends) - min(begins)) / workers, sum(sizes) / sum(cpu)


def bench_cores() -> None:
    """N processes and, where there is no GIL, N threads: what each core writes while the others write as well."""
    print("\none stream per core: dump_to(null), MB/s of each core by the clock, and by second of CPU (best of 100 rounds)")
    pools: dict[str, Executor] = {"process": ProcessPoolExecutor(CORES)}
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        print("    this Python has its GIL: no threads")
    else:
        pools["thread"] = ThreadPoolExecutor(CORES)
    for name, pool in pools.items():
        best = dict.fromkeys((1, CORES), (0.0, 0.0))
        with pool:
            for _ in range(100):  # in turns: what disturbs one disturbs the other
                for n, before in best.items():
                    by_clock, by_cpu = speeds_of(pool, n)
                    best[n] = max(before[0], by_clock), max(before[1], by_cpu)
        for n, (by_clock, by_cpu) in best.items():
            together = " ".join(f"{n * now / alone:.2f}x" for now, alone in zip(best[n], best[1], strict=True))
            print(f"    {n} x {name:10} {by_clock / 1e6:6.0f} {by_cpu / 1e6:6.0f}   together {together}")


SECTIONS = {
    "null": bench_null,
    "file": bench_file,
    "memory": bench_memory,
    "gil": bench_gil,
    "first": bench_first,
    "cores": bench_cores,
}


def main() -> None:
    print(describe(), f"orjson {orjson.__version__}" if orjson else "no orjson", sep="; ")
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
