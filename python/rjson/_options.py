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
    """Called with any object that cannot be encoded; what it returns is encoded in its place. Keys are not."""
    default_key: Callable[[Any], Any] | None
    """Called with any key that has no text; what it returns is the key in its place: a str, or what else has a text as a
    key. Goes before `skipkeys`."""
    indent: int | str | None
    """Break lines, and indent by so many spaces (at most 1024; or by this str) a level. 0 breaks lines only."""
    separators: tuple[str, str] | None
    """What stands between items and after keys, `(",", ":")` if nothing else is said; with `indent`, `": "`."""
    sort_keys: bool
    """Write members in the order of their keys, as Python compares them."""
    skipkeys: bool
    """Leave out members whose keys have no text, instead of raising."""
    omit_none: bool
    """Leave out members (of dicts and of objects with fields) that are None."""
    duplicates: Literal["keep", "error"]
    """"error": raise where two keys of a dict become equal when they are written, as 1 and "1". "keep": both are written."""
    ensure_ascii: bool
    """Escape whatever is not ASCII."""
    allow_nan: bool | Literal["null"]
    """Write NaN and Infinity, which are not JSON, instead of raising. "null": write null for them."""
    surrogates: Literal["error", "escape", "replace", "pass"]
    """What becomes of lone surrogates. "error": EncodeError. "escape": `\\ud800`. "replace": U+FFFD. "pass": they stay what
    they are, in a str; in bytes, three bytes that are not valid UTF-8."""
    integers: Literal["exact", "js-safe", "int64", "string"]
    """"js-safe": raise for ints beyond 2**53 - 1 either way, which JavaScript rounds. "string": write these as strings, all
    others as numbers. "int64": raise for ints that are not from -2**63 to 2**63 - 1. Keys are strings, and exact."""
    decimal: Literal["number", "string"]
    """"number": all digits of a Decimal, exactly. "string": the same in quotes."""
    timedelta: Literal["iso", "seconds"]
    """"iso": ISO 8601, as in "P1DT2H". "seconds": `total_seconds()`."""
    utc_z: bool
    """Write Z for an offset of zero, not +00:00."""
    naive_utc: bool
    """Take datetimes without a time zone for UTC, and say so."""
    omit_microseconds: bool
    """Leave out parts of a second."""
    namedtuple: Literal["array", "object"]
    """"object": by their fields' names."""
    sets: Literal["error", "array"]
    """"array": in the order of their iteration. "error": they go to `default`."""
    passthrough: bool | Collection[TypeGroup]
    """Groups of types that go to `default` though they are known, as in `{"datetime", "enum"}`. True: all that the json
    module does not know."""
    append_newline: bool
    """End the document with a line feed."""
    max_depth: int
    """How deeply containers may nest."""


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
    """Called with each dict; its result takes the dict's place."""
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None
    """Called with each object as a list of (key, value); goes before object_hook."""
    array_hook: Callable[[list[Any]], Any] | None
    """Called with each list; its result takes the list's place."""
    parse_float: Callable[[str], Any] | None
    """Called with the text of each number with or without a point or exponent."""
    parse_int: Callable[[str], Any] | None
    """Called with the text of each number with or without a point or exponent."""
    parse_constant: Callable[[str], Any] | None
    """Called with 'NaN', 'Infinity' or '-Infinity'."""
    allow_nan: bool
    """Whether these are read without it. JSON has none of them, so the default is False."""
    duplicates: Literal["last", "error"]
    """'last' (the default): if a key repeats, the last value wins. 'error': it is refused."""
    strict: bool
    """False: strings may have control characters in them."""
    max_depth: int
    """How deeply arrays and objects may nest (1000). More is safe here, where nothing recurses, but not for repr(), ==,
    copy.deepcopy() and pickle of the result."""
