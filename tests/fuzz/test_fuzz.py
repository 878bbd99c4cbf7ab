"""Random documents, options, chunk sizes and misbehaving targets; what comes out is what json writes, or an error.

A short run by default; RJSON_SLOW=1 makes it long. RJSON_FUZZ_SEED repeats a failing run, whose seed is in the message.
"""

import json
import os
import random

import pytest

import rjson

SLOW = os.environ.get("RJSON_SLOW") == "1"
ROUNDS = 200_000 if SLOW else 3000
SEED = int(os.environ.get("RJSON_FUZZ_SEED", random.SystemRandom().randrange(2**32)))

CHARS = [
    chr(c)
    for c in (*range(0x20), 0x22, 0x5C, 0x61, 0x7E, 0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 0x4E2D, 0xFFFF, 0x10000, 0x10FFFF)
]


def text(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return "".join(rng.choices(CHARS, k=rng.randrange(80)))
    if kind == 1:
        return rng.choice("aé中😀") * rng.randrange(3000)
    if kind == 2:
        plain = ["x"] * rng.randrange(1, 900)
        plain[rng.randrange(len(plain))] = rng.choice(CHARS)
        return "".join(plain)
    return "".join(rng.choices("abcdefgh", k=rng.randrange(70)))


def scalar(rng):
    return rng.choice(
        [
            lambda: text(rng),
            lambda: rng.getrandbits(rng.randrange(1, 100)) * rng.choice((1, -1)),
            lambda: rng.random() * 10 ** rng.randrange(-30, 30),
            lambda: rng.choice([None, True, False, 0.0, -0.0, 1e16, 5e-324]),
        ]
    )()


def value(rng, depth=0):
    kind = rng.random()
    if depth < 7 and kind < 0.25:
        items = [value(rng, depth + 1) for _ in range(rng.randrange(9))]
        return tuple(items) if kind < 0.03 else items
    if depth < 7 and kind < 0.5:
        return {
            rng.choice([text(rng), rng.randrange(99), None, 1.5]): value(rng, depth + 1) for _ in range(rng.randrange(9))
        }
    return scalar(rng)


def lazy(rng, obj):
    """The same document with some of its lists as iterators."""
    if isinstance(obj, (list, tuple)):
        items = [lazy(rng, item) for item in obj]
        return iter(items) if rng.random() < 0.3 else items
    if isinstance(obj, dict):
        return {k: lazy(rng, v) for k, v in obj.items()}
    return obj


class Target:
    """Takes as much as it likes, blocks when it likes, and may fail."""

    def __init__(self, rng, fail_at):
        self.rng = rng
        self.data = b""
        self.calls = 0
        self.fail_at = fail_at

    def write(self, data):
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError("as planned")
        n = len(data) if self.rng.random() < 0.5 else self.rng.randrange(1, len(data) + 1)
        self.data += data[:n]
        return n


@pytest.mark.parametrize("part", range(4))
def test_random_documents_and_targets(part):
    """Content, counts and truncation are right in every combination."""
    seed = SEED + part
    for i in range(ROUNDS // 4):
        rng = random.Random(f"{seed} {i}")
        obj = value(rng)
        expected = json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode()
        where = f"RJSON_FUZZ_SEED={SEED}, part {part}, round {i}"
        chunk_size = rng.choice([1, 512, 513, rng.randrange(512, 5000), 65536])
        assert b"".join(rjson.iterencode(lazy(rng, obj), chunk_size=chunk_size)) == expected, where
        assert rjson.dumps(lazy(rng, obj)) == expected.decode(), where
        target = Target(rng, rng.choice([0, 0, rng.randrange(1, 6)]))
        try:
            count = rjson.dump(lazy(rng, obj), target, chunk_size=chunk_size)
        except OSError as error:
            assert target.calls == target.fail_at, where
            assert error.bytes_written == len(target.data), where
            assert expected.startswith(target.data), where
        else:
            assert target.data == expected, where
            assert count == len(expected), where
