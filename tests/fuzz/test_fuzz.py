"""Random documents, options, chunk sizes and misbehaving targets; what comes out is what json writes, or an error.

A short run by default; RJSON_SLOW=1 makes it long. RJSON_FUZZ_SEED repeats a failing run, whose seed is in the message.
"""

import array
import dataclasses
import decimal
import enum
import json
import os
import random

import pytest

import rjson
from helpers import SLOW

ROUNDS = 50_000 if SLOW else 400
# The same documents in every short run, so that a run says something about the change at hand.
SEED = int(os.environ.get("RJSON_FUZZ_SEED", random.SystemRandom().randrange(2**32) if SLOW else 1))

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
    if depth < 7 and kind < 0.55:
        return {"a": value(rng, depth + 1), "b": value(rng, depth + 1)}
    if kind < 0.6:
        return [rng.random() * 10 ** rng.randrange(-9, 9) for _ in range(rng.randrange(1, 60))]
    return scalar(rng)


def typed(rng, obj):
    """What is written as `obj` is: numbers in memory, an enum's member, a decimal, a dataclass; or obj itself."""
    kinds = set(map(type, obj)) if isinstance(obj, (list, tuple)) and obj else set()
    if kinds == {float}:
        return array.array("d", obj)
    if kinds == {int} and all(abs(n) < 2**63 for n in obj):
        return memoryview(array.array("q", obj))
    if kinds:
        return obj
    if type(obj) is int and rng.random() < 0.5:
        return decimal.Decimal(obj)
    if isinstance(obj, dict) and set(obj) == {"a", "b"}:
        return rng.choice(RECORDS)(obj["a"], obj["b"])
    return MEMBERS.get(repr(obj), obj) if type(obj) in (float, int) else obj


MEMBERS = {
    member.value: member for member in enum.Enum("Number", {f"N{i}": n for i, n in enumerate([*range(99), -1, 0.5, 5e-324])})
}
RECORDS = [dataclasses.make_dataclass("Record", ["a", "b"], slots=slots) for slots in (False, True)]


def lazy(rng, obj):
    """The same document with some of its lists as iterators, and with other types."""
    if rng.random() < 0.2:
        obj = typed(rng, obj)
    if isinstance(obj, (list, tuple)):
        items = [lazy(rng, item) for item in obj]
        return iter(items) if rng.random() < 0.3 else items
    if isinstance(obj, dict):
        return {k: lazy(rng, v) for k, v in obj.items()}
    return obj


def options(rng, obj):
    """Layouts that json has too, and the text that it writes."""
    opts = {"ensure_ascii": rng.random() < 0.3}
    if rng.random() < 0.4:
        opts["indent"] = rng.choice([0, 1, 2, 7, 33, "\t", " é"])
    if rng.random() < 0.3:
        opts["separators"] = (rng.choice([",", ", ", ";", " ,\n", "中", ""]), rng.choice([":", ": ", "=", "é"]))
    if rng.random() < 0.3:
        opts["sort_keys"] = True
    compact = (",", ":") if "indent" not in opts else (",", ": ")
    try:
        return opts, json.dumps(obj, **{"separators": compact, **opts})
    except TypeError:  # keys that cannot be compared
        del opts["sort_keys"]
        return opts, json.dumps(obj, **{"separators": compact, **opts})


class Target:
    """Takes as much as it likes, blocks when it likes, and may fail."""

    def __init__(self, rng, fail_at):
        self.rng = rng
        self.data = bytearray()
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
        opts, expected = options(rng, obj)
        expected = expected.encode()
        where = f"RJSON_FUZZ_SEED={SEED}, part {part}, round {i}"
        chunk_size = rng.choice([1, 512, 513, rng.randrange(512, 5000), 65536])
        assert b"".join(rjson.iterencode(lazy(rng, obj), chunk_size=chunk_size, **opts)) == expected, where
        assert rjson.dumps(lazy(rng, obj), **opts) == expected.decode(), where
        target = Target(rng, rng.choice([0, 0, rng.randrange(1, 6)]))
        try:
            count = rjson.dump(lazy(rng, obj), target, chunk_size=chunk_size, **opts)
        except OSError as error:
            assert target.calls == target.fail_at, where
            assert error.bytes_written == len(target.data), where
            assert expected.startswith(target.data), where
        else:
            assert target.data == expected, where
            assert count == len(expected), where
