"""loads: strings. UTF-8 is read strictly; of a str the characters are taken as they are; every result is as wide as it must be."""

import json
import random
import sys

import pytest

import rjson
from loads_helpers import outcome

pytestmark = pytest.mark.vectors

MALFORMED_UTF8 = [
    b"\x80",
    b"\xc3",
    b"\xc3(",
    b"\xe2\x82",
    b"\xe2(\xa1",
    b"\xe2\x82(",
    b"\xf0\x9f\x98",
    b"\xf0(\x8c\xbc",
    b"\xf0\x90(\xbc",
    b"\xf0\x90\x8c(",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\xaf",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
]


@pytest.mark.parametrize("bad", MALFORMED_UTF8)
@pytest.mark.parametrize("before", [b"", b"a" * 70, "é".encode() * 40, "中😀".encode() * 30, b"\\n"])
@pytest.mark.parametrize("after", [b"", b"b" * 70, "中".encode() * 30])
def test_malformed_utf8(bad, before, after):
    for text in (b'"%b"', b'{"%b":1}'):
        with pytest.raises(rjson.DecodeError):
            rjson.loads(text % (before + bad + after))


@pytest.mark.parametrize("character", ["a", "é", "λ", "中", "😀"], ids=ascii)
def test_malformed_utf8_behind_any_number_of_characters(character):
    """A character that the string's end cuts off is refused, also where a vector ends with it."""
    for count in range(140):
        for bad in MALFORMED_UTF8:
            for text in (b'"%b"', b'["%b", 1]'):
                assert outcome(rjson.loads, text % (character.encode() * count + bad)) == "refused", (count, bad)


@pytest.mark.parametrize("run", ["ab ", "éÿ", "aλψ߿", "日本\u0800\uffff", "😀\U00010000\U0010ffff", "é日a😀"], ids=ascii)
def test_characters_of_every_width(run):
    """In strings of every length, behind others, inside a document and at its end."""
    for before in ("", "a", "éé", "日" * 5, "😀" * 3):
        for length in (*range(70), 1000):
            string = before + (run * length)[:length]
            assert rjson.loads(f'"{string}"'.encode()) == string
            assert rjson.loads(f'["{string}", "{"x" * 80}"]'.encode())[0] == string


@pytest.mark.parametrize("around", ["", "日本語漢字", "aé日😀"], ids=ascii)
def test_each_pair_that_may_begin_a_character(around):
    """Read where Python's own decoder reads it, and refused where that refuses."""

    def decode(data):
        return data.decode()[1:-1]

    for first in range(0x80, 0x100):
        for second in (*range(0x7C, 0xC4), 0xE0, 0xF4):
            for rest in (b"", b"\x80", b"\x80\xbf", b"\x80\xbf\x80"):
                text = b'"%b%b%b%b"' % (around.encode(), bytes([first, second]), rest, around.encode())
                assert outcome(rjson.loads, text) == outcome(decode, text), text


# What a long str of wide characters can hold: it is read piece by piece, and a piece may end in each of these.
WIDE_ITEMS = [
    '"日本"',
    '"short", 12345.5e3',
    '[null, {"k": true}, -7]',
    r'"an \"escape\"\n"',
    r'"\ud83d\ude00\ud83d"',
    r'"\\", "\u65e5"',
    "  [ ]  ",
    f'"{"日" * 300}"',
    f'"{"long" * 100}"',
    f'"{"日" * 200}\\n{"x" * 200}"',
    f'{{"{"日" * 70}": 1, "{"k" * 300}": 2}}',
]


@pytest.mark.parametrize("first", ["日", "😀"], ids=ascii)
@pytest.mark.parametrize("item", WIDE_ITEMS, ids=lambda item: ascii(item)[:20])
def test_pieces_of_a_wide_str(item, first):
    """Wherever one ends, the value is the same."""
    for shift in range(0, 300, 3):
        text = f'["{first}{"x" * shift}", {", ".join([item] * 60)}]'
        assert rjson.loads(text) == json.loads(text)


@pytest.mark.parametrize("first", ["日", "😀"], ids=ascii)
def test_cut_wide_str(first):
    """Every beginning of a document is refused, and said to be wrong at the place where one of UTF-8 is."""
    text = f'["{first}", {", ".join(WIDE_ITEMS)}, "x", "{"日" * 600}", 1]'
    for length in range(len(text)):
        errors = []
        for cut in (text[:length], text[:length].encode()):
            with pytest.raises(rjson.DecodeError) as raised:
                rjson.loads(cut)
            errors.append((raised.value.msg, raised.value.pos))
        assert errors[0] == errors[1]


def test_wide_str_with_equal_keys():
    """The second of two is found behind long strings too."""
    text = f'{{"{"日" * 500}": "{"日" * 2000}", "b": "{"x" * 900},", "a": [{{"b": 1}}], "b": 2}}'
    with pytest.raises(rjson.DecodeError, match="Duplicate key") as raised:
        rjson.loads(text, duplicates="error")
    assert raised.value.pos == text.rindex('"b"')


# Their characters are the same bytes, in UTF-8 and as units of one, two and four.
LOOKALIKES = [
    "é",
    "Ã©",
    "a",
    "a\x7f",
    "ÿ",
    "Ã¿",
    "\xff\xfe",
    "ba",
    "慢",
    "dcba",
    "扡摣",
    "\U00010061",
    "慢慢",
    "baba",
    "é" * 20,
    "Ã©" * 20,
    "ÿ" * 20,
]


@pytest.mark.parametrize("first", LOOKALIKES, ids=ascii)
@pytest.mark.parametrize("value", ["a", "é", "日", "😀"], ids=ascii)
def test_keys_that_look_alike(first, value):
    """Keys are kept from call to call: none is taken for another, whatever the text is made of."""
    for second in LOOKALIKES:
        for text in (f'{{"{first}": "{value}"}}', f'{{"{second}": "{value}", "{first}": "{value}"}}'):
            assert rjson.loads(text) == json.loads(text)
            assert rjson.loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize("key", ["日本語", "größe", "😀", "日" * 16, "é" * 32, "ab", "日ÿ"], ids=ascii)
@pytest.mark.parametrize("value", ["a", "é", "日", "😀"], ids=ascii)
def test_keys_of_every_width_are_shared(key, value):
    """Objects of one text have the same str for the same key, however wide the others are."""
    text = f'[{{"{key}": "{value}"}}, {{"{key}": 1, "b": 2}}]'
    for form in (text, text.encode()):
        first, second = (next(iter(v)) for v in rjson.loads(form))
        assert first == key
        assert first is second


@pytest.mark.parametrize("char", ["a", "\x7f", "\xe9", "\xff", "\u0100", "\u4e2d", "\uffff", "\U00010000", "\U0010ffff"])
def test_strings_of_all_lengths(char):
    """Around the sizes of vectors, with what is special at each place."""
    for length in [*range(70), 127, 128, 129, 255, 256, 257, 300]:
        for special in ("", "\n", '"', "\xe9", "\u4e2d", "\U0001f600"):
            for place in {0, length // 2, length}:
                value = char * place + special + char * (length - place)
                for ascii_only in (True, False):
                    text = json.dumps(value, ensure_ascii=ascii_only)
                    assert rjson.loads(text) == value
                    assert rjson.loads(text.encode()) == value
                    assert rjson.loads(f"[{text}, {text}]".encode()) == [value, value]


def as_escape(character):
    return rf"\u{ord(character):04x}" if ord(character) < 0x10000 else json.dumps(character)[1:-1]


def test_strings_are_canonical():
    """Of the width that their characters need: hashes and lookups depend on it."""
    values = ["ab", "éa", "中a", "😀a", "é", "中", "a" * 40, "aé" * 40, "a中" * 40, "é😀" * 40]
    for value in values:
        for text in (json.dumps(value, ensure_ascii=False), json.dumps(value), f'"{"".join(map(as_escape, value))}"'):
            got = rjson.loads(text.encode())
            # The interpreter's own "é" may keep its UTF-8 by now.
            assert sys.getsizeof(got) <= sys.getsizeof("".join(list(value)))
            assert {value: 1}[got] == 1
            assert got.isascii() == value.isascii()


ESCAPES = [
    *([r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"]),
    *(
        [
            r"\u0000",
            r"\u001f",
            r"\u0022",
            r"\u005c",
            r"\u007f",
            r"\u0080",
            r"\u00e9",
            r"\u00FF",
            r"\u0100",
            r"\u07ff",
            r"\u0800",
            r"\u4e2d",
            r"\uABcd",
            r"\ud7ff",
            r"\ue000",
            r"\uffff",
        ]
    ),
    *([r"\ud83d\ude00", r"\uD800\uDC00", r"\udbff\udfff", r"\ud83d", r"\ude00", r"\ud83d\n", r"\ud83d\u0041"]),
]


@pytest.mark.parametrize("escape", ESCAPES)
def test_each_escape_at_each_place(escape):
    """Alone and in rows, behind every number of others, and where it is the last of a text."""
    for before in ("a", "é", r"\\", r"\u4e2d", "日"):
        for count in range(70):
            for row in (escape, escape * 2, escape * 30, f"{escape}ab{escape}"):
                string = f'"{before * count}{row}"'
                for text in (string, f'["{row}", {string}, "{"x" * 70}"]'):
                    expected = json.loads(text)
                    assert rjson.loads(text) == expected, text
                    assert rjson.loads(text.encode()) == expected, text


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_escapes_among_each_other(share):
    """Strings of all lengths in which an escape is as likely as `share`."""
    rng = random.Random(5)
    for length in (*range(1, 80), 200, 1000):
        for alphabet in ("a", "abé", "a日😀"):
            parts = (rng.choice(ESCAPES) if rng.random() < share else rng.choice(alphabet) for _ in range(length))
            string = f'"{"".join(parts)}"'
            text = f"[{string}, {{{string}: {string}}}]"
            assert rjson.loads(text) == json.loads(text)
            assert rjson.loads(text.encode()) == json.loads(text)


BAD_ESCAPES = [
    r"\x",
    r"\U0041",
    r"\é",
    r"\u",
    r"\u1",
    r"\u12",
    r"\u123",
    r"\u123g",
    r"\u12é4",
    r"\u-123",
    r"\u+123",
    r"\u0x12",
    r"\ud83d\u12x4",
]


@pytest.mark.parametrize("bad", BAD_ESCAPES, ids=ascii)
def test_bad_escapes_at_each_place(bad):
    """Refused as the standard library does, and said to be wrong where the backslash is."""
    for before in ("a", r"\n", r"\u4e2d", r"\\"):
        for count in range(70):
            for after in ('"', 'zz"', '"]' + " " * 80):
                text = f'["{before * count}{bad}{after}'
                place = 2 + len(before) * count + bad.rindex("\\")
                with pytest.raises(json.JSONDecodeError) as expected:
                    json.loads(text)
                for form in (text, text.encode()):
                    with pytest.raises(rjson.DecodeError) as raised:
                        rjson.loads(form)
                    assert (raised.value.pos, raised.value.msg) == (place, expected.value.msg.rstrip(": ")), text


def test_what_is_no_hexadecimal_digit():
    """Any other character of ASCII is refused, at each place of each escape in a row."""
    others = sorted(set(map(chr, range(0x20, 0x80))) - set('0123456789abcdefABCDEF"\\'))
    for place in (6 * escape + 2 + digit for escape in range(5) for digit in range(4)):
        row = r"\u00e9" * 6
        for other in others:
            text = f'["{row[:place]}{other}{row[place + 1 :]}", "{"x" * 70}"]'
            with pytest.raises(rjson.DecodeError) as raised:
                rjson.loads(text)
            assert raised.value.pos == 2 + place // 6 * 6
    for digit in "0123456789abcdefABCDEF":
        assert rjson.loads(f'["{rf"{chr(92)}u{digit * 4}" * 6}", ""]') == [chr(int(digit * 4, 16)) * 6, ""]


def test_surrogates_without_their_halves_beside_pairs():
    """They stay what they are, wherever pairs are: before, behind and among them."""
    high, low, pair = r"\ud83d", r"\ude00", r"\ud83d\ude00"
    for count in range(12):
        for odd in (high, low, low + high, high + high, low + low, high + "x" + low, high + r"\u4e2d", ""):
            text = f'["{pair * count}{odd}{pair * (12 - count)}{odd}", "{"x" * 70}"]'
            assert rjson.loads(text) == json.loads(text)
            assert rjson.loads(text.encode()) == json.loads(text)
