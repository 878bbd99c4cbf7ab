"""Constant memory: what a dump takes beside the objects does not grow with the document."""

import subprocess
import sys

import pytest

from helpers import UNDER_ASAN

pytestmark = pytest.mark.skipif(UNDER_ASAN, reason="the sanitizer keeps what was freed")

CASES = {
    "rows to a file": "rjson.dump(({'id': i, 'name': 'x' * 50} for i in range(300_000)), open(path, 'wb'))",
    "rows to a text file": "rjson.dump(({'id': i, 'name': 'x' * 50} for i in range(300_000)), open(path, 'w'))",
    "one large string": "rjson.dump(big, open(path, 'wb'))",
    "one large non-ASCII string": "rjson.dump(wide, open(path, 'wb'))",
    "resident rows": "rjson.dump(rows, open(path, 'wb'))",
    "resident rows, overlapped": "rjson.dump(rows, open(path, 'wb'), overlap=True)",
    "iterencode": "[len(c) for c in rjson.iterencode(rows)]",
    "gzip": "rjson.dump((i for i in range(1_000_000)), gzip.open(path, 'wb', 1))",
}


BOUND = 2048  # KiB


@pytest.mark.parametrize("case", CASES)
def test_extra_memory_is_bounded(tmp_path, case):
    """Less than some MiB (allocator and gzip state included) for tens of megabytes of output, in a process of its own."""
    code = f"""
import gc, gzip, os, sys, warnings, rjson
warnings.simplefilter("ignore")
path = {str(tmp_path / "out")!r}
big, wide = "x" * 30_000_000, "é中" * 5_000_000
rows = [{{"id": i, "name": "x" * 50}} for i in range(100_000)]
rjson.dump([1], open(path, "wb"), overlap=True)
list(rjson.iterencode([1]))  # the first call imports modules: 0.7 MiB, and 2.3 on free-threaded CPython
def status(name):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name))
gc.collect()
with open("/proc/self/clear_refs", "w") as f:
    f.write("5")  # the peak is forgotten
before = status("VmRSS")
{CASES[case]}
print(status("VmHWM") - before, os.path.getsize(path))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    grown, size = map(int, done.stdout.split())
    assert grown < BOUND, f"{grown} KiB for {size} bytes"
