"""What the applications under test stream, and what became of it."""

import asyncio
import time

log = []  # names of sources that were closed


def rows(name, count, pause=0.0, fail_at=None, bad_at=None):
    """Synchronous rows."""
    try:
        for i in range(count):
            if i == fail_at:
                raise RuntimeError("the source failed")
            if pause:
                time.sleep(pause)
            yield {"id": i, "text": "x" * 100 if i != bad_at else object()}
    finally:
        log.append(name)


async def arows(name, count, pause=0.0, fail_at=None, bad_at=None):
    """The same, asynchronous."""
    try:
        for i in range(count):
            if i == fail_at:
                raise RuntimeError("the source failed")
            if pause:
                await asyncio.sleep(pause)
            yield {"id": i, "text": "x" * 100 if i != bad_at else object()}
    finally:
        log.append(name)


def source(kind, query):
    """`query`: name, count, pause, fail_at, bad_at, as strings."""
    places = {key: int(query[key]) for key in ("fail_at", "bad_at") if query.get(key) is not None}
    make = arows if kind == "async" else rows
    return make(query["name"], int(query["count"]), float(query.get("pause", 0)), **places)


def arguments(query):
    """Keywords of the response."""
    result = {}
    if "vary" in query:
        result["headers"] = {"Vary": query["vary"]}
    if "compression" in query:
        result["compression"] = query["compression"]
    if "end" in query:
        result["end"] = result["error"] = True
    if "after_error" in query:
        result["after_error"] = query["after_error"]
    if "flush" in query:
        result["flush"] = query["flush"]
    return result
