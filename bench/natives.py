"""Types and options against orjson, and rjson.compat against the json module, in one process.

    python bench/natives.py

Rounds are interleaved and the fastest of each is kept. `x` is how many times faster rjson is.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import io
import json
import random
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
import orjson

import machine
import rjson
import rjson.compat

ROUNDS = 40
ORJSON_TYPES = orjson.OPT_SERIALIZE_NUMPY


@dataclasses.dataclass
class Plain:
    id: int
    name: str
    price: float
    active: bool
    tags: list[str]


@dataclasses.dataclass(slots=True)
class Slots:
    id: int
    name: str
    price: float
    active: bool
    tags: list[str]


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"
    BLUE = 3


def documents() -> dict[str, tuple[Any, int, dict[str, Any]]]:
    """What is encoded: the object, orjson's option, rjson's options."""
    rng = random.Random(7)
    zone = datetime.timezone(datetime.timedelta(hours=2))
    start = datetime.datetime(2024, 2, 28, 23, 59, 58, 123456)
    moments = [start + datetime.timedelta(seconds=rng.random() * 1e8) for _ in range(1000)]
    utc = [m.replace(tzinfo=datetime.timezone.utc) for m in moments]
    floats = numpy.array([rng.random() for _ in range(100_000)])
    rows = [{"id": i, "name": f"user{i}", "score": i / 7, "ok": True, "tags": ["a", "b"], "none": None} for i in range(500)]
    return {
        "dataclasses": ([Plain(i, f"name {i}", i / 4, i % 2 == 0, ["x", "y"]) for i in range(1000)], 0, {}),
        "dataclasses with slots": ([Slots(i, f"name {i}", i / 4, i % 2 == 0, ["x", "y"]) for i in range(1000)], 0, {}),
        "datetimes, naive": (moments, 0, {}),
        "datetimes, UTC": (utc, 0, {}),
        "datetimes, +02:00": ([m.replace(tzinfo=zone) for m in moments], 0, {}),
        "UUIDs": ([uuid.UUID(int=rng.getrandbits(128)) for _ in range(1000)], 0, {}),
        "Enums": ([rng.choice(list(Colour)) for _ in range(1000)], 0, {}),
        "numpy float64, 1-d": (floats, ORJSON_TYPES, {}),
        "numpy float64, 2-d": (floats.reshape(-1, 10), ORJSON_TYPES, {}),
        "numpy float32, 1-d": (floats.astype("f4"), ORJSON_TYPES, {}),
        "numpy float32, 2-d": (floats.astype("f4").reshape(-1, 10), ORJSON_TYPES, {}),
        "numpy int64, 1-d": ((floats * 1e9).astype("i8"), ORJSON_TYPES, {}),
        "numpy int64, 2-d": ((floats * 1e9).astype("i8").reshape(-1, 10), ORJSON_TYPES, {}),
        "numpy int64, small": ((floats * 1e3).astype("i8"), ORJSON_TYPES, {}),
        "sort_keys": (rows, orjson.OPT_SORT_KEYS, {"sort_keys": True}),
        "sort_keys, 1000 keys": (
            {f"key_{rng.getrandbits(40):x}": i for i in range(1000)},
            orjson.OPT_SORT_KEYS,
            {"sort_keys": True},
        ),
        "indent=2": (rows, orjson.OPT_INDENT_2, {"indent": 2}),
        "keys that are int": ({i * 7: i for i in range(1000)}, orjson.OPT_NON_STR_KEYS, {}),
        "keys that are UUID": ({uuid.UUID(int=rng.getrandbits(128)): 1 for _ in range(500)}, orjson.OPT_NON_STR_KEYS, {}),
        "keys that are date": ({m.date(): 1 for m in moments}, orjson.OPT_NON_STR_KEYS, {}),
    }


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> None:
    best = machine.interleaved_minimum({"ours": ours, "theirs": theirs}, rounds)
    print(
        f"    {name:34} {best['ours'] * 1e6:10.1f} us {best['theirs'] * 1e6:10.1f} us {best['theirs'] / best['ours']:7.2f}x"
    )


def against_orjson() -> None:
    print(f"dumps_bytes against orjson {orjson.__version__}")
    for name, (obj, option, options) in documents().items():
        encode = rjson.Encoder(**options).dumps_bytes
        compare(name, partial(encode, obj), partial(orjson.dumps, obj, option=option), ROUNDS)


def against_json() -> None:
    rng = random.Random(3)
    words = ["name", "Zoë", "日本語", "plain text of some length", "x" * 100, 'tab\tand "quotes"']
    users = [
        {
            "id": i,
            "name": rng.choice(words),
            "score": rng.random(),
            "tags": [rng.choice(words) for _ in range(3)],
            "ok": True,
        }
        for i in range(2000)
    ]
    print("rjson.compat against json, with the defaults of json")
    compare("dumps", lambda: rjson.compat.dumps(users), lambda: json.dumps(users), ROUNDS)
    compare("dumps, ASCII only", lambda: rjson.compat.dumps(users[0]), lambda: json.dumps(users[0]), 2000)
    compare("dump to StringIO", lambda: rjson.compat.dump(users, io.StringIO()), lambda: json.dump(users, io.StringIO()), 10)
    with open("/dev/null", "w", encoding="utf-8") as null:
        compare("dump to a file", lambda: rjson.compat.dump(users, null), lambda: json.dump(users, null), 10)


if __name__ == "__main__":
    print(machine.describe(), "\n")
    against_orjson()
    print()
    against_json()
