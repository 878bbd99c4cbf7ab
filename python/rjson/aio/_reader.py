"""Reading JSON from asyncio's streams, value by value as it arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from .._core import Decoder, Feeder
from .._decoder import CHUNK_SIZE
from .._events import EventLines
from .._hints import instead
from .._options import DecodeOptions, Framing, OnError
from . import _loops

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Reader(Protocol):
    """What values are read from: an `asyncio.StreamReader`, or anything with its `read`."""

    async def read(self, n: int, /) -> Any:
        """Up to `n` bytes, as soon as there are any; none at the end."""


def iterload(
    reader: Reader | AsyncIterable[Any],
    /,
    *,
    framing: Framing = "auto",
    chunk_size: int = CHUNK_SIZE,
    max_bytes: int | None = None,
    on_error: OnError = "raise",
    end: bool = False,
    **options: Unpack[DecodeOptions],
) -> AsyncIterator[Any]:
    """The values of a text one by one, as they arrive: `rjson.iterload` for asyncio and trio.

    Other tasks have their turn after each chunk, also where the text arrives faster than it is used.

    Args:
        reader: An `asyncio.StreamReader`, anything with such a `read`, or an async iterator of bytes or str, whose parts may
            be cut anywhere.
        framing, chunk_size, max_bytes, on_error, end, **options: Those of `rjson.iterload`.

    Raises:
        DecodeError: The text is not what `framing` says. The values before that place have been yielded by then.
        Exception: Whatever reading raises. After that, and after a `__anext__` that was cancelled or timed out, the
            iterator goes on where it was when it is asked again. An async generator that it reads from cannot: that is over
            when it is cancelled, and asking again raises.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
    feeder = Feeder(Decoder(**options), framing, max_bytes=max_bytes, on_error=on_error, end=end)
    read = _read(reader)
    return _Values(feeder, _event_reader(read, max_bytes) if framing == "sse" else read, chunk_size)


def _event_reader(read: Callable[[int], Awaitable[Any]], max_bytes: int | None) -> Callable[[int], Awaitable[Any]]:
    """See event_reader."""
    events = EventLines(max_bytes)

    async def read_lines(size: int) -> Any:
        while part := await read(size):
            if lines := events.lines(part):
                return lines
        return part

    return read_lines


def _read(reader: Any) -> Callable[[int], Awaitable[Any]]:
    """What reads up to so many bytes, as soon as there are any."""
    if hasattr(reader, "aiter_bytes"):  # httpx
        return _Parts(reader.aiter_bytes()).read
    if hasattr(reader, "read"):
        return reader.read  # type: ignore[no-any-return]
    if hasattr(reader, "__aiter__"):
        return _Parts(reader.__aiter__()).read
    hint = instead(reader, path="rjson.iterload_path(path) reads a file by its name")
    if not hint and hasattr(reader, "__iter__"):
        hint = " (rjson.iterload reads from it)"
    raise TypeError(
        "aio.iterload() takes an object with an async read(), or an async iterator of bytes, "
        f"not {type(reader).__name__}: {reader!r:.200}{hint}"
    )


class _Parts:
    """Reads from an async iterator, in parts as it gives them. One that failed is not taken for one that has ended."""

    def __init__(self, parts: AsyncIterator[Any]) -> None:
        self._parts = parts
        self._failure: BaseException | None = None

    async def read(self, _size: int) -> Any:
        while True:
            try:
                part = await self._parts.__anext__()
            except StopAsyncIteration:
                self._raise_failure()
                return b""
            except BaseException as e:
                self._failure = e
                raise
            self._failure = None
            if part is None or len(part) > 0:  # an empty part is not the end
                return part

    def _raise_failure(self) -> None:
        if isinstance(self._failure, Exception):
            raise self._failure
        if self._failure is not None:
            raise RuntimeError("the async iterator was cancelled, and gives nothing any more") from self._failure


class _Values(AsyncIterator[Any]):
    """The iterator that iterload() returns.

    An async generator is over after whatever leaves it, a cancellation too. So what is known of the text is kept here, and
    another generator goes on with it.
    """

    def __init__(self, feeder: Feeder, read: Callable[[int], Awaitable[Any]], chunk_size: int) -> None:
        self._feeder = feeder
        self._read = read
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
            self._is_all_read = self._feeder.feed(await self._read(self._chunk_size))

    def _take(self) -> bool:
        """Whether there were more values in what has been read."""
        try:
            values = self._feeder.take()
        except BaseException:
            self._is_over = self._feeder.is_over
            raise
        self._batch = iter(values)
        return bool(values)
