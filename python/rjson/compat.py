"""The json module's interface, written by rjson: `import rjson.compat as json`.

Every function takes what the standard library's takes, writes the same text, and raises the same exceptions with the same
messages. What differs: `iterencode` and `dump` hand over larger pieces, nesting is limited by `max_depth` and not by the
recursion limit, and circular references are found even with `check_circular=False` (a RecursionError, as ever).

`loads` and JSONDecoder decode with rjson, and leave a text that is no JSON to the standard library, which raises what it
always does. `raw_decode` is the standard library's.

Types that json does not know go to `default` here too, also those that rjson would know.
"""

from __future__ import annotations

import json as _json
import sys
from collections.abc import Callable, Iterator
from json import JSONDecodeError, decoder, detect_encoding, encoder, scanner
from typing import Any

from . import _core, _targets
from ._decode_error import DecodeError
from ._encoder import CHUNK_SIZE, Encoder

__all__ = [
    "JSONDecodeError",
    "JSONDecoder",
    "JSONEncoder",
    "decoder",
    "detect_encoding",
    "dump",
    "dumps",
    "encoder",
    "load",
    "loads",
    "scanner",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":  # asked for late, since 3.15 warns of it
        return getattr(_json, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class JSONEncoder(_json.JSONEncoder):
    """See `json.JSONEncoder`: the same arguments and attributes, to be subclassed in the same way."""

    def encode(self, o: Any) -> str:
        """The JSON text of `o`."""
        if type(self).iterencode is not JSONEncoder.iterencode:
            return super().encode(o)
        check_circular, options = bool(self.check_circular), self._options()
        if options is None:
            return super().encode(o)
        way = _IN_C if self.indent is None else _IN_PYTHON
        try:
            return _core.dumps(o, **options)
        except (_core.EncodeError, RecursionError) as e:
            error = e
        raise _as_json_raises(error, check_circular, way) from None

    def iterencode(self, o: Any, _one_shot: bool = False) -> Iterator[str]:
        """The JSON text of `o` in pieces, which are encoded as they are asked for."""
        check_circular, options = bool(self.check_circular), self._options()
        if options is None:
            return super().iterencode(o, _one_shot)
        way = _IN_C if _one_shot and self.indent is None else _IN_PYTHON
        return _decoded(Encoder(**options).iterencode(o), check_circular, way)

    def _options(self) -> Any:
        """rjson's options for the attributes; None where only the standard library knows what comes out."""
        return _options(
            self.skipkeys,
            self.ensure_ascii,
            self.allow_nan,
            self.indent,
            (self.item_separator, self.key_separator),
            self.default,
            self.sort_keys,
        )


def _decoded(chunks: Iterator[bytes], check_circular: bool, way: str) -> Iterator[str]:
    try:
        for chunk in chunks:
            yield chunk.decode("utf-8", "surrogatepass")
        return
    except (_core.EncodeError, RecursionError) as e:
        error = e
    raise _as_json_raises(error, check_circular, way) from None


def _options(
    skipkeys: Any, ensure_ascii: Any, allow_nan: Any, indent: Any, separators: Any, default: Any, sort_keys: Any
) -> Any:
    if not (indent is None or isinstance(indent, (int, str))):
        return None
    if not (type(separators) is tuple and all(isinstance(s, str) and len(s) <= 16 for s in separators)):
        return None
    if len(indent) > 16 if isinstance(indent, str) else indent is not None and indent > 1024:
        return None
    return {
        "default": default,
        "indent": indent,
        "separators": separators,
        "sort_keys": sort_keys,
        "skipkeys": skipkeys,
        "ensure_ascii": ensure_ascii,
        "allow_nan": bool(allow_nan),
        "surrogates": "pass",  # escaped with ensure_ascii
        "passthrough": True,
        "_json_notes": _HAS_NOTES,
    }


# ---- exceptions

# Since 3.14 json adds notes on where in the document an exception came up.
_HAS_NOTES = sys.version_info >= (3, 14)


def _out_of_range_message(indent: int | None) -> str:
    """What this Python says of floats that JSON has no number for, with a place for the float in it."""
    try:
        _json.dumps(float("nan"), allow_nan=False, indent=indent)
    except ValueError as e:
        return str(e).replace("nan", "{}")
    raise AssertionError("json wrote NaN")


# The json module has an encoder in C and one in Python, for pieces and for indentation, and they do not say quite the same.
_IN_C = _out_of_range_message(None)
_IN_PYTHON = _out_of_range_message(0)
_FLOAT_NAMES = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def _as_json_raises(error: Exception, check_circular: bool, way: str) -> Exception:
    """The exception that the json module would have raised; `way`: which of its encoders, _IN_C or _IN_PYTHON."""
    if not isinstance(error, _core.EncodeError):
        return error
    raised = _translated(error, check_circular, way)
    for note in getattr(error, "__notes__", ()):
        raised.add_note(note)  # since 3.11, as is the attribute # pyright: ignore[reportAttributeAccessIssue]
    return raised


def _translated(error: Any, check_circular: bool, way: str) -> Exception:
    reason = error.reason
    if reason.startswith("circular reference"):
        if not check_circular:
            return RecursionError("maximum recursion depth exceeded while encoding a JSON object")
        return ValueError("Circular reference detected")
    if reason.startswith("float "):
        return ValueError(way.format(_FLOAT_NAMES[reason.split()[1]]))
    if reason.startswith("items() must"):
        return ValueError("items must return 2-tuples")
    return TypeError(reason.removeprefix("keys cannot be sorted: "))


# ---- functions

_dumps = Encoder(**JSONEncoder()._options()).dumps


def dumps(
    obj: Any,
    *,
    skipkeys: bool = False,
    ensure_ascii: bool = True,
    check_circular: bool = True,
    allow_nan: bool = True,
    cls: type[_json.JSONEncoder] | None = None,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    default: Callable[[Any], Any] | None = None,
    sort_keys: bool = False,
    **kw: Any,
) -> str:
    """See `json.dumps`."""
    is_default = skipkeys is False and ensure_ascii is True and allow_nan is True and sort_keys is False and not kw
    has_none = cls is None and indent is None and separators is None and default is None
    if is_default and has_none and check_circular:
        try:
            return _dumps(obj)
        except (_core.EncodeError, RecursionError) as e:
            error = e
        raise _as_json_raises(error, True, _IN_C) from None
    return (cls or JSONEncoder)(
        skipkeys=skipkeys,
        ensure_ascii=ensure_ascii,
        check_circular=check_circular,
        allow_nan=allow_nan,
        indent=indent,
        separators=separators,
        default=default,
        sort_keys=sort_keys,
        **kw,
    ).encode(obj)


def dump(
    obj: Any,
    fp: Any,
    *,
    skipkeys: bool = False,
    ensure_ascii: bool = True,
    check_circular: bool = True,
    allow_nan: bool = True,
    cls: type[_json.JSONEncoder] | None = None,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    default: Callable[[Any], Any] | None = None,
    sort_keys: bool = False,
    **kw: Any,
) -> None:
    """See `json.dump`. Written in chunks of about 64 KiB."""
    chosen = (cls or JSONEncoder)(
        skipkeys=skipkeys,
        ensure_ascii=ensure_ascii,
        check_circular=check_circular,
        allow_nan=allow_nan,
        indent=indent,
        separators=separators,
        default=default,
        sort_keys=sort_keys,
        **kw,
    )
    options = chosen._options() if type(chosen) is JSONEncoder else None
    if options is None:
        for piece in chosen.iterencode(obj):
            fp.write(piece)
        return
    try:
        _targets.dump_text(_targets.Request(Encoder(**options), obj, CHUNK_SIZE, None, None, None), fp)
        return
    except (_core.EncodeError, RecursionError) as e:
        error = e
    raise _as_json_raises(error, check_circular, _IN_PYTHON) from None


# ---- decoding

# Deeper texts are left to the standard library, and to its recursion limit.
_MAX_DEPTH = 20_000


def _text_error(s: Any, strict: bool) -> None:
    """Raises what the standard library says of a text that rjson refuses. No hook is called a second time."""
    _json.loads(s, strict=strict)


class JSONDecoder(_json.JSONDecoder):
    """See `json.JSONDecoder`: the same arguments and attributes, to be subclassed in the same way."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        constant = arguments.get("parse_constant")
        self._loads = _core.Decoder(
            object_hook=self.object_hook,
            object_pairs_hook=self.object_pairs_hook,
            array_hook=getattr(self, "array_hook", None),  # since 3.15
            parse_float=self.parse_float,
            parse_int=self.parse_int,
            parse_constant=constant,
            allow_nan=True,
            strict=bool(self.strict),
            max_depth=_MAX_DEPTH,
        ).loads

    def decode(self, s: str, *rest: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The value that `s` is."""
        if type(self).raw_decode is not _json.JSONDecoder.raw_decode or rest or not isinstance(s, str):
            return super().decode(s, *rest)
        try:
            return self._loads(s)
        except DecodeError:
            pass
        _text_error(s, bool(self.strict))
        return super().decode(s)


_loads = _core.Decoder(allow_nan=True, max_depth=_MAX_DEPTH).loads


def loads(
    s: str | bytes | bytearray,
    *,
    cls: type[_json.JSONDecoder] | None = None,
    object_hook: Callable[[dict[Any, Any]], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
    parse_int: Callable[[str], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
    object_pairs_hook: Callable[[list[tuple[Any, Any]]], Any] | None = None,
    **kw: Any,
) -> Any:
    """See `json.loads`."""
    hooks = (object_hook, parse_float, parse_int, parse_constant, object_pairs_hook)
    if cls is None and not kw and hooks == (None,) * len(hooks) and isinstance(s, (str, bytes, bytearray)):
        try:
            return _loads(s)
        except DecodeError:
            pass
        return _json.loads(s)
    return _json.loads(
        s,
        cls=cls or JSONDecoder,
        object_hook=object_hook,
        parse_float=parse_float,
        parse_int=parse_int,
        parse_constant=parse_constant,
        object_pairs_hook=object_pairs_hook,
        **kw,
    )


def load(fp: Any, **arguments: Any) -> Any:
    """See `json.load`; the arguments are those of `loads`."""
    return loads(fp.read(), **arguments)
