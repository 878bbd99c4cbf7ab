"""rjson: JSON, encoded while it is being sent.

>>> import rjson
>>> rjson.dumps({"id": 17, "tags": ["a", "b"]})
'{"id":17,"tags":["a","b"]}'
"""

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
