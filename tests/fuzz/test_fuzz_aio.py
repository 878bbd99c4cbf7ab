"""Random documents with async iterators and awaitables in them, random rules, targets that misbehave, cancellations.

A short run by default; RJSON_SLOW=1 makes it long. RJSON_FUZZ_SEED repeats a failing run, whose seed is in the message.
"""

import asyncio
import json
import random

import pytest
from test_fuzz import ROUNDS, SEED, value

from rjson import aio


class Deferred:
    """What `default` has to ask for."""

    def __init__(self, value, pause):
        self.value, self.pause = value, pause


async def ask(deferred):
    for _ in range(deferred.pause):
        await asyncio.sleep(0)
    return deferred.value


def default(obj):
    return ask(obj) if obj.pause else obj.value


async def arrive(rng, items, open_sources):
    open_sources.append(None)
    try:
        for item in items:
            if rng.random() < 0.3:
                await asyncio.sleep(0 if rng.random() < 0.9 else 0.001)
            yield item
    finally:
        open_sources.pop()


def come(items, open_sources):
    open_sources.append(None)
    try:
        yield from items
    finally:
        open_sources.pop()


def lazy(rng, obj, open_sources):
    """The same document, with some of its lists as iterators of both kinds, and some of its values deferred."""
    if isinstance(obj, (list, tuple)):
        items = [lazy(rng, item, open_sources) for item in obj]
        kind = rng.random()
        obj = arrive(rng, items, open_sources) if kind < 0.2 else come(items, open_sources) if kind < 0.4 else items
    elif isinstance(obj, dict):
        obj = {k: lazy(rng, v, open_sources) for k, v in obj.items()}
    return Deferred(obj, rng.randrange(3)) if rng.random() < 0.05 else obj


class Target:
    """Takes as much as it likes, takes its time, and may fail."""

    def __init__(self, rng, fail_at):
        self.rng, self.fail_at = rng, fail_at
        self.data, self.calls = b"", 0

    async def write(self, data):
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError("as planned")
        if self.rng.random() < 0.3:
            await asyncio.sleep(0)
        n = len(data) if self.rng.random() < 0.7 else self.rng.randrange(1, len(data) + 1)
        self.data += bytes(data)[:n]
        return n


async def one_round(rng, where):
    obj = value(rng)
    expected = json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode()
    open_sources = []
    options = {
        "chunk_size": rng.choice([1, 512, 513, rng.randrange(512, 5000), 65536]),
        "slice_us": rng.choice([1, 50, 1000]),
        "flush": rng.choice(["full", "item", 0, 0.0005, 0.01]),
        "default": default,
    }
    chunks = [c async for c in aio.iterencode(lazy(rng, obj, open_sources), **options)]
    assert b"".join(chunks) == expected, where
    target = Target(rng, rng.choice([0, 0, rng.randrange(1, 6)]))
    task = asyncio.ensure_future(aio.dump(lazy(rng, obj, open_sources), target, **options))
    if rng.random() < 0.3:
        for _ in range(rng.randrange(1, 30)):
            await asyncio.sleep(0)
        task.cancel()
    try:
        assert await task == len(expected), where
        assert target.data == expected, where
    except OSError as error:
        assert target.calls == target.fail_at, where
        assert error.bytes_written <= len(target.data), where
    except asyncio.CancelledError:
        pass
    assert expected.startswith(target.data), where
    assert open_sources == [], where


@pytest.mark.parametrize("part", range(2))
async def test_random_documents_on_a_loop(part):
    """Content, counts and truncation are right in every combination, and every generator that was begun is closed."""
    for i in range(ROUNDS // 4):
        await one_round(random.Random(f"{SEED + part} {i}"), f"RJSON_FUZZ_SEED={SEED}, part {part}, round {i}")
