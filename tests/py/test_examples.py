"""The programs of examples/py run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_demo():
    """`make demo` on a few files and rows: every way agrees on the number of records, and what it wrote parses."""
    command = [sys.executable, "examples/py/demo.py", "--files", "50", "--rows", "2000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if "rjson.dump_to" in line]
    assert [(line[0], line[2]) for line in lines] == [
        (place, count) for count in ("50", "2,000") for place in ("file", "gzip", "socket")
    ]
