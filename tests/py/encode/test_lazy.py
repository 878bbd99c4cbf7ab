"""Iterators are arrays, consumed as they are written."""

import csv
import io
import itertools
import sqlite3

import pytest

import rjson
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
