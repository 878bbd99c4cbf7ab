"""Every supported type is written as the standard library writes it, on every path."""

import collections
import enum
import json
import random
import sys
import types

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rjson
from helpers import check_everywhere, keep_utf8, stdlib

pytestmark = pytest.mark.vectors


class StrSub(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class IntSub(int):
    def __repr__(self) -> str:
        return "not this"


class FloatSub(float):
    def __repr__(self) -> str:
        return "not this"


class Color(enum.IntEnum):
    RED = 1


class ListSub(list):
    pass


class IterList(list):
    """A list that iterates over something else than it holds."""

    def __iter__(self):
        return iter(["own", "iteration"])


class IterTuple(tuple):
    __slots__ = ()

    def __iter__(self):
        return iter(["own"])


class DictSub(dict):
    pass


class ItemsDict(dict):
    def items(self):
        return [("own", 1), ("items", [2, {"x": None}])]


Point = collections.namedtuple("Point", "x y")


def moved_to_end():
    d = collections.OrderedDict([("a", 1), ("b", 2), ("c", 3)])
    d.move_to_end("a")
    return d


def with_deleted_entries():
    d = {f"k{i}": i for i in range(50)}
    for i in range(0, 50, 3):
        del d[f"k{i}"]
    return d


def split_table():
    class C:
        pass

    c = C()
    c.a, c.b = 1, [2]
    return vars(c)


VALUES = [
    None, True, False, 0, -1, 7, 10, 99, 100, 999, 1000, 12345, 999999, 10**6, 10**8 - 1, 10**8, 10**15, 10**16 - 1, 10**16,
    2**30, 2**30 - 1, -(2**30), 2**60, 2**62, 2**63, -(2**63), 2**64 - 1, 2**64, -(2**64), 10**100, -(10**100),
    0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1e16, 1e-5, 1e22, 1.7976931348623157e308, 5e-324, 123456789.123456789,
    "", "a", "\x00\x1f\x20\x7f", '"quoted"', "back\\slash", "/", "\b\f\n\r\t", "\u2028\u2029", "é", "\xff", "Ā", "中文", "\uffff",
    "😀", "a😀é中", "x" * 1000, "é" * 1000, "中" * 1000, "😀" * 1000, '"' * 1000, "\x01" * 1000, ("abc" * 20 + "\n") * 40,
    [], {}, (), [[]], [{}], {"": ""}, {"a": {}}, [[], [[], [[]]]], {"a": [1, {"b": (2, 3)}]}, (1, "two", 3.0),
    {"é": 1, "中": 2, "😀": 3, 'q"': 4, "k" * 64: 5, "k" * 65: 6, "k" * 3000: [7]},
    {1: "int", -5: "neg", 2**70: "big", 1.5: "float", None: "none", 1e16: "exp", -0.0: "zero"},
    {True: "bool", False: [1]}, {StrSub("key"): StrSub("value"), IntSub(5): IntSub(6), FloatSub(1.5): FloatSub(2.5)},
    [IntSub(2**80), Color.RED], {Color.RED: Color.RED},
    ListSub([1, [2]]), ListSub(), DictSub(a=1), DictSub(), Point(1, [2]), collections.OrderedDict(z=1, a=[2]),
    collections.defaultdict(list, a=[1]), collections.Counter("aab"), moved_to_end(), with_deleted_entries(), split_table(),
    IterList([1, 2]), IterTuple((1, 2)), ItemsDict(a=1), [IterList([0]), ItemsDict(b=2), "after"],
    list(range(-300, 2000)), [True, False, None] * 100, [str(i) for i in range(2000)], {str(i): i / 8 for i in range(1000)}, [None] * 3000,
    [[i, [i, [i]]] for i in range(300)], [{"id": i, "name": f"n{i}", "é": "ü" * (i % 50)} for i in range(200)],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda v: f"{type(v).__name__}-{str(v)[:20]!r}")
def test_as_the_standard_library_writes_it(value):
    """The bytes are json.dumps' (compact, not ASCII-only) on every path and at every chunk size."""
    check_everywhere(lambda: value, stdlib(value))


def text_with_escapes(rng, length, percent):
    """That many characters, about so many of them to be escaped, and if any, then the first and the last too."""
    characters = [rng.choice('"\\\n\x01') if rng.random() * 100 < percent else rng.choice("abc /") for _ in range(length)]
    if percent and characters:
        characters[0] = characters[-1] = '"'
    return "".join(characters)


@pytest.mark.parametrize("longest", [21, 70, 300])
@pytest.mark.parametrize("percents", [[12], [30], [100], [0, 0, 0, 12], [0, 12, 30], [0, 1, 100]], ids=str)
def test_strings_behind_others(percents, longest):
    """How many escapes the last strings had may decide how the next one is written, but not what: at every length, in every order."""
    rng = random.Random(1)
    texts = [text_with_escapes(rng, length, rng.choice(percents)) for length in range(longest + 1)] * 2
    rng.shuffle(texts)
    check_everywhere(lambda: texts, stdlib(texts))


@pytest.mark.parametrize("alphabet", ["abcdefghijklmnopqrstuvw", "abcdéÿ", "αβγ abЖ", "日本語abc", "😀日é"], ids=ascii)
def test_clean_strings_of_every_length(alphabet):
    """Alone, as a key, and with their UTF-8 form in them: no character is lost, doubled or moved where the blocks of vectors meet."""
    for length in (*range(300), *range(500, 600), *range(1000, 1100), 5000):
        value = (alphabet * (length // len(alphabet) + 1))[:length]
        for cached in (False, True):
            if cached:
                assert keep_utf8(value) == value.encode()
            for document in ([value], [value] * 20, {value: value}):
                assert rjson.dumps_bytes(document).decode() == stdlib(document)
                assert rjson.dumps(document) == stdlib(document)


@pytest.mark.parametrize("percent", [0.2, 1, 3, 10, 50, 100])
@pytest.mark.parametrize("alphabet", ["abc /", "abcé", "αβ Ж", "日本", "αβγδεζηθικλμνξο日", "😀日é"], ids=ascii)
def test_long_strings_with_escapes(alphabet, percent):
    rng = random.Random(2)
    for length in (*range(250, 330), 1000, 1025, 5000):
        value = "".join(
            rng.choice('"\\\n\t\x01') if rng.random() * 100 < percent else rng.choice(alphabet) for _ in range(length)
        )
        for document in ([value], [value[:70], value, value[: length // 2]] * 20, {value: value}):
            assert rjson.dumps_bytes(document).decode() == stdlib(document)
            assert rjson.dumps(document) == stdlib(document)


# An iterator over an empty subclass etc.: emptiness is decided by what is iterated, not by what is stored.
@pytest.mark.parametrize("value", [IterList(), IterTuple()])
def test_subclass_with_its_own_iteration_is_asked_even_when_empty(value):
    """What a subclass's __iter__ yields counts, not what it holds."""
    assert rjson.dumps(value) == json.dumps(list(value), separators=(",", ":"))


def test_dict_subclass_items_are_consumed_lazily():
    """A dict subclass with its own items() may compute them as they are written."""

    class Lazy(dict):
        def items(self):
            return ((f"k{i}", i) for i in range(3))

    assert rjson.dumps(Lazy(x=1)) == '{"k0":0,"k1":1,"k2":2}'


def test_mapping_proxies_go_to_default():
    """A Mapping that is no dict is default's business."""
    proxy = types.MappingProxyType({"a": 1})
    assert rjson.dumps(proxy, default=dict) == '{"a":1}'


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(st.sampled_from('abc"\\\n\x00é中😀'), max_size=700),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.booleans(),
            inner,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values)
def test_random_documents(value):
    """Any document is written as the standard library writes it, on every path."""
    check_everywhere(lambda: value, stdlib(value))


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_round_trip(value):
    """What comes out parses to what the standard library's own output parses to."""
    assert json.loads(rjson.dumps(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), FloatSub("nan")])
def test_allow_nan_writes_what_the_standard_library_writes(value):
    """With allow_nan=True non-finite floats, as values and keys, are spelled as json spells them."""
    check_everywhere(lambda: [value, {value: 1}], stdlib([value, {value: 1}]), allow_nan=True)


def test_default_is_called_for_what_is_not_supported():
    """default's result is encoded in the object's place, wherever it stands, and once per object."""
    calls = []

    def default(obj):
        calls.append(obj)
        return {"re": obj.real, "im": [obj.imag]}

    doc = [1j, {"a": 2j}, (n * 1j for n in range(2))]
    assert (
        rjson.dumps(doc, default=default)
        == '[{"re":0.0,"im":[1.0]},{"a":{"re":0.0,"im":[2.0]}},[{"re":0.0,"im":[0.0]},{"re":0.0,"im":[1.0]}]]'
    )
    assert calls == [1j, 2j, 0j, 1j]


@pytest.mark.parametrize("value", [{1, 2}, bytearray(b"x"), b"bytes", object(), range(3), 1j, ...])
def test_default_sees_every_unsupported_type(value):
    """Also as the root, and with results of every kind."""
    for result in (None, 1, "text", "é" * 2000, [1, 2], {"k": "v"}, iter([1]), rjson.Raw(b"[0]")):
        expected = "[0]" if isinstance(result, rjson.Raw) else "[1]" if hasattr(result, "__next__") else stdlib(result)
        assert rjson.dumps(value, default=lambda _, result=result: result) == expected


def test_default_may_return_another_unsupported_object():
    """default is asked again about what it returned."""
    assert rjson.dumps(3 + 0j, default=lambda o: o.real if isinstance(o, complex) else str(o)) == "3.0"
    assert rjson.dumps(b"x", default=lambda o: {o[0]} if isinstance(o, bytes) else list(o)) == "[120]"


def test_raw_is_written_as_it_is():
    """Raw JSON is neither parsed nor changed, and may be larger than a chunk."""
    big = b'{"text":"' + "é中😀".encode() * 1000 + b'"}'
    for json_text in (b"1", b'{"a": [1, 2]}', "é".join('""').encode(), big):
        check_everywhere(
            lambda json_text=json_text: [rjson.Raw(json_text), 1, {"k": rjson.Raw(json_text)}],
            f'[{json_text.decode()},1,{{"k":{json_text.decode()}}}]',
        )


def test_raw_takes_bytes_like_objects_and_str():
    """bytes, bytearray, memoryview and str mean the same; what a bytearray holds later does not matter."""
    source = bytearray(b"[1]")
    raw = rjson.Raw(source)
    source[:] = b"[2]"
    assert rjson.dumps([raw, rjson.Raw(memoryview(b"[1]")), rjson.Raw("[1]")]) == "[[1],[1],[1]]"
    assert raw.json == b"[1]"
    assert raw == rjson.Raw("[1]") != rjson.Raw("[3]")
    assert hash(raw) == hash(rjson.Raw("[1]"))
    assert repr(raw) == "Raw(b'[1]')"


@pytest.mark.parametrize(
    ("wrong", "error"), [(b"", ValueError), ("", ValueError), (b"\xff", ValueError), ("\ud800", ValueError), (1, TypeError), (None, TypeError)]
)  # fmt: skip
def test_raw_refuses_what_can_never_be_json(wrong, error):
    """Nothing at all, bytes that are no UTF-8, and objects that are no text."""
    with pytest.raises(error):
        rjson.Raw(wrong)


def test_strings_with_a_cached_utf8_form():
    """A str whose UTF-8 was asked for before (by open(), say) is written the same."""
    text = 'naïve 中文 😀 " \\ \x01' * 200
    before = rjson.dumps(text)
    sys.intern(text)
    open_name = text[:50].replace("\x01", "")
    with pytest.raises(OSError, match=r"."):
        open(open_name + "/missing")
    assert keep_utf8(text) == text.encode()
    check_everywhere(lambda: text, before)


def test_encoding_never_creates_the_utf8_cache():
    """Encoding a string leaves its size as it was: no hidden second copy stays in memory."""
    text = "中文" * 1000
    size = sys.getsizeof(text)
    rjson.dumps_bytes([text, {text: text}])
    assert sys.getsizeof(text) == size


def test_encoder_binds_options():
    """An Encoder's methods are the functions with its options."""
    enc = rjson.Encoder(default=str, allow_nan=True, max_depth=5)
    assert enc.dumps([1j, float("inf")]) == '["1j",Infinity]'
    assert enc.dumps_bytes(1j) == b'"1j"'
    assert b"".join(enc.iterencode([1j])) == b'["1j"]'
    with pytest.raises(RecursionError):
        enc.dumps([[[[[[]]]]]])
    assert repr(rjson.Encoder(max_depth=5)) == "Encoder(max_depth=5)"
