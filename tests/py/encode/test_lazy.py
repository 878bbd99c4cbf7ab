"""Iterators are arrays, consumed as they are written."""

import asyncio
import csv
import dataclasses
import io
import itertools
import sqlite3
import unittest.mock

import pytest

import rjson
import rjson.aio
from helpers import check_everywhere, stdlib


@pytest.mark.parametrize(
    "make",
    [
        lambda: iter([]),
        lambda: (i for i in range(5)),
        lambda: map(str, range(700)),
        lambda: zip("ab", [1, 2]),
        lambda: iter({"a": 1}),
        lambda: itertools.chain([None], [[1]], ["x" * 5000]),
        lambda: csv.reader(["a,b", "c,d"]),
        lambda: reversed([1, 2, 3]),
    ],
)
def test_every_kind_of_iterator_is_an_array(make):
    """Whatever has __next__: generators, map, zip, readers."""
    check_everywhere(make, stdlib(list(make())))


def test_iterators_at_any_depth():
    """Inside lists, dicts, other iterators, and what default returns."""

    def make():
        return {
            "rows": ({"id": i, "tags": (str(t) for t in range(i % 3))} for i in range(400)),
            "after": [iter("ab"), 1],
        }

    expected = {
        "rows": [{"id": i, "tags": [str(t) for t in range(i % 3)]} for i in range(400)],
        "after": [["a", "b"], 1],
    }
    check_everywhere(make, stdlib(expected))


def test_default_extends_laziness_to_iterables():
    """default=iter makes any iterable an array."""
    assert rjson.dumps({"a": range(3), "b": {5}}, default=iter) == '{"a":[0,1,2],"b":[5]}'


def test_database_cursor():
    """A cursor streams its rows."""
    db = sqlite3.connect(":memory:")
    db.execute("create table t (a, b)")
    db.executemany("insert into t values (?, ?)", [(1, "x"), (2, None)])
    assert rjson.dumps(db.execute("select * from t order by a")) == '[[1,"x"],[2,null]]'
    db.close()


def test_items_are_asked_for_one_at_a_time():
    """No item is produced before the chunks that the earlier ones filled were handed over."""
    produced = 0

    def rows():
        nonlocal produced
        for i in range(1000):
            produced = i + 1
            yield {"id": i, "text": "x" * 100}

    chunks = rjson.iterencode(rows(), chunk_size=1024)
    first = next(chunks)
    assert first.startswith(b'[{"id":0,')
    assert produced <= 12


def test_first_bytes_do_not_wait_for_an_endless_array():
    """The first chunk comes out of an array without end."""
    chunks = rjson.iterencode(itertools.count(), chunk_size=1000)
    assert next(chunks).startswith(b"[0,1,2,3,")
    assert len(next(chunks)) > 500


def test_written_while_produced():
    """dump writes during the iteration, and the writer sees what came before."""
    seen = []
    fp = io.BytesIO()

    def rows():
        for _ in range(300):
            seen.append(len(fp.getvalue()))
            yield "x" * 100

    rjson.dump(rows(), fp, chunk_size=1000)
    assert seen[0] == 0
    assert seen[-1] > 25_000


def test_failing_iterator_comes_out_unchanged():
    """The exception of an iterator is the caller's own object, with the path as a note."""
    error = KeyError("gone")

    def rows():
        yield 1
        raise error

    with pytest.raises(KeyError) as caught:
        rjson.dumps({"rows": [0, rows()]})
    assert caught.value is error
    assert error.__notes__ == ["while encoding $.rows[1][1]"]


def test_stop_iteration_inside_default_is_an_error():
    """A StopIteration from default is not taken for the end of an array."""

    def default(_):
        raise StopIteration

    with pytest.raises(StopIteration):
        rjson.dumps([1, {2}], default=default)


# ---- what only seems to be an iterator


class Proxy:
    """Hands every special method on, as proxies of frameworks do, whatever it stands for."""

    def __init__(self, target):
        self.target = target

    def __iter__(self):
        return iter(self.target)

    def __next__(self):
        return next(self.target)

    def __aiter__(self):
        return aiter(self.target)

    def __anext__(self):
        return anext(self.target)


class Result:
    """A cursor whose iterator is another object."""

    def __iter__(self):
        return iter([(1, "a"), (2, "b")])

    def __next__(self):
        raise AssertionError("iter() says what to ask")


class Forwards:
    """A cursor that is its own iterator, and says so in Python."""

    def __init__(self):
        self.rows = iter([1, 2])

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.rows)


class OnlyNext:
    def __init__(self):
        self.rows = iter([1, 2])

    def __next__(self):
        return next(self.rows)


class Unknown:
    pass


def refuse(obj):
    raise TypeError(f"unknown: {type(obj).__name__}")


async def collected(obj, **options):
    return b"".join([chunk async for chunk in rjson.aio.iterencode(obj, **options)]).decode()


def everywhere(make, **options):
    """What is written, in both worlds."""
    text = rjson.dumps(make(), **options)
    assert asyncio.run(collected(make(), **options)) == text
    return text


def test_mocks_and_proxies_go_to_default_first():
    """They have a `__next__`, as they have everything; a MagicMock's never ends."""
    for make in (unittest.mock.MagicMock, lambda: Proxy(Unknown()), lambda: Proxy([1, 2])):
        assert everywhere(lambda make=make: {"a": [make()]}, default=lambda o: type(o).__name__) in (
            '{"a":["MagicMock"]}',
            '{"a":["Proxy"]}',
        )
    with pytest.raises(rjson.EncodeError, match=r"Proxy is not JSON serializable at \$\[0\]"):
        rjson.dumps([Proxy(Unknown())])
    with pytest.raises(rjson.EncodeError, match=r"Proxy is not JSON serializable at \$\[0\]"):
        asyncio.run(collected([Proxy(Unknown())]))
    with pytest.raises(TypeError, match="unknown: Proxy"):
        rjson.dumps([Proxy(Unknown())], default=refuse)
    assert rjson.dumps(Proxy([1, 2])) == "[1,2]"


def test_a_proxy_that_has_nothing_to_stand_for_now():
    """Its own exception comes out."""

    class Unbound(Proxy):
        def __iter__(self):
            raise RuntimeError("outside of a request")

    for default in (None, str):
        with pytest.raises(RuntimeError, match="outside of a request") as caught:
            rjson.dumps({"user": Unbound(None)}, default=default)
        assert caught.value.__notes__ == ["while encoding $.user"]


def test_cursors_whose_iterator_is_another_object():
    """Their rows are written, unless `default` knows better; one that raises TypeError does not."""
    for options in ({}, {"default": refuse}):
        assert everywhere(lambda: {"rows": Result()}, **options) == '{"rows":[[1,"a"],[2,"b"]]}'
    assert everywhere(Result, default=lambda o: "known") == '"known"'
    with pytest.raises(ZeroDivisionError):
        rjson.dumps(Result(), default=lambda o: 1 / 0)


@pytest.mark.parametrize("make", [Forwards, OnlyNext])
def test_iterators_written_in_python(make):
    """`default` is not asked about them."""
    assert everywhere(lambda: [make()], default=lambda o: "D") == "[[1,2]]"


def test_a_type_that_is_known_and_has_next():
    """What is known of a type goes before what its methods seem to say."""

    @dataclasses.dataclass
    class Both(Result):
        x: int = 1

    assert everywhere(Both) == '{"x":1}'


def test_async_mocks_and_cursors():
    class Cursor:
        """An async iterable with an iterator of its own, as asyncpg's."""

        async def __aiter__(self):
            yield 1
            yield 2

    class AsyncResult(Cursor):
        async def __anext__(self):
            raise AssertionError("aiter() says what to ask")

    for default in (None, refuse, str):
        assert asyncio.run(collected([Cursor()], default=default)) == "[[1,2]]"
    for default in (None, refuse):
        assert asyncio.run(collected([AsyncResult()], default=default)) == "[[1,2]]"
    assert asyncio.run(collected([AsyncResult()], default=lambda o: "known")) == '["known"]'


def test_a_document_without_end_ends_soon():
    """By an error that says what it was: of `default`, and of sources that yield their like."""
    asked = []

    def to_dict(obj):
        asked.append(obj)
        return obj.to_dict()

    class Nested:
        def __iter__(self):
            return self

        def __next__(self):
            return Nested()

    def nested():
        yield nested()

    with pytest.raises(
        RecursionError, match=r"default has returned .* 100 times in a row, the last of them a MagicMock at \$\.a"
    ):
        rjson.dumps({"a": unittest.mock.MagicMock()}, default=to_dict)
    assert len(asked) == 100
    with pytest.raises(RecursionError, match="deeper than max_depth=100000, the innermost being a Nested at"):
        rjson.dumps(Nested())
    with pytest.raises(RecursionError, match="deeper than max_depth=500, the innermost being a generator at"):
        rjson.dumps(nested(), max_depth=500)


def test_default_may_be_asked_often_at_one_place_of_each_chunk():
    """Only what is asked in a row counts."""

    class Chain:
        def __init__(self, left):
            self.left = left

    def unwrap(chain):
        return Chain(chain.left - 1) if chain.left else "x" * 100

    document = [Chain(90)] * 20
    assert b"".join(rjson.iterencode(document, default=unwrap, chunk_size=103)) == rjson.dumps_bytes(["x" * 100] * 20)
