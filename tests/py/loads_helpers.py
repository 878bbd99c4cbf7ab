"""What rjson.loads should give: what the standard library does."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import rjson


def same(a: Any, b: Any) -> bool:
    """Equal, and of the same types, to the sign of zero and the order of members."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


def outcome(loads: Callable[[Any], Any], text: str | bytes) -> Any:
    """The value, or "refused"."""
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return "refused"


def json_loads(text: str | bytes) -> Any:
    """The standard library, strict: NaN and Infinity are no JSON."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def check_like_json(text: str | bytes) -> None:
    expected = outcome(json_loads, text)
    got = outcome(rjson.loads, text)
    assert same(got, expected), text
