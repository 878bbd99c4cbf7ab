"""rjson: JSON, encoded while it is being sent.

>>> import rjson
>>> rjson.dumps({"id": 17, "tags": ["a", "b"]})
'{"id":17,"tags":["a","b"]}'
"""

from typing import Any

from ._core import EncodeError, Raw, __version__, dumps, dumps_bytes, isa
from ._encoder import Encoder, Options, dump, dump_to, iterencode

__all__ = [
    "EncodeError",
    "Encoder",
    "Options",
    "Raw",
    "__version__",
    "dump",
    "dump_to",
    "dumps",
    "dumps_bytes",
    "isa",
    "iterencode",
]


def __getattr__(name: str) -> Any:
    """rjson.aio, compat and uv, imported when they are asked for: most programs do without asyncio, json and libuv."""
    if name in ("aio", "compat", "uv"):
        from importlib import import_module

        return import_module(f"rjson.{name}")
    raise AttributeError(f"module 'rjson' has no attribute {name!r}")
