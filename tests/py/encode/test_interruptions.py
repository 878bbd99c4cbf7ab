"""A document is the same wherever a chunk ends in it, and whatever values lie between the plain ones."""

import dataclasses
import datetime
import decimal
import json
import random
import uuid

import pytest

import rjson
from helpers import CHUNK_SIZES, streamed

pytestmark = pytest.mark.vectors


@dataclasses.dataclass
class Point:
    x: int
    y: list


class Opaque:
    """Known to `default` alone."""


class Names(list):
    pass


# Plain values, and what cannot be written as one of these: each with what it stands for.
PLAIN = [
    (0, 0),
    (-12345678, -12345678),
    (1.5, 1.5),
    (True, True),
    (None, None),
    ("", ""),
    ("short", "short"),
    ('with "quotes"\n', 'with "quotes"\n'),
    ("Größe", "Größe"),
    ("日本語", "日本語"),
]
OTHERS = [
    (2**70, 2**70),
    ("long " * 300, "long " * 300),
    ("語" * 500, "語" * 500),
    (Point(1, [2]), {"x": 1, "y": [2]}),
    (datetime.date(2026, 11, 26), "2026-11-26"),
    (datetime.datetime(2026, 11, 26, 1, 2, 3, tzinfo=datetime.timezone.utc), "2026-11-26T01:02:03+00:00"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (decimal.Decimal("1.25"), 1.25),
    (Opaque(), {"opaque": [1]}),
    (Names(["a"]), ["a"]),
]
KEYS = ["k", "key", "a key of more than sixteen characters", "größe", "x" * 100, 'q"', 7, 2**70, None]


def default(value):
    return {"opaque": [1]}


def nested(rng, depth, others):
    """A value, and what it stands for: containers in each other, with something else in one of `others` places."""
    kind = rng.randrange(4) if depth else 3
    if kind == 3:
        return rng.choice(OTHERS if rng.randrange(others) == 0 else PLAIN)
    children = [nested(rng, depth - 1, others) for _ in range(rng.choice((0, 1, 1, 2, 3, 8)))]
    if kind == 0:
        members = dict(zip(rng.sample(KEYS, len(KEYS)), children, strict=False))
        return {k: v for k, (v, _) in members.items()}, {k: m for k, (_, m) in members.items()}
    values, meant = [v for v, _ in children], [m for _, m in children]
    return (tuple(values), meant) if kind == 1 else (values, meant)


@pytest.mark.parametrize("options", [{}, {"indent": 3}, {"sort_keys": True}, {"ensure_ascii": True}], ids=str)
@pytest.mark.parametrize("others", [3, 20, 400])
def test_random_containers_at_every_chunk_size(others, options):
    """With values that are not plain among three, twenty or four hundred of them."""
    rng = random.Random(others)
    for _ in range(60):
        value, meant = nested(rng, 6, others)
        if options.get("sort_keys"):
            value, meant = without_odd_keys(value), without_odd_keys(meant)
        expected = expected_text(meant, options)
        assert rjson.dumps(value, default=default, **options) == expected
        for chunk_size in CHUNK_SIZES:
            assert streamed(value, default=default, chunk_size=chunk_size, **options).decode() == expected


def without_odd_keys(value):
    """Keys that are no str cannot be sorted among those that are."""
    if isinstance(value, dict):
        return {k: without_odd_keys(v) for k, v in value.items() if isinstance(k, str)}
    if type(value) in (list, tuple):
        return [without_odd_keys(v) for v in value]
    return value


def expected_text(meant, options):
    separators = (",", ": ") if "indent" in options else (",", ":")
    return json.dumps(meant, separators=separators, **{"ensure_ascii": False, **options})


@pytest.mark.parametrize("options", [{}, {"indent": 2}], ids=str)
def test_a_chunk_that_ends_at_each_place(options):
    """What comes before moves the end of the first chunk through the whole document, byte by byte."""
    inner = [
        {"id": 1, "tags": [], "name": "ab", "meta": {"x": [1, (2.5,), {}], "y": {"z": [[["deep"]]]}}},
        [[], [None]],
        "é",
        {"": "語"},
    ]
    for shift in range(600):
        value = ["s" * shift, inner]
        assert streamed(value, chunk_size=512, **options).decode() == expected_text(value, options)


@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"sort_keys": True}], ids=str)
@pytest.mark.parametrize("items", [[[]], [{}], [[], {}], [[[]]], [[1]], [[[1], 2], [3, [4]]], [{"k": []}, [{}]]], ids=str)
def test_more_small_containers_than_a_chunk_holds(items, options):
    document = [items * 700, [*items * 700, [items * 3]]]
    expected = json.dumps(document, separators=None if "indent" in options else (",", ":"), **options)
    for chunk_size in CHUNK_SIZES:
        assert streamed(document, chunk_size=chunk_size, **options).decode() == expected


@pytest.mark.parametrize("depth", [3, 30, 100, 254, 255, 256, 300])
@pytest.mark.parametrize("indent", [None, 1, 8])
def test_more_closing_brackets_than_a_chunk_holds(indent, depth):
    """Of lists that end with lists, dicts that end with dicts, and both."""
    lists = pairs = mixed = dicts = both = 1
    for _ in range(depth):
        lists, pairs, mixed, dicts, both = [lists], [[], pairs], [0, mixed], {"k": dicts}, [{"a": [both]}]
    for document in (lists, [pairs, pairs], [mixed, lists], dicts, both):
        expected = json.dumps(document, indent=indent, separators=(",", ":") if indent is None else None)
        assert rjson.dumps(document, indent=indent) == expected
        for chunk_size in CHUNK_SIZES:
            assert streamed(document, chunk_size=chunk_size, indent=indent).decode() == expected


@pytest.mark.parametrize("depth", [1, 2, 11, 12, 13, 100, 253, 254, 255, 256, 257, 600])
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other[0]).__name__)
def test_something_else_at_each_depth(other, depth):
    """The containers around it are finished as any others are, with what comes behind it in each."""
    value, meant = other
    for i in range(depth):
        value, meant = ({"k": value, "n": i}, {"k": meant, "n": i}) if i % 3 else ([i, value, i], [i, meant, i])
    expected = json.dumps(meant, separators=(",", ":"), ensure_ascii=False)
    assert rjson.dumps(value, default=default) == expected
    for chunk_size in CHUNK_SIZES:
        assert streamed(value, default=default, chunk_size=chunk_size).decode() == expected


@pytest.mark.parametrize("depth", [1, 2, 11, 12, 13, 100, 253, 254, 255, 256, 257, 600])
@pytest.mark.parametrize(
    "other", [*PLAIN[:3], *OTHERS, ({}, {}), ([], []), ({"a": 1, "b": 2},) * 2], ids=lambda other: repr(other[1])[:9]
)
def test_dicts_of_one_member_in_each_other(other, depth):
    """With any key at one place, and something else in the innermost."""
    for key in [*KEYS, "a", "\x01", "語"]:
        value, meant = other
        for i in range(depth):
            k = key if i == depth // 2 else "k"
            value, meant = {k: value}, {k: meant}
        expected = json.dumps(meant, separators=(",", ":"), ensure_ascii=False)
        assert rjson.dumps(value, default=default) == expected
        for chunk_size in (512, 700, 65536):
            assert streamed([value, value], default=default, chunk_size=chunk_size).decode() == f"[{expected},{expected}]"


@pytest.mark.parametrize("depth", [60, 250])
@pytest.mark.parametrize("innermost", [{"": [{"x": {"y": {}}}]}, {"k" * 64: "v" * 64}], ids=["list", "str"])
def test_dicts_of_one_member_where_a_chunk_ends_at_each_place(innermost, depth):
    inner = innermost
    for _ in range(depth):
        inner = {"a": inner}
    for shift in range(700):
        value = ["s" * shift, inner, {"end": {"of": "it"}}]
        expected = expected_text(value, {})
        assert streamed(value, chunk_size=512).decode() == expected
        assert streamed(value, chunk_size=1600).decode() == expected  # with all of them in one window


def test_dicts_of_one_member_of_any_kind():
    """That had others before, that are an object's attributes, or have keys that are no str."""
    had_others = dict.fromkeys("abc", 1) | {"d": {"e": 2}}
    for gone in "abc":
        del had_others[gone]
    owner = Opaque()
    owner.attribute = had_others
    value = [vars(owner), {1: {None: {True: vars(owner)}}}]
    assert rjson.dumps(value) == '[{"attribute":{"d":{"e":2}}},{"1":{"null":{"true":{"attribute":{"d":{"e":2}}}}}}]'


def test_a_list_that_python_code_changes_meanwhile():
    """Items are read as they are when their turn comes: what `default` adds is written, too."""
    items = [[1], Opaque(), [2]]

    def add(value):
        items.extend([[3], "four"])
        return "added"

    assert (
        rjson.dumps([items, items], default=add) == '[[[1],"added",[2],[3],"four"],[[1],"added",[2],[3],"four",[3],"four"]]'
    )


def test_a_list_that_python_code_empties_meanwhile():
    """Nor is anything read that is gone."""
    for size in (1, 2, 50):
        items = [Opaque(), *[["gone"]] * size]

        def empty(value, items=items):
            items.clear()
            return []

        assert rjson.dumps({"a": [items], "b": items}, default=empty) == '{"a":[[[]]],"b":[]}'


class OwnItems(dict):
    def items(self):
        return iter([("first", "x" * 5000), ("then", [self])])


def generator_of_itself():
    def items():
        yield "x" * 5000
        yield [generator]

    generator = items()
    return generator


def dict_of_itself():
    value = {"first": "x" * 5000}
    value["then"] = [value]
    return value


def member_of_itself():
    value = {}
    value["a"] = {"b": {"c": value}}
    return value


def dataclass_of_itself():
    point = Point(1, ["x" * 5000])
    point.y.append([point])
    return point


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize(
    ("make", "path", "options"),
    [
        (generator_of_itself, "$[1][0]", {}),
        (dict_of_itself, "$.then[0]", {}),
        (member_of_itself, "$.a.b.c", {}),
        (dict_of_itself, "$.then[0]", {"sort_keys": True}),
        (dataclass_of_itself, "$.y[1][0]", {}),
        (lambda: OwnItems(a=1), "$.then[0]", {}),
        (Opaque, "$[1][0]", {"default": lambda value: ["x" * 5000, [value]]}),
    ],
    ids=["generator", "dict", "member", "sorted", "dataclass", "items", "default"],
)
def test_circles_that_go_on_after_a_pause(make, path, options, chunk_size):
    """A container that was begun before a pause is still known to be open after it."""
    with pytest.raises(rjson.EncodeError, match="circular reference") as caught:
        for _ in rjson.iterencode(make(), chunk_size=chunk_size, **options):
            pass
    assert caught.value.path == path


def test_a_uuid_that_is_none():
    """What fails among plain values fails as it would alone, and says where."""
    wrong = uuid.UUID(int=1)
    object.__setattr__(wrong, "int", -1)
    with pytest.raises(TypeError, match="128 bits") as alone:
        rjson.dumps(wrong)
    with pytest.raises(TypeError, match="128 bits") as among:
        rjson.dumps([1, {"ids": ["a", wrong]}])
    assert str(among.value) == str(alone.value)
    assert any("$[1].ids[1]" in note for note in among.value.__notes__)
    assert rjson.dumps([1, {"ids": ["a"]}]) == '[1,{"ids":["a"]}]'
