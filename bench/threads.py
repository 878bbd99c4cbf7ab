"""How much more two threads do than one, on free-threaded CPython: each has documents of its own.

bench/threads.py [SECONDS]      for each encoder and decoder that is installed (default: 3 seconds each)
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import peers
import rjson

ROUND = 0.1  # seconds; the best of many short rounds is what an idle machine gives


def document(seed: int) -> list[dict[str, Any]]:
    return [
        {
            "id": i,
            "name": f"user {i}",
            "tags": ["a", "b", "c"],
            "score": i / 7 + seed,
            "ok": True,
            "at": {"x": i, "y": [i, i + 1]},
        }
        for i in range(300)
    ]


def rate(call: Callable[[Any], object], arguments: list[Any]) -> float:
    """Calls a second of all threads together; there is one for each argument."""
    barrier, counts = threading.Barrier(len(arguments)), [0.0] * len(arguments)

    def run(n: int) -> None:
        argument = arguments[n]
        call(argument)
        barrier.wait()
        begin, calls = time.perf_counter(), 0
        while time.perf_counter() - begin < ROUND:
            for _ in range(5):
                call(argument)
            calls += 5
        counts[n] = calls / (time.perf_counter() - begin)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def measure(name: str, call: Callable[[Any], object], arguments: list[Any], size: int, seconds: float) -> None:
    one = two = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:  # in turns: what disturbs one disturbs the other
        one = max(one, rate(call, arguments[:1]))
        two = max(two, rate(call, arguments))
    print(f"{name:24} {one * size / 1e6:7.0f} MB/s {two * size / 1e6:7.0f} MB/s {two / one:6.2f}x", flush=True)


def main() -> None:
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        print("this Python has its GIL: two threads take turns")
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    documents = [document(seed) for seed in range(2)]
    print(f"{'':24} {'one thread':>12} {'two threads':>12}")
    for peer in peers.installed():
        size = len(peer.to_bytes(documents[0]))
        measure(f"{peer.name} encodes", peer.to_bytes, documents, size, seconds)
    texts = [rjson.dumps_bytes(d) for d in documents]
    measure("rjson reads", rjson.loads, texts, len(texts[0]), seconds)


if __name__ == "__main__":
    main()
