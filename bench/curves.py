"""`make bench`: how rjson behaves as a document grows, and as its chunks do; drawn as three curves.

    python bench/curves.py PICTURE      writes PICTURE.svg and PICTURE.json

- throughput by chunk size: `dump_to` to /dev/null, objects in memory;
- memory by size of the document: what a process needs above a generator of rows, to write them to /dev/null;
- stall of the event loop by size: the longest time that another task waits while a document goes to a client on loopback.

The others are `orjson.dumps(list(rows))` and one write, and `writer.write(orjson.dumps(obj)); await writer.drain()`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "rjson"  # the same file for the same figures
import matplotlib.pyplot as plt  # noqa: E402
import orjson  # noqa: E402

import rjson  # noqa: E402
from aio import METHODS, Ticker  # noqa: E402
from machine import describe, interleaved_minimum, memory, reset_peak  # noqa: E402

ROW = {"id": 1_000_000, "name": "a name of some length", "tags": ["a", "b"], "price": 12.75, "ok": True}
ROW_SIZE = len(orjson.dumps(ROW)) + 1
CHUNK_SIZES = [2**k for k in range(9, 23)]
SIZES = [1, 3, 10, 30, 100, 300]  # MB
COLORS = {"rjson": "#1f5fa8", "orjson": "#b8860b"}


def rows(megabytes: int) -> Iterator[dict[str, Any]]:
    return (dict(ROW) for _ in range(megabytes * 1_000_000 // ROW_SIZE))


# ---- points; those of memory and stall in a process each


def throughput() -> dict[int, float]:
    """MB/s by chunk size."""
    obj = list(rows(30))
    null = os.open(os.devnull, os.O_WRONLY)

    def job(size: int) -> Callable[[], object]:
        return lambda: rjson.dump_to(obj, null, chunk_size=size)

    seconds = interleaved_minimum({str(size): job(size) for size in CHUNK_SIZES}, 5)
    return {size: 30 / seconds[str(size)] for size in CHUNK_SIZES}


def memory_of(method: str, megabytes: int) -> float:
    """MiB at the peak, above what there was before."""
    with open(os.devnull, "wb") as null:
        rjson.dump(rows(1), null) if method == "rjson" else null.write(orjson.dumps(list(rows(1))))
        before = memory("VmRSS")
        reset_peak()
        rjson.dump(rows(megabytes), null) if method == "rjson" else null.write(orjson.dumps(list(rows(megabytes))))
    return (memory("VmHWM") - before) / 2**20


def stall_of(method: str, megabytes: int) -> float:
    """Milliseconds; the smallest of three runs."""
    obj = list(rows(megabytes))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await METHODS[method](obj, writer)
        writer.close()

    async def run() -> float:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        ticker = Ticker()
        host, port = server.sockets[0].getsockname()
        client = await asyncio.create_subprocess_exec("bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}; cat <&3 >/dev/null")
        await client.wait()
        server.close()
        return ticker.stop()["stall_max"]

    return min(asyncio.run(run()) for _ in range(3))


POINTS = {"memory": memory_of, "stall": stall_of}


def in_a_process(*arguments: object) -> float:
    command = [sys.executable, __file__, "--point", *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def curves(kind: str) -> dict[str, dict[int, float]]:
    return {method: {size: in_a_process(kind, method, size) for size in SIZES} for method in COLORS}


# ---- the picture


def draw_sizes(axes: Any, lines: dict[str, dict[int, float]], title: str, label: str) -> None:
    for method, line in lines.items():
        axes.plot(list(line), list(line.values()), "o-", color=COLORS[method], label=method)
    axes.set_xlabel("size of the document, MB")
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.set_title(f"{title}, {label}", fontsize=10)
    axes.legend(frameon=False)


def size_name(size: int) -> str:
    for unit, name in ((2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


def draw(results: dict[str, Any]) -> Any:
    figure, (chunks, held, stalls) = plt.subplots(1, 3, figsize=(11, 3.6))
    for axes in (chunks, held, stalls):
        axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
    chunks.plot(list(results["throughput"]), list(results["throughput"].values()), "o-", color=COLORS["rjson"])
    ticks = CHUNK_SIZES[::3]
    chunks.set_xticks(ticks, [size_name(size) for size in ticks])
    chunks.set_xlabel("chunk_size")
    chunks.set_title("throughput, MB/s", fontsize=10)
    chunks.set_ylim(bottom=0)
    draw_sizes(held, results["memory"], "memory above the source", "MiB")
    draw_sizes(stalls, results["stall"], "longest stall of the event loop", "ms")
    stalls.set_yscale("log")
    for axes in (chunks, held, stalls):
        axes.xaxis.minorticks_off()
    figure.text(0.5, -0.04, f"{results['machine']}; orjson {orjson.__version__}", ha="center", fontsize=9)
    figure.tight_layout()
    return figure


def main() -> None:
    if sys.argv[1] == "--point":
        kind, method, size = sys.argv[2:]
        print(POINTS[kind](method, int(size)))
        return
    results = {"machine": describe(), "throughput": throughput(), "memory": curves("memory"), "stall": curves("stall")}
    print(json.dumps(results, indent=1))
    Path(sys.argv[1] + ".json").write_text(json.dumps(results, indent=1) + "\n")
    draw(results).savefig(sys.argv[1] + ".svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
