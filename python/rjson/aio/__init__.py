"""rjson.aio: JSON written to asyncio's transports (and uvloop's, and trio's streams) at the reader's pace.

Documents of any size, or still being produced, in constant memory, without stalling the event loop.
"""

from ._reader import iterload
from ._writer import Writer, dump, iterencode

__all__ = ["Writer", "dump", "iterencode", "iterload"]
