"""Lists of many numbers, or of true, false and null, which are written as runs of one kind: of each length, with another item at each place."""

from __future__ import annotations

import enum
import json
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

import rjson
from helpers import stdlib, streamed

pytestmark = pytest.mark.vectors

Make = Callable[[random.Random], Any]


class Level(enum.IntEnum):
    HIGH = 7


class Celsius(float):
    pass


KINDS: dict[str, Make] = {
    "small ints": lambda rng: rng.randint(-10, 300),
    "ints": lambda rng: rng.choice((1, -1)) * rng.getrandbits(rng.randint(1, 64)),
    "floats": lambda rng: rng.choice((1, -1)) * rng.random() * 10 ** rng.randint(-20, 20),
    "whole floats": lambda rng: float(rng.randint(-1000, 10**6)),
    "literals": lambda rng: rng.choice((None, True, False)),
}
OTHERS = [
    0,
    -(2**63),
    2**64 - 1,
    2**64,
    -(10**30),
    1.5,
    -0.0,
    5e-324,
    1e300,
    True,
    None,
    "",
    "text",
    "日本",
    [],
    [1],
    {"k": 1},
    (2,),
    Level.HIGH,
]


@pytest.fixture(params=KINDS)
def kind(request) -> Make:
    return KINDS[request.param]


def check(document: Any) -> None:
    expected = stdlib(document)
    assert rjson.dumps_bytes(document).decode() == expected
    assert rjson.dumps(document) == expected
    assert rjson.dumps(["日", document, "é"]) == f'["日",{expected},"é"]'
    assert rjson.dumps(document, indent=1) == json.dumps(document, ensure_ascii=False, indent=1)


@pytest.mark.parametrize("length", [*range(1, 50), 63, 64, 65, 1000])
def test_each_length(kind, length):
    rng = random.Random(length)
    document = [kind(rng) for _ in range(length)]
    check(document)
    check(tuple(document))
    check({"a": document, "b": document})


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_another_item_at_each_place(kind, other):
    rng = random.Random(1)
    items = [kind(rng) for _ in range(50)]
    for place in range(len(items) + 1):
        document = items[:place] + [other] + items[place:]
        expected = stdlib(document)
        assert rjson.dumps_bytes(document).decode() == expected
        assert rjson.dumps(document) == expected
        assert streamed(document, chunk_size=512).decode() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Celsius("-inf")], ids=str)
@pytest.mark.parametrize("place", [0, 1, 15, 16, 17, 39])
def test_what_json_lacks_is_refused_where_it_is(value, place):
    items: list[float] = [0.5] * 40
    items[place] = value
    with pytest.raises(ValueError, match=rf"\$\[{place}\]"):
        rjson.dumps(items)
    assert rjson.dumps(items, allow_nan=True) == stdlib(items)


@pytest.mark.parametrize("chunk_size", [512, 513, 777])
def test_a_chunk_that_ends_at_each_byte(kind, chunk_size):
    rng = random.Random(2)
    items = [kind(rng) for _ in range(200)]
    for before in range(chunk_size + 30):
        document = ["x" * before, items]
        assert streamed(document, chunk_size=chunk_size).decode() == stdlib(document)


def test_kinds_one_after_another():
    rng = random.Random(3)
    for _ in range(300):
        document = []
        for _ in range(rng.randint(1, 8)):
            make = rng.choice(list(KINDS.values()))
            document += [make(rng) for _ in range(rng.choice((1, 2, 15, 16, 17, 40)))]
        check(document)


@pytest.mark.parametrize("make", [lambda i: 2**40 + i, lambda i: i + 0.5], ids=["ints", "floats"])
def test_no_reference_is_kept_or_lost(make):
    document = [make(i) for i in range(100)]
    before = [sys.getrefcount(item) for item in document]
    rjson.dumps_bytes(document)
    streamed(document, chunk_size=512)
    assert [sys.getrefcount(item) for item in document] == before


@pytest.mark.parametrize("place", [0, 1, 15, 16, 17, 39])
def test_integers_that_javascript_would_round_are_refused_in_runs_too(place):
    items = [1] * 40
    items[place] = 2**53
    with pytest.raises(ValueError, match=rf"\$\[{place}\]"):
        rjson.dumps(items, integers="js-safe")
    assert rjson.dumps(items) == stdlib(items)
