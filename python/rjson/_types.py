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


def _overrides(cls: type, base: type, *names: str) -> bool:
    """Whether `cls` has one of these attributes from elsewhere than `base`."""
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
    # A datetime is a date too, so it comes first.
    decimal = _own("decimal", "Decimal")
    if issubclass(cls, decimal):
        return ("decimal", "decimal", (), decimal.__str__ if _overrides(cls, decimal, "__str__") else None)
    for module, name, description in (
        ("datetime", "datetime", ("datetime", "datetime")),
        ("datetime", "date", ("date", "datetime")),
        ("datetime", "time", ("time", "datetime")),
        ("datetime", "timedelta", ("timedelta", "datetime")),
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
