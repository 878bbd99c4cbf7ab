"""What the applications under test stream, and what became of it."""

import asyncio
import time

log = []  # names of sources that were closed


def rows(name, count, pause=0.0, fail_at=None):
    """Synchronous rows."""
    try:
        for i in range(count):
            if i == fail_at:
                raise RuntimeError("the source failed")
            if pause:
                time.sleep(pause)
            yield {"id": i, "text": "x" * 100}
    finally:
        log.append(name)


async def arows(name, count, pause=0.0, fail_at=None):
    """The same, asynchronous."""
    try:
        for i in range(count):
            if i == fail_at:
                raise RuntimeError("the source failed")
            if pause:
                await asyncio.sleep(pause)
            yield {"id": i, "text": "x" * 100}
    finally:
        log.append(name)


def source(kind, query):
    """`query`: name, count, pause, fail_at, as strings."""
    fail_at = query.get("fail_at")
    make = arows if kind == "async" else rows
    return make(query["name"], int(query["count"]), float(query.get("pause", 0)), None if fail_at is None else int(fail_at))


def arguments(query):
    """Keywords of the response."""
    result = {}
    if "compression" in query:
        result["compression"] = query["compression"]
    if "end" in query:
        result["end"] = result["error"] = True
    if "flush" in query:
        result["flush"] = query["flush"]
    return result
