"""What is installed beside rjson: encoders, each as its fastest calls for compact JSON (to bytes, to str), and decoders."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any, NamedTuple

Encode = Callable[[Any], object]


class Peer(NamedTuple):
    name: str
    version: str
    to_bytes: Encode
    to_str: Encode


def _rjson(m: ModuleType) -> tuple[Encode, Encode]:
    return m.dumps_bytes, m.dumps


def _orjson(m: ModuleType) -> tuple[Encode, Encode]:
    return m.dumps, lambda obj: m.dumps(obj).decode()


def _ssrjson(m: ModuleType) -> tuple[Encode, Encode]:
    return m.dumps_to_bytes, m.dumps


def _msgspec(m: ModuleType) -> tuple[Encode, Encode]:
    encode = m.json.Encoder().encode
    return encode, lambda obj: encode(obj).decode()


def _ujson(m: ModuleType) -> tuple[Encode, Encode]:
    def to_str(obj: Any) -> str:
        return m.dumps(obj, ensure_ascii=False, escape_forward_slashes=False)

    return lambda obj: to_str(obj).encode(), to_str


def _rapidjson(m: ModuleType) -> tuple[Encode, Encode]:
    def to_str(obj: Any) -> str:
        return m.dumps(obj, ensure_ascii=False)

    return lambda obj: to_str(obj).encode(), to_str


def _standard(m: ModuleType) -> tuple[Encode, Encode]:
    to_str = m.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return lambda obj: to_str(obj).encode(), to_str


# module, distribution (None: of the standard library), its calls
KNOWN: list[tuple[str, str | None, Callable[[ModuleType], tuple[Encode, Encode]]]] = [
    ("rjson", "rjson", _rjson),
    ("orjson", "orjson", _orjson),
    ("ssrjson", "ssrjson", _ssrjson),
    ("msgspec", "msgspec", _msgspec),
    ("ujson", "ujson", _ujson),
    ("rapidjson", "python-rapidjson", _rapidjson),
    ("simplejson", "simplejson", _standard),
    ("json", None, _standard),
]


def installed(only: set[str] | None = None) -> list[Peer]:
    """rjson first. `only`: these modules, and rjson."""
    peers = []
    for module, distribution, calls in KNOWN:
        if only and module != "rjson" and module not in only:
            continue
        try:
            loaded = importlib.import_module(module)
        except ImportError:
            continue
        peers.append(Peer(module, version(distribution) if distribution else "", *calls(loaded)))
    return peers


class Decoder(NamedTuple):
    name: str
    version: str
    loads: Callable[[Any], Any]


def installed_decoders(only: set[str] | None = None) -> list[Decoder]:
    """The same for reading."""
    decoders = []
    for peer in installed(only):
        module = importlib.import_module(peer.name)
        loads = module.json.Decoder().decode if peer.name == "msgspec" else module.loads
        decoders.append(Decoder(peer.name, peer.version, loads))
    return decoders
