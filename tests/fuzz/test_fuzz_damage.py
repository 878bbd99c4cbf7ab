"""Real documents, damaged: what json still reads, loads reads the same, and what json refuses, it refuses.

Each part of up to LIMIT characters is cut off at every place, and has each of its bytes replaced. RJSON_CORPUS=DIR takes the JSON files
of a folder (.json, .json.xz); without it, documents that every machine has are enough. RJSON_SLOW=1 tries more bytes at each place.
"""

import json
import lzma
import os
import random
import sysconfig
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rjson
from helpers import SLOW
from loads_helpers import json_loads, outcome, same

BYTES_TRIED = 16 if SLOW else 1
LIMIT = 1000
BEGINNINGS = 2000


def unicode_names() -> list[list[Any]]:
    characters = (chr(c) for c in (*range(0x20, 0x250), *range(0x4E00, 0x4E20), *range(0x1F600, 0x1F620)))
    return [[ord(c), c, unicodedata.name(c, None), unicodedata.numeric(c, -0.5) / 7] for c in characters]


def documents() -> dict[str, Any]:
    if "RJSON_CORPUS" not in os.environ:
        return {"the build's variables": sysconfig.get_config_vars(), "names of characters": unicode_names()}
    paths = sorted(p for p in Path(os.environ["RJSON_CORPUS"]).iterdir() if p.name.endswith((".json", ".json.xz")))
    return {p.name: json.loads(lzma.decompress(p.read_bytes()) if p.suffix == ".xz" else p.read_bytes()) for p in paths}


DOCUMENTS = documents()


def spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def members(value: Any) -> Iterator[Any]:
    """Containers of one item each."""
    if isinstance(value, dict):
        yield from ({key: item} for key, item in value.items())
    elif isinstance(value, list):
        yield from ([item] for item in value)


def inner(member: Any) -> Any:
    return next(iter(member.values())) if isinstance(member, dict) else member[0]


def parts(value: Any) -> Iterator[str]:
    """Documents of up to LIMIT characters that hold all of it but what containers it has them in, and the ends of long strings."""
    if len(spelled(value)) <= LIMIT or not isinstance(value, (dict, list)):
        yield spelled(value)[:LIMIT]
        return
    together: Any = type(value)()
    size = 0
    for member in members(value):
        length = len(spelled(member))
        if length > LIMIT:
            yield from parts(inner(member))
            continue
        if size + length > LIMIT:
            yield spelled(together)
            together, size = type(value)(), 0
        together = together | member if isinstance(member, dict) else together + member
        size += length
    yield spelled(together)


def check(data: bytes) -> None:
    """json lets surrogates pass in UTF-8, which has none (RFC 3629, section 3): so it gets a str."""
    expected = outcome(lambda text: json_loads(text.decode()), data)
    assert same(outcome(rjson.loads, data), expected), data


@pytest.mark.parametrize("name", DOCUMENTS)
def test_beginnings_of_a_whole_document(name):
    """None is a document, and what is wrong with it is not said to be behind its end."""
    data = spelled(DOCUMENTS[name]).encode()
    for end in range(0, len(data), len(data) // BEGINNINGS + 1):
        with pytest.raises(rjson.DecodeError) as e:
            rjson.loads(data[:end])
        assert e.value.pos <= end


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_beginning_of_every_part(name):
    for text in parts(DOCUMENTS[name]):
        data = text.encode()
        for end in range(len(data)):
            check(data[:end])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_byte_of_every_part(name):
    rng = random.Random(name)
    for text in parts(DOCUMENTS[name]):
        data = bytearray(text.encode())
        for place, before in enumerate(data):
            for byte in rng.sample(range(256), BYTES_TRIED):
                data[place] = byte
                check(bytes(data))
            data[place] = before
