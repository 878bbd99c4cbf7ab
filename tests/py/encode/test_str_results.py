"""dumps: a str of every width, whatever came before it, equal in everything to the one that the standard library makes."""

from __future__ import annotations

import json
import random
import sys

import pytest

import rjson
from helpers import stdlib

pytestmark = pytest.mark.vectors

LATIN, GREEK, CJK, EMOJI = "é\xff\x80", "αω\u07ff", "日本\uffff", "😀\U0010ffff"
WIDTHS = {"ASCII": "abc", "Latin-1": LATIN, "two bytes": CJK, "four bytes": EMOJI}
# Around a vector, the scratch memory of small results, a window of it, and its growth.
LENGTHS = [0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 3000, 4032, 4096, 5000, 70_000]


def check(obj: object, **options: object) -> None:
    expected = stdlib(obj)
    got = rjson.dumps(obj, **options)
    assert got == expected
    # Strings that are equal may still differ in form, which no str may: dicts compare forms.
    assert hash(got) == hash(expected)
    assert {expected: 1}[got] == 1
    assert got.isascii() == expected.isascii()
    assert sys.getsizeof(got) == sys.getsizeof(expected)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("first", WIDTHS)
@pytest.mark.parametrize("second", WIDTHS)
def test_every_width_after_every_other(first, second, length):
    one, other = WIDTHS[first], WIDTHS[second]
    check([one * length, other])
    check([one, other * length, one])
    check({one * length: other, other * length: [one, {other: 1.5}], "n": 10**30})


@pytest.mark.parametrize("length", [1, 20, 300, 5000])
@pytest.mark.parametrize("escape", ['"', "\\", "\n", "\x01", "\x1f"])
@pytest.mark.parametrize("width", WIDTHS)
def test_escapes_in_strings_of_every_width(width, escape, length):
    text = WIDTHS[width] * length
    for at in {0, 1, length // 2, len(text) - 1, len(text)}:
        check([text[:at] + escape + text[at:], 1])
    check([(WIDTHS[width] + escape) * length])
    check([escape * length, WIDTHS[width]])


def test_many_ascii_pieces_between_wide_ones():
    rng = random.Random(5)
    pieces = [rng.choice([7, 1.25, None, "plain", "x" * 100, LATIN, GREEK, CJK, [], {}, {"k": CJK}]) for _ in range(5000)]
    check(pieces)
    check([*pieces, EMOJI, *pieces])


@pytest.mark.parametrize("width", ["two bytes", "four bytes"])
def test_many_short_wide_strings(width):
    """Past every growth of the result, with what is between them, and with what has to be escaped here and there."""
    rng = random.Random(7)
    text = WIDTHS[width] * 40
    check([text[: i % 41] for i in range(70_000)])
    check([[text[: rng.randrange(41)] + rng.choice(["", "", '"', "\n", CJK, "x"]), i][: 1 + i % 2] for i in range(5000)])
    check([{text[: i % 20]: text[: i % 41]} for i in range(5000)])


class StrSub(str):
    pass


def any_string(rng: random.Random) -> str:
    """Of a width and a length around what is written at once, and clean for the most part."""
    text = WIDTHS[rng.choice(list(WIDTHS))] * 100
    string = text[: rng.choice([0, 1, 2, 5, 15, 16, 17, 31, 32, 33, 200, 255, 256, 257])]
    return rng.choice([string, string, string, string, string + '"', "\n" + string, StrSub(string)])


@pytest.mark.parametrize("width", ["two bytes", "four bytes"])
def test_arrays_of_strings_of_every_kind(width):
    """In any order, with other values between them, and in arrays that begin behind other brackets and keys."""
    rng = random.Random(8)
    for _ in range(300):
        items = [rng.choice([any_string(rng), any_string(rng), any_string(rng), 7, [any_string(rng)]]) for _ in range(60)]
        check([WIDTHS[width], items, tuple(items)])
        check({WIDTHS[width]: {"plain": [[[items[:3]]], items], "k": []}})


@pytest.mark.parametrize("bad", ["\ud800", "日\udfff", "x" * 40 + "\ud800", "😀\ud800"])
def test_the_place_of_a_surrogate_among_strings(bad):
    for before in range(40):
        with pytest.raises(rjson.EncodeError, match=rf"at index {len(bad) - 1} ") as caught:
            rjson.dumps([CJK, {"a": [*[CJK, "x", EMOJI][: before % 4], *[CJK] * before, bad, CJK]}])
        assert caught.value.path == f"$[1].a[{min(before % 4, 3) + before}]"


def test_a_wide_string_at_the_end_of_a_long_ascii_document():
    check(["x" * 50] * 40_000 + [CJK])
    check(["x" * 50] * 40_000 + [CJK, EMOJI])
    check([CJK] + ["x" * 50] * 40_000)


def test_results_do_not_depend_on_those_before():
    documents = [["a" * 10], ["a" * 10_000], [LATIN * 10_000], [LATIN], [CJK * 10_000], [CJK], [EMOJI * 10_000], []]
    rng = random.Random(6)
    for _ in range(300):
        check(rng.choice(documents))


@pytest.mark.parametrize("width", WIDTHS)
def test_raw_json_of_every_width(width):
    value = [WIDTHS[width] * 2000, 1]
    raw = rjson.Raw(stdlib(value))
    for document in ([raw], [CJK, raw, raw], [EMOJI, raw], [raw, LATIN]):
        got = rjson.dumps(document)
        assert json.loads(got) == [value if v is raw else v for v in document]
        assert got == rjson.dumps_bytes(document).decode()


@pytest.mark.parametrize("text", ["\udcff", "ab\ud800", "日\udcff本" * 50, "😀\ud83d" * 50, "\ud800" * 100])
def test_surrogates_that_become_something_else(text):
    # Escaped or replaced, the str may need less room for each character than its strings did.
    for document in ([text], {text: text}, [text, EMOJI, text]):
        escaped = rjson.dumps(document, surrogates="escape")
        assert json.loads(escaped) == document
        assert hash(escaped) == hash(escaped.encode().decode())
        assert sys.getsizeof(escaped) == sys.getsizeof("".join(list(escaped)))
        assert rjson.dumps(document, surrogates="replace") == rjson.dumps_bytes(document, surrogates="replace").decode()
        assert rjson.dumps(document, surrogates="pass") == stdlib(document)
        with pytest.raises(rjson.EncodeError, match=r"lone surrogate '\\ud[89c]"):
            rjson.dumps(document)


def test_the_place_of_a_surrogate():
    with pytest.raises(rjson.EncodeError, match="at index 3 cannot be encoded") as caught:
        rjson.dumps({"list": [CJK, "日本語\ud800"]})
    assert caught.value.path == "$.list[1]"


def test_layouts_of_wide_documents():
    value = {"日": [1, "é", "😀", {"k": []}], "plain": ["x"] * 50}
    assert rjson.dumps(value, indent=2) == json.dumps(value, indent=2, ensure_ascii=False)
    assert rjson.dumps(value, indent="\t", sort_keys=True) == json.dumps(
        value, indent="\t", ensure_ascii=False, sort_keys=True
    )
    assert rjson.dumps(value, separators=("、", "→")) == json.dumps(value, ensure_ascii=False, separators=("、", "→"))
    assert rjson.dumps(value, append_newline=True) == stdlib(value) + "\n"


def test_lazy_items_of_every_width():
    rows = [LATIN, "x", CJK * 100, EMOJI, 1.5, [GREEK]] * 100
    assert rjson.dumps(iter(rows)) == stdlib(rows)
    assert rjson.dumps([object(), CJK], default=lambda _: (t for t in rows)) == stdlib([rows, CJK])
