"""What becomes of each type that JSON has no name for. Asked once per type by the encoder, which keeps the answer.

No library is imported here: whoever has one of its objects has imported it.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from . import _pydantic

# (form, group), (form, group, fields), or (form, group, fields, convert, value that stands for no value). A field is
# (key, attribute), (key, None, constant), or (key, attribute, None, convert, exact, converts_all): see rj_field in plan.h.
# What converts is called with the object or value, and with the option `default`.
Description = tuple[Any, ...]

UNKNOWN: Description = ("unknown", "subclass")


def describe(cls: type) -> Description:
    """How objects of `cls` are encoded."""
    for look in (
        _enum,
        _pydantic.describe_dataclass,
        _fields_of_dataclass,
        _pandas,
        _datetime,
        _standard_library,
        _attrs,
        _msgspec,
        _pydantic.describe_model,
        _numpy,
        _namedtuple,
    ):
        description = look(cls)
        if description is not None:
            return description
    return UNKNOWN


def _own(module: str, name: str) -> Any:
    """A class of a module that may not be imported; an empty tuple, of which nothing is an instance, then."""
    return getattr(sys.modules.get(module), name, ())


def _base(cls: type, module: str, name: str) -> type | None:
    """The class of that name among those that `cls` is made of, whoever has taken its place in its module since."""
    return next((c for c in cls.__mro__ if c.__module__ == module and c.__name__ == name), None)


def _overrides(cls: type, base: type, *names: str) -> bool:
    """Whether `cls` has one of these attributes from elsewhere than `base`, which is one of its own bases."""
    before = cls.__mro__[: cls.__mro__.index(base)]
    return any(name in vars(c) for c in before for name in names)


def _enum(cls: type) -> Description | None:
    if not issubclass(cls, enum.Enum):
        return None
    return ("enum", "enum", (), attrgetter("value") if _overrides(cls, enum.Enum, "value") else None)


def _fields_of_dataclass(cls: type) -> Description | None:
    fields = cls.__dict__.get("__dataclass_fields__") or getattr(cls, "__dataclass_fields__", None)
    if not isinstance(fields, dict):
        return None
    kept = [f.name for f in fields.values() if f._field_type.name == "_FIELD"]
    return ("fields", "dataclass", tuple((name, name) for name in kept))


def _standard_library(cls: type) -> Description | None:
    decimal = _base(cls, "decimal", "Decimal")
    if decimal:
        return ("decimal", "decimal", (), decimal.__str__ if _overrides(cls, decimal, "__str__") else None)
    for module, name, description in (
        ("uuid", "UUID", ("uuid", "uuid", (("int", "int"),))),
        ("pathlib", "PurePath", ("path", "path")),
        ("array", "array", ("array", "array")),
    ):
        if issubclass(cls, _own(module, name)):
            return description
    if issubclass(cls, memoryview):
        return ("array", "array")
    if issubclass(cls, (set, frozenset)):
        return ("set", "subclass")
    return None


# ---- dates and times


_DATE = ("year", "month", "day")
_TIME = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
# A datetime is a date too, so it comes first.
_PARTS = {"datetime": _DATE + _TIME, "date": _DATE, "time": _TIME, "timedelta": ("days", "seconds", "microseconds")}


def _datetime(cls: type) -> Description | None:
    """Read from memory; or asked, where a subclass says itself what its parts are, because its C struct need not be true."""
    for name, parts in _PARTS.items():
        base = _base(cls, "datetime", name) or _base(cls, "_pydatetime", name)  # without the C module, on 3.12 and 3.13
        if base is None:
            continue
        if not _overrides(cls, base, *parts, "nanosecond", "nanoseconds", "total_seconds", "__getattribute__"):
            return (name, "datetime")
        return (name, "datetime", (), _plain_timedelta(base) if name == "timedelta" else _plain(base, parts))
    return None


def _plain(base: Any, parts: tuple[str, ...]) -> Callable[[Any], Any]:
    """Makes a plain object of the same parts; a pair of that and nanoseconds, where these are more; NotImplemented, where
    the parts are those of no date or time of the years 1 to 9999.
    """

    def convert(value: Any) -> Any:
        read = {name: getattr(value, name) for name in parts}
        nanosecond = getattr(value, "nanosecond", 0)
        fold = {"fold": read.pop("fold")} if "fold" in read else {}
        try:
            plain = base(*read.values(), **fold)
            # Those beyond the microseconds, or (google.api_core) all of them.
            more = nanosecond - 1000 * read.get("microsecond", 0) if nanosecond >= 1000 else nanosecond
        except (TypeError, ValueError, OverflowError):
            return NotImplemented
        if not more:
            return plain
        return (plain, more) if 0 < more < 1000 and "microsecond" in read else NotImplemented

    return convert


def _plain_timedelta(base: Any) -> Callable[[Any], Any]:
    """The same for durations; (negative, seconds, nanoseconds) for what is longer or finer than a timedelta.

    The parts may have signs of their own (pendulum) and disagree with the C struct: `total_seconds()` tells which are right.
    """
    days, seconds, microseconds = (vars(base)[name].__get__ for name in _PARTS["timedelta"])

    def convert(value: Any) -> Any:
        total = value.total_seconds()
        plain = base(days(value), seconds(value), microseconds(value))
        nanoseconds = getattr(value, "nanoseconds", None)
        if nanoseconds is None and plain.total_seconds() == total:
            return plain
        try:
            exact = (value.days * 86400 + value.seconds) * 10**9 + value.microseconds * 1000 + (nanoseconds or 0)
            is_right = abs(exact / 10**9 - total) <= abs(total) * 1e-9 + 1e-6
        except (TypeError, ValueError, OverflowError):
            return NotImplemented
        whole, rest = divmod(abs(exact), 10**9)
        return (exact < 0, whole, rest) if is_right and whole < 2**63 else NotImplemented

    return convert


# ---- pandas


def _nothing(_: object, _default: object) -> None:
    return None


def _pandas(cls: type) -> Description | None:
    pandas: Any = sys.modules.get("pandas")
    if cls is type(getattr(pandas, "NaT", None)):
        return ("convert", "datetime", (), _nothing)
    return ("convert", "numpy", (), _nothing) if cls is type(getattr(pandas, "NA", None)) else None


# ---- attrs


def _attrs(cls: type) -> Description | None:
    attributes = getattr(cls, "__attrs_attrs__", None)
    if not isinstance(attributes, tuple):
        return None
    return ("fields", "attrs", tuple((a.name, a.name) for a in attributes))


# ---- msgspec


def _msgspec(cls: type) -> Description | None:
    if not issubclass(cls, _own("msgspec", "Struct")):
        return None
    info: Any = cls
    config = info.__struct_config__
    fields: tuple[Any, ...] = tuple(zip(info.__struct_encode_fields__, info.__struct_fields__, strict=True))
    if config.array_like:
        return ("convert", "msgspec", (), _to_array(config.tag, info.__struct_fields__))
    if config.tag is not None:
        fields = ((config.tag_field, None, config.tag), *fields)
    unset = _own("msgspec", "UNSET")
    if config.omit_defaults:
        return ("convert", "msgspec", (), _without_defaults(fields, info, unset))
    return ("fields", "msgspec", fields, None, unset)


def _to_array(tag: Any, names: tuple[str, ...]) -> Callable[[Any, Any], list[Any]]:
    head = [] if tag is None else [tag]
    return lambda struct, _default: head + [getattr(struct, name) for name in names]


def _without_defaults(fields: tuple[Any, ...], info: Any, unset: object) -> Callable[[Any, Any], dict[str, Any]]:
    """As omit_defaults: without values that are their field's default, or empty where a factory makes them so."""
    names, defaults = info.__struct_fields__, info.__struct_defaults__
    by_name = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    missing = object()

    def is_default(name: str, value: Any) -> bool:
        default = by_name.get(name, missing)
        factory = getattr(default, "factory", None)
        return value is default or (factory in (list, set, dict) and type(value) is factory and not value)

    def convert(struct: Any, _default: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, attribute, *constant in fields:
            value = constant[0] if constant else getattr(struct, attribute)
            if constant or not (value is unset or is_default(attribute, value)):
                result[key] = value
        return result

    return convert


# ---- numpy


def _numpy(cls: type) -> Description | None:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):
        return None
    if issubclass(cls, _own("numpy.ma", "MaskedArray")):
        return None  # what is masked must not come out
    return ("numpy", "numpy") if issubclass(cls, (numpy.ndarray, numpy.generic)) else None


# ---- named tuples, where they are to be objects


def _namedtuple(cls: type) -> Description | None:
    names = getattr(cls, "_fields", None)
    if not issubclass(cls, tuple) or not isinstance(names, tuple):
        return None
    return ("fields", "subclass", tuple((name, name) for name in names))
