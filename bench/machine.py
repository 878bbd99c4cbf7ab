"""What a figure was measured on, and how: shared by the programs of bench/."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import rjson


def describe() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            model = next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; rjson {rjson.__version__} ({rjson.isa})"
    )


def interleaved_minimum(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each job: the best of `rounds`, all jobs in turn in each round, so that drift hits them alike."""
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds):
        for name, job in jobs.items():
            started = time.perf_counter()
            job()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def memory(name: str) -> int:
    """Bytes: VmRSS, or VmHWM, the peak, of this process."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name)) * 1024


def reset_peak() -> None:
    """Has VmHWM begin again at what there is now."""
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
