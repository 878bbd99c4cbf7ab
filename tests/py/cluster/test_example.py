"""examples/py/cluster.py runs."""

import subprocess
import sys
from pathlib import Path

import pytest

for package in ("distributed", "s3fs", "moto", "pyarrow"):
    pytest.importorskip(package)


def test_example():
    """A killed worker, and every row read once by PyArrow."""
    command = [sys.executable, "examples/py/cluster.py", "--rows", "20000"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "PyArrow read 20,000 rows, each once" in done.stdout
    assert "No file showed" in done.stdout
