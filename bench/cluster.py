"""Figures of a cluster: a bag's rows to files, by to_ndjson and by to_textfiles; a dataframe's, by to_ndjson and to_json.

    python bench/cluster.py [--rows 2000000]

Two workers, a process of one thread each, write to a local folder; all in one run. "kept": the rows are in the workers'
memory before, so that the time is encoding and writing. "made": each row is made when it is written. A dataframe's
partitions are kept; "by dicts" is what to_ndjson does with options that Arrow's writer has not. Seconds are the clock's, and
those of both workers' CPU, which other programs disturb less. Memory is by how much a worker's peak is above what it had
before, the larger of the two.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

if __name__ == "__main__":
    from machine import describe

    sys.path.pop(0)  # this folder, whose http.py is not the one that dask imports
import dask.bag
import dask.dataframe
import distributed
import numpy
import orjson
import pandas

from rjson.integrations.dask import to_ndjson

PARTITIONS = 8


def row(i: int) -> dict[str, Any]:
    return {"id": i, "name": f"user{i}", "price": i / 8, "ok": i % 3 == 0, "tags": ["a", "b"], "note": None}


def by_orjson(document: Any) -> str:
    return orjson.dumps(document).decode()


def by_json(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def by_textfiles(encode: Callable[[Any], str]) -> Callable[[Any, str], object]:
    return lambda bag, folder: bag.map(encode).to_textfiles(f"{folder}/part-*.jsonl", last_endline=True)


JOBS: dict[str, Callable[[Any, str], object]] = {
    "to_ndjson": lambda bag, folder: to_ndjson(bag, f"{folder}/part-*.jsonl"),
    "json.dumps, to_textfiles": by_textfiles(by_json),
    "orjson, to_textfiles": by_textfiles(by_orjson),
    "the rows alone, counted": lambda bag, folder: bag.count().compute(),
}


FRAME_JOBS: dict[str, Callable[[Any, str], object]] = {
    "to_ndjson": lambda frame, folder: to_ndjson(frame, f"{folder}/part-*.jsonl"),
    "to_ndjson, by dicts": lambda frame, folder: to_ndjson(frame, f"{folder}/part-*.jsonl", decimal="number"),
    "dask's to_json": lambda frame, folder: frame.to_json(f"{folder}/part-*.jsonl", orient="records", lines=True),
}


def frame_of(start: int, stop: int) -> Any:
    """Columns as in bench/arrow.py."""
    ids = numpy.arange(start, stop)
    return pandas.DataFrame(
        {
            "id": ids,
            "price": ids * 0.37,
            "name": [f"customer number {n % 5000}" for n in ids],
            "at": pandas.to_datetime(1_700_000_000_000_000 + ids * 1_000_003, unit="us"),
            "ok": ids % 3 == 0,
        }
    )


def frames(rows: int) -> Any:
    step = -(-rows // PARTITIONS)
    parts = [dask.delayed(frame_of)(start, min(start + step, rows)) for start in range(0, rows, step)]
    return dask.dataframe.from_delayed(parts, meta=frame_of(0, 1))


def forget_peak() -> int:
    """Begin to measure this process anew. Bytes it has now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return peak()


def peak() -> int:
    """The most bytes that this process had at a time, since then."""
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measured(client: Any, job: Callable[[Any, str], object], bag: Any) -> tuple[float, float, int, int]:
    """Seconds, CPU seconds of the workers, bytes of growth of the worse worker, bytes written."""
    with tempfile.TemporaryDirectory() as folder:
        before = client.run(forget_peak)
        spent = sum(client.run(time.process_time).values())
        started = time.perf_counter()
        job(bag, folder)
        seconds = time.perf_counter() - started
        spent = sum(client.run(time.process_time).values()) - spent
        growth = max(most - before[worker] for worker, most in client.run(peak).items())
        return seconds, spent, growth, sum(os.path.getsize(name) for name in glob.glob(f"{folder}/part-*"))


def show(title: str, client: Any, data: Any, small: Any, jobs: dict[str, Callable[[Any, str], object]]) -> None:
    print(f"\n{title}")
    for job in jobs.values():  # what is imported and compiled at the first use is so now
        with tempfile.TemporaryDirectory() as folder:
            job(small, folder)
    base: tuple[float, float] | None = None
    for name, job in jobs.items():
        seconds, spent, growth, size = measured(client, job, data)
        base = base or (seconds, spent)
        print(
            f"  {name:<26} {seconds:7.2f} s {seconds / base[0]:6.2f}x   CPU {spent:7.2f} s {spent / base[1]:6.2f}x"
            f"   +{growth >> 20:5} MiB  {size:,} bytes",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    print(describe())
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        bag = dask.bag.range(rows, npartitions=PARTITIONS).map(row)
        small = dask.bag.range(100, npartitions=4).map(row)
        show(f"{rows:,} rows, made", client, bag, small, JOBS)
        kept = bag.persist()
        distributed.wait(kept)
        show(f"{rows:,} rows, kept", client, kept, small, JOBS)
        del kept
        frame = frames(rows).persist()
        distributed.wait(frame)
        show(f"{rows:,} rows, a dataframe", client, frame, frames(100), FRAME_JOBS)


if __name__ == "__main__":
    main()
