"""What cannot be encoded is an exception that names the type and the place, and nothing more is written."""

import io
import itertools
import json
import pickle
import random
import sys

import pytest

import rjson
from helpers import CHUNK_SIZES

pytestmark = pytest.mark.isa


class Opaque:
    def __repr__(self):
        return "<opaque>"


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        (Opaque(), "$"),
        ([Opaque()], "$[0]"),
        ([1, [2, Opaque()]], "$[1][1]"),
        ({"users": [{}, {}, {}, {"name": Opaque()}]}, "$.users[3].name"),
        ({"a b": {"": Opaque()}}, "$['a b']['']"),
        ({"é": {"x" * 65: Opaque()}}, "$.é." + "x" * 65),
        ({1: {None: {2.5: {True: Opaque()}}}}, "$[1][None][2.5][True]"),
        ((0, iter([0, 1, {"k": Opaque()}])), "$[1][2].k"),
    ],
)
def test_unsupported_type_names_type_and_path(obj, path):
    """EncodeError says what type, and where."""
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dumps(obj)
    assert str(caught.value) == (
        f"object of type Opaque is not JSON serializable at {path}: pass default=, for example default=str"
    )
    assert caught.value.path == path
    assert caught.value.bytes_written == 0


def nested(obj, chunk_size):
    """A document in which `obj` is far behind the first chunk."""
    return {"first": ["x" * 50] * (chunk_size // 10 + 200), "then": [0, {"bad": obj}]}


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_path_survives_pauses(chunk_size):
    """The path is right however often the encoder paused on the way, and bytes_written is what came out."""
    chunks = rjson.iterencode(nested(Opaque(), chunk_size), chunk_size=chunk_size)
    out = b""
    with pytest.raises(rjson.EncodeError) as caught:
        for chunk in chunks:
            out += chunk
    assert caught.value.path == "$.then[1].bad"
    assert caught.value.bytes_written == len(out) > 0
    assert list(chunks) == []


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_failed_dump_counts_what_is_out(chunk_size):
    """bytes_written is the number that the target has, and no closing bracket hides the truncation."""
    fp = io.BytesIO()
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dump(nested(Opaque(), chunk_size), fp, chunk_size=chunk_size)
    assert caught.value.bytes_written == len(fp.getvalue()) > 0
    assert not fp.getvalue().endswith((b"]", b"}"))


def test_small_failing_document_sends_nothing():
    """An error before the first chunk is full leaves the target untouched."""
    fp = io.BytesIO()
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dump({"fine": list(range(1000)), "bad": Opaque()}, fp)
    assert caught.value.bytes_written == 0
    assert fp.getvalue() == b""


def test_encode_error_is_both_type_and_value_error():
    """So that code written for json's TypeError and ValueError catches it; it can be pickled."""
    with pytest.raises(TypeError) as caught:
        rjson.dumps([Opaque()])
    assert isinstance(caught.value, ValueError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.path, str(again)) == ("$[0]", str(caught.value))


@pytest.mark.parametrize("key", [(1, 2), b"x", Opaque(), frozenset(), 1j])
def test_bad_keys(key):
    """A key that json refuses is refused, with the dict's path."""
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dumps({"a": [{key: 1}]})
    assert str(caught.value) == f"keys must be str, int, float, bool or None, not {type(key).__name__} at $.a[0]"
    assert caught.value.path == "$.a[0]"


@pytest.mark.parametrize(
    ("value", "name"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity")]
)
def test_non_finite_floats(value, name):
    """They are no JSON, as values or as keys."""
    with pytest.raises(rjson.EncodeError, match=rf"^float {name} is not JSON .* at \$\[1\]$") as caught:
        rjson.dumps([0, value])
    assert caught.value.path == "$[1]"
    with pytest.raises(rjson.EncodeError, match=rf"^float {name} .* at \$\.k$"):
        rjson.dumps({"k": {value: 1}})


@pytest.mark.parametrize("text", ["\ud800", "ab\udfff", "x" * 5000 + "\udc80", "😀\ud800", "中" * 900 + "\udbff中"])
@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_lone_surrogates(text, chunk_size):
    """They have no UTF-8; the message names the character and its index."""
    index = next(i for i, c in enumerate(text) if "\ud800" <= c <= "\udfff")
    for doc, path in (([0, text], "$[1]"), ({"k": {text: 1}}, "$.k")):
        with pytest.raises(rjson.EncodeError) as caught:
            list(rjson.iterencode(doc, chunk_size=chunk_size))
        assert f"'\\u{ord(text[index]):04x}' at index {index}" in str(caught.value)
        assert caught.value.path == path
        with pytest.raises(rjson.EncodeError):
            rjson.dumps(doc)


def circular_list():
    a = [1]
    a.append({"deeper": [a]})
    return a


def circular_dict():
    d = {}
    d["self"] = d
    return d


def circular_generator():
    def gen():
        yield g

    g = gen()
    return g


class OwnItems(dict):
    def items(self):
        return [("self", self)]


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (circular_list, "$[1].deeper[0]"),
        (circular_dict, "$.self"),
        (circular_generator, "$[0]"),
        (lambda: OwnItems(a=1), "$.self"),
    ],
)
def test_circular_references_are_found_at_once(make, path):
    """Where a container contains itself, not a thousand levels later."""
    with pytest.raises(ValueError, match="circular reference") as caught:
        rjson.dumps(make())
    assert caught.value.path == path


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("size", [0, 1, 40, 5000])
def test_circular_references_among_much_else(size, chunk_size):
    """Wherever chunks end: the place is the first at which it is met again, and bytes_written is what came out."""
    around = {"words": [f"word {i}" for i in range(size)], "pairs": [{"n": i} for i in range(size)]}
    a = {"around": around}
    a["next"] = [around, {"up": a, "more": around}]
    doc = [around, a]
    out = b""
    with pytest.raises(rjson.EncodeError, match="circular reference to a dict") as caught:
        for chunk in rjson.iterencode(doc, chunk_size=chunk_size):
            out += chunk
    assert caught.value.path == "$[1].next[1].up"
    assert caught.value.bytes_written == len(out)
    begins = json.dumps(doc[:1], separators=(",", ":")).encode()[:-1]
    assert out[: len(begins)] == begins[: len(out)]
    del a["next"]


def test_default_that_returns_its_argument_is_circular():
    """Directly, or inside something new."""
    obj = Opaque()
    for default in (lambda o: o, lambda o: [o], lambda o: {"k": iter([o])}):
        with pytest.raises(ValueError, match="circular reference"):
            rjson.dumps(obj, default=default)


def test_repeated_objects_are_not_circular():
    """The same object twice, beside each other, is fine at any depth."""
    a = [1]
    assert rjson.dumps([a, a, {"x": a, "y": [a]}]) == '[[1],[1],{"x":[1],"y":[[1]]}]'


@pytest.mark.parametrize("depth", [1, 2, 127, 128, 129, 300, 5000, 99_999])
def test_circular_references_far_down(depth):
    """Found on the heap stack as on the native one."""
    root = inner = []
    for _ in range(depth):
        inner.append([])
        inner = inner[0]
    inner.append(root)
    with pytest.raises(rjson.EncodeError, match="circular"):
        rjson.dumps(root)
    while inner := root.pop():  # free it without recursion
        if inner is root:
            break
        root = inner


@pytest.mark.parametrize("depth", [3, 8, 15, 16, 17, 33, 100, 255, 256, 257, 300])
def test_circular_references_to_each_ancestor(depth):
    """Whichever of the containers above it is, it is found where it is met again: where anything else that is wrong would be."""
    where = None
    for place in range(-1, depth):
        levels = [[] for _ in range(depth)]
        for outer, inner in itertools.pairwise(levels):
            outer.append(inner)
        levels[-1].append(levels[place] if place >= 0 else object())
        with pytest.raises(rjson.EncodeError, match="circular" if place >= 0 else "object") as caught:
            rjson.dumps(levels[0])
        where = where or caught.value.path
        assert caught.value.path == where
        levels[-1].clear()


def test_circular_references_on_the_way_back():
    """A reference to any container above, after thousands of levels below were finished, is still found."""
    levels = [[] for _ in range(2000)]
    for outer, inner in itertools.pairwise(levels):
        outer.append(inner)
    assert rjson.dumps(levels[0]) == "[" * 2000 + "]" * 2000
    rng = random.Random(6)
    for _ in range(3000):
        below = rng.randrange(1, 1990)
        above = rng.randrange(below)
        levels[below].append(levels[above])
        with pytest.raises(rjson.EncodeError, match="circular") as caught:
            rjson.dumps(levels[0])
        hidden = below + 1 - 40
        middle = f"[... {hidden} levels ...]" if hidden > 0 else ""
        shown = below if hidden <= 0 else 39
        assert caught.value.path == "$" + "[0]" * min(shown, 20) + middle + "[0]" * (shown - min(shown, 20)) + "[1]"
        levels[below].pop()
    assert rjson.dumps(levels[0]) == "[" * 2000 + "]" * 2000


def deep(levels, kind):
    obj = None
    for i in range(levels):
        obj = [obj] if kind == "list" or (kind == "mixed" and i % 2) else {"k": obj}
    return obj


@pytest.mark.parametrize("kind", ["list", "dict", "mixed"])
@pytest.mark.parametrize("levels", [1, 127, 128, 129, 257, 1000, 99_999, 100_000])
def test_deep_nesting(kind, levels):
    """Up to the limit depth costs no stack: no path recurses."""
    obj = deep(levels, kind)
    out = rjson.dumps_bytes(obj)
    assert out.count(b"[") + out.count(b"{") == levels
    assert b"".join(rjson.iterencode(obj, chunk_size=777)) == out


@pytest.mark.parametrize("limit", [1, 2, 100, 127, 128, 129, 1000])
def test_max_depth(limit):
    """max_depth levels pass, one more is a RecursionError with the path; empty containers count."""
    assert rjson.dumps(deep(limit, "mixed"), max_depth=limit)
    with pytest.raises(RecursionError, match=f"nested deeper than max_depth={limit}") as caught:
        rjson.dumps(deep(limit + 1, "mixed"), max_depth=limit)
    assert caught.value.path.startswith("$")
    almost = deep(limit, "list")
    inner = almost
    while inner[0] is not None:
        inner = inner[0]
    inner[0] = {}
    with pytest.raises(RecursionError):
        rjson.dumps(almost, max_depth=limit)


def test_default_depth_limit():
    """100,000 levels, then RecursionError; endless default too."""
    with pytest.raises(RecursionError, match="max_depth=100000"):
        rjson.dumps(deep(100_001, "list"))
    with pytest.raises(RecursionError):
        rjson.dumps(Opaque(), default=lambda _: Opaque())


def test_long_paths_are_shortened():
    """A path of thousands of levels shows both its ends."""
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dumps(deep(1000, "list")[0:1] + [Opaque()])
    assert caught.value.path == "$[1]"
    obj = [Opaque()]
    for _ in range(999):
        obj = [obj]
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dumps(obj)
    assert caught.value.path == "$" + "[0]" * 20 + "[... 960 levels ...]" + "[0]" * 20


def test_exception_from_default_comes_out_unchanged():
    """The same object, with the path as its note and the count of bytes."""
    error = ZeroDivisionError("mine")

    def default(_):
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        rjson.dumps({"a": [Opaque()]}, default=default)
    assert caught.value is error
    assert error.__notes__ == ["while encoding $.a[0]"]
    assert error.bytes_written == 0


def test_exceptions_that_take_no_attributes():
    """An exception class with __slots__-like restrictions still comes out."""

    class Strict(Exception):
        def __setattr__(self, name, value):
            raise AttributeError(name)

    def default(_):
        raise Strict

    with pytest.raises(Strict):
        rjson.dumps(Opaque(), default=default)


def test_base_exceptions_pass_through():
    """KeyboardInterrupt and SystemExit from user code are not swallowed."""

    def default(_):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        rjson.dumps(Opaque(), default=default)


@pytest.mark.parametrize("wrong", [5, "str", [1], object()])
def test_default_must_be_callable(wrong):
    """The message names the type and the value."""
    with pytest.raises(TypeError, match=f"default must be callable or None, not {type(wrong).__name__}"):
        rjson.dumps(1, default=wrong)
    with pytest.raises(TypeError, match="default must be callable"):
        rjson.Encoder(default=wrong)


@pytest.mark.parametrize("call", [rjson.dumps, rjson.dumps_bytes, rjson.iterencode])
def test_unknown_options_are_named(call):
    """A misspelt option is an error that names it, not silence."""
    with pytest.raises(TypeError, match="'defualt'"):
        call(1, defualt=str)
    with pytest.raises(TypeError):
        call()
    with pytest.raises(TypeError):
        call(1, 2)


@pytest.mark.parametrize(("wrong", "error"), [(0, ValueError), (-1, ValueError), ("9", TypeError), (2**100, OverflowError)])
def test_max_depth_is_checked(wrong, error):
    """At least one level, and a number."""
    with pytest.raises(error):
        rjson.dumps([], max_depth=wrong)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [(0, ValueError), (-5, ValueError), (2**31, ValueError), ("x", TypeError), (1.5, TypeError)],
)
def test_chunk_size_is_checked(wrong, error):
    """Zero, negative and absurd sizes are refused before anything is written."""
    fp = io.BytesIO()
    with pytest.raises(error):
        rjson.dump([1], fp, chunk_size=wrong)
    with pytest.raises(error):
        rjson.iterencode([1], chunk_size=wrong)
    assert fp.getvalue() == b""


def test_nothing_is_leaked_by_failures():
    """Failing documents leave no references behind."""
    marker = Opaque()
    doc = {"a": [marker, {"k": marker}]}
    before = sys.getrefcount(marker), sys.getrefcount(doc)
    for chunk_size in CHUNK_SIZES:
        for options in ({}, {"default": lambda o: 1 / 0}, {"default": lambda o: o}):
            with pytest.raises((rjson.EncodeError, ZeroDivisionError)):
                rjson.dump(nested(doc, 600), io.BytesIO(), chunk_size=chunk_size, **options)
            with pytest.raises((rjson.EncodeError, ZeroDivisionError)):
                list(rjson.iterencode(nested(doc, 600), chunk_size=chunk_size, **options))
            with pytest.raises((rjson.EncodeError, ZeroDivisionError)):
                rjson.dumps(doc, **options)
    assert (sys.getrefcount(marker), sys.getrefcount(doc)) == before
