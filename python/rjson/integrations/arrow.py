"""Arrow tables as NDJSON, straight from their buffers: no Python object for a cell, in constant memory.

Whatever exports Arrow's PyCapsule interface will do: pyarrow's tables, batches and readers, polars and pandas frames,
DuckDB's relations; and pyarrow's data sets and scanners. None of them is imported here.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from functools import lru_cache

from rjson import _targets
from rjson._core import ArrowWriter
from rjson._paths import write_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    from rjson._options import Compression, Progress

__all__ = ["write_ndjson"]


def write_ndjson(
    data: Any,
    target: Any,
    *,
    framing: Literal["lines", "array"] = "lines",
    columns: Iterable[str] | None = None,
    nulls: Literal["null", "omit"] = "null",
    allow_nan: Literal[False, "null"] = False,
    utc_z: bool = False,
    compression: Compression = "infer",
    level: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    chunk_size: int = 65536,
    timeout: float | None = None,
    progress: Progress = None,
) -> int:
    """Write the rows of an Arrow table as JSON objects, one a line.

    The bytes are those of `rjson.dumps_bytes` of each row of pyarrow's `to_pylist()`. A stream is read batch by batch, so a
    data set of any size needs the memory of the batches that its source reads ahead.

    Args:
        data: Anything with `__arrow_c_stream__()` or `__arrow_c_array__()`; a data set or a scanner of pyarrow.
        target: What `dump_to` takes; or a path or URL, as for `rjson.dump_path`: it is complete or not there.
        framing: "lines" is one row a line (NDJSON); "array" is one array of all rows.
        columns: Names of the columns to write, in this order. None is all.
        nulls: "omit" leaves out members of objects that are null.
        allow_nan: "null" writes NaN and infinities as null; False raises.
        utc_z: Spell an offset of zero from UTC as Z.
        compression, level, storage_options: For paths and URLs, as for `rjson.dump_path`.
        chunk_size: Bytes per write, about.
        timeout: Seconds to wait at most for a target that accepts nothing; None is no limit.
        progress: Called with the bytes that are out, now and then. True: a progress bar, which needs tqdm.

    Returns:
        How many bytes were written, before compression; characters, if `target` is for text.

    Raises:
        TypeError: `data` is no table, or `target` nothing to write to.
        ValueError: A column that is not there, a name that comes twice, or a type without JSON (bytes, unions).
        EncodeError: A value that JSON does not have; names column and row.
        OSError, TimeoutError: The stream or the target failed. What fails from the first row on has `bytes_written`.
        ImportError: A codec, fsspec or what a URL needs is not installed; the message says what to install.
    """
    if framing not in ("lines", "array"):
        raise ValueError(f"framing must be 'lines' or 'array', not {framing!r}")
    if nulls not in ("null", "omit"):
        raise ValueError(f"nulls must be 'null' or 'omit', not {nulls!r}")
    if allow_nan not in (False, "null"):
        raise ValueError(f"allow_nan must be False or 'null', not {allow_nan!r}")
    if isinstance(columns, str):
        raise TypeError(f"columns must be names, not one str: {columns!r}")
    is_path = isinstance(target, (str, bytes, os.PathLike))
    if not is_path and (compression not in ("infer", None) or level is not None or storage_options):
        kind = type(target).__name__
        raise ValueError(f"compression, level and storage_options are for paths and URLs, and target is none: {kind}")
    chosen = None if columns is None else tuple(columns)
    writer = ArrowWriter(framing == "array", nulls == "omit", allow_nan == "null", utc_z, chosen, _shifts)
    capsules = _export(data, chosen)
    filler = _targets.Filler(writer)
    request = _targets.Request(filler, capsules, chunk_size, timeout, progress, None)
    if is_path:
        return write_path(request, target, compression=compression, level=level, storage_options=storage_options)
    return _targets.dump_to(request, target)


def _export(data: Any, columns: tuple[str, ...] | None) -> Any:
    """The capsule of a stream, or those of a schema and an array."""
    for name in ("__arrow_c_stream__", "__arrow_c_array__"):
        method = getattr(data, name, None)
        if method is not None:
            return method()
    if callable(getattr(data, "scanner", None)):  # a data set; columns that are not asked for are not even read
        are_there = columns is not None and set(columns) <= set(data.schema.names)
        data = data.scanner(columns=list(columns or ()) if are_there else None)
    if callable(getattr(data, "to_reader", None)):  # a scanner
        return data.to_reader().__arrow_c_stream__()
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    hint = "; its collect() gives a frame, which has" if callable(getattr(data, "collect", None)) else ""
    raise TypeError(
        "data must have __arrow_c_stream__() or __arrow_c_array__(), as tables of pyarrow, polars, pandas and DuckDB do, "
        f"or be a data set or scanner of pyarrow, not {kind}{hint}: {data!r:.200}"
    )


_FIRST, _LAST, _STEP = -5_364_662_400, 7_258_118_400, 7 * 86400  # 1800 to 2200


@lru_cache(64)
def _shifts(name: str) -> bytes:
    """The offsets of a time zone, as pairs of an instant and the minutes from then on; for C.

    zoneinfo does not tell its transitions, so they are looked for from week to week. RFC 3339 has whole minutes: offsets of
    others are the nearest ones.
    """
    from datetime import datetime, timedelta, timezone
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(name)
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)

    def minutes(at: int) -> int:
        offset: Any = (epoch + timedelta(seconds=at)).astimezone(zone).utcoffset()
        return int((offset.total_seconds() + 30) // 60)

    pairs = [_FIRST, minutes(_FIRST)]
    for at in range(_FIRST + _STEP, _LAST, _STEP):
        after = minutes(at)
        if after != pairs[-1]:
            hours = range(at - _STEP, at + 1)
            before = pairs[-1]
            begin = bisect_left(hours, 1, key=lambda t: minutes(t) != before)
            pairs += [hours[begin], after]
    return array("q", pairs).tobytes()
