"""Figures of files: many documents to one.

    python bench/files.py [section ...]     lines

Medians of interleaved rounds in one run; ratios within it are what counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import orjson

import rjson
from machine import describe

DOCUMENTS = 1_000_000
ROUNDS = 5


def interleaved_median(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each job: the median of `rounds`, all jobs in turn in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            started = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in seconds.items()}


def show(title: str, seconds: dict[str, float], base: str) -> None:
    print(f"\n{title}")
    for name, time_taken in seconds.items():
        print(f"  {name:<34} {time_taken:8.3f} s   {seconds[base] / time_taken:5.2f} x {base}")


# ---- many documents: NDJSON


def document(i: int) -> dict[str, object]:
    return {"id": i, "name": f"user{i}", "ok": True}


def by_orjson(path: str, documents: list[dict[str, object]]) -> None:
    with open(path, "wb") as fp:
        for x in documents:
            fp.write(orjson.dumps(x))
            fp.write(b"\n")


def by_write(path: str, documents: list[dict[str, object]]) -> None:
    with rjson.Writer.open(path) as writer:
        for x in documents:
            writer.write(x)


def by_write_all(path: str, documents: list[dict[str, object]]) -> None:
    with rjson.Writer.open(path) as writer:
        writer.write_all(documents)


PEAK = """
import resource, rjson, sys
with rjson.Writer.open(sys.argv[1]) as writer:
    writer.write_all({"id": i, "name": f"user{i}", "ok": True} for i in range(1000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    writer.write_all({"id": i, "name": f"user{i}", "ok": True} for i in range(int(sys.argv[2])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def bench_lines() -> None:
    """A million small dicts to a file, one line each."""
    documents = [document(i) for i in range(DOCUMENTS)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("orjson", "write", "write_all")]
        by_orjson(paths[0], documents)
        by_write(paths[1], documents)
        by_write_all(paths[2], documents)
        texts = set()
        for path in paths:
            with open(path, "rb") as fp:
                texts.add(fp.read())
        assert len(texts) == 1
        seconds = interleaved_median(
            {
                "orjson.dumps and two fp.write()": lambda: by_orjson(paths[0], documents),
                "Writer.write in a loop": lambda: by_write(paths[1], documents),
                "Writer.write_all": lambda: by_write_all(paths[2], documents),
            },
            ROUNDS,
        )
        show(f"NDJSON, {DOCUMENTS:,} small dicts", seconds, "orjson.dumps and two fp.write()")
        grown = subprocess.run(
            [sys.executable, "-c", PEAK, paths[0], str(DOCUMENTS)], check=True, capture_output=True, text=True
        )
        print(f"  peak memory of a generator of them: {int(grown.stdout):,} KiB above that of 1,000")


SECTIONS: dict[str, Callable[[], None]] = {"lines": bench_lines}


def main() -> None:
    print(describe())
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
