"""rjson.reformat against `python -m json.tool` and `jq .`: megabytes of text per second of processor time, medians.

    python bench/reformat.py                   200 MB for rjson, 10 MB for the others; some minutes
    python bench/reformat.py --corpus DIR      the JSON files of a folder (.json, .json.xz) in place of generated ones
    python bench/reformat.py --megabytes 50

Each text is an array of one document again and again, written compactly. It is read from a file that is in the page cache,
and written to /dev/null. Processor time, user and system, since the work is on one thread and machines are shared; the start
of an interpreter is part of the others' time. Below: how long the command takes to start, beside `python -c pass`; and the
peak of memory, for two sizes.
"""

from __future__ import annotations

import argparse
import lzma
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import machine
import rjson


def tweets() -> bytes:
    """Much text, in several alphabets, and deep objects."""
    r = random.Random(1)
    words = ["the", "stream", "of", "ещё", "данные", "日本語", "テスト", "naïve", "😀", "http:\\/\\/t.co\\/abc"]

    def tweet(i: int) -> dict[str, object]:
        text = " ".join(r.choices(words, k=18))
        user = {
            "id": r.getrandbits(40),
            "name": r.choice(words),
            "followers_count": r.randrange(9999),
            "lang": "en",
            "verified": False,
        }
        urls = [{"url": f"https://t.co/{i:x}", "indices": [r.randrange(70), 140]}] * (i % 3)
        return {
            "created_at": "Sun Aug 31 00:29:15 +0000 2014",
            "id": r.getrandbits(60),
            "text": text,
            "user": user,
            "entities": {"hashtags": [], "urls": urls},
            "geo": None,
        }

    return rjson.dumps_bytes([tweet(i) for i in range(800)])


def outlines() -> bytes:
    """Pairs of floats of 15 digits."""
    r = random.Random(2)
    return rjson.dumps_bytes([[[r.uniform(-140, -50), r.uniform(40, 80)] for _ in range(100)] for _ in range(300)])


def corpus(folder: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(Path(folder).iterdir()):
        if path.name.endswith((".json", ".json.xz")):
            data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
            yield path.name.split(".")[0], rjson.dumps_bytes(rjson.loads(data))


def repeated(document: bytes, megabytes: int, path: Path) -> int:
    count = max(megabytes * 1_000_000 // len(document), 1)
    with path.open("wb") as file:
        file.write(b"[")
        for i in range(count):
            file.write(document if i == 0 else b"," + document)
        file.write(b"]")
    return path.stat().st_size


def processor_seconds(job: Callable[[], object], rounds: int) -> float:
    """Of this process and its children: the median."""

    def spent() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    times = []
    for _ in range(rounds):
        before = spent()
        job()
        times.append(spent() - before)
    return statistics.median(times)


def reformat(path: Path, indent: int | None) -> None:
    with path.open("rb") as source, open(os.devnull, "wb") as target:
        rjson.reformat(source, target, indent=indent)


def peers(path: Path, indent: int | None) -> dict[str, list[str]]:
    layout = ["--compact"] if indent is None else ["--indent", str(indent)]
    jobs = {"json.tool": [sys.executable, "-m", "json.tool", *layout, str(path)]}
    if shutil.which("jq"):
        jobs["jq"] = ["jq", *(["-c"] if indent is None else []), ".", str(path)]
    return jobs


def run(*command: str) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def show_speed(name: str, document: bytes, megabytes: int, folder: Path) -> None:
    large, small = folder / "large.json", folder / "small.json"
    size, small_size = repeated(document, megabytes, large), repeated(document, 10, small)
    for indent in (None, 2):
        mine = size / processor_seconds(partial(reformat, large, indent), 5) / 1e6
        others = []
        for peer, command in peers(small, indent).items():
            speed = small_size / processor_seconds(partial(run, *command), 3) / 1e6
            others.append(f"{peer} {speed:6.1f} ({mine / speed:.0f}x)")
        layout = "compact" if indent is None else f"indent={indent}"
        print(f"{name:16} to {layout:9} rjson {mine:6.0f} MB/s   {'   '.join(others)}", flush=True)


def show_start(folder: Path) -> None:
    small = folder / "tiny.json"
    small.write_text('{"a": [1, 2, 3]}')
    jobs = {
        "-c pass": ["-c", "pass"],
        "-m rjson --help": ["-m", "rjson", "--help"],
        "-m rjson small.json": ["-m", "rjson", str(small)],
        "-m json.tool small.json": ["-m", "json.tool", str(small)],
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(15):
        for name, arguments in jobs.items():
            times[name].append(processor_seconds(partial(run, sys.executable, *arguments), 1))
    for name, measured in times.items():
        print(f"python {name:24} {statistics.median(measured) * 1000:6.1f} ms")


MEMORY = """
import re, sys
import rjson
rjson.reformat(open(sys.argv[1], "rb"), open("/dev/null", "wb"))
print(re.search(r"VmHWM:\\s*([0-9]+)", open("/proc/self/status").read())[1])
"""


def show_memory(document: bytes, folder: Path) -> None:
    for megabytes in (1, 100):
        path = folder / "memory.json"
        repeated(document, megabytes, path)
        peak = subprocess.run([sys.executable, "-c", MEMORY, path], capture_output=True, check=True, text=True).stdout
        print(f"peak of the process for {megabytes:4} MB: {int(peak) / 1024:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--megabytes", type=int, default=200)
    options = parser.parse_args()
    print(machine.describe())
    documents = list(corpus(options.corpus)) if options.corpus else [("tweets", tweets()), ("outlines", outlines())]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, document in documents:
            show_speed(title, document, options.megabytes, folder)
        show_start(folder)
        show_memory(documents[0][1], folder)


if __name__ == "__main__":
    main()
