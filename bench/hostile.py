"""What texts cost that are made to cost much: time and memory per byte, and how both grow, beside the json module.

    python bench/hostile.py             # 1 and 8 MB of each shape, as a table in Markdown
    python bench/hostile.py --bytes N   # N and 8 N

Each figure is the best of three processes. Time is the processor's. Growth is the time of 8 N bytes by that of N: 8 is
linear, 64 quadratic. Memory is the peak beyond what was there before, which has the text, in bytes per byte of text.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import rjson

Text = bytes
GROWTH = 8
# What making the text took does not count: the C library returns large blocks at once.
RETURNS_MEMORY = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def repeated(piece: str, before: str = "", behind: str = "") -> Callable[[int], Text]:
    return lambda size: (before + piece * max(1, size // len(piece.encode())) + behind).encode()


def numbered(pattern: str, before: str, behind: str) -> Callable[[int], Text]:
    """Pieces that all differ."""
    return lambda size: (before + "".join(pattern % i for i in range(size // len(pattern % 0)))[:-1] + behind).encode()


# What they are called, and the text of about so many bytes. The last column of some says how rjson reads them.
SHAPES: dict[str, Callable[[int], Text]] = {
    "nesting beyond max_depth, `[[[[`": repeated("["),
    "nesting within `max_depth=10**9`, `[[[...]]]`": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    'the same of objects, `{"a":{"a":`': lambda size: b'{"a":' * (size // 6) + b"0" + b"}" * (size // 6),
    "equal keys": repeated('"key":0,', "{", '"key":0}'),
    'equal keys, `duplicates="error"`': repeated('"key":0,', "{", '"key":0}'),
    "keys that all differ": numbered('"%08x":0,', "{", "}"),
    "keys that differ in the middle only": numbered('"aaaaaaaa%08xaaaaaaaa":0,', "{", "}"),
    "objects with keys that all differ": numbered('{"%08x":0},', "[", "]"),
    "an integer": repeated("1"),
    "a float of many digits": repeated("1", "0."),
    "an exponent of many digits": repeated("9", "1e"),
    "zeros before digits that count": repeated("0", "0.", "1"),
    "escapes `\\n`": repeated("\\n", '"', '"'),
    "escapes `\\u0041`": repeated("\\u0041", '"', '"'),
    "escapes of surrogates": repeated("\\ud83d\\ude00", '"', '"'),
    "lone surrogates among CJK": repeated("\\ud800中", '"', '"'),
    "one escape in long CJK": repeated("中", '"\\n', '"'),
    "white space": repeated(" \n", "[", "1]"),
    "a string that does not end": repeated("x", '"'),
    "escapes that do not end": repeated("\\n", '"'),
    "an error behind many lines": repeated("1,\n", "[", "]"),
    "empty arrays `[],`": repeated("[],", "[", "[]]"),
    "empty objects `{},`": repeated("{},", "[", "{}]"),
    'small objects `{"a":0},`': repeated('{"a":0},', "[", "{}]"),
    "digits `0,`": repeated("0,", "[", "0]"),
    "floats `0.5,`": repeated("0.5,", "[", "0]"),
    'short strings `"ab",`': repeated('"ab",', "[", "0]"),
    "one wide character in ASCII": repeated("x", '"😀', '"'),
    "`iterload` in parts of 100 bytes: one string": repeated("x", '"', '"'),
    "`iterload` in parts of 100 bytes: one list": repeated("1,", "[[", "1]]"),
    "`iterload` in parts of 100 bytes: one line": repeated("1,", "[", "1]"),
    "`iterload`: lines that are all wrong, skipped": repeated("]\n"),
    "`iterload`: empty lines": repeated("\n"),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "nesting within `max_depth=10**9`, `[[[...]]]`": {"max_depth": 10**9},
    'the same of objects, `{"a":{"a":`': {"max_depth": 10**9},
    'equal keys, `duplicates="error"`': {"duplicates": "error"},
}


def parts(text: Text, size: int) -> Iterator[bytes]:
    for i in range(0, len(text), size):
        yield text[i : i + size]


def read(shape: str, text: Text) -> Any:
    """As rjson reads that shape. What it refuses is a measurement too."""
    if not shape.startswith("`iterload`"):
        return rjson.loads(text, **OPTIONS.get(shape, {}))
    small = "100 bytes" in shape
    lines = "line" in shape
    values = rjson.iterload(
        parts(text, 100 if small else 65536), framing="lines" if lines else "auto", on_error="skip" if lines else "raise"
    )
    return [value for value in values if value]


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("needs Linux")


def measure(shape: str, module: str, size: int) -> None:
    """Prints the seconds and the bytes of memory that one text took, and what became of it."""
    text = SHAPES[shape](size)
    Path("/proc/self/clear_refs").write_text("5")
    before, outcome = peak(), "read"
    begin = time.process_time()
    try:
        value = read(shape, text) if module == "rjson" else json.loads(text)
    except (ValueError, RecursionError) as e:
        outcome, value = type(e).__name__, None
    seconds = time.process_time() - begin
    print(seconds, (peak() - before) / len(text), outcome, flush=True)
    del value


def run(shape: str, module: str, size: int) -> tuple[float, float, str]:
    """The best of three."""
    results = []
    for _ in range(3):
        command = [sys.executable, __file__, "--measure", shape, module, str(size)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=RETURNS_MEMORY)
        if done.returncode:
            return float("nan"), float("nan"), "crash"
        seconds, memory, outcome = done.stdout.split()
        results.append((float(seconds), float(memory), outcome))
    return min(results)


def table(size: int) -> None:
    print("| shape | rjson, ns a byte | growth | memory | json, ns a byte | growth | memory |")
    print("|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        cells = [shape]
        for module in ("rjson", "json"):
            if module == "json" and shape.startswith("`iterload`"):
                cells += ["", "", ""]
                continue
            small, (seconds, memory, outcome) = run(shape, module, size), run(shape, module, GROWTH * size)
            refused = "" if outcome == "read" else " (refused)" if outcome != "crash" else " (crash)"
            cells += [
                f"{seconds / (GROWTH * size) * 1e9:.2f}{refused}",
                f"{seconds / max(small[0], 1e-6):.1f}",
                f"{memory:.1f}",
            ]
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--measure", nargs=3, metavar=("SHAPE", "MODULE", "BYTES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        shape, module, size = arguments.measure
        measure(shape, module, int(size))
    else:
        table(arguments.bytes)


if __name__ == "__main__":
    main()
