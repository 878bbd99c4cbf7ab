"""The options and their values, for annotations. Apart from the rest, since it needs typing, which rjson does without."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any, Literal, TypedDict

TypeGroup = Literal[
    "dataclass",
    "attrs",
    "msgspec",
    "pydantic",
    "enum",
    "datetime",
    "uuid",
    "decimal",
    "path",
    "array",
    "numpy",
    "iterator",
    "subclass",
]


class Options(TypedDict, total=False):
    """The encoding options, for annotations."""

    default: Callable[[Any], Any] | None
    default_key: Callable[[Any], Any] | None
    indent: int | str | None
    separators: tuple[str, str] | None
    sort_keys: bool
    skipkeys: bool
    omit_none: bool
    duplicates: Literal["keep", "error"]
    ensure_ascii: bool
    allow_nan: bool | Literal["null"]
    surrogates: Literal["error", "escape", "replace", "pass"]
    integers: Literal["exact", "js-safe", "int64", "string"]
    decimal: Literal["number", "string"]
    timedelta: Literal["iso", "seconds"]
    utc_z: bool
    naive_utc: bool
    omit_microseconds: bool
    namedtuple: Literal["array", "object"]
    sets: Literal["error", "array"]
    passthrough: bool | Collection[TypeGroup]
    append_newline: bool
    max_depth: int


Framing = Literal["auto", "lines", "array", "seq", "sse", "concat"]

WriteFraming = Literal["lines", "array", "seq", "sse", "concat"]
"""What holds documents together. "lines": a line each (NDJSON). "array": one array, whose items they are. "seq": JSON text
sequences (RFC 7464). "sse": an event each (text/event-stream). "concat": nothing, but for a space where two numbers or words
would run together. Line breaks in a document of "lines" or "sse" become spaces, which mean the same in JSON."""

Flush = Literal["full", "item"] | float
"""When what is encoded leaves before a chunk is full: never; after each item; or after so many seconds."""

OnError = Literal["raise", "skip"] | Callable[[int, bytes, Any], object]
"""What becomes of lines that are wrong. Called with the number of a line, its bytes, and a DecodeError."""


Progress = Callable[[int], object] | Literal[True] | None
"""Who is told how many bytes there are so far. True: a bar of tqdm."""


Path = str | bytes | os.PathLike[Any]

Format = Literal["gz", "bz2", "xz", "zst", "lz4"]

Compression = Literal["infer"] | Format | None
"""What files are compressed with: what the suffix says; this; nothing."""


class DecodeOptions(TypedDict, total=False):
    """Keywords of everything that decodes; `help(rjson.loads)` says what they mean."""

    object_hook: Callable[[dict[str, Any]], Any] | None
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None
    array_hook: Callable[[list[Any]], Any] | None
    parse_float: Callable[[str], Any] | None
    parse_int: Callable[[str], Any] | None
    parse_constant: Callable[[str], Any] | None
    allow_nan: bool
    duplicates: Literal["last", "error"]
    strict: bool
    max_depth: int
