"""dump, iterencode and Writer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from .. import _encoder
from .._builder import PIECE_FIRST, PIECE_INNER, PIECE_LAST, Shape
from .._core import FLUSH_NEVER, PUMP_DONE, Pump
from .._framing import comment_bytes, event_head, new_pump
from .._options import Flush, Progress, WriteFraming
from .._progress import Teller, teller_for
from . import _loops, _targets
from ._driver import (
    TOOK_ALL,
    TOOK_NOTHING,
    TOOK_SOME,
    Nowhere,
    Piece,
    Rules,
    check_flush,
    close_sources,
    pieces,
    rules_from,
    set_bytes_written,
)

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .._options import Options

CHUNK_SIZE = 65536
SLICE_US = 1000
FLUSH = 0.01

# What small replies should not compute again and again.
_DEFAULT_RULES = rules_from(FLUSH, _loops.ASYNCIO, True, False)

Framing = WriteFraming | Literal["http-chunked"]


def _encoder_from(encoder: _encoder.Encoder | None, options: Any) -> _encoder.Encoder:
    if encoder is None:
        return _encoder.encoder_for(options)
    if options:
        raise TypeError(f"the options go into the encoder: {', '.join(options)}")
    return encoder


def _new_pump(
    encoder: _encoder.Encoder, framing: Framing | None, flush_point: int, chunk_size: int, slice_us: int, is_http: bool
) -> Pump:
    if slice_us < 1:
        raise ValueError(f"slice_us must be at least 1, not {slice_us}")
    name = "concat" if framing == "http-chunked" else framing
    return new_pump(encoder, name, flush_point, chunk_size=chunk_size, slice_us=slice_us, http_chunked=is_http)


# ---- one document to a target

# The keys of the targets that are in the middle of a document.
_busy: set[int] = set()


def _refuse() -> None:
    raise RuntimeError("another document is being written there (to write several at once, use one Writer)")


def _refuse_piece(pump: Pump, target: _targets.Target) -> None:
    """After a failure, which may have come before the target was asked. Twice is once."""
    if target.took != TOOK_ALL:
        pump.refuse(target.took == TOOK_SOME)


async def _write_piece(pump: Pump, target: _targets.Target, piece: Piece) -> None:
    """Hand a piece over, and wait until the target wants the next."""
    try:
        waiting = target.write(piece)
        if waiting is not None:
            pump.trim()
            await waiting
            pump.new_slice()
    except BaseException:
        _refuse_piece(pump, target)
        raise


async def _deliver(pump: Pump, state: int | None, target: _targets.Target, rules: Rules) -> None:
    """Run a document on, to `target`, which is aborted if that fails in the middle. `state` as for `pieces`."""
    stream = None
    target.took = TOOK_ALL
    _busy.add(target.key)
    try:
        if state is None:
            state = pump.run(-1)
        if state != PUMP_DONE:
            stream = pieces(pump, state, rules, target)
            async for piece in stream:
                await _write_piece(pump, target, piece)
        elif rules.at_end:
            whole = pump.flush(target.direct_fd(), rules.last)
            if whole is not None:
                target.took = TOOK_NOTHING
                await _write_piece(pump, target, whole)
        if target.finish:
            await target.finish()
    except BaseException as e:
        _refuse_piece(pump, target)
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
    # A further cancellation (on trio, the same one) must not keep the rest from being closed.
    interruption: BaseException | None = None
    closing: list[Callable[[], Awaitable[None]]] = [lambda: close_sources(*leftovers, rules.loop)]
    if stream is not None:
        closing.insert(0, stream.aclose)
    if aborting is not None:
        closing.insert(0, lambda: aborting)
    for close in closing:
        try:
            await close()
        except Exception as e:
            rules.loop.report(e, target)
        except BaseException as e:
            interruption = interruption or e
    if interruption is not None:
        raise interruption from error


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
    progress: Progress = None,
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
        progress: Called with the bytes that `writer` has accepted, about once per chunk or slice. What it raises ends the
            document. True: a progress bar, which needs tqdm.
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
    if slice_us < 1:
        raise ValueError(f"slice_us must be at least 1, not {slice_us}")
    pump = Pump(encoder, chunk_size, slice_us, is_http, point, "concat" if framing == "http-chunked" else framing)
    if progress is not None:
        return await _dump_telling(pump, obj, target, rules, progress)
    pump.begin(obj, None, True)
    try:
        size = pump.send_whole(target.direct_fd(), is_http)
    except BaseException as e:
        await _give_up(pump, target, rules, e, None)
        raise
    if size is not None:
        return size
    await _deliver(pump, pump.state, target, rules)
    return pump.size


async def _dump_telling(pump: Pump, obj: Any, target: _targets.Target, rules: Rules, progress: Progress) -> int:
    """The same, for who wants to know how far it is."""
    teller = Teller(progress)
    try:
        pump.begin(obj, None, True)
        await _deliver(pump, None, target, rules._replace(teller=teller))
        _tell_all(teller, pump)
    finally:
        teller.close()
    return pump.size


def _tell_all(teller: Teller, pump: Pump) -> None:
    """What came out of the last run; the document is complete."""
    try:
        teller(pump.total)
    except BaseException as e:
        set_bytes_written(e, pump.bytes_written)
        raise


def iterencode(
    obj: Any,
    *,
    framing: WriteFraming | None = None,
    chunk_size: int = CHUNK_SIZE,
    slice_us: int = SLICE_US,
    flush: Flush = FLUSH,
    progress: Progress = None,
    encoder: _encoder.Encoder | None = None,
    **options: Unpack[Options],
) -> AsyncGenerator[bytes, None]:
    """Encode `obj` lazily, as an async iterator of chunks: for ASGI, and everything else that takes one.

    Args:
        obj, slice_us, encoder, **options: As for `dump`. With `framing`: an iterable or async iterable of
            documents.
        framing: How documents follow each other; see `rjson.iterencode`. None: `obj` is one document.
        flush: As for `dump`. With `framing`, "item" is after each document.
        chunk_size: The largest size of a chunk, in bytes; less than 535 is taken as 535.
        progress: As for `rjson.iterencode`.

    Returns:
        An async generator of bytes. It may be made where no event loop runs: the loop is the one that it is iterated on. Its
        `aclose()` ends it early, and closes the generators that `obj` is in the middle of.

    >>> import asyncio
    >>> async def main():
    ...     return [chunk async for chunk in iterencode(["streamed"])]
    >>> asyncio.run(main())
    [b'["streamed"]']
    """
    check_flush(flush)
    pump = _new_pump(_encoder_from(encoder, options), framing, FLUSH_NEVER, chunk_size, slice_us, False)
    return _chunks(pump, obj, framing, flush, teller_for(progress))


async def _chunks(
    pump: Pump, obj: Any, framing: WriteFraming | None, flush: Flush, teller: Teller | None
) -> AsyncGenerator[bytes, None]:
    rules, pump.flush_point = rules_from(flush, _loops.running(), True, False, ends=framing is not None)
    rules = rules._replace(teller=teller)
    if framing is None:
        pump.begin(obj)
    else:
        pump.begin_all(obj)
    stream = pieces(pump, None, rules, Nowhere())
    try:
        async for piece in stream:
            yield bytes(piece)
        if teller is not None:
            teller(pump.total)
    except BaseException as e:
        set_bytes_written(e, pump.total)
        raise
    finally:
        if teller is not None:
            teller.close()
        await stream.aclose()


# ---- many documents


class Writer:
    """Many documents, one after the other, to one target.

    Concurrent calls of `write` keep documents whole, in the order of the calls. As an async context manager it is closed at
    the end, or aborted if an exception leaves the block. The target itself is never closed.

    Args:
        writer, chunk_size, slice_us, timeout, encoder, **options: As for `dump`.
        framing: "lines": a newline after each document (NDJSON). "array": one array, whose items the documents are. "seq":
            JSON text sequences (RFC 7464). "sse": server-sent events (text/event-stream). "concat": nothing, but for a space
            where two numbers or words would run together. "http-chunked": "concat", as the chunked body of an HTTP/1.1
            message (RFC 9112, section 7.1). Line breaks in documents of "lines" and "sse" become spaces.
        http_chunked: Send any framing as a chunked body. Size lines are written in place, around the chunk.
        flush: As for `dump`; and a document leaves when it is complete, except with "full", which collects documents until a
            chunk is full or `flush` is called.
        progress: Called with `bytes_written`, when that has grown: about once per chunk or slice, and after documents. What
            it raises comes out of the call that is writing, and ends a document that is not complete. True: a progress bar
            until the writer is closed, which needs tqdm.

    Raises:
        RuntimeError: No event loop is running.

    Attributes:
        bytes_written: What the target has accepted so far, without HTTP's own framing.
        documents: How many documents are complete.
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
        progress: Progress = None,
        encoder: _encoder.Encoder | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._has_fields = framing == "sse"
        self._target = _targets.resolve(writer, timeout)
        self._rules, point = rules_from(flush, self._target.loop, flush != "full", False)
        is_http = http_chunked or framing == "http-chunked"
        self._encoder = _encoder_from(encoder, options)
        self._pump = _new_pump(self._encoder, framing, point, chunk_size, slice_us, is_http)
        self._teller = teller_for(progress)
        if self._teller is not None:
            self._rules = self._rules._replace(teller=self._teller)
        self._part_rules = self._rules._replace(at_end=False)
        self._shape: Shape | None = None  # of the document that is being built
        self._failure: BaseException | None = None
        self._is_closed = False
        self._lock = self._target.loop.new_lock(lambda: self._owner)
        self._owner: object = None  # the task that holds the lock
        self._is_busy = False  # the task is in a call of the writer's
        self._is_unsettled = False  # a document has begun, and has neither been completed nor given up in order

    @property
    def bytes_written(self) -> int:
        return self._pump.total

    @property
    def documents(self) -> int:
        return self._pump.documents

    async def write(
        self,
        obj: Any,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> int:
        """Write one document.

        Args:
            obj: What `rjson.dumps` takes, and what `dump` takes beyond that.
            event, id, retry, comment: With framing "sse": see `rjson.Event`.

        Returns:
            How many bytes it has, with its framing.

        Raises:
            EncodeError: See `dump`. If nothing of the document has been sent, the writer goes on as if it had not been.
            ConnectionAbortedError: An earlier document failed in the middle. That failure is the `__cause__`.
            ValueError: The writer is closed; or it has another framing, and an event's fields are given.
        """
        head = event_head(event, id, retry, comment)
        if head is not None and (not self._has_fields or self._shape is not None):
            raise ValueError('event, id, retry and comment need framing="sse"')

        def begin(pump: Pump) -> None:
            if self._shape is None:
                pump.begin(obj, head)
            else:
                pump.begin_part(obj, self._shape.before_value())

        return await self._write(begin)

    async def write_all(self, documents: Any) -> int:
        """Write all documents of an iterable, or async iterable; as many at a time as fit into a chunk. They stay together.

        Args:
            documents: What `write` takes, one by one; with framing "sse" also `rjson.Event`.

        Returns:
            How many bytes they have, with their framing.

        Raises:
            Exception: As from `write`; those before the one that failed are written. `documents` is
                closed, if it is a generator.
        """
        if self._shape is not None:
            raise ValueError("write_all() is for whole documents: inside of object() and array(), write() each value")
        return await self._write(lambda pump: pump.begin_all(documents))

    async def comment(self, text: str = "") -> None:
        """Write an SSE comment, which clients ignore: every 15 seconds or so, it keeps a connection alive."""
        if not self._has_fields:
            raise ValueError('only framing="sse" has comments')
        data = comment_bytes(text)
        await self._write(lambda pump: pump.begin_raw(data))

    def object(self) -> _Level:
        """Build a document, or a value of one, member by member.

        Use it as an async context manager: inside of it, `await key()` names what the next `write()`, `object()` or
        `array()` writes. The document is complete when the outermost level ends; an exception that leaves it gives the
        document up. Other tasks wait meanwhile. Brackets and keys are written without spaces and line breaks.

            async with writer.object():
                await writer.key("rows")
                async with writer.array():
                    async for row in rows:
                        await writer.write(row)
        """
        return _Level(self, "object")

    def array(self) -> _Level:
        """Build a document, or a value of one, item by item: see `object`."""
        return _Level(self, "array")

    async def key(self, name: str) -> None:
        """Inside of `object()`: the name of the value that comes next."""
        if self._shape is None or self._owner is not self._rules.loop.current_task():
            raise ValueError("key() is for members of an object: use it inside of object()")
        self._check_usable()
        self._shape.key(name)

    async def _write(self, begin: Callable[[Pump], None]) -> int:
        await self._acquire()
        try:
            self._check_usable()
            if self._target.key in _busy:
                _refuse()
            before = self._pump.produced
            self._is_unsettled = True
            begin(self._pump)
            await self._go_on(self._rules if self._shape is None else self._part_rules)
            self._tell()
            return self._pump.produced - before
        finally:
            self._release()

    def _tell(self) -> None:
        """Between documents; of one that is built, the driver tells."""
        if self._teller is not None and self._shape is None:
            _tell_all(self._teller, self._pump)

    async def _go_on(self, rules: Rules) -> None:
        try:
            await _deliver(self._pump, None, self._target, rules)
        except BaseException as e:
            self._note_failure(e)
            if self._shape is not None:
                self._shape.failure = e
                self._pump.take_back()
            self._is_unsettled = self._pump.is_open
            raise
        self._is_unsettled = False

    # ---- documents that are built

    async def _begin_level(self, kind: str) -> None:
        await self._acquire()
        shape, depth = None, 0
        try:
            self._check_usable()
            shape = self._shape or Shape(self._encoder)
            depth = shape.depth
            self._is_unsettled = True
            self._pump.begin_raw(shape.begin(kind), PIECE_INNER if depth else PIECE_FIRST)
            await self._go_on(self._part_rules)
            self._shape = shape
        except BaseException:
            if shape is not None:
                shape.cut(depth)
            raise
        finally:
            self._release()

    async def _end_level(self, error: BaseException | None) -> None:
        shape, no_value = self._shape, None
        if shape is None:
            return
        await self._acquire()
        depth = shape.depth
        try:
            data = shape.end()
            if data is None and error is None:
                error = no_value = ValueError("the last key has no value")
            if error is not None and shape.failure is None:
                await self._give_up_shape(shape, error)
            if error is None:
                shape.check()
                assert data is not None
                self._is_unsettled = True
                self._pump.begin_raw(data, PIECE_INNER if shape.depth else PIECE_LAST)
                await self._go_on(self._part_rules if shape.depth else self._rules)
            elif no_value:
                raise no_value
        except BaseException as e:
            if shape.failure is None:
                shape.failure = e
                self._is_unsettled = True
            shape.cut(depth - 1)
            raise
        finally:
            if shape.depth == 0:
                self._shape = None
            self._release()
        self._tell()

    async def _give_up_shape(self, shape: Shape, error: BaseException) -> None:
        shape.failure = error
        if not self._pump.take_back() and self._failure is None:
            self._failure = error
            aborting = _abort(self._target)
            if aborting is not None:
                await aborting

    async def flush(self) -> None:
        """Hand the target what is held, and wait until it wants more."""
        await self._acquire()
        try:
            self._check_usable()
            await self._push(last=False)
            self._tell()
        finally:
            self._release()

    async def close(self) -> None:
        """End the framing, and flush. Closing twice does nothing. The target stays open."""
        await self._acquire()
        if self._shape is not None:
            self._release()
            raise ValueError("a document is being built: leave its object() or array() first")
        try:
            if self._is_closed or self._failure:
                return
            if not self._pump.end():
                await self._push(last=False)
                self._pump.end()
            await self._push(last=True)
            self._tell()
        finally:
            self._end()
            self._release()

    def _end(self) -> None:
        self._is_closed = True
        if self._teller is not None:
            self._teller.close()

    async def abort(self) -> None:
        """Give up: what is held is dropped, and the peer is shown that something is missing."""
        self._end()
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
        self._end()

    async def _push(self, *, last: bool) -> None:
        piece = self._pump.flush(self._target.direct_fd(), last)
        try:
            if piece is not None:
                self._target.took = TOOK_NOTHING
                await _write_piece(self._pump, self._target, piece)
            if self._target.finish:
                await self._target.finish()
        except BaseException as e:
            if self._target.finish or self._target.took != TOOK_ALL:
                self._failure = e
                _abort(self._target)
            raise

    def _note_failure(self, error: BaseException) -> None:
        if self._pump.is_broken:
            self._failure = error

    def _check_usable(self) -> None:
        if self._is_unsettled:
            self._settle()
        if self._failure is not None:
            raise ConnectionAbortedError(f"the writer failed before: {self._failure!r}") from self._failure
        if self._is_closed:
            raise ValueError("the writer is closed")
        if self._shape is not None:
            self._shape.check()

    def _settle(self) -> None:
        """After a failure that nothing could be done about at the time: there was no memory, not even for that."""
        self._is_unsettled = False
        self._pump.finish()
        if not self._pump.take_back() or self._pump.is_broken or self._shape is not None:
            self._failure = self._failure or MemoryError("out of memory in the middle of a document")
            _abort(self._target)

    async def _acquire(self) -> None:
        task = self._rules.loop.current_task()
        if self._owner is not task:
            await self._lock.acquire()
            self._owner = task
        elif self._shape is None or self._is_busy:  # else it is the task that builds a document
            raise RuntimeError("the writer is used by the document that it is writing")
        self._is_busy = True

    def _release(self) -> None:
        self._is_busy = False
        if self._shape is None:
            self._owner = None
            self._lock.release()


class _Level:
    """An object or array that is being written."""

    def __init__(self, writer: Writer, kind: str) -> None:
        self._writer = writer
        self._kind = kind

    async def __aenter__(self) -> None:
        await self._writer._begin_level(self._kind)

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._writer._end_level(error)
