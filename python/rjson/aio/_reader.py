"""Reading JSON from asyncio's streams, value by value as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from .._core import Decoder, Feeder
from .._decoder import CHUNK_SIZE
from .._options import DecodeOptions, Framing

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Reader(Protocol):
    """What values are read from: an `asyncio.StreamReader`, or anything with its `read`."""

    async def read(self, n: int, /) -> Any:
        """Up to `n` bytes, as soon as there are any; none at the end."""


def iterload(
    reader: Reader, /, *, framing: Framing = "auto", chunk_size: int = CHUNK_SIZE, **options: Unpack[DecodeOptions]
) -> AsyncIterator[Any]:
    """The values of a text one by one, as they arrive: `rjson.iterload` for asyncio.

    Other tasks have their turn after each chunk, also where the text arrives faster than it is used.

    Args:
        reader: An `asyncio.StreamReader`, or anything with such a `read`.
        framing, chunk_size, **options: Those of `rjson.iterload`.

    Raises:
        DecodeError: The text is not what `framing` says. The values before that place have been yielded by then.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
    return _values(Feeder(Decoder(**options), framing), reader, chunk_size)


async def _values(feeder: Feeder, reader: Reader, chunk_size: int) -> AsyncIterator[Any]:
    is_last = False
    while not is_last:
        is_last = feeder.feed(await reader.read(chunk_size))
        while values := feeder.take():
            for value in values:
                yield value
        await asyncio.sleep(0)
