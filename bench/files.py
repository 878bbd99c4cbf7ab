"""Figures of files: many documents to one, and compressed ones.

    python bench/files.py [section ...]     lines compressed

Medians of interleaved rounds in one run; ratios within it are what counts.
"""

from __future__ import annotations

import gzip
import json
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
from rjson._codecs import new_compressor

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


# ---- one document, compressed

SIZE = 200_000_000  # bytes of JSON, about


def rows_of(size: int) -> list[dict[str, object]]:
    """Rows of an export: ids, names, dates, prices, tags."""
    one = 130
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    return [
        {
            "id": i,
            "name": f"customer {i * 7919 % 100_003}",
            "created": f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}T{i % 24:02}:00:00Z",
            "price": (i * 37 % 10_007) / 100,
            "tags": [words[i % 8], words[i // 8 % 8]],
        }
        for i in range(size // one)
    ]


def by_json_and_gzip(path: str, obj: object, level: int) -> None:
    with gzip.open(path, "wt", compresslevel=level, encoding="utf-8") as fp:
        json.dump(obj, fp)


def by_orjson_and_gzip(path: str, obj: object, level: int) -> None:
    with gzip.open(path, "wb", compresslevel=level) as fp:
        fp.write(orjson.dumps(obj))


def by_codec_alone(path: str, text: bytes, format: str, level: int | None) -> None:
    """The same codec on finished bytes, in pieces of the same size, in one thread."""
    codec = new_compressor(format, level, True)
    with open(path, "wb") as fp:
        for at in range(0, len(text), 1 << 18):
            fp.write(codec.compress(text[at : at + (1 << 18)]))
        fp.write(codec.finish())


def bench_compressed() -> None:
    """dump_path against gzip.open and an encoder, and against the compressor alone."""
    obj = rows_of(SIZE)
    text = rjson.dumps_bytes(obj)
    sample = obj[: len(obj) // 10]
    print(f"\nOne document of {len(text) / 1e6:.0f} MB; gzip.open and json.dump on a tenth of it, times 10")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.json")
        for format, level in (("gz", 1), ("gz", 6), ("gz", None), ("zst", None)):
            jobs: dict[str, Callable[[], object]] = {
                "dump_path": lambda f=format, n=level: rjson.dump_path(obj, path, compression=f, level=n),  # type: ignore[misc]
                "the codec alone": lambda f=format, n=level: by_codec_alone(path, text, f, n),  # type: ignore[misc]
            }
            if format == "gz":
                other = 6 if level is None else level
                jobs["gzip.open, orjson.dumps"] = lambda n=other: by_orjson_and_gzip(path, obj, n)  # type: ignore[misc]
                jobs["gzip.open, json.dump"] = lambda n=other: by_json_and_gzip(path, sample, n)  # type: ignore[misc]
            seconds = interleaved_median(jobs, 1 if level == 6 else 3)
            if "gzip.open, json.dump" in seconds:
                seconds["gzip.open, json.dump"] *= 10
            rjson.dump_path(obj, path, compression=format, level=level)  # type: ignore[arg-type]
            ratio = len(text) / os.path.getsize(path)
            codec = type(new_compressor(format, level, False)).__name__
            show(f"{format}, level {level} ({codec}, ratio {ratio:.2f}; gzip.open has 6 for None)", seconds, "dump_path")


SECTIONS: dict[str, Callable[[], None]] = {"lines": bench_lines, "compressed": bench_compressed}


def main() -> None:
    print(describe())
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
