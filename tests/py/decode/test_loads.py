"""loads and load: the values that the standard library finds, and errors where it finds some."""

import decimal
import gc
import io
import json
import math
import pickle
import random
import signal
import sys
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rjson
from loads_helpers import check_like_json, json_loads, outcome, same

pytestmark = pytest.mark.isa

# ---- what RFC 8259 says of texts: y, to be accepted; n, to be refused; i, left open

ACCEPTED = {
    "empty array": "[]",
    "empty object": "{}",
    "white space around everything": " \t\r\n[ 1 , 2 ] \n",
    "white space in an object": '{ "a" : 1 ,\n"b"\t:\r2 }',
    "a number alone": "42",
    "a string alone": '"asd"',
    "a literal alone": "null",
    "negative zero": "-0",
    "zero with a fraction": "0.5",
    "exponents": "[1e1, 1E1, 1e+1, 1e-1, 1.5E+00, 0e7]",
    "a long fraction": "-0.000000000000000000000000000000000000000000000000000000000000000000000000000001",
    "all short escapes": r'"\"\\\/\b\f\n\r\t"',
    "escapes of letters in both cases": r'"\u00e9\u00E9\uabCD"',
    "a surrogate pair": r'"\ud83d\ude00"',
    "an escaped control character": r'"\u0000\u001f"',
    "DEL is no control character here": '"\x7f"',
    "line separators": '"\u2028\u2029"',
    "noncharacters": '"\uffff\U0010ffff"',
    "two, three and four bytes": '"\u00e9\u4e2d\U0001f600"',
    "an empty key": '{"": 0}',
    "an escaped key": r'{"a\u0000b": 1}',
    "nested": '[[], {}, [{}], {"a": [[]]}]',
    "equal keys": '{"a": 1, "a": 2}',
    "a long string": '"' + "x" * 3000 + '"',
    "many items": "[" + ",".join(map(str, range(3000))) + "]",
    "literals in a row": "[true,false,null]",
}

REFUSED = {
    "nothing": "",
    "only white space": " \n",
    "an open array": "[1",
    "an open array after a comma": "[1,",
    "an open object": '{"a":1',
    "an open object after a colon": '{"a":',
    "an open string": '"abc',
    "a trailing comma in an array": "[1,]",
    "a trailing comma in an object": '{"a":1,}',
    "a leading comma": "[,1]",
    "two commas": "[1,,2]",
    "a comma alone": "[,]",
    "no comma": "[1 2]",
    "no colon": '{"a" 1}',
    "a comma for a colon": '{"a",1}',
    "no value": '{"a":}',
    "a key without quotes": "{a:1}",
    "a key in single quotes": "{'a':1}",
    "a number as key": "{1:1}",
    "the wrong bracket": "[1}",
    "the wrong brace": '{"a":1]',
    "a closing bracket alone": "]",
    "two values": "1 2",
    "a value after an array": "[1]x",
    "a leading zero": "012",
    "a negative leading zero": "-01",
    "a plus sign": "+1",
    "a point without a fraction": "1.",
    "a point without an integer": ".5",
    "a minus alone": "-",
    "two signs": "--1",
    "an exponent without digits": "1e",
    "an exponent with a sign only": "1e+",
    "a fraction in an exponent": "1e1.5",
    "a hexadecimal number": "0x1F",
    "an underscore": "1_000",
    "full-width digits": "\uff11",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "negative Infinity": "-Infinity",
    "a capitalised literal": "True",
    "a cut literal": "nul",
    "a longer literal": "nullx",
    "a raw control character": '"\x1f"',
    "a raw line feed": '"\n"',
    "a raw zero": '"\x00"',
    "an unknown escape": r'"\x41"',
    "an escape of nothing": '"\\',
    "an escaped quote at the end": '"\\"',
    "three hexadecimal digits": r'"\u12"',
    "no hexadecimal digits": r'"\u00g0"',
    "a signed escape": r'"\u+123"',
    "an escape with a space": r'"\u 123"',
    "a comment": "[1/*x*/]",
    "a form feed as white space": "[\f1]",
    "a no-break space as white space": "[\xa01]",
    "a zero behind the value": "1\x00",
    "a byte order mark inside": '[\ufeff"a"]',
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name):
    text = ACCEPTED[name]
    assert same(rjson.loads(text), json.loads(text))
    assert same(rjson.loads(text.encode()), json.loads(text))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    assert outcome(json_loads, REFUSED[name]) == "refused"
    for text in (REFUSED[name], REFUSED[name].encode()):
        with pytest.raises(rjson.DecodeError):
            rjson.loads(text)


def test_white_space_of_every_length():
    """Where it is as long as the last time, and where it is not; at the end of a text, too."""
    rng = random.Random(9)
    for length in range(140):
        for longest in (1, 3, 17, 150):
            lengths = (length if rng.random() < 0.8 else rng.randrange(longest) for _ in range(10))
            gaps = ["".join(rng.choices(" \n\t\r", k=k)) for k in lengths]
            check_like_json('{}[{}1{},{}2,{}{{{}"a"{}:{}3{}}}]{}'.format(*gaps))
            check_like_json(f"[{','.join(gap + 'null' for gap in gaps)}]{gaps[0]}")
            check_like_json(f"[{','.join(gap + '1' for gap in gaps)}\v]")


def test_left_open_by_the_rfc():
    """The manual says what becomes of these (python/README.md)."""
    assert rjson.loads(b"\xef\xbb\xbf[1]") == [1]  # a byte order mark before bytes is ignored
    assert outcome(rjson.loads, "\ufeff[1]") == "refused"  # one in a str comes from a wrong decoding
    assert rjson.loads(r'"\ud800"') == "\ud800"  # lone surrogates stay, as with json
    assert rjson.loads(r'"\ude00\ud83d"') == "\ude00\ud83d"
    assert rjson.loads(r'"\ud83d\u0041"') == "\ud83dA"
    assert rjson.loads(r'"\ud83d\ud83d\ude00"') == "\ud83d\U0001f600"
    assert rjson.loads('"\ud800"') == "\ud800"  # in a str also where they are not escaped
    assert rjson.loads("1e400") == math.inf  # the nearest double, as with float()
    assert rjson.loads("-1e400") == -math.inf
    assert same(rjson.loads("-1e-400"), -0.0)
    assert rjson.loads("1" * 4000) == int("1" * 4000)  # ints are exact
    for utf16 in ("[1]".encode("utf-16"), "[1]".encode("utf-16-le"), "[1]".encode("utf-32")):
        with pytest.raises(rjson.DecodeError):
            rjson.loads(utf16)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda b: memoryview(b"x" + b)[1:], bytes.decode])
def test_kinds_of_text(wrap):
    for count in (0, 1, 30, 500):
        expected = {"a": [1, "é", None] * count, "b": "x" * count}
        assert rjson.loads(wrap(json.dumps(expected, ensure_ascii=False).encode())) == expected


@pytest.mark.parametrize("text", [None, 1, [1], object()])
def test_no_text(text):
    with pytest.raises(TypeError, match=f"must be str, bytes, .* not {type(text).__name__}"):
        rjson.loads(text)


def test_subclasses_of_str_and_bytes():
    assert rjson.loads(type("S", (str,), {})('["é"]')) == ["é"]
    assert rjson.loads(type("B", (bytes,), {})(b"[1]")) == [1]


def test_load():
    assert rjson.load(io.StringIO('["é"]')) == ["é"]
    assert rjson.load(io.BytesIO('["é"]'.encode())) == ["é"]
    assert rjson.load(io.BytesIO(b"[1.5]"), parse_float=decimal.Decimal) == [decimal.Decimal("1.5")]


# ---- objects, and their keys


def test_keys_are_shared():
    text = '[{"key": 1, "clé": 2}, {"key": 3, "clé": 4}]'
    (a, b), (c, d) = rjson.loads(text)
    assert a is c
    assert b is d


def test_more_keys_than_are_kept():
    expected = [{f"{'k' * (i % 70)}{i}": i, f"é{i}": i} for i in range(5000)]
    text = json.dumps(expected, ensure_ascii=False)
    assert rjson.loads(text) == expected
    assert rjson.loads(text.encode()) == expected


def objects_of(keys, count, value=lambda i, key: i):
    return [{key: value(i, key) for key in keys} for i in range(count)]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 8, 11, 22, 100, 128, 129, 1000])
def test_objects_with_the_same_keys(size):
    """Each has its own values, the order of its text, and works as any other dict."""
    keys = [f"key {i}" for i in range(size)]
    expected = objects_of(keys, 10, lambda i, key: [i, key] if i % 2 else f"{i}{key}")
    got = rjson.loads(json.dumps(expected))
    assert same(got, expected)
    got[3]["key 0"] = "changed"
    got[4]["new"] = 1
    got[5][0] = 2
    del got[6]["key 0"]
    got[7].clear()
    assert [got[i] for i in (0, 1, 2, 8, 9)] == [expected[i] for i in (0, 1, 2, 8, 9)]
    assert got[3] == {**expected[3], "key 0": "changed"}
    assert got[4] == {**expected[4], "new": 1}
    assert got[5] == {**expected[5], 0: 2}
    assert list(got[6]) == keys[1:]
    assert same(rjson.loads(json.dumps(expected)), expected)


def test_objects_with_nearly_the_same_keys():
    keys = ["a", "b", "c", "d"]
    for variant in (["a", "b", "d", "c"], ["a", "b", "c"], ["a", "b", "c", "d", "e"], ["a", "x", "c", "d"], []):
        expected = [x for pair in zip(objects_of(keys, 20), objects_of(variant, 20)) for x in pair]
        assert same(rjson.loads(json.dumps(expected)), expected)


def test_equal_keys_in_objects_that_repeat():
    text = '[{"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 1, "a": 2}, {"a": 3, "a": 4}, {"a": 5, "a": 6}]'
    assert same(rjson.loads(text), json.loads(text))
    with pytest.raises(rjson.DecodeError, match="Duplicate"):
        rjson.loads(text, duplicates="error")


def test_objects_are_at_most_twice_as_large_as_those_of_json():
    """Those with few keys are as small; tables that are made in advance come in powers of two, which json's may fall short of."""
    for size in (3, 6, 20, 300):
        text = json.dumps(objects_of([f"{'k' * (i % 3)}{i}" for i in range(size)], 5))
        for got, expected in zip(rjson.loads(text), json.loads(text)):
            assert sys.getsizeof(got) <= sys.getsizeof(expected) * (1 if size <= 5 else 2)


def test_cycles_through_objects_are_collected():
    """Copies with containers in them are known to the garbage collector."""

    class Canary:
        pass

    canaries = []
    for _ in range(10):
        d = rjson.loads('{"list": [], "n": 1}')
        d["list"].append(d)
        canary = Canary()
        d["list"].append(canary)
        canaries.append(weakref.ref(canary))
    del d, canary
    gc.collect()
    assert [ref() for ref in canaries] == [None] * 10


def test_no_references_are_lost_or_kept():
    """Of the values that stand in for others while an object is copied, among others."""
    text = json.dumps([{"a": None, "b": i, "c": [None]} for i in range(100)])
    rjson.loads(text)
    before = sys.getrefcount(None)
    for _ in range(20):
        rjson.loads(text)
        for cut in (text[:50], text[:500], text[:-1]):
            assert outcome(rjson.loads, cut) == "refused"
    assert abs(sys.getrefcount(None) - before) < 50


# ---- hooks and options


def test_object_hook():
    seen = []
    rjson.loads('{"a": {"b": 1}, "c": [{}]}', object_hook=lambda d: seen.append(d) or len(seen))
    assert seen == [{"b": 1}, {}, {"a": 1, "c": [2]}]


def test_object_pairs_hook_goes_first():
    pairs = rjson.loads('{"a": 1, "b": {"a": 2, "a": 3}}', object_pairs_hook=list, object_hook=lambda d: 1 / 0)
    assert pairs == [("a", 1), ("b", [("a", 2), ("a", 3)])]


def test_parse_hooks():
    text = "[1, -20, 123456789012345678901234567890, 1.5, -2e3, NaN, Infinity, -Infinity]"
    got = rjson.loads(text, parse_int=lambda s: ("int", s), parse_float=lambda s: ("float", s), parse_constant=str.lower)
    expected = json.loads(text, parse_int=lambda s: ("int", s), parse_float=lambda s: ("float", s), parse_constant=str.lower)
    assert got == expected
    assert rjson.loads("[1, 1.5]", parse_int=int, parse_float=float) == [1, 1.5]


def test_allow_nan():
    got = rjson.loads("[NaN, Infinity, -Infinity]", allow_nan=True)
    assert math.isnan(got[0])
    assert got[1:] == [math.inf, -math.inf]
    with pytest.raises(rjson.DecodeError, match="allow_nan"):
        rjson.loads("[NaN]")


def test_strict():
    assert rjson.loads('"a\tb\n\x00"', strict=False) == "a\tb\n\x00"
    with pytest.raises(rjson.DecodeError, match="Invalid control character"):
        rjson.loads('"a\tb"')
    with pytest.raises(rjson.DecodeError, match="Unterminated"):
        rjson.loads('"a\tb', strict=False)


def test_duplicates():
    text = '{"a": {"x": "}{\\"", "y": [1, {"x": 2}], "x": 3}, "a": 4}'
    assert rjson.loads(text) == rjson.loads(text, duplicates="last") == {"a": 4}
    with pytest.raises(rjson.DecodeError, match="Duplicate key") as e:
        rjson.loads(text, duplicates="error")
    assert e.value.pos == text.index('"x": 3')
    assert rjson.loads('{"a": {"a": 1}, "b": {"a": 1}}', duplicates="error") == {"a": {"a": 1}, "b": {"a": 1}}
    with pytest.raises(ValueError, match="'last' or 'error', not 'first'"):
        rjson.loads("1", duplicates="first")


def test_hooks_that_raise():
    def fail(_):
        raise KeyError("mine")

    for option, text in {
        "object_hook": '[1, {"a": 1}]',
        "object_pairs_hook": '[1, {"a": 1}]',
        "array_hook": '{"a": [1, []]}',
        "parse_int": "[1.5, 1]",
        "parse_float": '{"a": 1.5}',
        "parse_constant": "[NaN]",
    }.items():
        with pytest.raises(KeyError, match="mine"):
            rjson.loads(text, **{option: fail})


def test_hooks_that_decode():
    """Nested calls, and a text that changes meanwhile."""
    data = bytearray(b'[{"a": 1}, {"b": [2, "three"]}]')

    def hook(d):
        data[:] = b"x" * len(data)
        return rjson.loads(json.dumps(list(d.items())))

    assert rjson.loads(data, object_hook=hook) == [[["a", 1]], [["b", [2, "three"]]]]


def test_bad_options():
    with pytest.raises(TypeError, match="object_hook must be callable or None, not int: 1"):
        rjson.loads("1", object_hook=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        rjson.loads("1", colour=1)
    with pytest.raises(ValueError, match="max_depth must be at least 1, not 0"):
        rjson.loads("1", max_depth=0)
    with pytest.raises(TypeError):
        rjson.loads()
    with pytest.raises(TypeError):
        rjson.loads("1", "2")


def test_max_depth():
    """1,000 levels, which whatever walks the result can walk too; the error says how more are allowed."""
    assert rjson.loads("[[[]]]", max_depth=3) == [[[]]]
    with pytest.raises(rjson.DecodeError, match="Nested deeper than 2 levels; pass a larger max_depth") as e:
        rjson.loads("[[[]]]", max_depth=2)
    assert e.value.pos == 2
    text = "[" * 1000 + "]" * 1000
    assert json.dumps(rjson.loads("[" * 200 + "]" * 200)) == "[" * 200 + "]" * 200
    assert rjson.dumps(rjson.loads(text)) == text
    for reader in (rjson.loads, lambda text: list(rjson.iterload(io.StringIO(text), framing="lines"))):
        with pytest.raises(rjson.DecodeError, match="deeper than 1000 levels"):
            reader(f"[{text}]")
    deep = rjson.loads("[" * 100_000 + "]" * 100_000, max_depth=100_000)
    for _ in range(99_999):
        (deep,) = deep
    assert deep == []
    for text in ("[" * 1_000_000, '{"a":' * 1_000_000, '[{"a":' * 500_000):
        with pytest.raises(rjson.DecodeError):
            rjson.loads(text, max_depth=10**7)


# ---- errors


@pytest.mark.parametrize(
    ("text", "pos", "line", "column", "message"),
    [
        ("[1, 2", 5, 1, 6, "Expecting ',' delimiter"),
        ("[1,\n 2,\n x]", 9, 3, 2, "Expecting value"),
        ('{"é": 1,\n"中😀": nul}', 15, 2, 7, "Expecting value"),
        ('{"a": 1 "b"}', 8, 1, 9, "Expecting ',' delimiter"),
        ('["abc', 1, 1, 2, "Unterminated string starting at"),
        ('["a\\q"]', 3, 1, 4, "Invalid \\escape"),
        ("{} {}", 3, 1, 4, "Extra data"),
        ("", 0, 1, 1, "Expecting value"),
    ],
)
def test_errors_say_where(text, pos, line, column, message):
    for kind in (text, text.encode()):
        with pytest.raises(rjson.DecodeError) as e:
            rjson.loads(kind)
        error = e.value
        assert (error.pos, error.lineno, error.colno, error.msg) == (pos, line, column, message)
        assert error.doc == text
        assert str(error).startswith(f"{message}: line {line} column {column} (char {pos})")
        assert error.excerpt in text
        assert repr(error.excerpt) in str(error)


def test_the_error_is_one_of_json():
    with pytest.raises(json.JSONDecodeError):
        rjson.loads("[")
    assert issubclass(rjson.DecodeError, ValueError)


def test_long_texts_are_excerpted():
    with pytest.raises(rjson.DecodeError) as e:
        rjson.loads("[" + "1," * 1000 + "x" + ",1" * 1000 + "]")
    assert len(e.value.excerpt) < 60
    assert "x" in e.value.excerpt
    assert e.value.excerpt.startswith("...")
    assert e.value.excerpt.endswith("...")


def test_errors_can_be_pickled():
    with pytest.raises(rjson.DecodeError) as e:
        rjson.loads("[1,\n}")
    copy = pickle.loads(pickle.dumps(e.value))
    assert (str(copy), copy.pos, copy.lineno, copy.excerpt) == (str(e.value), 4, 2, e.value.excerpt)


# ---- everything that can be cut or corrupted


def documents():
    rng = random.Random(3)
    yield json.dumps({"id": 17, "ok": True, "name": "x", "none": None, "f": -1.5e-7})
    yield json.dumps([{"é中": "a\n😀\\", "k": [1.25, {}, []]}, "\x7f", "日本" * 20], ensure_ascii=False, indent=1)
    yield json.dumps([rng.random() * 10 ** rng.randrange(-20, 20) for _ in range(8)] + [2**70, -(2**63)])
    yield json.dumps({"long": "x" * 300, "esc": '"\\\u00e9\ud83d' * 10})


@pytest.mark.parametrize("text", list(documents()))
def test_every_truncation(text):
    data = text.encode()
    for end in range(len(data)):
        check_like_json(data[:end])
    for end in range(len(text)):
        check_like_json(text[:end])


@pytest.mark.parametrize("text", list(documents()))
def test_every_corruption_of_one_byte(text):
    data = bytearray(text.encode())
    for place in range(len(data)):
        before = data[place]
        for byte in {
            0,
            9,
            10,
            0x20,
            0x22,
            0x2C,
            0x2D,
            0x2E,
            0x30,
            0x39,
            0x5B,
            0x5C,
            0x5D,
            0x65,
            0x7B,
            0x7D,
            0x80,
            0xC3,
            0xED,
            0xFF,
        }:
            data[place] = byte
            sound = bytes(data)
            try:
                sound.decode()
            except UnicodeDecodeError:
                assert outcome(rjson.loads, sound) == "refused", sound
            else:
                check_like_json(sound)
        data[place] = before


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


@given(VALUES)
def test_round_trip(value):
    assert same(rjson.loads(rjson.dumps(value, allow_nan=True, surrogates="escape"), allow_nan=True), value)
    assert same(rjson.loads(rjson.dumps_bytes(value, allow_nan=True, surrogates="escape", indent=2), allow_nan=True), value)


@given(st.binary(max_size=80))
def test_arbitrary_bytes(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        assert outcome(rjson.loads, b'"' + data.replace(b'"', b"'").replace(b"\\", b"/") + b'"') == "refused"
    else:
        check_like_json(data)


@given(st.text(alphabet='{}[]",:\\/tfn 0123456789.eE+-u\n\u00e9\ud83d', max_size=40))
def test_arbitrary_texts(text):
    check_like_json(text)


def test_array_hook():
    """Each list, innermost first, empty ones too; its result takes the list's place."""
    seen = []
    text = '[1, [], {"a": [2, [3]]}]'
    got = rjson.loads(text, array_hook=lambda items: seen.append(list(items)) or tuple(items))
    assert got == (1, (), {"a": (2, (3,))})
    assert seen == [[], [3], [2, (3,)], [1, (), {"a": (2, (3,))}]]
    assert rjson.loads(text, array_hook=None) == json.loads(text)
    assert rjson.load(io.StringIO(text), array_hook=len) == 3
    assert list(rjson.iterload(io.StringIO("[1]\n[2,3]"), framing="lines", array_hook=len)) == [1, 2]
    with pytest.raises(TypeError, match="array_hook must be callable or None, not list"):
        rjson.loads("[]", array_hook=[])


SHAPES = {
    "one list": b"0," * 20_000_000,
    "small lists": b"[0,0]," * 5_000_000,
    "large lists": (b"[" + b"0," * 60_000 + b"0],") * 300,
    "objects": b'{"a":0},' * 5_000_000,
    "empty lists": b"[]," * 10_000_000,
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", ["loads", "iterload"])
def test_signals_are_heard(shape, way):
    """Ctrl-C ends a long text before its end, which is wrong."""

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    text = b"[[" + SHAPES[shape] + b"0]] x"
    before = signal.signal(signal.SIGALRM, stop)
    gc.disable()  # what is raised while it runs others' callbacks and finalizers goes nowhere
    try:
        with pytest.raises(Stop):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            if way == "loads":
                rjson.loads(text)
            else:
                list(rjson.iterload(io.BytesIO(text), framing="lines", chunk_size=2**30))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
