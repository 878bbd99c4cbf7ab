"""write_ndjson of an Arrow table against orjson over to_pylist(), polars and DuckDB: ratios of interleaved minima.

python bench/arrow.py [MB]     the size of the NDJSON, 100 unless given; needs pyarrow, polars, duckdb, orjson
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is imported

import resource
import sys
import tempfile
import time

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


def main() -> None:
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
        best = dict.fromkeys(ways, float("inf"))
        for turn in range(3):
            for name, way in ways.items():
                if name == "orjson" and turn:
                    continue  # slow, and far from the others
                begin = time.perf_counter()
                way()
                best[name] = min(best[name], time.perf_counter() - begin)
    for name, seconds in best.items():
        print(f"{name:8} {seconds:7.3f} s  {size / seconds / 1e6:7.0f} MB/s  {seconds / best['rjson']:6.1f}x rjson's time")
    print(f"peak memory grew by {grown / 1024:.1f} MiB while rjson wrote {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
