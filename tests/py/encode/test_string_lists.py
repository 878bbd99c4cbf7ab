"""Lists of many strings, which are written by batches: of one length and of many, of one kind and of many, and other items among them."""

from __future__ import annotations

import random
from typing import Any

import pytest

import rjson
from helpers import keep_utf8, stdlib, streamed

pytestmark = pytest.mark.vectors

ALPHABETS = ["abc XYZ!\x7f", "aéüÿ\x80", "αβγ\u07ff", "日本語ab", "😀日é!"]
ESCAPED = '"\\\n\t\x00\x1f'
# Around what vectors hold, in bytes: 16, 32, 64 and 128.
LENGTHS = [
    (0, 5),
    (0, 17),
    (3, 8),
    (15, 18),
    (16, 33),
    (20, 60),
    (31, 34),
    (50, 70),
    (63, 66),
    (64, 130),
    (100, 140),
    (0, 300),
    (900, 1100),
]
OTHERS = [0, 1.5, None, True, [], ["x"], {"k": "v"}, 2**70, ("t",)]


def text(rng: random.Random, alphabet: str, lengths: tuple[int, int], escapes: float) -> str:
    characters = rng.choices(alphabet, k=rng.randint(*lengths))
    return "".join(rng.choice(ESCAPED) if rng.random() < escapes else c for c in characters)


def phase(rng: random.Random) -> list[Any]:
    """Some that are alike: so many that what follows is foreseen wrongly, or so few that it is not foreseen."""
    alphabets = rng.choice([ALPHABETS[:1], ALPHABETS[:2], [rng.choice(ALPHABETS)], ALPHABETS])
    lengths = rng.choice(LENGTHS)
    escapes = rng.choice([0, 0, 0, 0.01, 0.1, 0.5])
    items: list[Any] = [
        text(rng, rng.choice(alphabets), lengths, escapes) for _ in range(rng.choice([1, 3, 20, 31, 33, 50, 100]))
    ]
    if rng.random() < 0.5:
        for s in items:
            keep_utf8(s)
    if rng.random() < 0.3:
        items.insert(rng.randrange(len(items) + 1), rng.choice(OTHERS))
    return items


def check(document: list[Any], expected: str) -> None:
    assert rjson.dumps_bytes(document).decode() == expected
    result = rjson.dumps(document)
    assert result == expected
    # A str that is taken for ASCII is equal to the same characters as Latin-1.
    assert (result.isascii(), result.encode()) == (expected.isascii(), expected.encode())


@pytest.mark.parametrize("seed", range(40))
def test_lists_of_all_kinds(seed):
    rng = random.Random(seed)
    for _ in range(10):
        document = [item for _ in range(rng.randint(1, 6)) for item in phase(rng)]
        expected = stdlib(document)
        check(document, expected)
        assert rjson.dumps({"list": document, "tuple": tuple(document)}) == stdlib({"list": document, "tuple": document})
        for chunk_size in (512, 513, rng.randint(512, 2000), 65536):
            assert streamed(document, chunk_size=chunk_size).decode() == expected
            assert "".join(part.decode() for part in rjson.iterencode(document, chunk_size=chunk_size)) == expected


@pytest.mark.parametrize("lengths", [(0, 16), (17, 32), (33, 64), (65, 128)], ids=str)
@pytest.mark.parametrize("escapes", [0, 0.03, 0.5])
def test_a_chunk_that_ends_at_each_byte(lengths, escapes):
    rng = random.Random(1)
    strings = [text(rng, ALPHABETS[0], lengths, escapes) for _ in range(100)]
    for before in range(300):
        document = ["x" * before, *strings]
        expected = stdlib(document)
        for chunk_size in (600, 600 + 20 * lengths[1], 600 + 34 * lengths[1]):
            assert streamed(document, chunk_size=chunk_size).decode() == expected


@pytest.mark.parametrize("length", [*range(1, 36), *(n + d for n in range(64, 288, 32) for d in (-1, 0, 1, 2))])
def test_one_escape_at_each_place_of_one_string_among_many(length):
    """Nothing else of a list says that there is one."""
    rng = random.Random(length)
    clean = [text(rng, "abc XYZ!#\x7f[]", (length // 2, length), 0) for _ in range(150)]
    for place in range(length):
        strings = clean.copy()
        string = text(rng, "abc", (length, length), 0)
        strings[rng.randrange(40, 140)] = string[:place] + rng.choice(ESCAPED) + string[place + 1 :]
        check(strings, stdlib(strings))


def some_escapes(rng: random.Random, length: int, escapes: str) -> str:
    characters = rng.choices("abc XYZ!#\x7f[]", k=length)
    for place in rng.sample(range(length), min(length, rng.choice([0, 0, 1, 1, 2, 4]))):
        characters[place] = rng.choice(escapes)
    return "".join(characters)


@pytest.mark.parametrize("length", [*range(14, 68), 127, 128, 129])
def test_some_escapes_in_many_strings(length):
    """Short ones in all, and then a long one in one of them."""
    rng = random.Random(length)
    for _ in range(15):
        strings = [some_escapes(rng, rng.choice([length, rng.randint(0, length)]), '"\\\b\f\n\r\t') for _ in range(200)]
        check(strings, stdlib(strings))
        strings[rng.randrange(200)] = some_escapes(rng, length, "\x00\x07\x0b\x1f")
        check(strings, stdlib(strings))


@pytest.mark.parametrize("length", [20, 63, 64])
def test_some_escapes_at_each_distance_from_the_end_of_a_chunk(length):
    rng = random.Random(length)
    strings = [some_escapes(rng, rng.randint(0, length), '"\\\n') for _ in range(100)]
    for before in range(400):
        document = ["x" * before, *strings]
        assert streamed(document, chunk_size=700 + 40 * length).decode() == stdlib(document)


@pytest.mark.parametrize("length", [1, 8, 17, 33, 65, 129, 256])
def test_each_ascii_character_in_many_strings(length):
    for code in range(128):
        strings = [chr(code) * length, *["x" * (length - 1) + chr(code), chr(code) + "x" * (length - 1)] * 60]
        check(strings, stdlib(strings))


@pytest.mark.parametrize("strings", [["é"] * 100, ["e"] * 90 + ["ü" * 40] * 10, ["ab"] * 99 + ["ÿ"]], ids=len)
def test_latin1_lists(strings):
    check(strings, stdlib(strings))


@pytest.mark.parametrize("clean", [0, 3, 64])
def test_nothing_but_escapes_behind_clean_ones_at_each_distance_from_the_end_of_a_chunk(clean):
    strings = ["x" * clean + "\x01" * 64] * 60
    for before in range(700):
        document = ["x" * before, "", "", *strings]
        assert streamed(document, chunk_size=700).decode() == stdlib(document)


@pytest.mark.parametrize("length", [31, 32, 63, 64])
@pytest.mark.parametrize("escape", ["\x01", '"'], ids=ascii)
def test_nothing_but_escapes_behind_short_ones_at_each_distance_from_the_end_of_a_chunk(length, escape):
    """Batches in which escapes are expected, and more come than can be."""
    strings = [*['"' + "x" * (length - 1)] * 40, *[escape * length] * 60]
    size = len(stdlib(strings[:48]))
    for before in range(700):
        document = ["x" * before, *strings]
        assert streamed(document, chunk_size=size).decode() == stdlib(document)


class Name(str):
    pass


def test_subclasses_among_strings():
    """As strings, or for `default` where that is asked for."""
    strings = ["ab", "ab", Name("cd")] * 60
    check(strings, stdlib(strings))
    got = rjson.dumps(strings, default=lambda name: [str(name)], passthrough={"subclass"})
    assert got == stdlib(["ab", "ab", ["cd"]] * 60)


@pytest.mark.parametrize("place", [0, 1, 30, 31, 32, 33, 50, 87, 88, 99])
def test_what_cannot_be_encoded_is_named(place):
    strings: list[Any] = ["é" * 20] * 100
    strings[place] = object()
    for dumps in (rjson.dumps, rjson.dumps_bytes):
        with pytest.raises(rjson.EncodeError, match="object") as caught:
            dumps(strings)
        assert caught.value.path == f"$[{place}]"
    strings[place] = "ab\ud800"
    for dumps in (rjson.dumps, rjson.dumps_bytes):
        with pytest.raises(rjson.EncodeError, match="surrogate") as caught:
            dumps(strings)
        assert caught.value.path == f"$[{place}]"


def test_a_list_that_changes_while_it_is_written():
    """Between chunks, when `write` runs: what is left is written, or what is there by then."""

    class Shrinking:
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def write(self, data: bytes) -> int:
            self.parts.append(bytes(data))
            del strings[-40:]
            return len(data)

    strings = ["abcdefghij"] * 500
    target = Shrinking()
    rjson.dump(strings, target, chunk_size=512)
    written = rjson.loads(b"".join(target.parts))
    assert set(written) == {"abcdefghij"}
    assert 40 <= len(written) < 500
