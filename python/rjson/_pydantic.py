"""How pydantic's models come out: as `model_dump_json` has them, by pydantic's own serializers.

A serializer follows the annotation, not the value: a field that is declared as `UserOut` has the fields of `UserOut`,
whatever subclass the value is of. To ask it for a whole model makes a copy of the tree, so that is done only where a model
says itself how it is written (its serializers, `extra="allow"`, its configuration). Otherwise fields are read one by one.
Their values are written as they are wherever the two cannot differ: strings, numbers, booleans and None; lists, tuples and
dicts of them; models of exactly the class that is declared. All other values go through the serializer of their field.

pydantic is not imported here: whoever has one of its objects has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple

from . import _core

Schema = dict[str, Any]
Convert = Callable[[Any, Any], Any]  # (value, the option `default` or None)
Description = tuple[Any, ...]


class Way(NamedTuple):
    """How values of a schema are written."""

    convert: Convert
    exact: frozenset[type] = frozenset()  # values of exactly these types are written as they are, and so are scalars
    converts_all: bool = False  # no value is
    is_plain: bool = False  # only scalars are expected


class Unusual(Exception):
    """Only the model's own serializer knows."""


SCALARS = frozenset({str, int, float, bool, type(None)})
_MISSING = object()  # stands for a field that has no value

# Schemas whose values are the same in JSON as they are here.
_PLAIN = frozenset({"str", "int", "float", "bool", "none"})
_PLAIN_TYPES = {"uuid": ("uuid", "UUID"), "date": ("datetime", "date")}
_PYDANTIC_KNOWS = (list, tuple, dict, set, frozenset)
# Of these, values are written by what they are and not by an annotation.
_INFERRED = frozenset({"any", "is-instance", "is-subclass", "callable", "function-plain"})


def describe_model(cls: type) -> Description | None:
    """How objects of a model class are encoded; None if `cls` is none."""
    base = getattr(sys.modules.get("pydantic"), "BaseModel", ())
    if not issubclass(cls, base):
        return None
    if not hasattr(cls, "__pydantic_serializer__"):  # version 1
        return ("convert", "pydantic", (), _dump_version_1)
    try:
        return _describe(cls)
    except Exception:  # whatever a schema of another version has in it
        return ("convert", "pydantic", (), _dump)


def describe_dataclass(cls: type) -> Description | None:
    """The same of a dataclass that pydantic made."""
    if "__is_pydantic_dataclass__" in cls.__dict__ and hasattr(cls, "__pydantic_serializer__"):
        return ("convert", "dataclass", (), _dump)
    return None


def _dump_version_1(model: Any, _default: Any) -> Any:
    import json

    return json.loads(model.json())


def _dump(obj: Any, default: Any) -> Any:
    return _to_python(obj.__class__.__pydantic_serializer__, obj, default)


def _to_python(serializer: Any, value: Any, default: Any) -> Any:
    if not _takes_fallback(type(serializer).to_python.__text_signature__):
        return serializer.to_python(value, mode="json")
    return serializer.to_python(value, mode="json", fallback=partial(_as_elsewhere, default))


@lru_cache
def _takes_fallback(signature: str | None) -> bool:
    return "fallback" in (signature or "")


def _as_elsewhere(default: Any, value: Any) -> Any:
    """What pydantic does not know, as it is outside of models."""
    return _core.loads(_core.dumps_bytes(value, default=default))


# ---- a model


def _describe(cls: Any) -> Description:
    reader = _Reader(cls)
    model = reader.model
    if model.get("root_model"):
        way = reader.way_of(model["schema"])
        return ("convert", "pydantic", (), _convert_root(way))
    decorators = cls.__pydantic_decorators__
    if cls.model_config.get("extra") == "allow" or decorators.model_serializers or decorators.field_serializers:
        raise Unusual
    fields = model["schema"]
    by_alias = bool(model["config"].get("serialize_by_alias"))
    described = [
        _field((by_alias and field.get("serialization_alias")) or name, name, reader.way_of(field["schema"]))
        for name, field in fields["fields"].items()
        if not _is_excluded(field)
    ]
    described += [
        _field((by_alias and field.get("alias")) or name, name, reader.way_of(field["return_schema"]))
        for field in fields.get("computed_fields", ())
        if not _is_excluded(field)
        for name in (field["property_name"],)
    ]
    if len({key for key, *_ in described}) < len(described):
        raise Unusual
    return ("fields", "pydantic", tuple(described), None, _MISSING)


def _is_excluded(field: Schema) -> bool:
    excluded = field.get("serialization_exclude", False)
    if "serialization_exclude_if" in field or not isinstance(excluded, bool):
        raise Unusual
    return excluded


def _field(key: str, name: str, way: Way) -> tuple[Any, ...]:
    exact = next(iter(way.exact)) if len(way.exact) == 1 else None
    return (key, name, None, way.convert, exact, way.converts_all)


def _convert_root(way: Way) -> Convert:
    def convert(model: Any, default: Any) -> Any:
        return _written(way, model.root, default)

    return convert


def _written(way: Way, value: Any, default: Any) -> Any:
    is_kept = not way.converts_all and (type(value) in way.exact or type(value) in SCALARS)
    return value if is_kept else way.convert(value, default)


# ---- what a schema says


class _Reader:
    """The schema of one model."""

    def __init__(self, cls: Any) -> None:
        schema = cls.__pydantic_core_schema__
        _refuse_configuration(schema)
        self.definitions: dict[str, Schema] = {}
        if schema["type"] == "definitions":
            self.definitions = {d["ref"]: d for d in schema["definitions"]}
            schema = schema["schema"]
        self.open: list[str] = []  # references that are being followed
        self.model = self._inner(schema)
        if self.model["type"] != "model" or self.model["cls"] is not cls:
            raise Unusual
        self.config = self.model.setdefault("config", {})

    def _inner(self, schema: Schema) -> Schema:
        while "serialization" not in schema and schema["type"] != "model":
            schema = self.definitions[schema["schema_ref"]] if schema["type"] == "definition-ref" else schema["schema"]
        if "serialization" in schema:
            raise Unusual
        return schema

    def way_of(self, schema: Schema) -> Way:
        """How values of `schema` are written."""
        kind = schema["type"]
        if schema.get("serialization"):
            if schema["serialization"].get("is_field_serializer"):
                raise Unusual
            return Way(self._serializer(schema), converts_all=True)
        if kind in _PLAIN or (kind == "literal" and SCALARS.issuperset(map(type, schema["expected"]))):
            return Way(self._serializer(schema), is_plain=True)
        if kind in _PLAIN_TYPES:
            module, name = _PLAIN_TYPES[kind]
            return Way(self._serializer(schema), frozenset({getattr(sys.modules[module], name)}))
        if kind in _INFERRED:
            return Way(self._inferred())
        if kind == "missing-sentinel":
            raise Unusual
        look = getattr(self, "_way_of_" + kind.replace("-", "_"), None)
        return look(schema) if look else Way(self._serializer(schema), converts_all=kind not in _KNOWN)

    def _way_of_inner(self, schema: Schema) -> Way:
        return self.way_of(schema["schema"])

    _way_of_default = _way_of_nullable = _way_of_inner
    _way_of_function_before = _way_of_function_after = _way_of_function_wrap = _way_of_inner

    def _way_of_definition_ref(self, schema: Schema) -> Way:
        ref = schema["schema_ref"]
        if ref in self.open:
            return Way(self._serializer(schema), converts_all=True)
        self.open.append(ref)
        way = self.way_of(self.definitions[ref])
        self.open.pop()
        return way

    def _way_of_model(self, schema: Schema) -> Way:
        return Way(self._serializer(schema), frozenset({schema["cls"]}))

    def _way_of_union(self, schema: Schema) -> Way:
        choices = schema["choices"]
        plain: list[Any] = choices if isinstance(choices, list) else list(choices.values())
        ways = [self.way_of(c[0] if isinstance(c, tuple) else c) for c in plain]
        if any(w.converts_all for w in ways):
            return Way(self._serializer(schema), converts_all=True)
        exact = frozenset[type]().union(*(w.exact for w in ways)) - {list, tuple, dict}
        return Way(self._serializer(schema), exact, is_plain=all(w.is_plain for w in ways))

    _way_of_tagged_union = _way_of_union

    def _way_of_list(self, schema: Schema) -> Way:
        items = self.way_of(schema.get("items_schema") or {"type": "any"})
        if items.is_plain:
            return Way(self._serializer(schema), frozenset({list}))
        return Way(_convert_list(items, self._serializer(schema)))

    def _way_of_tuple(self, schema: Schema) -> Way:
        is_plain = all(self.way_of(item).is_plain for item in schema["items_schema"])
        return Way(self._serializer(schema), frozenset({tuple}) if is_plain else frozenset())

    def _way_of_dict(self, schema: Schema) -> Way:
        keys = self.way_of(schema.get("keys_schema") or {"type": "any"})
        values = self.way_of(schema.get("values_schema") or {"type": "any"})
        if not keys.is_plain:
            return Way(self._serializer(schema))
        if values.is_plain:
            return Way(self._serializer(schema), frozenset({dict}))
        return Way(_convert_dict(values, self._serializer(schema)))

    def _way_of_generator(self, schema: Schema) -> Way:
        items = self.way_of(schema.get("items_schema") or {"type": "any"})
        return Way(_convert_generator(items, self._serializer(schema)))

    # ---- converters

    def _serializer(self, schema: Schema) -> Convert:
        """pydantic's own, made when it is needed first."""
        made: list[Any] = []
        config, definitions = self.config, list(self.definitions.values())

        def convert(value: Any, default: Any) -> Any:
            if not made:
                whole = {"type": "definitions", "schema": schema, "definitions": definitions} if definitions else schema
                made.append(sys.modules["pydantic_core"].SchemaSerializer(whole, config))
            return _to_python(made[0], value, default)

        return convert

    def _inferred(self) -> Convert:
        """Of values that no annotation tells anything about."""
        serialize = self._serializer({"type": "any"})

        def convert(value: Any, default: Any) -> Any:
            if isinstance(value, sys.modules["pydantic"].BaseModel):
                return value
            if hasattr(value, "__next__"):
                return _items(Way(convert), value, default) if iter(value) is value else value
            if isinstance(value, _PYDANTIC_KNOWS) or hasattr(type(value), "__dataclass_fields__"):
                return serialize(value, default)
            try:
                return sys.modules["pydantic_core"].to_jsonable_python(value)
            except sys.modules["pydantic_core"].PydanticSerializationError:
                return value

        return convert


# Kinds of schema whose values are never scalars: these are written as pydantic infers it, which is as they are.
_KNOWN = frozenset(
    {"bytes", "datetime", "time", "timedelta", "decimal", "complex", "set", "frozenset", "enum", "url", "multi-host-url"}
    | {"dataclass", "typed-dict"}
)


def _refuse_configuration(schema: Any) -> None:
    """How dates, durations and bytes are written holds for all that is in a model, wherever it is in it."""
    if isinstance(schema, dict):
        if any(isinstance(key, str) and key.startswith("ser_json_") for key in schema.get("config") or ()):
            raise Unusual
        for key, value in schema.items():
            if key not in ("default", "metadata", "expected"):
                _refuse_configuration(value)
    elif isinstance(schema, (list, tuple)):
        for value in schema:
            _refuse_configuration(value)


# ---- containers. What is looked at is a copy, so that it is still true when it is written.


def _items(way: Way, iterator: Iterator[Any], default: Any) -> Iterator[Any]:
    return (_written(way, item, default) for item in iterator)


def _are_as_expected(way: Way, values: Any) -> bool:
    return not way.converts_all and (SCALARS | way.exact).issuperset(map(type, values))


def _convert_list(items: Way, otherwise: Convert) -> Convert:
    def convert(value: Any, default: Any) -> Any:
        if type(value) is not list:
            return otherwise(value, default)
        copy = value.copy()
        return copy if _are_as_expected(items, copy) else [_written(items, item, default) for item in copy]

    return convert


def _convert_dict(values: Way, otherwise: Convert) -> Convert:
    def convert(value: Any, default: Any) -> Any:
        if type(value) is not dict or not SCALARS.issuperset(map(type, value)):
            return otherwise(value, default)
        copy = value.copy()
        if _are_as_expected(values, copy.values()):
            return copy
        return {key: _written(values, item, default) for key, item in copy.items()}

    return convert


def _convert_generator(items: Way, otherwise: Convert) -> Convert:
    def convert(value: Any, default: Any) -> Any:
        if not hasattr(value, "__next__"):
            return otherwise(value, default)
        return value if items.is_plain else _items(items, value, default)

    return convert
