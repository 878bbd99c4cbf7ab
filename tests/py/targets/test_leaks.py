"""Every function and its failures, again and again: blocks of memory, references and descriptors do not become more.

`make test-slow` makes 20,000 calls of each, and looks at the resident memory as well. On a debug build of CPython references are counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import enum
import gc
import io
import json
import os
import resource
import sys
import uuid

import pytest

import rjson
import rjson.aio
import rjson.compat
from helpers import HAS_UV, SLOW, UNDER_ASAN

CALLS = 20_000 if SLOW else 120


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Color(enum.Enum):
    RED = "red"


RICH = {
    "text": ["a", "é" * 50, "日本", "😀", '"\n' * 20, "x" * 700],
    "numbers": [1, -(10**30), 1.5, 1e300, True, None],
    "types": [Point(1, 2.5), Color.RED, uuid.UUID(int=1), decimal.Decimal("1.5"), datetime.datetime(2024, 1, 1), datetime.timedelta(1)],
    "nested": [[[{"a": {"b": [{}]}}]], (1, 2)],
}  # fmt: skip
BAD = {**RICH, "bad": [object()]}
TEXT = rjson.dumps_bytes(RICH)


def failing(call, *kinds):
    """The call, which must fail so."""

    def run():
        try:
            call()
        except kinds:
            return
        raise AssertionError("it did not fail")

    return run


def raises(*_):
    raise LookupError


def rows(bad=False):
    yield {"id": 1, "text": "x" * 300}
    yield {"id": 2}
    if bad:
        raise LookupError


class Full:
    """Takes one chunk, and fails."""

    def __init__(self):
        self.count = 0

    def write(self, data):
        self.count += 1
        if self.count > 1:
            raise OSError(28, "full")
        return len(data)


def by_writer(bad=False):
    with rjson.Writer(io.BytesIO(), chunk_size=512) as writer:
        writer.write(RICH)
        writer.write_all(rows(bad))
        with writer.object():
            writer.key("a")
            writer.write([1])


def by_compressor():
    with rjson.compressed(io.BytesIO(), "gz") as file:
        rjson.dump(RICH, file)


async def by_aio(bad=False):
    async for _ in rjson.aio.iterencode({"rows": arows(bad)}, chunk_size=512):
        pass


async def arows(bad=False):
    for row in rows(bad):
        yield row


async def by_aio_reader():
    async def parts():
        yield TEXT[:100]
        yield TEXT[100:]

    return [value async for value in rjson.aio.iterload(parts())]


LOOP = asyncio.new_event_loop()
NULL = os.open(os.devnull, os.O_WRONLY)

DUMPS = {
    "dumps": lambda: rjson.dumps(RICH),
    "dumps_bytes": lambda: rjson.dumps_bytes(RICH),
    "styled": lambda: rjson.dumps(RICH, indent=2, sort_keys=True, ensure_ascii=True),
    "compat": lambda: rjson.compat.dumps(RICH["nested"], indent=1),
    "dump to bytes": lambda: rjson.dump(RICH, io.BytesIO(), chunk_size=512),
    "dump to text": lambda: rjson.dump(RICH, io.StringIO(), chunk_size=512),
    "dump_to a descriptor": lambda: rjson.dump_to(RICH, NULL),
    "iterencode": lambda: list(rjson.iterencode(rows(), chunk_size=512)),
    "iterencode, given up": lambda: next(rjson.iterencode([rows(), RICH], chunk_size=512)),
    "Encoder": lambda: rjson.Encoder(default=str, indent=1).dumps_bytes(object()),
    "Raw": lambda: rjson.dumps([rjson.Raw("[1]"), rjson.Raw(b"2")]),
    "Writer": by_writer,
    "compressed": by_compressor,
    "reformat": lambda: rjson.reformat(TEXT, io.BytesIO(), indent=1),
    "aio": lambda: LOOP.run_until_complete(by_aio()),
    "loads": lambda: rjson.loads(TEXT),
    "loads, hooks": lambda: rjson.loads(TEXT, object_hook=dict, array_hook=tuple, parse_float=str, parse_int=str),
    "iterload": lambda: list(rjson.iterload([TEXT, b"\n", TEXT], framing="lines")),
    "iterload, given up": lambda: next(rjson.iterload(io.BytesIO(b"[1,[2,3],4]"), chunk_size=3)),
    "aio.iterload": lambda: LOOP.run_until_complete(by_aio_reader()),
}
FAILURES = {
    "no JSON": failing(lambda: rjson.dumps(BAD), rjson.EncodeError),
    "no JSON, in a stream": failing(lambda: rjson.dump(BAD, io.BytesIO(), chunk_size=512), rjson.EncodeError),
    "default raises": failing(lambda: rjson.dumps(BAD, default=raises), LookupError),
    "a source raises": failing(lambda: rjson.dumps([rows(True)]), LookupError),
    "iterencode's source raises": failing(lambda: list(rjson.iterencode(rows(True), chunk_size=512)), LookupError),
    "Writer's source raises": failing(lambda: by_writer(True), LookupError),
    "aio's source raises": failing(lambda: LOOP.run_until_complete(by_aio(True)), LookupError),
    "a target raises": failing(lambda: rjson.dump(RICH, Full(), chunk_size=512), OSError),
    "a descriptor that is closed": failing(lambda: rjson.dump_to(RICH, 10**6), OSError),
    "too deep": failing(lambda: rjson.dumps(RICH, max_depth=2), RecursionError),
    "NaN": failing(lambda: rjson.dumps([float("nan")]), ValueError),
    "a bad option": failing(lambda: rjson.dumps(1, indent=object()), TypeError),
    "an unknown option": failing(lambda: rjson.Encoder(unknown=1), TypeError),
    "a bad text": failing(lambda: rjson.loads(TEXT[:-1]), rjson.DecodeError),
    "a hook raises": failing(lambda: rjson.loads(TEXT, object_hook=raises), LookupError),
    "a bad line": failing(lambda: list(rjson.iterload([TEXT, b"\n[1,"], framing="lines")), rjson.DecodeError),
    "reformat of a bad text": failing(lambda: rjson.reformat(TEXT[:-1], io.BytesIO()), json.JSONDecodeError),
    "Raw that is none": failing(lambda: rjson.Raw(1), TypeError),
}
if HAS_UV:
    import socket

    import rjson.uv

    def by_fanout():
        ours, theirs = socket.socketpair()
        with ours, theirs, rjson.uv.Fanout([ours], framing="lines") as feed:
            feed.publish(RICH)
            feed.publish({"event": 1})

    DUMPS["Fanout"] = by_fanout


def totals():
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    references = sys.gettotalrefcount() if hasattr(sys, "gettotalrefcount") else 0
    return sys.getallocatedblocks(), references, descriptors


def growth(call, calls):
    before = totals()
    for _ in range(calls):
        call()
    return [after - earlier for after, earlier in zip(totals(), before, strict=True)]


@pytest.mark.skipif(UNDER_ASAN, reason="the sanitizer has an allocator of its own")
@pytest.mark.parametrize("name", [*DUMPS, *FAILURES])
def test_nothing_stays(name):
    """Less than one block or reference for ten calls, or ten of all, in the best of some rounds: the interpreter's own caches fill up at first."""
    call = {**DUMPS, **FAILURES}[name]
    calls = CALLS // 10 if name == "Fanout" else CALLS
    call()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(8):
        blocks, references, descriptors = growth(call, calls)
        assert descriptors == 0
        if max(blocks, references) < max(10, calls / 10):
            break
    else:
        raise AssertionError(f"{blocks} blocks, {references} references in {calls} calls")
    if SLOW:
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident < 2048  # KiB
