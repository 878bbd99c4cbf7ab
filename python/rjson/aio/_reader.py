"""Reading JSON from asyncio's streams, value by value as it arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from .._core import Decoder, Feeder
from .._decoder import CHUNK_SIZE
from .._hints import instead
from .._options import DecodeOptions, Framing
from . import _loops

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Reader(Protocol):
    """What values are read from: an `asyncio.StreamReader`, or anything with its `read`."""

    async def read(self, n: int, /) -> Any:
        """Up to `n` bytes, as soon as there are any; none at the end."""


def iterload(
    reader: Reader, /, *, framing: Framing = "auto", chunk_size: int = CHUNK_SIZE, **options: Unpack[DecodeOptions]
) -> AsyncIterator[Any]:
    """The values of a text one by one, as they arrive: `rjson.iterload` for asyncio and trio.

    Other tasks have their turn after each chunk, also where the text arrives faster than it is used.

    Args:
        reader: An `asyncio.StreamReader`, or anything with such a `read`.
        framing, chunk_size, **options: Those of `rjson.iterload`.

    Raises:
        DecodeError: The text is not what `framing` says. The values before that place have been yielded by then.
        Exception: Whatever reading raises. After that, and after a `__anext__` that was cancelled or timed out, the
            iterator goes on where it was when it is asked again.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
    hint = instead(reader, path="rjson.iterload_path(path) reads a file by its name")
    if hint:
        raise TypeError(
            f"reader must have a read() to be awaited, and {type(reader).__name__} has none: {reader!r:.200}{hint}"
        )
    return _Values(Feeder(Decoder(**options), framing), reader, chunk_size)


class _Values(AsyncIterator[Any]):
    """The iterator that iterload() returns.

    An async generator is over after whatever leaves it, a cancellation too. So what is known of the text is kept here, and
    another generator goes on with it.
    """

    def __init__(self, feeder: Feeder, reader: Reader, chunk_size: int) -> None:
        self._feeder = feeder
        self._reader = reader
        self._chunk_size = chunk_size
        self._batch: Iterator[Any] = iter(())  # values that nobody has been given yet
        self._is_all_read = False
        self._is_over = False
        self._generator: Any = self._generate()

    def __anext__(self) -> Awaitable[Any]:
        if self._generator.ag_frame is None and not self._is_over:
            self._generator = self._generate()
        return self._generator.__anext__()  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """End it early. The reader is not closed."""
        self._is_over = True
        await self._generator.aclose()

    async def _generate(self) -> AsyncGenerator[Any, None]:
        turn = _loops.running().turn
        while True:
            for value in self._batch:
                yield value
            if self._take():
                continue
            if self._is_all_read:
                self._is_over = True
                return
            await turn()
            self._is_all_read = self._feeder.feed(await self._reader.read(self._chunk_size))

    def _take(self) -> bool:
        """Whether there were more values in what has been read."""
        try:
            values = self._feeder.take()
        except BaseException:
            self._is_over = True
            raise
        self._batch = iter(values)
        return bool(values)
