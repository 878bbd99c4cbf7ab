"""Strings with escapes at every place, one or many, short or long, among characters that resemble what is to be escaped."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import rjson
from helpers import UNDER_ASAN, keep_utf8, stdlib, streamed

pytestmark = pytest.mark.vectors

ESCAPED = [*map(chr, range(0x20)), '"', "\\"]
SHORT = '"\\\b\f\n\r\t'
# Of each way that strings are written there are characters that differ from escaped ones or surrogates in one bit, or in one half.
FILLERS = {
    "ASCII": "!#[]~ \x7f2Ra",
    "Latin-1": "!é\xa2\xdc[ÿ\x80\x9f#]",
    "Greek": "αβγδε\u0122\u015c\u0080\u07ff ",
    "CJK": "日本\u0800\u225c\u5c22\ud7ff\ue000\uffff\u1f1f\u2222",
    "two bytes": "日é!\u0122\ud7ff\u5c5c\ue000[#\u2200",
    "four bytes": "😀\U00010022\U0001005c\U0010ffff日\U0001d800é!\ue000\U00022022",
}
# Around the blocks of vectors, and what is written without a loop.
LENGTHS = [*range(1, 68), 79, 80, 81, 95, 96, 97, 127, 128, 129, 130, 159, 191, 192, 193, 255, 256, 257]


def check(strings: list[str]) -> None:
    """As items, one after the other, and as members; before their UTF-8 form is in them and after."""
    members = [{"k": s, "n": 1} for s in strings]
    items, objects = stdlib(strings), stdlib(members)
    assert rjson.dumps(strings) == items
    for wide in ("日", "😀"):  # so that the str in the making is wide already
        assert rjson.dumps([wide, *strings]) == stdlib([wide, *strings])
    assert rjson.dumps(members) == objects
    assert rjson.dumps_bytes(strings).decode() == items
    for s in strings:
        assert keep_utf8(s) == s.encode()
    assert rjson.dumps_bytes(strings).decode() == items
    assert rjson.dumps_bytes(members).decode() == objects


def replaced(text: str, places: list[int], escapes: str | list[str], rng: random.Random) -> str:
    characters = list(text)
    for place in places:
        characters[place] = rng.choice(escapes)
    return "".join(characters)


def filled(filler: str, length: int) -> str:
    return (filler * (length // len(filler) + 1))[:length]


@pytest.mark.parametrize("filler", FILLERS.values(), ids=FILLERS)
def test_one_at_each_place(filler):
    rng = random.Random(1)
    for length in LENGTHS:
        text = filled(filler, length)
        check([replaced(text, [place], ESCAPED, rng) for place in range(length)])


@pytest.mark.parametrize("filler", FILLERS.values(), ids=FILLERS)
@pytest.mark.parametrize("escapes", [SHORT, ESCAPED], ids=["short", "all"])
def test_any_number_at_any_places(filler, escapes):
    """From one in a string to nothing else, so that what is few and what is many for a block comes in each order."""
    rng = random.Random(2)

    def strings(text: str) -> Iterator[str]:
        for count in {1, 2, 3, 4, 5, 7, 10, 12, 16, len(text) // 4, len(text) // 2, len(text)}:
            if count <= len(text):
                yield replaced(text, rng.sample(range(len(text)), count), escapes, rng)
        half = len(text) // 2  # many behind few, and few behind many
        yield text[:half] + replaced(text[half:], list(range(len(text) - half)), escapes, rng)
        yield replaced(text[:half], list(range(half)), escapes, rng) + text[half:]

    for length in LENGTHS:
        check(list(strings(filled(filler, length))))


@pytest.mark.parametrize("escapes", [SHORT, ESCAPED], ids=["short", "all"])
def test_long_texts(escapes):
    """Around the length from which on texts go by steps."""
    rng = random.Random(3)
    for length in (8191, 8192, 8193, 20_000):
        for percent in (0.01, 1, 5, 40, 100):
            text = filled(FILLERS["ASCII"], length)
            count = max(1, int(length * percent / 100))
            check([replaced(text, rng.sample(range(length), count), escapes, rng)])


@pytest.mark.parametrize(
    "other", ["a", "é", "ω", "\u07ff", "\u0800", "日", "\ud7ff", "\ue000", "\uffff", '"', "\x01"], ids=ascii
)
@pytest.mark.parametrize("filler", ["日本語漢字仮名交", "αβγδεζηθ", "😀😁😂🤣"])
def test_one_of_another_length_at_each_place(filler, other):
    for length in (*range(1, 70), 200):
        text = filled(filler, length)
        check([text[:place] + other + text[place + 1 :] for place in range(length)])


@pytest.mark.parametrize("surrogate", ["\ud800", "\udbff", "\udc00", "\udfff"], ids=ascii)
@pytest.mark.parametrize("filler", ["日本", "ω a", "😀", "abc"], ids=ascii)
def test_a_lone_surrogate_at_each_place(filler, surrogate):
    for length in (*range(1, 70, 3 if UNDER_ASAN else 1), 129, 200):
        text = filled(filler, length)
        for place in range(0, length, 1 if length < 70 else 7):
            bad = text[:place] + surrogate + text[place + 1 :]
            for dumps in (rjson.dumps, rjson.dumps_bytes):
                with pytest.raises(rjson.EncodeError, match=rf"at index {place} ") as caught:
                    dumps(["日", bad])
                assert caught.value.path == "$[1]"


@pytest.mark.parametrize("length", [16, 17, 32, 33, 48, 64, 65, 128, 300])
@pytest.mark.parametrize("character", ["\x01", '"', "\x1fé"], ids=ascii)
def test_nothing_but_escapes_at_each_distance_from_the_end_of_a_chunk(character, length):
    """What they become never goes over the end, though the string itself would fit."""
    text = (character * length)[:length]
    for before in range(400, 600, 3):
        document = ["x" * before, text, {"k": text}]
        assert streamed(document, chunk_size=512).decode() == stdlib(document)
        assert "".join(part.decode() for part in rjson.iterencode(document, chunk_size=512)) == stdlib(document)
