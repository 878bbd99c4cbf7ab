"""Mutated documents: what json reads, loads reads the same; what json refuses, it refuses. In parts as well as whole.

A short run by default; RJSON_SLOW=1 makes it long. RJSON_FUZZ_SEED repeats a failing run, whose seed is in the message.
"""

import io
import json
import os
import random
import struct

import pytest

import rjson
from helpers import SLOW

ROUNDS = 300_000 if SLOW else 3_000
# The same documents in every short run, so that a run says something about the change at hand.
SEED = int(os.environ.get("RJSON_FUZZ_SEED", random.SystemRandom().randrange(2**32) if SLOW else 1))

PIECES = [
    *(bytes([c]) for c in b'{}[]",:\\/-+.eEtfnu0123456789 \n\t\x00\x1f\x7f\x80\xbf\xc2\xe0\xed\xf0\xf4\xff'),
    *(
        s.encode()
        for s in (
            "é",
            "中",
            "😀",
            "\\u00e9",
            "\\ud83d",
            "\\ude00",
            "\\n",
            "null",
            "true",
            "1e5",
            "-0",
            '"k":',
            "[[",
            "x" * 70,
        )
    ),
]


def number(rng):
    digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 25)))
    return rng.choice(
        ["1", "-1", f"{rng.random()!r}", f"-0.{digits}", f"1{digits}", f"9.{digits}e{rng.randrange(-330, 310)}"]
    )


def text(rng):
    """Mostly of few kinds of characters: vectors read what is alike in ways of its own."""
    kinds = rng.sample(["a", "b", "é", "λ", "中", "😀", "\\n", "\\u4e2d", " "], k=rng.choice([1, 1, 2, 8]))
    return "".join(rng.choices(kinds, k=rng.choice([0, 1, 3, 10, 16, 21, 32, 64, rng.randrange(200)])))


def document(rng, depth=0):
    kind = rng.randrange(6) if depth < 5 else rng.randrange(3)
    if kind < 2:
        return number(rng)
    if kind == 2:
        return f'"{text(rng)}"'
    space = rng.choice(["", " ", "\n    "])
    items = [document(rng, depth + 1) for _ in range(rng.randrange(5))]
    if kind == 3:
        return "{" + f",{space}".join(f'"{text(rng)}":{space}{item}' for item in items) + "}"
    return "[" + f"{space},".join(items) + "]"


def mutate(rng, data):
    for _ in range(rng.randrange(3)):
        place, piece = rng.randrange(len(data) + 1), rng.choice(PIECES)
        data = data[:place] + piece * rng.randrange(2) + data[place + rng.randrange(3) :]
    return data


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


def refuse(name):
    raise ValueError(name)


def outcome(read, data):
    try:
        return read(data)
    except ValueError:
        return "refused"


def read_by_json(data):
    """Strict, as to UTF-8 too."""
    return json.loads(data.decode(), parse_constant=refuse)


@pytest.mark.parametrize("part", range(4))
def test_mutated_documents(part):
    rng = random.Random(SEED + part)
    for _ in range(ROUNDS // 4):
        data = mutate(rng, document(rng).encode())
        expected = outcome(read_by_json, data)
        text = data.decode("utf-8", "surrogateescape")  # what is malformed becomes lone surrogates, which a str may have
        assert same(outcome(rjson.loads, text), outcome(lambda s: json.loads(s, parse_constant=refuse), text)), (SEED, text)
        if data.startswith(b"\xef\xbb\xbf"):
            continue
        assert same(outcome(rjson.loads, data), expected), (SEED, data)
        if expected != "refused" or b'"' in data:
            in_parts = outcome(
                lambda d: list(rjson.iterload(io.BytesIO(d), framing="concat", chunk_size=rng.randrange(1, 40))),
                b"[" + data + b"]",
            )
            assert same(in_parts, outcome(lambda d: [read_by_json(d)], b"[" + data + b"]")), (SEED, data)
