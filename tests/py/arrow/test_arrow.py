"""rjson.integrations.arrow writes what dumps_bytes writes of to_pylist()'s rows, straight from Arrow's buffers."""

from __future__ import annotations

import datetime
import decimal
import gc
import gzip
import io
import json
import os
import threading

import pytest

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")  # to_pylist needs it for nanoseconds

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

import rjson  # noqa: E402
from rjson.integrations.arrow import write_ndjson  # noqa: E402


def lines(data, **options):
    out = io.BytesIO()
    assert write_ndjson(data, out, **options) == len(out.getvalue())
    return out.getvalue()


def expected(rows, **options):
    return b"".join(rjson.dumps_bytes(row, **options) + b"\n" for row in rows)


INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=100) | st.sampled_from(
    ["x" * 3000, 'é"\\\n' * 700, "ascii only, of a usual length", "\x1f\x7f\u2028"]
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INSTANTS = st.integers(-62_135_596_800 + 86400, 253_402_300_799 - 86400)  # the years 1 to 9999
MODERN = st.integers(-5_000_000_000, 7_000_000_000)
NANOSECONDS = st.integers(-(2**63) // 2, 2**62)  # what pandas.Timestamp can hold, with any offset


SCALARS = [
    *[(getattr(pa, f"int{n}")(), st.integers(-(2 ** (n - 1)), 2 ** (n - 1) - 1), None) for n in (8, 16, 32, 64)],
    *[(getattr(pa, f"uint{n}")(), st.integers(0, 2**n - 1), None) for n in (8, 16, 32, 64)],
    (pa.float16(), st.floats(width=16, allow_nan=False, allow_infinity=False), None),
    (pa.float32(), st.floats(width=32, allow_nan=False, allow_infinity=False), None),
    (pa.float64(), FLOATS, None),
    (pa.bool_(), st.booleans(), None),
    (pa.null(), st.none(), None),
    (pa.utf8(), TEXT, None),
    (pa.large_utf8(), TEXT, None),
    (pa.string_view(), TEXT, None),
    (pa.date32(), st.integers(-719162, 2932896), pa.int32()),
    (pa.date64(), st.integers(-719162, 2932896).map(lambda n: n * 86400000), pa.int64()),
    (pa.time32("s"), st.integers(0, 86399), pa.int32()),
    (pa.time32("ms"), st.integers(0, 86399999), pa.int32()),
    (pa.time64("us"), st.integers(0, 86399999999), pa.int64()),
    (pa.time64("ns"), st.integers(0, 86399999999999), pa.int64()),
    (pa.timestamp("s"), INSTANTS, pa.int64()),
    (pa.timestamp("ms", "UTC"), INSTANTS.map(lambda n: n * 1000 + n % 1000), pa.int64()),
    (pa.timestamp("us", "-03:30"), INSTANTS.map(lambda n: n * 1000000 + n % 1000000), pa.int64()),
    (pa.timestamp("us", "Europe/Berlin"), MODERN.map(lambda n: n * 1000000 + n % 1000000), pa.int64()),
    (pa.timestamp("s", "Africa/Casablanca"), MODERN, pa.int64()),
    (pa.timestamp("ns"), NANOSECONDS, pa.int64()),
    (pa.timestamp("ns", "America/New_York"), st.integers(-(10**18), 10**18), pa.int64()),
    (pa.duration("s"), st.integers(-(10**12), 10**12), pa.int64()),
    (pa.duration("ms"), st.integers(-(10**15), 10**15), pa.int64()),
    (pa.duration("us"), st.integers(-(10**18), 10**18), pa.int64()),
    (pa.duration("ns"), NANOSECONDS, pa.int64()),
    (pa.decimal128(38, 10), st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: scaled(n, 10)), None),
    (pa.decimal128(20, -3), st.integers(-(10**10), 10**10).map(lambda n: scaled(n, -3)), None),
    (pa.decimal128(12, 12), st.integers(-9999, 9999).map(lambda n: scaled(n, 12)), None),
    (pa.decimal256(76, 0), st.integers(-(10**76) + 1, 10**76 - 1).map(lambda n: scaled(n, 0)), None),
]


def scaled(number, scale):
    return decimal.Context(prec=90).scaleb(decimal.Decimal(number), -scale)


@st.composite
def columns(draw, length, depth=2):
    """An array of `length` values of any type, nulls among them, that begins anywhere in its buffers."""
    skip = draw(st.integers(0, 9))
    kinds = ["scalar"] * 4 + (["list", "large", "fixed", "struct", "map", "dictionary", "runs", "view"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    total = length + skip
    if kind == "scalar":
        dtype, values, storage = draw(st.sampled_from(SCALARS))
        items = draw(st.lists(st.none() | values, min_size=total, max_size=total))
        made = pa.array(items, storage or dtype)
        made = made.view(dtype) if storage else made
    elif kind == "struct":
        children = draw(st.lists(columns(total, depth - 1), min_size=1, max_size=3))
        mask = pa.array(draw(st.lists(st.booleans(), min_size=total, max_size=total)), pa.bool_())
        made = pa.StructArray.from_arrays(children, names=[f'm{n}"é' for n in range(len(children))], mask=mask)
    elif kind == "dictionary":
        index = draw(st.sampled_from([pa.int8(), pa.uint16(), pa.int64()]))
        values = draw(columns(5, 0).filter(lambda a: not pa.types.is_null(a.type)))
        items = draw(st.lists(st.none() | st.integers(0, 4), min_size=total, max_size=total))
        made = pa.DictionaryArray.from_arrays(pa.array(items, index), values)
    elif kind == "runs":
        sizes = draw(st.lists(st.integers(1, 4), min_size=total, max_size=total))
        ends = [sum(sizes[: n + 1]) for n in range(total)]
        made = pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), draw(columns(total, 0)))
    elif kind == "fixed":
        made = pa.FixedSizeListArray.from_arrays(draw(columns(total * 3, depth - 1)), 3)
    else:
        sizes = draw(st.lists(st.integers(0, 3), min_size=total, max_size=total))
        offsets = [sum(sizes[:n]) for n in range(total + 1)]
        items = draw(columns(offsets[-1], depth - 1))
        if kind == "map":
            keys = pa.array([f"k{n}" for n in range(offsets[-1])], pa.utf8())
            made = pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, items)
        elif kind == "view":
            made = pa.ListViewArray.from_arrays(pa.array(offsets[:-1], pa.int32()), pa.array(sizes, pa.int32()), items)
        else:
            cls, width = (pa.LargeListArray, pa.int64()) if kind == "large" else (pa.ListArray, pa.int32())
            nulls = draw(st.lists(st.booleans(), min_size=total, max_size=total))
            marked = [None if null else at for at, null in zip(offsets, nulls)] + offsets[-1:]
            made = cls.from_arrays(pa.array(marked, width), items)
    return made.slice(skip, length)


@given(st.data(), st.integers(0, 12), st.integers(1, 5))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_are_those_of_to_pylist(data, length, width):
    """Every type, with nulls, slices and nesting: byte for byte, for each way to say null, framing and chunk size."""
    batch = pa.RecordBatch.from_arrays([data.draw(columns(length)) for _ in range(width)], [f"c{n}" for n in range(width)])
    batch = batch.slice(data.draw(st.integers(0, length)))
    rows = batch.to_pylist()
    assert lines(batch, chunk_size=data.draw(st.sampled_from([512, 700, 65536]))) == expected(rows)
    assert lines(pa.Table.from_batches([batch, batch]), nulls="omit") == expected(rows + rows, omit_none=True)
    assert lines(batch, framing="array", utc_z=True) == rjson.dumps_bytes(rows, utc_z=True)


def test_sinks_get_all_of_it(tmp_path):
    """A pipe that is read slowly, a raw file that takes seven bytes a time, a path, a text file."""
    table = pa.table({"n": range(5000), "s": ["é" * (n % 50) for n in range(5000)]})
    wanted = expected(table.to_pylist())
    read, write = os.pipe()
    got = []
    reader = threading.Thread(target=lambda: got.extend(iter(lambda: os.read(read, 999), b"")))
    reader.start()
    assert write_ndjson(table, write) == len(wanted)
    os.close(write)
    reader.join()
    os.close(read)
    assert b"".join(got) == wanted

    class Short(io.RawIOBase):
        data = b""

        def writable(self):
            return True

        def write(self, part):
            self.data += bytes(part[:7])
            return len(part[:7])

    short = Short()
    write_ndjson(table.slice(0, 100), short)
    assert short.data == expected(table.to_pylist()[:100])
    assert write_ndjson(table, tmp_path / "x.jsonl") == len(wanted)
    assert (tmp_path / "x.jsonl").read_bytes() == wanted
    with open(tmp_path / "t", "w", encoding="utf-8", newline="") as text:
        assert write_ndjson(table, text) == len(wanted.decode())


def test_every_day_of_the_calendar():
    """Of its 400 years, and of the first and last centuries: as pyarrow spells them; instants of all units on these days."""
    compute = pytest.importorskip("pyarrow.compute")
    days = [*range(-719_162, -680_000), *range(-135_140, 10_957), *range(2_893_000, 2_932_897)]
    dates = pa.array(days, pa.int32()).cast(pa.date32())
    spelled = compute.binary_join_element_wise('{"d":"', dates.cast(pa.string()), '"}\n', "").to_pylist()
    assert lines(pa.table({"d": dates})) == "".join(spelled).encode()
    for unit, size in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items():
        values = [day * 86400 * size - 1 for day in days[40_000::50] if abs(day) < 100_000]
        instants = pa.array(values, pa.int64()).cast(pa.timestamp(unit))
        found = [json.loads(line)["t"] for line in lines(pa.table({"t": instants})).splitlines()]
        assert found == [text.replace(" ", "T").ljust(len(found[0]), "0") for text in instants.cast(pa.string()).to_pylist()]


def test_text_of_every_length_escapes_wherever_it_must():
    """One byte that needs an escape, or none, at each place of texts of up to 70 bytes, which are copied by blocks."""
    texts = []
    for length in range(71):
        for place in range(length):
            for byte in '"\\\x1f é\x7f\0':
                texts.append("x" * place + byte + "y" * (length - place - 1))
    table = pa.table({"s": texts})
    assert [json.loads(line)["s"] for line in lines(table).splitlines()] == texts
    assert lines(table) == expected(table.to_pylist())


def test_columns_are_chosen_and_ordered():
    table = pa.table({"a": [1], "b": [b"bytes are no matter if they are not written"], "c": [None]})
    assert lines(table, columns=["c", "a"]) == b'{"c":null,"a":1}\n'
    assert lines(table, columns=[]) == b"{}\n"
    with pytest.raises(ValueError, match="there is no column 'd'") as e:
        lines(table, columns=["d"])
    assert e.value.bytes_written == 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (pa.array([b"x"]), r"column 'a': .*'z' \(bytes\)"),
        (pa.array([{"b": [b"x"]}]), r"column 'a\.b': .*bytes"),
        (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "column 'a': .*us:0"),
        (pa.array([0], pa.timestamp("s", "Nowhere/At_All")), "Nowhere"),
    ],
)
def test_types_without_json_are_refused(array, message):
    """Before anything is written, and the message names the column."""
    with pytest.raises((ValueError, KeyError), match=message):
        lines(pa.table({"a": array}))


def test_values_without_json():
    """They name column and row, unless NaN is to be null."""
    table = pa.table({"f": [1.0, float("nan"), float("-inf")]})
    with pytest.raises(rjson.EncodeError, match=r"column 'f': NaN.*\(row 1\)") as e:
        lines(table)
    assert e.value.bytes_written == 0
    assert lines(table, allow_nan="null") == b'{"f":1.0}\n{"f":null}\n{"f":null}\n'
    with pytest.raises(rjson.EncodeError, match="years 1 to 9999"):
        lines(pa.table({"t": pa.array([10**12], pa.timestamp("s"))}))
    bad = pa.Array.from_buffers(pa.utf8(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer("é".encode())])
    with pytest.raises(rjson.EncodeError, match="UTF-8"):
        lines(pa.RecordBatch.from_arrays([bad], ["s"]))
    with pytest.raises(ValueError, match="twice"):
        lines(pa.table([[1], [2]], names=["a", "a"]))


def fails_at(n):
    """A sink whose call n fails."""
    calls = iter(range(n))

    def write(part):
        if next(calls, None) is None:
            raise OSError("full")
        return len(part)

    return type("Sink", (), {"write": staticmethod(write)})()


def fail_once(n):
    with pytest.raises(OSError, match="full") as e:
        write_ndjson(pa.table({"s": ["x" * 100] * 40}), fails_at(n), chunk_size=1000)
    assert (e.value.bytes_written > 0) == (n > 0)
    with pytest.raises(ValueError, match="no JSON"):
        lines(pa.table({"s": [b"x"] * 40}))


def test_buffers_are_released_also_after_failures():
    """Whatever call of the sink fails, and if a type has no JSON: nothing of Arrow's memory is kept."""
    fail_once(0)
    gc.collect()
    before = pa.total_allocated_bytes()
    for n in range(4):
        fail_once(n)
    gc.collect()
    assert pa.total_allocated_bytes() == before


def test_streams_that_fail_and_capsules_that_are_spent():
    """A source's error comes out, an empty stream is an empty array, and nothing is taken twice."""
    schema = pa.schema({"a": pa.int64()})

    def batches():
        yield pa.record_batch({"a": [1, 2]})
        raise RuntimeError("the source broke")

    with pytest.raises(OSError, match="the source broke"):
        lines(pa.RecordBatchReader.from_batches(schema, batches()))
    assert lines(pa.RecordBatchReader.from_batches(schema, iter(())), framing="array") == b"[]"
    capsule = pa.table({"a": [1]}).__arrow_c_stream__()
    source = type("Source", (), {"__arrow_c_stream__": lambda self: capsule})()
    assert lines(source) == b'{"a":1}\n'
    with pytest.raises(ValueError, match="taken already"):
        lines(source)


def test_data_sets_and_scanners(tmp_path):
    """As they are, batch by batch; pyarrow's own reader has the rows back."""
    dataset, json_reader = pytest.importorskip("pyarrow.dataset"), pytest.importorskip("pyarrow.json")
    table = pa.table({"n": range(1000), "s": [f"row {n}" for n in range(1000)], "a.b": [[n, n + 1] for n in range(1000)]})
    dataset.write_dataset(table, tmp_path / "in", format="parquet")
    source = dataset.dataset(tmp_path / "in")
    for data in (source, source.scanner(batch_size=100), source.scanner(batch_size=100).to_reader()):
        write_ndjson(data, tmp_path / "out.jsonl")
        assert json_reader.read_json(tmp_path / "out.jsonl") == table
    assert lines(source, columns=["a.b", "n"]) == lines(table, columns=["a.b", "n"])
    assert lines(source, columns=[]) == b"{}\n" * 1000
    with pytest.raises(ValueError, match="there is no column 'x'"):
        lines(source, columns=["n", "x"])


def test_a_data_set_reads_only_the_columns_that_are_asked_for(tmp_path):
    """A column whose type has no JSON, in a file that breaks when it is read, is no matter."""
    dataset = pytest.importorskip("pyarrow.dataset")
    (tmp_path / "in.csv").write_text("a,b\n1,x\n")
    schema = pa.schema({"a": pa.int64(), "b": pa.int64()})
    source = dataset.dataset(tmp_path / "in.csv", format="csv", schema=schema)
    assert lines(source, columns=["a"]) == b'{"a":1}\n'
    with pytest.raises(OSError, match="conversion error"):
        lines(source)


def test_what_is_no_table_is_named():
    """The error has the type and the value, and a hint for what can become a table."""
    with pytest.raises(TypeError, match=r"data set or scanner of pyarrow, not builtins\.list: \[\{'a': 1\}\]"):
        lines([{"a": 1}])
    with pytest.raises(TypeError, match=r"target must be .*, not NoneType"):
        write_ndjson(pa.table({"a": [1]}), None)
    with pytest.raises(TypeError, match=r"LazyFrame; its collect\(\) gives"):
        lines(pytest.importorskip("polars").LazyFrame({"a": [1]}))


def test_paths_are_complete_or_not_there(tmp_path):
    """A failure in the middle leaves the old file; a suffix compresses; what is for paths is refused elsewhere."""
    table = pa.table({"f": [1.0] * 50_000 + [float("nan")]})
    path = tmp_path / "x.jsonl.gz"
    assert write_ndjson(table.slice(0, 2), path) == 20
    with pytest.raises(rjson.EncodeError) as e:
        write_ndjson(table, path)
    assert e.value.bytes_written > 0
    assert gzip.decompress(path.read_bytes()) == b'{"f":1.0}\n' * 2
    assert os.listdir(tmp_path) == ["x.jsonl.gz"]
    with pytest.raises(ValueError, match="for paths and URLs, and target is none: BytesIO"):
        write_ndjson(table, io.BytesIO(), compression="gz")
    with pytest.raises(ValueError, match="storage_options are for URLs"):
        write_ndjson(table, path, storage_options={"key": "x"})


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_urls(suffix):
    """An object shows when it is complete, and not at all, nor anything beside it, after a failure."""
    fs = pytest.importorskip("fsspec").filesystem("memory")
    fs.store.clear()
    url = f"memory://arrow/x.jsonl{suffix}"
    table = pa.table({"f": [1.0] * 50_000 + [float("nan")]})
    write_ndjson(table.slice(0, 50_000), url, storage_options={})
    assert list(rjson.iterload_path(url, framing="lines")) == [{"f": 1.0}] * 50_000
    write_ndjson(table.slice(0, 1), url)
    with pytest.raises(rjson.EncodeError):
        write_ndjson(table, url)
    assert fs.ls("/arrow", detail=False) == [f"/arrow/x.jsonl{suffix}"]
    assert list(rjson.iterload_path(url, framing="lines")) == [{"f": 1.0}]
    fs.store.clear()


def test_polars_duckdb_and_pandas():
    """Other libraries' tables, by the same interface; each has its own string and timestamp types."""
    rows = [{"n": 1, "s": "é", "t": datetime.datetime(2024, 5, 6, 7, 8, 9)}, {"n": 2, "s": "x" * 50, "t": None}]
    wanted = expected(rows)
    assert lines(pytest.importorskip("polars").DataFrame(rows)) == wanted
    pandas = pytest.importorskip("pandas")
    if hasattr(pandas.DataFrame, "__arrow_c_stream__"):
        assert [json.loads(line)["s"] for line in lines(pandas.DataFrame(rows)).splitlines()] == ["é", "x" * 50]
    source = pa.Table.from_pylist(rows)  # noqa: F841 - DuckDB finds it by its name
    relation = pytest.importorskip("duckdb").sql("select * from source")
    if hasattr(relation, "__arrow_c_stream__"):
        assert lines(relation) == wanted
