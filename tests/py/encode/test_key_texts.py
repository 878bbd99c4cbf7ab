"""Keys: what each type becomes, `default_key` for those that have no text, and keys that become equal when they are written."""

from __future__ import annotations

import asyncio
import collections
import datetime
import decimal
import enum
import gc
import io
import json
import pathlib
import uuid
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rjson
import rjson.aio
from helpers import check_everywhere, stdlib

UUID = uuid.UUID(int=5)
MOMENT = datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.timezone.utc)


class Key(enum.Enum):
    DATE = datetime.date(2024, 1, 1)
    MOMENT = MOMENT
    SPAN = datetime.timedelta(seconds=4.5)
    ID = UUID
    PRICE = decimal.Decimal("1.50")
    PATH = pathlib.PurePosixPath("a/b")
    TEXT = "é"
    INT = 5
    NONE = None
    PAIR = (1, 2)


class Outer(enum.Enum):
    INNER = Key.DATE


TEXTS = {
    Key.DATE: "2024-01-01",
    Key.MOMENT: "2024-02-29T01:02:03+00:00",
    Key.SPAN: "PT4.5S",
    Key.ID: str(UUID),
    Key.PRICE: "1.50",
    Key.PATH: "a/b",
    Key.TEXT: "é",
    Key.INT: "5",
    Key.NONE: "null",
    Outer.INNER: "2024-01-01",
}


def test_enum_keys_are_the_keys_that_their_values_are():
    check_everywhere(lambda: [{k: i} for i, k in enumerate(TEXTS)], stdlib([{t: i} for i, t in enumerate(TEXTS.values())]))
    assert rjson.dumps({Key.MOMENT: 1}, utc_z=True) == '{"2024-02-29T01:02:03Z":1}'


def test_an_enum_whose_value_is_no_key():
    with pytest.raises(rjson.EncodeError, match=r"keys must be str, int, float, bool or None, not Key at \$\.a"):
        rjson.dumps({"a": {Key.PAIR: 1}})
    assert rjson.dumps({Key.PAIR: 1, "b": 2}, skipkeys=True) == '{"b":2}'


def test_an_enum_whose_value_is_itself():
    """Nothing goes round for ever."""

    class Odd(enum.Enum):
        MEMBER = 1
        value = property(lambda self: self)

    with pytest.raises(rjson.EncodeError, match="not Odd"):
        rjson.dumps({Odd.MEMBER: 1})
    with pytest.raises(rjson.EncodeError, match="circular"):
        rjson.dumps([Odd.MEMBER])


# ---- default_key


class Lazy:
    """A string that is made when it is needed."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"sort_keys": True}, {"omit_none": True}, {"duplicates": "error"}])
def test_default_key_gives_a_key_that_has_none_its_text(options):
    """Called with the key; whatever is a key itself may come back."""
    seen = []

    def default_key(key):
        seen.append(key)
        return key.decode() if isinstance(key, bytes) else str(key)

    keys = [b"bytes", Lazy("lazy") if "sort_keys" not in options else b"more", 2]
    keys = keys[:2] if "sort_keys" in options else keys
    doc = {"a": [{key: [key if isinstance(key, int) else 1]} for key in keys] + [dict.fromkeys(keys, 1)]}
    texts = [default_key(key) for key in keys]
    plain = {"a": [{t: [k if isinstance(k, int) else 1]} for k, t in zip(keys, texts)] + [dict.fromkeys(texts, 1)]}
    seen.clear()
    assert rjson.dumps(doc, default_key=default_key, **options) == rjson.dumps(plain, **options)
    assert all(not isinstance(key, (int, str)) for key in seen)
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("é", "é"),
        (5, "5"),
        (None, "null"),
        (True, "true"),
        (0.5, "0.5"),
        (MOMENT, MOMENT.isoformat()),
        (Key.DATE, "2024-01-01"),
    ],
)
def test_what_default_key_may_return(result, text):
    check_everywhere(lambda: {b"": 1}, stdlib({text: 1}), default_key=lambda key: result)


@pytest.mark.parametrize("result", [b"bytes", [], (1, 2), object(), Key.PAIR])
def test_default_key_returns_no_key(result):
    """It is not asked again."""
    calls = []
    with pytest.raises(rjson.EncodeError, match=r"default_key returned a \w+, which is no key either, for a bytes at \$\.x"):
        rjson.dumps({"x": {b"": 1}}, default_key=lambda key: calls.append(key) or result)
    assert calls == [b""]


def test_default_key_fails():
    """What it raises comes out as it is, with the place."""

    def fail(key):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as caught:
        rjson.dumps({"x": [{b"": 1}]}, default_key=fail)
    assert any("$.x[0]" in note for note in caught.value.__notes__)


def test_default_is_not_asked_for_keys():
    """A function that makes lists or strings of anything does not change what keys are."""
    with pytest.raises(rjson.EncodeError, match="keys must be"):
        rjson.dumps({b"": 1}, default=str)
    assert rjson.dumps({b"": b""}, default=lambda o: "value", default_key=lambda o: "key") == '{"key":"value"}'


def test_default_key_goes_before_skipkeys():
    assert rjson.dumps({b"a": 1, (1,): 2}, skipkeys=True, default_key=repr) == '{"b\'a\'":1,"(1,)":2}'


def test_default_key_is_asked_for_types_that_passthrough_takes_out():
    keys = {Key.ID: 1, UUID: 2, MOMENT: 3}
    with pytest.raises(rjson.EncodeError, match="keys must be"):
        rjson.dumps(keys, passthrough=["uuid"])
    assert rjson.dumps({UUID: 2}, passthrough=["uuid"], default_key=lambda u: u.hex) == f'{{"{UUID.hex}":2}}'


def test_default_key_must_be_callable():
    with pytest.raises(TypeError, match="default_key must be callable or None, not int: 5"):
        rjson.Encoder(default_key=5)
    assert rjson.dumps({"a": 1}, default_key=None) == '{"a":1}'


def test_default_key_that_empties_the_dict():
    """The member whose key it was asked for is complete, and then it is noticed."""
    doc = {b"a": [1, 2], b"b": 2}

    def default_key(key):
        doc.clear()
        gc.collect()
        return "key"

    with pytest.raises(RuntimeError, match="changed size"):
        rjson.dumps([doc], default_key=default_key)


def test_encoders_own_default_key():
    """It lives as long as the encoder, and an iterator of chunks, and no longer."""

    class Function:
        def __call__(self, key):
            return "x" * 1000

    function = Function()
    gone = weakref.ref(function)
    encoder = rjson.Encoder(default_key=function)
    chunks = rjson.iterencode([{b"": 1}] * 10, chunk_size=512, default_key=function)
    del function
    first = next(chunks)
    gc.collect()
    assert json.loads(first + b"".join(chunks)) == [{"x" * 1000: 1}] * 10
    assert encoder.dumps({b"": 1}) == json.dumps({"x" * 1000: 1}, separators=(",", ":"))
    del encoder, chunks
    gc.collect()
    assert gone() is None


def test_default_key_on_an_event_loop():
    """Whatever the pace, the same document; and its code runs in the task that asked for it."""
    tasks = set()

    def default_key(key):
        tasks.add(asyncio.current_task())
        return key.decode()

    rows = [{f"{i}".encode(): [{b"in": i, b"s": "x" * 50, b"none": None}]} for i in range(300)]
    expected = [{f"{i}": [{"in": i, "s": "x" * 50, "none": None}]} for i in range(300)]
    for options in ({}, {"indent": 1}, {"sort_keys": True}, {"skipkeys": True}, {"duplicates": "error"}):

        async def main(options=options):
            writer = Slow()
            await rjson.aio.dump(rows, writer, default_key=default_key, chunk_size=512, **options)
            return writer.data, asyncio.current_task()

        data, task = asyncio.run(main())
        assert json.loads(data) == expected
        assert tasks == {task}
        tasks.clear()


class Slow:
    """A target that makes its writer wait."""

    def __init__(self):
        self.data = b""

    async def write(self, data):
        await asyncio.sleep(0)
        self.data += data


# ---- keys that become equal

COLLISIONS = [
    {1: 1, "1": 2},
    {"true": 1, True: 2},
    {None: 1, "null": 2},
    {0.5: 1, "0.5": 2},
    {datetime.date(2024, 1, 1): 1, "2024-01-01": 2},
    {Key.DATE: 1, datetime.date(2024, 1, 1): 2},
    {Key.TEXT: 1, "é": 2},
    {UUID: 1, str(UUID): 2},
    {10**5000: 1, "1" + "0" * 5000: 2},
    {decimal.Decimal("1.0"): 1, "1.0": 2},
]


@pytest.mark.parametrize("doc", COLLISIONS, ids=lambda doc: repr(next(iter(doc)))[:20] if 10**5000 not in doc else "huge")
@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"ensure_ascii": True}, {"skipkeys": True}, {"omit_none": True}])
def test_keys_that_become_equal(doc, options):
    """The standard library writes both, and a reader keeps one. Here the place is named, and both keys."""
    assert rjson.dumps(doc, duplicates="keep").count(":") == 2 + rjson.dumps(doc).count("02:")
    for wrap in (lambda d: {"a": [d]}, lambda d: {"a": [collections.defaultdict(int, d)]}, lambda d: {"a": [1, Items(d)]}):
        with pytest.raises(rjson.EncodeError, match=r"^the keys .+ and .+ are both written as .+ at \$\.a\[[01]\]$"):
            rjson.dumps(wrap(doc), duplicates="error", **options)


class Items(dict):
    """A dict with pairs of its own."""

    def items(self):
        return list(super().items())


def test_an_items_method_that_repeats_itself():
    class Twice(dict):
        def items(self):
            return [("a", 1), ("a", 2)]

    assert rjson.dumps(Twice()) == '{"a":1,"a":2}'
    with pytest.raises(rjson.EncodeError, match="the keys 'a' and 'a' are both written as 'a'"):
        rjson.dumps(Twice(), duplicates="error")


def test_str_subclasses_that_are_different_keys_with_one_text():
    class Own(str):
        __slots__ = ()
        __hash__ = object.__hash__

        def __eq__(self, other):
            return self is other

    doc = {Own("a"): 1, Own("a"): 2, "a": 3}
    assert rjson.dumps(doc) == '{"a":1,"a":2,"a":3}'
    with pytest.raises(rjson.EncodeError, match="both written as 'a'"):
        rjson.dumps(doc, duplicates="error")


@pytest.mark.parametrize(
    ("keys", "surrogates"),
    [
        (["\ud800", "\udc00"], "replace"),
        (["\ud800", "\ufffd"], "replace"),
        (["\ud83d\ude00", "😀"], "escape"),
    ],
)
def test_lone_surrogates_that_become_equal(keys, surrogates):
    doc = dict.fromkeys(keys, 1)
    for options in ({}, {"ensure_ascii": True}):
        assert len(json.loads(rjson.dumps(doc, surrogates=surrogates, **options))) == 1
        with pytest.raises(rjson.EncodeError, match="both written as"):
            rjson.dumps(doc, surrogates=surrogates, duplicates="error", **options)


def test_what_is_left_out_is_equal_to_nothing():
    assert rjson.dumps({1: None, "1": 2}, duplicates="error", omit_none=True) == '{"1":2}'
    assert rjson.dumps({(1,): 1, (2,): 1, "a": 2}, duplicates="error", skipkeys=True) == '{"a":2}'


keys = st.one_of(
    st.text(max_size=3),
    st.integers(-3, 12),
    st.integers().map(str),
    st.integers(-3, 12).map(str),
    st.booleans(),
    st.none(),
    st.sampled_from(["true", "null", "0.5", "1.0", "2024-01-01"]),
    st.sampled_from([0.5, 1.0, datetime.date(2024, 1, 1), Key.DATE, UUID]),
    st.dates(),
)
documents = st.recursive(
    st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=30), max_leaves=30
)


@settings(deadline=None)
@given(documents, st.sampled_from([{}, {"sort_keys": True}, {"indent": 1}]))
def test_duplicates_are_those_that_a_reader_sees(doc, options):
    """The same document as without the option, or an error where a reader would see two equal keys in one object."""
    repeated = []

    def pairs(members):
        repeated.append(len(dict(members)) < len(members))
        return members

    try:
        expected = rjson.dumps(doc, **options)
    except rjson.EncodeError:  # keys that cannot be sorted
        return
    json.loads(expected, object_pairs_hook=pairs)
    if any(repeated):
        with pytest.raises(rjson.EncodeError, match="both written as"):
            rjson.dumps(doc, duplicates="error", **options)
        return
    assert rjson.dumps(doc, duplicates="error", **options) == expected
    out = io.BytesIO()
    rjson.dump(doc, out, duplicates="error", chunk_size=512, **options)
    assert out.getvalue() == expected.encode()


def test_duplicates_has_two_values():
    with pytest.raises(ValueError, match="duplicates must be 'keep' or 'error', not 'last'"):
        rjson.dumps({}, duplicates="last")
