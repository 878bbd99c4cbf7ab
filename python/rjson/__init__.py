"""rjson: JSON, encoded while it is being sent.

>>> import rjson
>>> rjson.dumps({"id": 17, "tags": ["a", "b"]})
'{"id":17,"tags":["a","b"]}'
"""

from ._core import EncodeError, Raw, __version__, dumps, dumps_bytes, isa, loads
from ._decoder import iterload, load
from ._encoder import Encoder, dump, dump_to, iterencode

__all__ = [
    "DecodeError",
    "DecodeOptions",
    "EncodeError",
    "Encoder",
    "Event",
    "Options",
    "Raw",
    "Writer",
    "__version__",
    "compressed",
    "dump",
    "dump_path",
    "dump_to",
    "dumps",
    "dumps_bytes",
    "isa",
    "iterencode",
    "iterload",
    "iterload_path",
    "load",
    "load_path",
    "loads",
    "reformat",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._compressed import compressed
    from ._decode_error import DecodeError
    from ._framing import Event
    from ._options import DecodeOptions, Options
    from ._paths import dump_path, iterload_path, load_path
    from ._reformat import reformat
    from ._writer import Writer

# Where a name comes from that is imported when it is asked for: most programs do without json, typing, asyncio and libuv.
_LATE = {
    "DecodeError": "_decode_error",
    "DecodeOptions": "_options",
    "Event": "_framing",
    "Options": "_options",
    "Writer": "_writer",
    "compressed": "_compressed",
    "dump_path": "_paths",
    "iterload_path": "_paths",
    "load_path": "_paths",
    "reformat": "_reformat",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _LATE:
        return getattr(import_module(f"rjson.{_LATE[name]}"), name)
    if name in ("aio", "compat", "uv"):
        return import_module(f"rjson.{name}")
    raise AttributeError(f"module 'rjson' has no attribute {name!r}")
