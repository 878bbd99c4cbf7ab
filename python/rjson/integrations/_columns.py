"""Rows of pandas frames and pyarrow's tables as documents: by Arrow's buffers where that gives the same, by dicts elsewhere.

The same are the values, their spelling, and the errors. Both ways take a bounded number of rows at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rjson import EncodeError, dumps_bytes
from rjson._writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

CHUNK = 1 << 18
_DICTS = 4096  # rows that are Python objects at a time
_ROWS = 16384  # rows that are converted to Arrow at a time


class Count:
    """How many documents are written."""

    rows = 0


def is_columnar(data: Any) -> bool:
    """Whether it is a frame of pandas, or a table, batch or reader of pyarrow."""
    return _is_frame(data) or (_module(data) == "pyarrow" and hasattr(data, "schema"))


def write_columnar(data: Any, file: Any, framing: Any, options: dict[str, Any], count: Count) -> None:
    """Write its rows, by the faster way that there is. A failure leaves `count` at the row that failed."""
    batches = _batches(data, framing, options)
    if batches is None:
        write_documents(_dicts(data), file, framing, options, count)
    else:
        _write_batches(batches, file, framing, options, count)


def write_documents(documents: Iterable[Any], file: Any, framing: Any, options: dict[str, Any], count: Count) -> None:
    """The same for documents of any kind."""
    with Writer(file, framing=framing, chunk_size=CHUNK, **options) as writer:
        try:
            writer.write_all(documents)
        finally:
            count.rows = writer.documents


def write_tables(tables: Iterable[Any], file: Any, framing: Any, options: dict[str, Any], count: Count) -> None:
    """The same for the rows of several, one behind the other."""
    if framing != "lines":  # which are the only text that is nothing but put together
        write_documents((row for table in tables for row in _dicts(table)), file, framing, options, count)
        return
    for table in tables:
        of_table = Count()
        try:
            write_columnar(table, file, framing, options, of_table)
        finally:
            count.rows += of_table.rows


def _module(data: Any) -> str:
    return type(data).__module__.partition(".")[0]


def _is_frame(data: Any) -> bool:
    return _module(data) == "pandas" and hasattr(data, "columns")


def _distinct(names: list[Any]) -> list[Any]:
    if len(set(names)) != len(names):
        raise ValueError(f"columns must have names of their own, to be members of an object: {names!r:.200}")
    return names


# ---- by dicts


def _dicts(data: Any) -> Iterator[dict[Any, Any]]:
    if _is_frame(data):
        return _frame_dicts(data)
    return _arrow_dicts(_distinct(list(data.schema.names)), _slices(data, _DICTS))


def _objects(names: list[Any], columns: list[list[Any]]) -> Iterator[dict[Any, Any]]:
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _frame_dicts(frame: Any) -> Iterator[dict[Any, Any]]:
    names = _distinct(list(frame.columns))
    for start in range(0, len(frame), _DICTS):
        batch = frame.iloc[start : start + _DICTS]
        columns = [_values(batch.iloc[:, i]) for i in range(len(names))]
        yield from _objects(names, columns) if names else ({} for _ in range(len(batch)))


def _values(column: Any) -> list[Any]:
    values: list[Any] = column.tolist()
    missing = column.isna()
    if missing.any():
        return [None if is_missing else value for value, is_missing in zip(values, missing.tolist(), strict=True)]
    return values


def _arrow_dicts(names: list[Any], batches: Iterable[Any]) -> Iterator[dict[Any, Any]]:
    for batch in batches:
        yield from _objects(names, [column.to_pylist() for column in batch.columns])


def _slices(data: Any, size: int) -> Iterator[Any]:
    """Batches of so many rows at most, of a table, a batch, or a reader of them."""
    if hasattr(data, "to_batches"):
        yield from data.to_batches(max_chunksize=size)
        return
    for batch in [data] if hasattr(data, "slice") else data:
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size)


# ---- by Arrow's buffers

_ARROW_OPTIONS = {"omit_none", "allow_nan", "utc_z"}


class _Batches:
    """Batches of one schema, made as they are asked for. It knows at which part of the data it is, and what failed there."""

    def __init__(self, schema: Any, parts: Iterable[Any], convert: Any) -> None:
        self.schema = schema
        self.part: Any = None
        self.rows = 0  # in the parts before
        self.failure: BaseException | None = None
        self._parts, self._convert = parts, convert

    def __iter__(self) -> Iterator[Any]:
        try:
            for part in self._parts:
                self.part = part
                yield from self._convert(part)
                self.rows += len(part) if _is_frame(part) else part.num_rows
                self.part = None
        except BaseException as e:
            self.failure = e
            raise


def _batches(data: Any, framing: Any, options: dict[str, Any]) -> _Batches | None:
    """The data as Arrow has it. None, and nothing is consumed, if Arrow's writer might write something else."""
    if framing not in ("lines", "array") or not _ARROW_OPTIONS.issuperset(options):
        return None
    if options.get("allow_nan", False) not in (False, "null"):
        return None
    batches = _frame_batches(data) if _is_frame(data) else _Batches(data.schema, _slices(data, _ROWS), lambda part: [part])
    return batches if batches is not None and _is_written(batches.schema) else None


def _is_written(schema: Any) -> bool:
    """Whether Arrow's writer has all these types. It looks at them before it writes."""
    from pyarrow import RecordBatchReader

    from .arrow import write_ndjson

    _distinct(schema.names)
    try:
        write_ndjson(RecordBatchReader.from_batches(schema, []), _Nowhere())
    except (TypeError, ValueError, LookupError):  # pyarrow before 14; a type that JSON does not have; no such time zone
        return False
    return len(schema.names) > 0 and not any(_is_extended(field.type) for field in schema)


def _is_extended(type: Any) -> bool:
    """Whether there is an extension type in it, whose Python values may be others than those of its storage."""
    from pyarrow import BaseExtensionType

    inner = [type.field(i).type for i in range(type.num_fields)]
    if hasattr(type, "value_type"):  # a dictionary's is no field
        inner.append(type.value_type)
    return isinstance(type, BaseExtensionType) or any(map(_is_extended, inner))


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def _write_batches(batches: _Batches, file: Any, framing: Any, options: dict[str, Any], count: Count) -> None:
    from pyarrow import ArrowException, RecordBatchReader

    from .arrow import write_ndjson

    nulls = "omit" if options.get("omit_none") else "null"
    settings = {name: options[name] for name in ("allow_nan", "utc_z") if name in options}
    reader = RecordBatchReader.from_batches(batches.schema, batches)
    try:
        write_ndjson(reader, file, framing=framing, nulls=cast("Any", nulls), chunk_size=CHUNK, **settings)
    except Exception as e:
        count.rows = batches.rows
        cause = batches.failure or e
        if isinstance(cause, (EncodeError, ArrowException, UnicodeError)) and batches.part is not None:
            _find_failure(batches.part, options, count)
        raise cause from None
    count.rows = batches.rows


def _find_failure(part: Any, options: dict[str, Any], count: Count) -> None:
    """Have the row that failed fail as a dict does: the error has its path then, and `count` its number."""
    for row in _dicts(part):
        dumps_bytes(row, **options)
        count.rows += 1


# ---- what of pandas Arrow has as it is


def _frame_batches(frame: Any) -> _Batches | None:
    """None where pyarrow would make other values of a column than its `tolist()` has, or is not installed."""
    try:
        import pyarrow
    except ImportError:
        return None
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names):
        return None
    try:
        types = [_type(frame.iloc[:, i]) for i in range(len(names))]
    except _Differs:
        return None

    def table_of(part: Any, schema: Any = None) -> Any:
        arrays = [pyarrow.array(part.iloc[:, i], type, from_pandas=True) for i, type in enumerate(types)]
        return pyarrow.Table.from_arrays(arrays, names=None if schema else names, schema=schema)

    try:
        schema = table_of(frame.iloc[:_ROWS]).schema
    except (pyarrow.ArrowException, UnicodeError, OverflowError):
        return None
    parts = (frame.iloc[start : start + _ROWS] for start in range(0, len(frame), _ROWS))
    return _Batches(schema, parts, lambda part: table_of(part, schema).to_batches())


class _Differs(Exception):
    """pyarrow would make other values of a column than its tolist() has."""


_MASKED = {"BooleanDtype", "Float32Dtype", "Float64Dtype"} | {
    f"{kind}{bits}Dtype" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)
}
_ARROW = {"string", "large_string", "bool", "double", "float"}


def _type(column: Any) -> Any:
    """The Arrow type of a column, or of the categories of one; None where pyarrow finds the same from the dtype alone."""
    dtype, kind = column.dtype, type(column.dtype).__name__
    if kind == "CategoricalDtype":
        _type(dtype.categories)
        return None
    if getattr(dtype, "char", "") == "O":
        return _object_type(column)
    if kind == "DatetimeTZDtype":
        is_same = type(dtype.tz).__module__ in ("zoneinfo", "datetime")  # pytz rounds offsets another way
    elif kind == "ArrowDtype":
        is_same = str(dtype.pyarrow_dtype) in _ARROW or dtype.kind in "iu"
    elif hasattr(dtype, "char"):  # numpy's
        is_same = dtype.kind in "iufbMm" and dtype.itemsize <= 8
    else:
        is_same = kind in _MASKED or kind == "StringDtype"
    if not is_same:
        raise _Differs
    return None


def _object_type(column: Any) -> Any:
    import pyarrow
    from pandas.api.types import infer_dtype

    found = infer_dtype(column, skipna=True)
    if found == "string":
        return pyarrow.large_string()
    if found == "empty":  # all are missing
        return pyarrow.null()
    raise _Differs
