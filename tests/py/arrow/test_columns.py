"""Rows of frames and tables, as the integrations of clusters write them: Arrow's buffers give what dicts give."""

import datetime
import decimal
import enum
import io
import json
import zoneinfo

import pytest

pa = pytest.importorskip("pyarrow")
pandas = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

import rjson  # noqa: E402
from rjson.integrations import _columns  # noqa: E402
from rjson.integrations._columns import Count, write_columnar  # noqa: E402


def written(data, framing="lines", **options):
    """The bytes, with the number of rows."""
    out, count = io.BytesIO(), Count()
    write_columnar(data, out, framing, options, count)
    return out.getvalue(), count.rows


def by_dicts(data, framing="lines", **options):
    out, count = io.BytesIO(), Count()
    _columns.write_documents(_columns._dicts(data), out, framing, options, count)
    return out.getvalue(), count.rows


def goes_by_buffers(data, framing="lines", **options):
    return _columns._batches(data, framing, options) is not None


N = 17_000  # more than a slice
MISSING = [None, float("nan"), pandas.NA]
SAME = {
    "int64": np.arange(N) - 5,
    "uint8": (np.arange(N) % 256).astype("u1"),
    "bool": np.arange(N) % 3 == 0,
    "double": np.where(np.arange(N) % 7 == 0, np.nan, np.arange(N) * 0.37),
    "float": (np.arange(N) * 0.37).astype("f4"),
    "half": (np.arange(N) % 100 / 8).astype("f2"),
    "text": [f"é{n}" if n % 3 else None for n in range(N)],
    "objects": pandas.Series([f"é{n}" if n % 3 else MISSING[n % 9 // 3] for n in range(N)], dtype=object),
    "all missing": pandas.Series([MISSING[n % 9 // 3] for n in range(N)], dtype=object),
    "late": pandas.Series([None] * (N - 1) + ["x"], dtype=object),
    "Int64": pandas.array([n if n % 5 else None for n in range(N)], dtype="Int64"),
    "Float64": pandas.array([n / 4 if n % 5 else None for n in range(N)], dtype="Float64"),
    "boolean": pandas.array([n % 2 == 0 if n % 5 else None for n in range(N)], dtype="boolean"),
    "arrow": pandas.array([f"{n}" if n % 5 else None for n in range(N)], dtype=pandas.ArrowDtype(pa.string())),
    "category": pandas.Categorical([f"c{n % 5}" if n % 3 else None for n in range(N)]),
    "numbers": pandas.Categorical([n % 5 for n in range(N)]),
    "ns": pandas.to_datetime(np.arange(N) * 10**14 + np.arange(N) % 3, unit="ns"),
    "us": pandas.Series(np.arange(N) * 10**11, dtype="M8[us]").where(np.arange(N) % 4 > 0),
    "utc": pandas.to_datetime(np.arange(N) * 10**14, unit="ns", utc=True),
    "zone": pandas.to_datetime(np.arange(N) * 10**14, unit="ns", utc=True).tz_convert(zoneinfo.ZoneInfo("Europe/Berlin")),
    "offset": pandas.to_datetime(np.arange(N), unit="s", utc=True).tz_convert(
        datetime.timezone(-datetime.timedelta(hours=3, minutes=30))
    ),
    "delta": pandas.to_timedelta(np.arange(N) * 1_500_000_001, unit="ns"),
}


class Colour(enum.Enum):
    RED = 1


OTHERS = {
    "mixed": pandas.Series([1, "a", 2.5], dtype=object),
    "ints and floats": pandas.Series([1, 2.5, None], dtype=object),
    "dicts": pandas.Series([{"a": 1}, {"b": 2}, None], dtype=object),
    "lists": pandas.Series([[1], [2.5], ["x"]], dtype=object),
    "decimals": pandas.Series([decimal.Decimal("1.0"), decimal.Decimal("1.00"), None], dtype=object),
    "dates": pandas.Series([datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1), None], dtype=object),
    "enums": pandas.Series([Colour.RED, None, Colour.RED], dtype=object),
    "big": pandas.Series([2**70, 1, None], dtype=object),
    "mixed categories": pandas.Categorical([1, "a", None]),
    "big-endian": np.array([1, 2, 3], dtype=">i4"),
}


def test_frames_go_by_buffers_and_give_the_same():
    """Each type alone, with its missing values, and all at once, under every option that both ways have."""
    for name, values in SAME.items():
        frame = pandas.DataFrame({name: values})
        assert goes_by_buffers(frame), name
    frame = pandas.DataFrame(SAME)
    assert goes_by_buffers(frame)
    found, count = written(frame)
    assert (found, count) == by_dicts(frame)
    assert count == N
    rows = [json.loads(line) for line in found.splitlines()]
    assert [row["double"] for row in rows] == [None if n % 7 == 0 else n * 0.37 for n in range(N)]
    small = frame.iloc[16_350:16_400]
    for framing in ("lines", "array", "seq"):
        for options in ({}, {"omit_none": True}, {"utc_z": True}, {"allow_nan": "null"}, {"sort_keys": True}):
            assert written(small, framing, **options) == by_dicts(small, framing, **options)


@pytest.mark.parametrize("name", OTHERS)
def test_what_arrow_would_change_goes_by_dicts(name):
    """Mixed objects, decimals of several scales and the like: pyarrow's values are others than pandas'."""
    frame = pandas.DataFrame({name: OTHERS[name], "n": [1, 2, 3]})
    assert not goes_by_buffers(frame)
    assert written(frame) == by_dicts(frame)
    assert written(frame)[1] == 3


def test_names_and_options_that_arrow_lacks_go_by_dicts():
    frame = pandas.DataFrame({1: [1], "2": [2]})
    assert written(frame) == (b'{"1":1,"2":2}\n', 1)
    frame = pandas.DataFrame({"s": ["é"], "t": pandas.to_timedelta([1], unit="s")})
    assert written(frame, ensure_ascii=True, timedelta="seconds") == (b'{"s":"\\u00e9","t":1.0}\n', 1)
    assert written(pandas.DataFrame({"x": [1 + 2j]}), default=str) == (b'{"x":"(1+2j)"}\n', 1)
    assert written(pandas.DataFrame({"x": [float("inf")]}), allow_nan=True) == (b'{"x":Infinity}\n', 1)
    assert written(pandas.DataFrame(index=[1, 2])) == (b"{}\n{}\n", 2)
    with pytest.raises(ValueError, match="names of their own"):
        written(pandas.DataFrame([[1, 2]], columns=["a", "a"]))


def test_tables_batches_and_readers():
    """Of pyarrow; types that Arrow's writer refuses are written by their Python values."""
    table = pa.table({"n": range(N), "l": [[n, None] for n in range(N)], "f": [1.5, float("nan")] * (N // 2)})
    plain = table.drop_columns("f")
    for data in (plain, plain.to_batches()[0]):
        assert goes_by_buffers(data)
        assert written(data) == by_dicts(data)
    assert written(plain.to_reader()) == by_dicts(plain)
    options = {"allow_nan": "null", "omit_none": True}
    assert written(table, **options) == by_dicts(table, **options)
    union = pa.table({"u": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])})
    assert not goes_by_buffers(union)
    assert written(union) == (b'{"u":1}\n{"u":"b"}\n', 2)
    assert written(pa.table({"b": [b"x"]}), default=lambda value: value.decode()) == (b'{"b":"x"}\n', 1)


def test_extension_types_are_written_by_their_values():
    """Also inside of others: their storage, which Arrow's writer would take, is not what they mean."""
    flags = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0, None], pa.int8()))
    for column in (flags, pa.StructArray.from_arrays([flags], ["b"]), pa.array([[1], [2], None], pa.list_(pa.int8()))):
        table = pa.table({"f": column})
        assert goes_by_buffers(table) == (column.type.id == pa.list_(pa.int8()).id)
        assert written(table) == by_dicts(table)
    assert written(pa.table({"f": flags})) == (b'{"f":true}\n{"f":false}\n{"f":null}\n', 3)


def test_tables_one_behind_the_other():
    """Each with columns of its own, by buffers or dicts; as an array they are one. A failure is counted over all."""
    tables = [pa.table({"a": [1, 2]}), pandas.DataFrame({"b": [1, "x"]}), pandas.DataFrame({"f": [1.0, float("inf")]})]
    for framing, wanted in {
        "lines": b'{"a":1}\n{"a":2}\n{"b":1}\n{"b":"x"}\n',
        "array": b'[{"a":1},{"a":2},{"b":1},{"b":"x"}]',
    }.items():
        out, count = io.BytesIO(), Count()
        _columns.write_tables(iter(tables[:2]), out, framing, {}, count)
        assert (out.getvalue(), count.rows) == (wanted, 4)
        count = Count()
        with pytest.raises(rjson.EncodeError):
            _columns.write_tables(iter(tables), io.BytesIO(), framing, {}, count)
        assert count.rows == 5


def failing(schema):
    yield pa.record_batch([pa.array([1.0] * N)], schema=schema)
    yield pa.record_batch([pa.array([1.0, float("nan")])], schema=schema)


@pytest.mark.parametrize(
    "data",
    [
        lambda: pandas.DataFrame({"x": np.where(np.arange(N) == 16_900, np.inf, 1.0)}),
        lambda: pandas.DataFrame({"x": pandas.Series(["a"] * 16_900 + ["\ud800"] + ["a"] * 99, dtype=object)}),
        lambda: pa.table({"x": [1.0] * 16_900 + [float("nan")] * 9}),
    ],
)
def test_errors_are_those_of_dicts(data):
    """With the path, and the count at the row that failed."""
    count, wanted = Count(), Count()
    with pytest.raises(rjson.EncodeError) as e:
        write_columnar(data(), io.BytesIO(), "lines", {}, count)
    with pytest.raises(rjson.EncodeError) as by_dict:
        _columns.write_documents(_columns._dicts(data()), io.BytesIO(), "lines", {}, wanted)
    assert str(e.value).partition(" (")[0] == str(by_dict.value).partition(" (")[0]
    assert e.value.path == by_dict.value.path == "$.x"
    assert count.rows == wanted.rows == 16_900


def test_readers_fail_as_they_do():
    """In a batch that was read, and in reading one; a target's failure comes out as it is."""
    schema, count = pa.schema({"x": pa.float64()}), Count()
    with pytest.raises(rjson.EncodeError, match=r"NaN.*\$\.x"):
        write_columnar(pa.RecordBatchReader.from_batches(schema, failing(schema)), io.BytesIO(), "lines", {}, count)
    assert count.rows == N + 1

    def broken():
        yield pa.record_batch([pa.array([1.0])], schema=schema)
        raise RuntimeError("the source broke")

    with pytest.raises((RuntimeError, OSError), match="the source broke"):
        written(pa.RecordBatchReader.from_batches(schema, broken()))

    class Full:
        def write(self, data):
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        write_columnar(pa.table({"n": range(N)}), Full(), "lines", {}, Count())


VALUES = st.one_of(
    st.lists(st.none() | st.text(max_size=5), min_size=5, max_size=5),
    st.lists(st.none() | st.floats(allow_infinity=False), min_size=5, max_size=5),
    st.lists(st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=3), min_size=5, max_size=5),
    st.lists(st.none() | st.dates() | st.decimals(allow_nan=False), min_size=5, max_size=5),
)


@given(st.lists(VALUES, min_size=1, max_size=3), st.sampled_from([None, object, "category"]))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_objects(columns, dtype):
    """Whatever pandas makes of lists of values: the same, or the same failure."""
    try:
        frame = pandas.DataFrame({f"c{i}": pandas.Series(values, dtype=dtype) for i, values in enumerate(columns)})
    except (TypeError, ValueError, OverflowError):
        return  # pandas' own
    try:
        wanted = by_dicts(frame)
    except rjson.EncodeError:
        with pytest.raises(rjson.EncodeError):
            written(frame)
        return
    assert written(frame) == wanted
