"""rjson: JSON, encoded while it is being sent.

>>> import rjson
>>> rjson.dumps({"id": 17, "tags": ["a", "b"]})
'{"id":17,"tags":["a","b"]}'
"""

from typing import TYPE_CHECKING, Any

from ._core import EncodeError, Raw, __version__, dumps, dumps_bytes, isa, loads
from ._decoder import DecodeOptions, iterload, load
from ._encoder import Encoder, Options, dump, dump_to, iterencode

__all__ = [
    "DecodeError",
    "DecodeOptions",
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
    "iterload",
    "load",
    "loads",
]

if TYPE_CHECKING:
    from ._decode_error import DecodeError


def __getattr__(name: str) -> Any:
    """What needs asyncio, json or libuv is imported when it is asked for: most programs do without."""
    if name == "DecodeError":
        from ._decode_error import DecodeError

        return DecodeError
    if name in ("aio", "compat", "uv"):
        from importlib import import_module

        return import_module(f"rjson.{name}")
    raise AttributeError(f"module 'rjson' has no attribute {name!r}")
