"""rjson.reformat: what comes out, what is refused and where, and that neither depends on how the text is cut."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

import rjson
from helpers import UNDER_ASAN

pytestmark = pytest.mark.vectors

# Small documents that have every kind of token next to every other.
CORPUS = [
    b'{"a":[1,2.50,-0.0,1E5,{"b":null}],"c":"x\\u00e9\\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80","d":[],"e":{},"f":[[],[{}]],"g":true}',
    b" [ 1 , 2 ,\n\t3 ] \r\n",
    b'"a string \\" with \\\\ all \\/ of \\ud83d\\ude00 them \\udc00"',
    b"-12.5e+10",
    b"false",
    b'{ "k" : [ ] , "k" : { } , "" : "" }\n',
    b"[[[[[[[]]]]]],0]",
    b'["' + b"x" * 70 + b'",' + b"\xc3\xa9".join([b'"'] + [b"y" * 30] * 3 + [b'"']) + b"," + b"1234567890" * 5 + b"]",
    b"[" + b",".join(b'{"id":%d,"name":"n%d","on":true}' % (i, i) for i in range(12)) + b"]",
    b"\xef\xbb\xbf{}",
]
LAYOUTS: list[dict[str, Any]] = [
    {},
    {"indent": 2},
    {"indent": "\t"},
    {"ensure_ascii": True},
    {"separators": (", ", ": ")},
    {"indent": 0, "ensure_ascii": True},
]
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s\[\]{},:"]+')


def escaped(token: str) -> str:
    units = token.encode("utf-16-be", "surrogatepass")
    pairs = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "".join(chr(u) if u < 0x7F else f"\\u{u:04x}" for u in pairs)


def reference(
    text: bytes, indent: int | str | None = None, separators: tuple[str, str] | None = None, ensure_ascii: bool = False
) -> bytes:
    """The same in Python: a regular expression for tokens, and the standard library's layout."""
    unit = " " * indent if isinstance(indent, int) else indent
    item, key = separators or (",", ":" if unit is None else ": ")
    out, depth, after_open = [], 0, False
    for token in TOKEN.findall(text.decode("utf-8-sig")):
        line = "" if unit is None else "\n" + unit * (depth - (token in "]}"))
        if token in "]}":
            depth -= 1
            out.append(token if after_open else line + token)
        else:
            out.append(line if after_open else "")
            out.append(
                token if token not in ",:" else item + ("" if unit is None else "\n" + unit * depth) if token == "," else key
            )
        after_open = token in "[{"
        depth += after_open
    whole = "".join(out)
    return (escaped(whole) if ensure_ascii else whole).encode()


def solid(text: bytes) -> bytes:
    """Without the white space between tokens."""
    return "".join(TOKEN.findall(text.decode("utf-8-sig", "replace"))).encode()


def reformatted(source: Any, **options: Any) -> tuple[bytes, rjson.DecodeError | None]:
    out = io.BytesIO()
    try:
        assert rjson.reformat(source, out, **options) == len(out.getvalue())
    except rjson.DecodeError as e:
        assert e.bytes_written == len(out.getvalue())  # type: ignore[attr-defined]
        return out.getvalue(), e
    return out.getvalue(), None


def refused(text: bytes) -> rjson.DecodeError | None:
    try:
        rjson.loads(text)
    except rjson.DecodeError as e:
        return e
    return None


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_only_the_layout_changes(text, layout):
    """Every token comes out as it went in, however the text is cut."""
    expected = reference(text, **layout)
    for size in [*range(1, 20), 63, 64, 65, 191, 192, 193, 194, 500]:
        parts = [text[i : i + size] for i in range(0, len(text), size)]
        assert reformatted(parts, **layout) == (expected, None), size
    assert reformatted(text, **layout) == (expected, None)


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_pretty_as_json_has_it(text):
    """Where the standard library keeps numbers and members, it writes the same."""
    plain = re.sub(rb"[-+0-9.eE]{3,}", b"7", text).replace(b'"k" : [ ] , ', b"").replace(b"\\/", b"/")
    if b"\\u" not in plain:
        expected = json.dumps(json.loads(plain.decode("utf-8-sig")), indent=4, ensure_ascii=False)
        assert reformatted(plain, indent=4) == (expected.encode(), None)


def check_variant(text: bytes, layout: dict[str, Any]) -> None:
    out, error = reformatted(text, framing_in="document", **layout)
    expected = refused(text)
    assert (error is None) == (expected is None), text
    if error is None:
        assert out == reference(text, **layout), text
        return
    assert error.offset is not None
    assert 0 <= error.offset <= len(text)
    before = text[: error.offset]
    assert error.pos == len(before.decode("utf-8", "replace")), text
    assert error.lineno == before.count(b"\n") + 1
    if "ensure_ascii" not in layout:
        assert solid(before).startswith(solid(out)), text
    if expected is not None and error.msg == expected.msg != "Invalid UTF-8":  # of which loads may tell the string only
        assert (error.pos, error.lineno, error.colno) == (expected.pos, expected.lineno, expected.colno), text


@pytest.mark.parametrize("layout", LAYOUTS[:2] + LAYOUTS[-1:], ids=str)
@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_every_beginning_of_a_document(text, layout):
    """It is refused where `loads` refuses it, and what is written is the beginning of what the whole would have become."""
    whole = reference(text, **layout)
    for i in range(len(text)):
        check_variant(text[:i], layout)
        assert whole.startswith(reformatted(text[:i], framing_in="document", **layout)[0])


DAMAGE = [
    0,
    1,
    10,
    32,
    34,
    43,
    44,
    45,
    46,
    47,
    48,
    49,
    57,
    58,
    69,
    91,
    92,
    93,
    101,
    110,
    116,
    117,
    123,
    125,
    127,
    128,
    191,
    195,
    226,
    237,
    240,
    255,
]


@pytest.mark.parametrize("layout", LAYOUTS[:2] + LAYOUTS[-1:], ids=str)
@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_every_damaged_byte(text, layout):
    """`reformat` accepts exactly what `loads` accepts, and says the same of the rest; nothing is written from the mistake on."""
    for i in range(len(text)):
        for c in DAMAGE[i % 3 :: 3] if UNDER_ASAN else DAMAGE:
            check_variant(text[:i] + bytes([c]) + text[i + 1 :], layout)


def test_numbers_and_members_are_untouched():
    """Digits that no float has, and members that come twice, in their order."""
    text = b'{"z":1.000,"a":1e400,"z":-0.0,"n":' + b"123456789" * 50 + b"." + b"0" * 100 + b"}"
    assert reformatted(text) == (text, None)
    assert reformatted([bytes([c]) for c in text]) == (text, None)


FRAMED = {
    "document": b'{"a":[1,2]}',
    "lines": b'{"a":[1,2]}\n"b"\n3\n[]\n',
    "array": b'[{"a":[1,2]},"b",3,[]]',
    "seq": b'\x1e{"a":[1,2]}\n\x1e"b"\n\x1e3\n\x1e[]\n',
    "concat": b'{"a":[1,2]}"b"3 []',
    "auto": b'{"a":[1,2]}\n"b"\n3\n[]',
}


@pytest.mark.parametrize("to", ["lines", "array", "seq", "concat", "auto"])
@pytest.mark.parametrize("of", ["lines", "array", "seq", "concat", "auto"])
def test_from_each_framing_to_each(of, to):
    """The same documents in it, and told from how they begin unless that would be the document itself."""
    text = FRAMED[of]
    assert reformatted(text, framing_in=of, framing_out=to) == (FRAMED[to], None)
    if to != "auto" and of != "lines":
        assert reformatted([text[i : i + 3] for i in range(0, len(text), 3)], framing_out=to) == (FRAMED[to], None)


def test_framings_are_read_as_iterload_reads_them():
    """The same documents, and a mistake where iterload finds one."""
    for framing in ("lines", "array", "seq", "concat"):
        text = FRAMED[framing]
        out, error = reformatted(text, framing_in=framing, framing_out="lines")
        assert error is None
        assert [json.loads(line) for line in out.splitlines()] == list(rjson.iterload(io.BytesIO(text), framing=framing))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (b"1 2", {"framing_in": "document"}, "Extra data: line 1 column 3 (char 2), near '1 2'"),
        (b"1 2", {"framing_out": "document"}, "Extra data: line 1 column 3 (char 2), near '1 2'"),
        (b"01", {}, "Extra data: line 1 column 2 (char 1), near '01'"),
        (b"truefalse", {"framing_in": "concat"}, "Extra data: line 1 column 5 (char 4), near 'truefalse'"),
        (b"", {}, "Expecting value: line 1 column 1 (char 0), near ''"),
        (b"1 2\n", {"framing_in": "lines"}, "Expecting a newline between values: line 1 column 3 (char 2), near '1 2\\n'"),
        (b"{}", {"framing_in": "array"}, "Expecting an array: line 1 column 1 (char 0), near '{}'"),
        (
            b"\x1e12",
            {},
            "Expecting white space behind the record: it may be cut off: line 1 column 4 (char 3), near '\\x1e12'",
        ),
        (b"[1]\n[2]", {"framing_out": "lines"}, "Extra data: line 2 column 1 (char 4), near '[1]\\n[2]'"),
        ('{"é":x}'.encode(), {}, "Expecting value: line 1 column 6 (char 5), near '{\"é\":x}'"),
        (b"[" * 4, {"max_depth": 3}, "Nested too deeply (max_depth): line 1 column 4 (char 3), near '[[[['"),
    ],
)
def test_messages(text, options, message):
    """What is wrong, where, and what is there."""
    assert str(reformatted(text, **options)[1]) == message


def test_a_mistake_far_in_a_text():
    """Its place is counted from the beginning, and the excerpt is of the place."""
    line = '{"n": "é", "text": "some text"}\n'
    text = (line * 20000 + '{"n": oops}\n').encode()
    for source in (text, [text[i : i + 1000] for i in range(0, len(text), 1000)], io.BytesIO(text)):
        error = reformatted(source, framing_in="lines", framing_out="lines")[1]
        assert error is not None
        assert (error.lineno, error.colno, error.pos) == (20001, 7, 20000 * len(line) + 6)
        assert error.offset == 20000 * len(line.encode()) + 6
        assert "oops" in error.excerpt


@pytest.mark.parametrize(
    "options",
    [
        {"indent": "--"},
        {"indent": 16},
        {"separators": (";", ":")},
        {"separators": (",", "=")},
        {"separators": ("", ":")},
        {"framing_out": "lines", "indent": 1},
        {"framing_out": "lines", "separators": (",\n", ":")},
        {"framing_in": "tabs"},
        {"max_depth": 0},
        {"chunk_size": 0},
        {"timeout": -1},
    ],
    ids=str,
)
def test_options_that_are_refused(options):
    """What would not be JSON, or does not exist, is a ValueError, before anything is read."""
    read: list[int] = []
    with pytest.raises(ValueError, match=r"indent|framing|max_depth|chunk_size|timeout"):
        rjson.reformat(iter(read), io.BytesIO(), **options)


def test_nesting_is_limited_by_max_depth_alone():
    """As deep as that in a few bytes a level, and no deeper."""
    deep = b"[" * 100_000 + b"]" * 100_000
    assert reformatted(deep) == (deep, None)
    assert "Nested" in str(reformatted(b"[" + deep + b"]")[1])
    assert reformatted(b"[" + deep + b"]", max_depth=100_001)[1] is None
    assert reformatted(b"[" + deep + b",1]", framing_out="lines") == (deep + b"\n1\n", None)


@pytest.mark.parametrize("json_text", [b'{"a": [1]}', " 1 ", '"é"'])
def test_raw_that_is_checked(json_text):
    """It is written as it is."""
    raw = rjson.Raw(json_text, check=True)
    assert rjson.dumps_bytes(raw) == (json_text.encode() if isinstance(json_text, str) else json_text)


@pytest.mark.parametrize("json_text", [b"{", b"1 2", b" ", b"\xef\xbb\xbf1", b"01", '{"a":}', b"NaN"])
def test_raw_that_is_checked_and_refused(json_text):
    """With the place; without check it is taken."""
    with pytest.raises(rjson.DecodeError, match=r"line 1 column"):
        rjson.Raw(json_text, check=True)
    rjson.Raw(json_text)


def test_a_text_is_only_checked_without_a_target():
    """None, and nothing is written."""
    assert rjson.reformat(b'{"a": 1}', None) == 0
    with pytest.raises(rjson.DecodeError):
        rjson.reformat([b'{"a":', b" x}"], None)
