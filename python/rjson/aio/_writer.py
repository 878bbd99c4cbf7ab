"""dump, iterencode and Writer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from .. import _encoder
from .._core import PUMP_DONE, Pump
from . import _loops, _targets
from ._driver import Flush, Piece, Rules, close_sources, nowhere, pieces, rules_from, set_bytes_written

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .._options import Options

CHUNK_SIZE = 65536
SLICE_US = 1000
FLUSH = 0.01

# What small replies should not compute again and again.
_DEFAULT_RULES = rules_from(FLUSH, _loops.ASYNCIO, True, False)

Framing = Literal["lines", "array", "seq", "concat", "http-chunked"]


class _Affixes(NamedTuple):
    """What stands around documents."""

    first: bytes
    next: bytes
    suffix: bytes
    end: bytes  # after the last document
    end_of_none: bytes  # if there was no document
    only: bytes  # after a document that is the only one


_FRAMINGS = {
    "lines": _Affixes(b"", b"", b"\n", b"", b"", b"\n"),
    "array": _Affixes(b"[", b",", b"", b"]", b"[]", b"]"),
    "seq": _Affixes(b"\x1e", b"\x1e", b"\n", b"", b"", b"\n"),  # RFC 7464
    "concat": _Affixes(b"", b"", b"", b"", b"", b""),
    "http-chunked": _Affixes(b"", b"", b"", b"", b"", b""),
}

# Documents that end with one of these need no space before the next: `1` and `2` would become `12`.
_SELF_DELIMITING = frozenset(b']}"')


def _affixes(framing: str) -> _Affixes:
    if framing not in _FRAMINGS:
        raise ValueError(f"framing must be one of {', '.join(map(repr, _FRAMINGS))}, not {framing!r}")
    return _FRAMINGS[framing]


def _encoder_from(encoder: _encoder.Encoder | None, options: Any) -> _encoder.Encoder:
    if encoder is None:
        return _encoder.encoder_for(options)
    if options:
        raise TypeError(f"the options go into the encoder: {', '.join(options)}")
    return encoder


def _check_lines(framing: str, encoder: _encoder.Encoder) -> None:
    if framing == "lines" and getattr(encoder, "_breaks_lines", False):
        raise ValueError(f"framing='lines' is for documents of one line, and this encoder breaks lines: {encoder!r}")


# ---- one document to a target

# The keys of the targets that are in the middle of a document.
_busy: set[int] = set()


def _refuse() -> None:
    raise RuntimeError("another document is being written there (to write several at once, use one Writer)")


async def _write_piece(pump: Pump, target: _targets.Target, piece: Piece) -> None:
    """Hand a piece over, and wait until the target wants the next."""
    try:
        waiting = target.write(piece)
        if waiting is not None:
            pump.trim()
            await waiting
            pump.new_slice()
    except BaseException:
        if target.took != _targets.TOOK_ALL:
            pump.refuse(target.took == _targets.TOOK_SOME)
        raise


async def _deliver(pump: Pump, state: int | None, target: _targets.Target, rules: Rules) -> None:
    """Run a document on, to `target`, which is aborted if that fails in the middle. `state` as for `pieces`."""
    stream = None
    _busy.add(target.key)
    try:
        if state is None:
            state = pump.run(-1)
        if state != PUMP_DONE:
            stream = pieces(pump, state, rules, target.direct_fd, target.drive)
            async for piece in stream:
                await _write_piece(pump, target, piece)
        elif rules.at_end:
            whole = pump.flush(target.direct_fd(), rules.last)
            if whole is not None:
                await _write_piece(pump, target, whole)
        if target.finish:
            await target.finish()
    except BaseException as e:
        await _give_up(pump, target, rules, e, stream)
        raise
    finally:
        _busy.discard(target.key)


async def _give_up(
    pump: Pump, target: _targets.Target, rules: Rules, error: BaseException, stream: AsyncGenerator[Piece, None] | None
) -> None:
    """After an error: show the peer that something is missing, and close the sources."""
    aborting = _abort(target) if pump.is_broken else None
    set_bytes_written(error, pump.bytes_written)
    leftovers = pump.finish()
    if isinstance(error, GeneratorExit):  # the coroutine is dropped: nothing can be awaited any more
        return
    if aborting is not None:
        await aborting
    if stream is not None:
        await stream.aclose()
    await close_sources(*leftovers, rules.loop)


def _abort(target: _targets.Target) -> Awaitable[None] | None:
    try:
        return target.abort()
    except Exception:  # the event loop is closed, say; there is an exception on its way that says more
        return None


async def dump(
    obj: Any,
    writer: Any,
    *,
    framing: Framing = "concat",
    chunk_size: int = CHUNK_SIZE,
    slice_us: int = SLICE_US,
    flush: Flush = FLUSH,
    timeout: float | None = None,
    encoder: _encoder.Encoder | None = None,
    **options: Unpack[Options],
) -> int:
    """Encode `obj` as JSON and write it to `writer` while it is being encoded, at the pace of whoever reads.

    Args:
        obj: What `rjson.dumps` takes. It may hold async iterators at any depth: each is an array, consumed as it is sent.
        writer: An `asyncio.StreamWriter`, a `WriteTransport` of asyncio's or uvloop's (TCP, Unix, TLS, pipe), a stream
            socket, or an object with an awaitable `send_all()`, `write()` or `send()`, on asyncio or trio. It is not closed.
        framing: What to put around the document; see `Writer`. With "http-chunked" it is a complete body.
        chunk_size: Bytes per write, about, and what is held in memory beside the writer's own buffer.
        slice_us: Microseconds that encoding may hold the event loop at a time.
        flush: When bytes leave before a chunk is full. A number: seconds that they wait for a slow source. "item": besides,
            after each item of an iterator that is in no other array. "full": never.
        timeout: Seconds to wait at most while `writer` accepts nothing; None is no limit.
        encoder: An `rjson.Encoder` in place of options.
        **options: Those of `rjson.Encoder`. `default` may return an awaitable.

    Returns:
        How many bytes the document has, with its framing.

    Raises:
        EncodeError: Something cannot be encoded. It has `.bytes_written`, as has every other exception that leaves this
            function: the bytes of the document that `writer` had accepted. If that is 0, `writer` can still be used.
            Otherwise it is aborted, so that the peer does not take what it got for all there is: a TCP connection is reset
            (of transports, sockets, aiohttp's and sanic's responses, trio's and anyio's streams, objects with a
            `transport`); of other objects `abort()` is called. Where neither is there, nothing shows but this exception:
            let it leave the handler.
        ConnectionError: The connection was lost.
        TimeoutError: `writer` accepted nothing for `timeout` seconds.
        RuntimeError: Another document is being written to it.

    >>> import asyncio
    >>> async def numbers():
    ...     for n in range(3):
    ...         yield n
    >>> async def serve(reader, writer):
    ...     await dump({"n": numbers()}, writer)
    ...     writer.close()
    >>> async def main():
    ...     server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ...     reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    ...     print(await reader.read())
    ...     writer.close()
    ...     server.close()
    >>> asyncio.run(main())
    b'{"n":[0,1,2]}'
    """
    affixes = _FRAMINGS.get(framing) or _affixes(framing)
    target = _targets.resolve(writer, timeout)
    is_http = framing == "http-chunked"
    if flush is FLUSH and target.loop is _loops.ASYNCIO and not is_http:
        rules, point = _DEFAULT_RULES
    else:
        rules, point = rules_from(flush, target.loop, True, is_http)
    if target.key in _busy:
        _refuse()
    if encoder is None or options:
        encoder = _encoder_from(encoder, options)
    if framing == "lines":
        _check_lines(framing, encoder)
    pump = Pump(encoder, chunk_size, slice_us, is_http, point)
    pump.begin(obj, affixes.first, affixes.only)
    try:
        size = pump.send_whole(target.direct_fd(), is_http)
    except BaseException as e:
        await _give_up(pump, target, rules, e, None)
        raise
    if size is not None:
        return size
    await _deliver(pump, pump.state, target, rules)
    return pump.size


def iterencode(
    obj: Any,
    *,
    chunk_size: int = CHUNK_SIZE,
    slice_us: int = SLICE_US,
    flush: Flush = FLUSH,
    encoder: _encoder.Encoder | None = None,
    **options: Unpack[Options],
) -> AsyncGenerator[bytes, None]:
    """Encode `obj` lazily, as an async iterator of chunks: for ASGI, and everything else that takes one.

    Args:
        obj, slice_us, flush, encoder, **options: As for `dump`.
        chunk_size: The largest size of a chunk, in bytes; less than 512 is taken as 512.

    Returns:
        An async generator of bytes. It may be made where no event loop runs: the loop is the one that it is iterated on. Its
        `aclose()` ends it early, and closes the generators that `obj` holds.

    >>> import asyncio
    >>> async def main():
    ...     return [chunk async for chunk in iterencode(["streamed"])]
    >>> asyncio.run(main())
    [b'["streamed"]']
    """
    chosen = _encoder_from(encoder, options)

    def pump_for(loop: _loops.Loop) -> tuple[Pump, Rules]:
        rules, point = rules_from(flush, loop, True, False)
        return Pump(chosen, chunk_size, slice_us, False, point), rules

    pump_for(_loops.ASYNCIO)  # for what it says about the arguments
    # Only direct sends leave memoryviews.
    return cast("AsyncGenerator[bytes, None]", _pieces_of(obj, pump_for))


async def _pieces_of(obj: Any, pump_for: Callable[[_loops.Loop], tuple[Pump, Rules]]) -> AsyncGenerator[Piece, None]:
    pump, rules = pump_for(_loops.running())
    pump.begin(obj)
    stream = pieces(pump, None, rules, nowhere)
    try:
        async for piece in stream:
            yield piece
    finally:
        await stream.aclose()


# ---- many documents


class Writer:
    """Many documents, one after the other, to one target.

    Concurrent calls of `write` keep documents whole, in the order of the calls. As an async context manager it is closed at
    the end, or aborted if an exception leaves the block. The target itself is never closed.

    Args:
        writer, chunk_size, slice_us, timeout, encoder, **options: As for `dump`.
        framing: "lines": a newline after each document (NDJSON). "array": one array, whose items the documents are. "seq":
            JSON text sequences (RFC 7464). "concat": nothing, but for a space where two numbers or words would run together.
            "http-chunked": "concat", as the chunked body of an HTTP/1.1 message (RFC 9112, section 7.1).
        http_chunked: Send any framing as a chunked body. Size lines are written in place, around the chunk.
        flush: As for `dump`; and a document leaves when it is complete, except with "full", which collects documents until a
            chunk is full or `flush` is called.

    Raises:
        RuntimeError: No event loop is running.

    Attributes:
        bytes_written: What the target has accepted so far, without HTTP's own framing.
    """

    def __init__(
        self,
        writer: Any,
        *,
        framing: Framing = "lines",
        http_chunked: bool = False,
        chunk_size: int = CHUNK_SIZE,
        slice_us: int = SLICE_US,
        flush: Flush = FLUSH,
        timeout: float | None = None,
        encoder: _encoder.Encoder | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._affixes = _affixes(framing)
        self._spaced = framing in ("concat", "http-chunked")
        self._target = _targets.resolve(writer, timeout)
        self._rules, point = rules_from(flush, self._target.loop, flush != "full", False)
        is_http = http_chunked or framing == "http-chunked"
        encoder = _encoder_from(encoder, options)
        _check_lines(framing, encoder)
        self._pump = Pump(encoder, chunk_size, slice_us, is_http, point)
        self._count = 0
        self._failure: BaseException | None = None
        self._is_closed = False
        self._lock = self._target.loop.new_lock()
        self._owner: object = None  # the task that holds the lock

    @property
    def bytes_written(self) -> int:
        return self._pump.total

    async def write(self, obj: Any) -> int:
        """Write one document.

        Returns:
            How many bytes it has, with its framing.

        Raises:
            EncodeError: See `dump`. If nothing of the document has been sent, the writer goes on as if it had not been.
            ConnectionAbortedError: An earlier document failed in the middle. That failure is the `__cause__`.
            ValueError: The writer is closed.
        """
        await self._acquire()
        try:
            self._check_usable()
            if self._target.key in _busy:
                _refuse()
            self._pump.begin(obj, self._prefix(), self._affixes.suffix)
            try:
                await _deliver(self._pump, None, self._target, self._rules)
            except BaseException as e:
                self._note_failure(e)
                raise
            self._count += 1
            return self._pump.size
        finally:
            self._release()

    async def flush(self) -> None:
        """Hand the target what is held, and wait until it wants more."""
        await self._acquire()
        try:
            self._check_usable()
            await self._push(last=False)
        finally:
            self._release()

    async def close(self) -> None:
        """End the framing, and flush. Closing twice does nothing. The target stays open."""
        await self._acquire()
        try:
            if self._is_closed or self._failure:
                return
            end = self._affixes.end if self._count else self._affixes.end_of_none
            if not self._pump.append(end):
                await self._push(last=False)
                self._pump.append(end)
            await self._push(last=True)
        finally:
            self._is_closed = True
            self._release()

    async def abort(self) -> None:
        """Give up: what is held is dropped, and the peer is shown that something is missing."""
        self._is_closed = True
        aborting = _abort(self._target)
        if aborting is not None:
            await aborting

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.close()
        elif self._failure is None and self.bytes_written > 0:
            await self.abort()
        self._is_closed = True

    def _prefix(self) -> bytes:
        if self._count == 0:
            return self._affixes.first
        if self._spaced and self._pump.last_byte not in _SELF_DELIMITING:
            return b" "
        return self._affixes.next

    async def _push(self, *, last: bool) -> None:
        piece = self._pump.flush(self._target.direct_fd(), last)
        try:
            if piece is not None:
                await _write_piece(self._pump, self._target, piece)
            if self._target.finish:
                await self._target.finish()
        except BaseException as e:
            if self._target.finish or self._target.took != _targets.TOOK_ALL:
                self._failure = e
                _abort(self._target)
            raise

    def _note_failure(self, error: BaseException) -> None:
        if self._pump.is_broken:
            self._failure = error

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise ConnectionAbortedError(f"the writer failed before: {self._failure!r}") from self._failure
        if self._is_closed:
            raise ValueError("the writer is closed")

    async def _acquire(self) -> None:
        task = self._rules.loop.current_task()
        if self._owner is task:
            raise RuntimeError("the writer is used by the document that it is writing")
        await self._lock.acquire()
        self._owner = task

    def _release(self) -> None:
        self._owner = None
        self._lock.release()
