"""Shape sweep: each kind of leaf behind each other kind, at each fill level of a chunk, and across the growth of a result.

`make test-slow` takes every chunk size from the minimum up.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import itertools
import uuid

import pytest

import rjson
from helpers import SLOW, UNDER_ASAN, stdlib

MINIMUM = 512  # of a chunk


class Color(enum.Enum):
    RED = "red"


NATIVE = {
    "null": None,
    "true": True,
    "false": False,
    "small int": 7,
    "int": -1234567890123,
    "large int": 10**40,
    "float": -1.2345678901234567e-300,
    "short float": 0.1,
    "empty string": "",
    "ASCII": "twenty characters...",
    "longer ASCII": "x" * 70,
    "escapes": 'a"b\\c\n\x01' * 3,
    "Latin-1": "café" * 4,
    "wide": "日本語" * 5,
    "beyond the BMP": "😀" * 3,
    "empty list": [],
    "empty dict": {},
    "list": [1, "a"],
    "dict": {"k": "v"},
    "chain": [[[{"k": [1]}]]],
}
# What others say of them: json.
LEAVES = {name: (value, stdlib(value)) for name, value in NATIVE.items()}
# And of types that it does not know: what their own str() or isoformat() says.
_id, _time, _number = uuid.UUID(int=5), datetime.datetime(2024, 2, 29, 12, 0, 0, 1), decimal.Decimal("1.50")
LEAVES |= {
    "UUID": (_id, f'"{_id}"'),
    "datetime": (_time, f'"{_time.isoformat()}"'),
    "Decimal": (_number, str(_number)),
    "enum": (Color.RED, '"red"'),
    "Raw": (rjson.Raw("[1, 2]"), "[1, 2]"),
}
PAIRS = list(itertools.product(LEAVES, repeat=2))


def padding(size):
    """Items that take so many bytes with their commas; the last of them one by one, as no long string comes to the end of a chunk."""
    text = "p" * max(0, size - 600)
    left = size - len(text) - 3
    items = [text] + [10] * (left % 2) + [0] * (left // 2 - left % 2)
    return items, "".join(f"{item if item is not text else stdlib(text)}," for item in items)


def forms(a, b, size):
    """Documents with one behind the other behind so many bytes, and their texts."""
    (first, first_text), (second, second_text) = LEAVES[a], LEAVES[b]
    items, text = padding(size)
    return [
        ([*items, first, second], f"[{text}{first_text},{second_text}]"),
        ({"p": items, "a": first, "b": second}, f'{{"p":[{text[:-1]}],"a":{first_text},"b":{second_text}}}'),
    ]


def chunked(document, chunk_size):
    parts = []
    rjson.dump(document, Parts(parts), chunk_size=chunk_size)
    assert all(len(part) <= max(chunk_size, MINIMUM) for part in parts)
    return b"".join(parts).decode()


class Parts:
    """Keeps what it is given."""

    def __init__(self, parts):
        self._parts = parts

    def write(self, data):
        self._parts.append(data)
        return len(data)


LEVELS = range(MINIMUM - 300, MINIMUM + 8, 1 if SLOW else 11 if UNDER_ASAN else 3)


@pytest.mark.parametrize("first", LEAVES)
def test_at_each_fill_level(first):
    """Of a chunk of the smallest size; in a list and in a dict."""
    for second in list(LEAVES)[:: 1 if SLOW else 4]:
        for level in LEVELS:
            for document, text in forms(first, second, level):
                assert chunked(document, MINIMUM) == text, (second, level)


@pytest.mark.skipif(not SLOW, reason="long: RJSON_SLOW=1")
@pytest.mark.parametrize("first", LEAVES)
def test_at_each_chunk_size(first):
    for second in LEAVES:
        documents, texts = zip(*forms(first, second, 480), strict=True)
        text = ",".join(texts * 9)
        for chunk_size in range(MINIMUM, 4200):
            assert chunked(documents * 9, chunk_size) == f"[{text}]", (second, chunk_size)


@pytest.mark.parametrize("encode", [rjson.dumps, lambda obj: rjson.dumps_bytes(obj).decode()], ids=["dumps", "dumps_bytes"])
@pytest.mark.parametrize("step", [4096, 65536])
def test_across_each_growth_of_a_result(encode, step):
    """A str or bytes that is made grows where it is full; by `step` or a multiple of it, and more the larger it is."""
    for first, second in PAIRS if SLOW else PAIRS[:: len(LEAVES) + 1]:
        for size in range(step - 300, step + 4, 1 if SLOW else 11):
            for document, text in forms(first, second, size):
                assert encode(document) == text, (first, second, size)
