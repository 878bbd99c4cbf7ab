"""write_ndjson of an Arrow table against orjson over to_pylist(), polars and DuckDB: ratios of interleaved minima.

python bench/arrow.py [MB]     the size of the NDJSON, 100 unless given; needs pyarrow, polars, duckdb, orjson

Seconds by the clock, and those of the CPU, which other programs disturb less: all four use one thread. "--columns" compares
each column alone with polars.
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is imported

import resource
import sys
import tempfile
import time
from collections.abc import Callable

import duckdb
import orjson
import polars
import pyarrow as pa

from rjson.integrations.arrow import write_ndjson


def table_of(rows: int) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "price": pa.array([n * 0.37 for n in range(rows)], pa.float64()),
            "name": [f"customer number {n % 5000}" for n in range(rows)],
            "comment": [None if n % 7 == 0 else "a text of usual length, with nothing to escape in it" for n in range(rows)],
            "at": pa.array([1_700_000_000_000_000 + n * 1_000_003 for n in range(rows)], pa.int64()).cast(
                pa.timestamp("us")
            ),
            "ok": [n % 3 == 0 for n in range(rows)],
        }
    )


def through_orjson(table: pa.Table, path: str) -> None:
    with open(path, "wb") as file:
        for batch in table.to_batches(max_chunksize=10_000):
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch.to_pylist())


def measured(ways: dict[str, Callable[[], object]], turns: int) -> dict[str, tuple[float, float]]:
    """The least seconds of each, by the clock and of the CPU."""
    best = {name: (float("inf"), float("inf")) for name in ways}
    for turn in range(turns):
        for name, way in ways.items():
            if name == "orjson" and turn:
                continue  # slow, and far from the others
            begin = time.perf_counter(), time.process_time()
            way()
            spent = time.perf_counter() - begin[0], time.process_time() - begin[1]
            best[name] = min(best[name][0], spent[0]), min(best[name][1], spent[1])
    return best


def columns(table: pa.Table) -> None:
    """CPU nanoseconds a row of each column alone, to a file and to nowhere."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for name in table.column_names:
            one = table.select([name])
            frame = polars.from_arrow(one)
            ways = {
                "rjson": lambda one=one: write_ndjson(one, f"{folder}/out"),
                "to nowhere": lambda one=one: write_ndjson(one, Nowhere()),
                "polars": lambda frame=frame: frame.write_ndjson(f"{folder}/out"),
            }
            found = {way: cpu / len(table) * 1e9 for way, (_, cpu) in measured(ways, 7).items()}
            print(
                f"{name:8}",
                *(f"{way} {time:6.1f} ns  " for way, time in found.items()),
                f"{found['polars'] / found['rjson']:5.2f}x",
            )


class Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def main() -> None:
    if "--columns" in sys.argv:
        columns(table_of(200_000))
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    table = table_of(megabytes * 5000)
    frame = polars.from_arrow(table)
    connection = duckdb.connect(config={"threads": 1})
    connection.register("rows", table)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = f"{folder}/out"
        ways = {
            "rjson": lambda: write_ndjson(table, path),
            "polars": lambda: frame.write_ndjson(path),
            "duckdb": lambda: connection.execute(f"COPY (SELECT * FROM rows) TO '{path}' (FORMAT json)"),
            "orjson": lambda: through_orjson(table, path),
        }
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        write_ndjson(table, path)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        size = os.path.getsize(path)
        best = measured(ways, 7)
    for name, (clock, cpu) in best.items():
        print(
            f"{name:8} {clock:7.3f} s  {size / clock / 1e6:7.0f} MB/s  {clock / best['rjson'][0]:6.1f}x rjson's time"
            f"   CPU {cpu:7.3f} s  {cpu / best['rjson'][1]:6.2f}x"
        )
    print(f"peak memory grew by {grown / 1024:.1f} MiB while rjson wrote {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
