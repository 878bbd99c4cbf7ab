"""`rjson from-csv` and `rjson from-sqlite`: rows as they are read, to documents as they are written."""

from __future__ import annotations

import rjson

from . import _files
from ._errors import Located, Message
from ._parsers import usage_error
from ._reformat import STDIN, _put, layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import Any


def _write(options: argparse.Namespace, rows: Iterator[Any]) -> int:
    settings = {"ensure_ascii": options.ascii, **layout(options, options.lines)}
    bar = _files.Bar(options.output or "<stdout>", None, options.progress)
    try:
        with _files.target(options.output) as target:
            if not options.lines:
                rjson.dump_to(rows, target, progress=bar.callback, **settings)
                _put(target, b"\n")
                return 0
            file = _files.as_file(target, "wb")
            for chunk in rjson.iterencode(rows, framing="lines", progress=bar.callback, **settings):
                file.write(chunk)
            file.flush()
    finally:
        bar.close()
    return 0


# ---- CSV


def run_csv(options: argparse.Namespace) -> int:
    """See `rjson from-csv --help`."""
    import csv
    import io

    name = STDIN if options.file == "-" else options.file
    if len(options.delimiter) != 1:
        usage_error(options, "--delimiter is one character")
    try:
        raw = _files.as_file(_files.open_source(options.file), "rb")
        with io.TextIOWrapper(raw, encoding=options.encoding, newline="") as text:
            reader = csv.reader(text, delimiter=options.delimiter, strict=True)
            try:
                return _write(options, _csv_rows(reader, name, options.no_header, _inferred if options.infer else str))
            except csv.Error as e:
                raise Message(f"{name}:{reader.line_num}: {e}") from e
    except LookupError:
        usage_error(options, f"there is no encoding {options.encoding!r}")
    except (UnicodeError, FileNotFoundError, PermissionError, IsADirectoryError) as e:
        raise Located(name, e) from e


def _csv_rows(reader: Any, name: str, no_header: bool, value: Callable[[str], Any]) -> Iterator[Any]:
    if no_header:
        for row in reader:
            yield [value(field) for field in row]
        return
    names = next(reader, None)
    if names is None:
        return
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise Message(f"{name}:1: two columns are named {twice!r}")
    for row in reader:
        if not row:
            continue  # an empty line
        if len(row) != len(names):
            raise Message(f"{name}:{reader.line_num}: {len(row)} fields, but {len(names)} names")
        yield {n: value(field) for n, field in zip(names, row, strict=True)}


_LITERALS = {"": None, "null": None, "true": True, "false": False}


def _inferred(field: str) -> Any:
    """A number keeps its digits."""
    if field in _LITERALS:
        return _LITERALS[field]
    if field[0] in "-0123456789" and field[-1].isdigit():
        try:
            return rjson.Raw(field, check=True)
        except rjson.DecodeError:
            return field
    return field


# ---- SQLite


def run_sqlite(options: argparse.Namespace) -> int:
    """See `rjson from-sqlite --help`."""
    import sqlite3
    from pathlib import Path

    query = options.query
    if query is None:
        query = f'SELECT * FROM "{options.table.replace(chr(34), chr(34) * 2)}"'
    try:
        connection = sqlite3.connect(f"{Path(options.db).absolute().as_uri()}?mode=ro", uri=True)
        try:
            cursor = connection.execute(query)
            if cursor.description is None:
                raise Message(f"{options.db}: the query gives no rows")
            names = [column[0] for column in cursor.description]
            twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
            if twice is not None:
                raise Message(f"{options.db}: two columns are named {twice!r}: tell them apart with AS")
            return _write(options, _sqlite_rows(cursor, names))
        finally:
            connection.close()
    except sqlite3.Error as e:
        raise Message(f"{options.db}: {e}") from e


def _sqlite_rows(cursor: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    from base64 import b64encode

    for row in cursor:
        yield {n: b64encode(v).decode() if isinstance(v, bytes) else v for n, v in zip(names, row, strict=True)}
