"""A data set of Ray Data to files of JSON: rjson.integrations.ray against Ray's own write_json, by the clock.

python bench/ray_data.py [--rows 1000000]     needs ray[data]

Two CPUs, a local folder, blocks in the object store before; the least of three turns, interleaved.
"""

from __future__ import annotations

import argparse
import glob
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

if __name__ == "__main__":
    sys.path.pop(0)  # this folder, whose http.py is not the one that ray imports
import pyarrow
import ray

from rjson.integrations.ray import write_ndjson


def columns(batch: Any) -> Any:
    """Those of bench/cluster.py's dataframe."""
    ids = batch["id"]
    return pyarrow.table(
        {
            "id": ids,
            "price": ids * 0.37,
            "name": [f"customer number {n % 5000}" for n in ids],
            "at": pyarrow.array(1_700_000_000_000_000 + ids * 1_000_003).cast(pyarrow.timestamp("us")),
            "ok": ids % 3 == 0,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=1 << 30, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    dataset = ray.data.range(rows, override_num_blocks=8).map_batches(columns, batch_size=None).materialize()
    ways: dict[str, Callable[[str], object]] = {
        "rjson": lambda folder: write_ndjson(dataset, f"{folder}/part-*.json"),
        "write_json": dataset.write_json,
    }
    best = dict.fromkeys(ways, (float("inf"), 0))
    for _ in range(3):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                begin = time.perf_counter()
                way(folder)
                seconds = time.perf_counter() - begin
                size = sum(map(os.path.getsize, glob.glob(f"{folder}/[!_]*.json")))
                best[name] = min(best[name], (seconds, size))
    for name, (seconds, size) in best.items():
        print(f"{name:12} {seconds:6.2f} s  {seconds / best['rjson'][0]:5.2f}x  {size:,} bytes")
    ray.shutdown()


if __name__ == "__main__":
    main()
