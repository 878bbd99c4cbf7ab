"""dumps_bytes and dumps against every encoder that is installed, on the same objects in one process.

    python bench/encode.py                          everything; some minutes
    python bench/encode.py bytes "CJK*" "floats*"   one family, some rows
    python bench/encode.py --corpus DIR             the JSON files of a folder too (.json, .json.xz)
    python bench/encode.py --peers orjson,ssrjson   against these only
    python bench/encode.py --results FILE           what was measured, as JSON; picture.py draws it

In each round every encoder has its turn, and the fastest round of each counts. The ratio is the time of the fastest other
encoder over rjson's: above 1, rjson is ahead. Where it is behind, what a mere copy of the output takes is printed, too, as a
share of rjson's time. "fresh" rows get strings that no encoder has seen before, for each call; "cold" ones are lists of up
to a million items, shuffled, so that each item is a cache miss.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import json
import math
import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import machine
import peers
import workloads

FAMILIES = ("bytes", "str")
SAMPLE = 100e-6  # seconds: what a sample lasts at least, so that the clock's own cost is small
BUDGET = 0.1  # seconds for each row and encoder
COLD_ROUNDS = 3


def calls_per_sample(encode: peers.Encode, document: Any) -> int:
    encode(document)
    started = time.perf_counter()
    encode(document)
    return max(1, math.ceil(SAMPLE / (time.perf_counter() - started)))


def sample(encode: peers.Encode, document: Any, calls: int) -> float:
    """Seconds of one call."""
    turns = range(calls)
    started = time.perf_counter()
    for _ in turns:
        encode(document)
    return (time.perf_counter() - started) / calls


def time_fresh(encoders: dict[str, peers.Encode], row: workloads.Workload) -> dict[str, float]:
    """One call for each copy: the second would find what the first left in the strings."""
    document = row.build()
    best = dict.fromkeys(encoders, math.inf)
    deadline = time.perf_counter() + BUDGET * len(encoders)
    while time.perf_counter() < deadline:
        for name, encode in encoders.items():
            copy = row.refresh(document) if row.refresh else document
            best[name] = min(best[name], sample(encode, copy, 1))
    return best


def time_hot(encoders: dict[str, peers.Encode], row: workloads.Workload) -> dict[str, float]:
    """Rounds until the budget is spent; who has spent much more than the others sits out."""
    document = row.build()
    calls = {name: calls_per_sample(encode, document) for name, encode in encoders.items()}
    best = dict.fromkeys(encoders, math.inf)
    spent = dict.fromkeys(encoders, 0.0)
    while min(spent.values()) < BUDGET:
        for name, encode in encoders.items():
            if spent[name] > BUDGET:
                continue
            seconds = sample(encode, document, calls[name])
            best[name] = min(best[name], seconds)
            spent[name] += seconds * calls[name]
    return best


def time_cold(encoders: dict[str, peers.Encode], row: workloads.Workload) -> dict[str, float]:
    document = row.build()
    return machine.interleaved_minimum({name: lambda e=e: e(document) for name, e in encoders.items()}, COLD_ROUNDS)


def time_row(encoders: dict[str, peers.Encode], row: workloads.Workload) -> dict[str, float]:
    gc.collect()
    if row.refresh:
        return time_fresh(encoders, row)
    return time_cold(encoders, row) if row.group.endswith("cold") else time_hot(encoders, row)


def copier(encode: peers.Encode, document: Any) -> peers.Encode:
    """What copies the output for a document, once it is there."""
    written = encode(document)
    if isinstance(written, str):
        return lambda _: written[1:]
    source = bytearray(written)  # of bytes there would be no copy
    return lambda _: bytes(source)


def copied_share(encode: peers.Encode, row: workloads.Workload) -> float:
    """What copying the output takes, as a share of rjson's time."""
    times = time_row({"rjson": encode, "copy": copier(encode, row.build())}, row)
    return times["copy"] / times["rjson"]


def ratio(times: dict[str, float]) -> float:
    return min(seconds for name, seconds in times.items() if name != "rjson") / times["rjson"]


def geomean(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs))


def seconds_text(seconds: float) -> str:
    return f"{seconds * 1e6:.2f}" if seconds < 1e-3 else f"{seconds * 1e6:.0f}"


def run_family(
    family: str, rows: Iterable[workloads.Workload], encoders: dict[str, peers.Encode], *, bounded: bool = False
) -> list[dict[str, Any]]:
    """`bounded`: whether what they return is text, and a copy of it bounds them."""
    print(f"{family + ', us':38}" + "".join(f"{name:>11}" for name in encoders) + "   ratio")
    results = []
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            print(f"-- {group}")
        times = time_row(encoders, row)
        ahead = ratio(times)
        result = {"family": family, "group": row.group, "row": row.name, "seconds": times, "ratio": ahead}
        results.append(result)
        print(f"{row.name:38}" + "".join(f"{seconds_text(t):>11}" for t in times.values()) + f"{ahead:8.2f}", end="")
        if bounded and ahead < 1:
            result["copy"] = copied_share(encoders["rjson"], row)
            print(f"   a copy: {result['copy']:.0%}", end="")
        print(flush=True)
    return results


def summarise(results: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Geometric means, by family and group."""
    summary: dict[str, dict[str, float]] = {}
    for family in {r["family"]: None for r in results}:
        mine = [r for r in results if r["family"] == family]
        means = {
            group: geomean(r["ratio"] for r in mine if r["group"] == group) for group in {r["group"]: None for r in mine}
        }
        summary[family] = {"all rows": geomean(r["ratio"] for r in mine), **means}
        worst = min(mine, key=lambda r: r["ratio"])
        behind = [f"{r['row']} {r['ratio']:.2f}" for r in mine if r["ratio"] < 1]
        print(f"\n{family}: geometric mean of {len(mine)} rows {summary[family]['all rows']:.2f}x")
        for group, mean in means.items():
            print(f"    {group:24} {mean:6.2f}x")
        print(f"    lowest: {worst['row']} {worst['ratio']:.2f}x; behind: {', '.join(behind) or 'none'}")
    return summary


def arguments(description: str | None, families: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("select", nargs="*", help=f"{', '.join(families)}, and patterns of row names")
    parser.add_argument("--corpus", type=Path, metavar="DIR")
    parser.add_argument("--peers", help="module names, with commas")
    parser.add_argument("--results", type=Path, metavar="FILE")
    return parser.parse_args()


def main() -> None:
    args = arguments(__doc__, FAMILIES)
    installed = peers.installed(set(args.peers.split(",")) if args.peers else None)
    rows = list(chain(workloads.built_in(), workloads.corpus(args.corpus) if args.corpus else ()))
    patterns = [s for s in args.select if s not in FAMILIES]
    if patterns:
        rows = [r for r in rows if any(fnmatch.fnmatch(r.name, p) or fnmatch.fnmatch(r.group, p) for p in patterns)]
    families = [f for f in FAMILIES if f in args.select] or FAMILIES
    described = machine.describe()
    versions = {peer.name: peer.version for peer in installed}
    print(described, "\n" + ", ".join(f"{name} {v}".strip() for name, v in versions.items()), "\n")
    calls = {
        "bytes": {peer.name: peer.to_bytes for peer in installed},
        "str": {peer.name: peer.to_str for peer in installed},
    }
    results = list(chain.from_iterable(run_family(family, rows, calls[family], bounded=True) for family in families))
    summary = summarise(results)
    if args.results:
        document = {"machine": described, "versions": versions, "summary": summary, "rows": results}
        args.results.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
