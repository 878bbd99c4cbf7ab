"""loads against every decoder that is installed, on the same texts in one process; iterload against a loop over lines.

    python bench/decode.py                          everything; some minutes
    python bench/decode.py bytes "floats*"          one family, some rows; `lines` is a family too
    python bench/decode.py --corpus DIR             the JSON files of a folder too (.json, .json.xz)
    python bench/decode.py --peers orjson,ssrjson   against these only
    python bench/decode.py --results FILE           what was measured, as JSON

The method is that of encode.py: the texts are its documents, as bytes and as str. Dropping the result is part of the time.
"""

from __future__ import annotations

import fnmatch
import io
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import encode
import machine
import peers
import rjson
import workloads

FAMILIES = ("bytes", "str", "lines")
LINES = 1_000_000


# Documents that are read as json.dumps writes them with indent=2, too.
INDENTED = ("list of 1000 ints", "nested lists", "1000 short strings", "users", "API page", "floats, random")


def texts(rows: Iterator[workloads.Workload], as_str: bool) -> Iterator[workloads.Workload]:
    """The JSON text of each document that fits into the caches. Of some, also what the standard library writes: it
    escapes what is not ASCII, and can indent."""
    write = rjson.dumps if as_str else rjson.dumps_bytes

    def spelled_by_json(row: workloads.Workload, indent: int | None) -> str | bytes:
        text = json.dumps(row.build(), indent=indent)
        return text if as_str else text.encode()

    for row in rows:
        if row.refresh or row.group.endswith("cold"):
            continue
        yield workloads.Workload(row.name, row.group, lambda row=row: write(row.build(), surrogates="pass"))
        if row.name.split(",")[0] in workloads.ALPHABETS and not row.name.startswith("ASCII"):
            yield workloads.Workload(f"{row.name}, \\u", "strings, \\u", lambda row=row: spelled_by_json(row, None))
        if row.name in INDENTED:
            yield workloads.Workload(f"{row.name}, indented", "indented", lambda row=row: spelled_by_json(row, 2))


def ndjson() -> bytes:
    lines = ({"id": i, "name": f"item {i}", "value": i * 0.5, "tags": ["a", "b"], "on": i % 2 == 0} for i in range(LINES))
    return b"\n".join(map(rjson.dumps_bytes, lines))


def line_loop(loads: Callable[[Any], Any]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        for line in io.BytesIO(data):
            loads(line)

    return run


def iterload(data: bytes) -> None:
    for _ in rjson.iterload(io.BytesIO(data), framing="lines"):
        pass


def run_lines(installed: list[peers.Decoder]) -> list[dict[str, Any]]:
    data = ndjson()
    ways = {d.name: iterload if d.name == "rjson" else line_loop(d.loads) for d in installed}
    times = machine.interleaved_minimum({name: lambda way=way: way(data) for name, way in ways.items()}, encode.COLD_ROUNDS)
    print(f"{LINES:,} lines, {len(data) / 1e6:.0f} MB: rjson.iterload, and a loop over lines with each other decoder, ms")
    print("".join(f"{name:>11}" for name in times) + "   ratio")
    print("".join(f"{seconds * 1e3:11.0f}" for seconds in times.values()) + f"{encode.ratio(times):8.2f}")
    return [{"family": "lines", "group": "lines", "row": "NDJSON", "seconds": times, "ratio": encode.ratio(times)}]


def main() -> None:
    args = encode.arguments(__doc__, FAMILIES)
    installed = peers.installed_decoders(set(args.peers.split(",")) if args.peers else None)
    patterns = [s for s in args.select if s not in FAMILIES]
    families = [f for f in FAMILIES if f in args.select] or FAMILIES
    described = machine.describe()
    versions = {peer.name: peer.version for peer in installed}
    print(described, "\n" + ", ".join(f"{name} {v}".strip() for name, v in versions.items()), "\n")
    results: list[dict[str, Any]] = []
    for family in families:
        if family == "lines":
            results += run_lines(installed)
            continue
        rows = chain(workloads.built_in(), workloads.corpus(args.corpus) if args.corpus else ())
        chosen = [
            row
            for row in texts(rows, family == "str")
            if not patterns or any(fnmatch.fnmatch(row.name, p) or fnmatch.fnmatch(row.group, p) for p in patterns)
        ]
        results += encode.run_family(f"from {family}", chosen, {d.name: d.loads for d in installed})
    summary = encode.summarise(results)
    if args.results:
        document = {"machine": described, "versions": versions, "summary": summary, "rows": results}
        args.results.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
