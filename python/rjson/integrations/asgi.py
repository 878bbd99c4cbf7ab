"""Streaming JSON for ASGI: responses that are ASGI applications of their own, for every framework that has no module here.

>>> async def app(scope, receive, send):
...     await NDJSONResponse({"n": n} for n in range(3))(scope, receive, send)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ._chunks import Chunks, Job, chunks_of, shielded, small_document
from ._http import (
    CHUNK_SIZE,
    FLUSH,
    PING,
    AfterError,
    Compression,
    Compressor,
    ErrorRecord,
    Headers,
    accepts,
    check_ping,
    encoder_from,
    ends_after_error,
    header_pairs,
    media_type_of,
    new_compressor,
    report,
    stream_headers,
    with_records,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._encoder import Encoder
    from .._options import Flush, Options, WriteFraming

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_PING = b": ping\n\n"


class Body(Job):
    """What a response says, in whatever framework: how its chunks are made, compressed and kept alive.

    Args:
        obj: A document; with `framing` an iterable or async iterable of them. It is not touched before the response is sent.
        framing: None for one document, or that of `rjson.iterencode`.
        flush, chunk_size: As for `rjson.iterencode`.
        threaded: Whether synchronous sources run in a thread of their own. None: the rows themselves, and iterators
            that are the document or direct members of it, do.
        compression: "gzip" or "zstd", for clients that accept it; each chunk can be read at once.
        end: Add a last record, `{"$end": count}` ("lines", "seq"), or an event "end" ("sse"), which
            `rjson.iterload(..., end=True)` checks.
        error: Add a last record `{"$error": ...}`, or an event "error", when the source fails. True: without details; a
            function: with what it makes of the exception.
        after_error: What follows that record. "cut": nothing ends the response properly, and the exception goes on. "end":
            the response ends as a whole one does, and the exception goes to the log ("rjson.integrations"); only who
            looks at the last record knows of it. For clients that throw away what they have not read of a response that
            is cut, as browsers do.
        ping: "sse": seconds of silence after which a comment is sent. None: never.
    """

    def __init__(
        self,
        obj: Any,
        framing: WriteFraming | None,
        encoder: Encoder,
        *,
        flush: Flush = FLUSH,
        chunk_size: int = CHUNK_SIZE,
        threaded: bool | None = None,
        compression: Compression | None = None,
        end: bool = False,
        error: ErrorRecord = False,
        after_error: AfterError = "cut",
        ping: float | None = PING,
    ) -> None:
        if compression is not None:
            new_compressor(compression)  # so that a wrong name is an error here
        self.compression: Compression | None = compression
        # Most responses are small and have none of these: even a call counts.
        if ping is not PING:
            ping = check_ping(ping)
        self.ping: float | None = ping if framing == "sse" else None
        self._ends_after_error = after_error != "cut" and ends_after_error(after_error, error)
        self.last_words = None
        if end or error:
            obj, self.last_words = with_records(obj, framing, end, error, encoder)
        self.obj = obj
        self.encoder = encoder
        self.framing = framing
        self.flush = flush
        self.chunk_size = chunk_size
        self.threaded = threaded

    def compressor(self, accept_encoding: str) -> Compressor | None:
        """For a client; None if it does not want any."""
        if self.compression is None or not accepts(accept_encoding, self.compression):
            return None
        return new_compressor(self.compression)

    def settles(self, error: Exception, chunks: Chunks) -> bool:
        """Whether a failure ends the response properly: its last chunk has told of it."""
        if not (self._ends_after_error and chunks.said_last_words):
            return False
        report(error)
        return True

    async def parts(self, chunks: Chunks, opening: Opening, compressor: Compressor | None) -> AsyncIterator[bytes]:
        """What is sent, chunk by chunk, pings between events included."""
        pieces = _pieces(chunks, opening) if self.ping is None else _with_pings(chunks, opening, self.ping)
        try:
            async for piece in pieces:
                yield compressor.add(piece) if compressor else piece
        except Exception as e:
            if not self.settles(e, chunks):
                raise
        finally:
            await shielded(pieces.aclose())
        if compressor:
            yield compressor.end()


async def _pieces(chunks: Chunks, opening: Opening) -> AsyncGenerator[bytes, None]:
    if opening.first:
        yield opening.first
    async for piece in chunks:
        yield bytes(piece)


async def _with_pings(chunks: Chunks, opening: Opening, seconds: float) -> AsyncGenerator[bytes, None]:
    following = opening.pending or asyncio.ensure_future(_next(chunks))
    between = True  # events, and not within one that is half sent
    try:
        if opening.first:
            between = opening.first.endswith(b"\n\n")
            yield opening.first
        while True:
            if not await _done_within(following, seconds):
                if between:
                    yield _PING
                continue
            piece = following.result()
            if piece is None:
                return
            between = piece.endswith(b"\n\n")
            yield piece
            following = asyncio.ensure_future(_next(chunks))
    finally:
        following.cancel()
        await shielded(_settled(following))


class Opening(NamedTuple):
    """How a stream begins: with its first chunk, or still without."""

    first: bytes
    pending: asyncio.Future[bytes | None] | None


async def open_stream(body: Body, chunks: Chunks) -> Opening:
    """The first chunk. Of events it is not waited for longer than for a ping: a client wants to know that it is
    connected.
    """
    if body.ping is None:
        return Opening(bytes(await chunks.first()), None)
    task = asyncio.ensure_future(_first(chunks))
    try:
        if await _done_within(task, body.ping):
            return Opening(task.result() or b"", None)
    except BaseException:
        task.cancel()
        await shielded(_settled(task))
        raise
    return Opening(b"", task)


async def _first(chunks: Chunks) -> bytes | None:
    return bytes(await chunks.first()) or None


async def _next(chunks: Chunks) -> bytes | None:
    try:
        return bytes(await chunks.__anext__())
    except StopAsyncIteration:
        return None


async def _done_within(task: asyncio.Future[Any], seconds: float | None) -> bool:
    await asyncio.wait({task}, timeout=seconds)
    return task.done()


def _header(scope: Scope, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name)


async def respond(
    body: Body, scope: Scope, receive: Receive, send: Send, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    """Send a response. `headers` are whole but for what depends on the body: Content-Length, Content-Encoding, Vary.

    Raises:
        Exception: What the source or the encoder raises; before the response has begun if it is raised before the first
            chunk is full, so that the framework answers. After that nothing ends the response properly: the server cuts it
            off.
    """
    if not body.compression:
        whole = small_document(body)
        if whole is not None:
            await _start(send, status, [*headers, (b"content-length", b"%d" % len(whole))])
            await send({"type": "http.response.body", "body": whole})
            return
    headers = [*headers, (b"vary", b"Accept-Encoding")] if body.compression else list(headers)
    if scope.get("method") == "HEAD":
        await _start(send, status, headers)
        await send({"type": "http.response.body", "body": b""})
        await close_unused(body.obj)
        return
    compressor = body.compressor(_header(scope, b"accept-encoding"))
    if compressor:
        headers.append((b"content-encoding", str(body.compression).encode()))
    chunks = chunks_of(body)
    try:
        whole = chunks.begin()
        if whole is None:
            await _race(_stream(body, chunks, compressor, send, status, headers), receive)
    except BaseException:
        await shielded(chunks.aclose())
        raise
    if whole is None:
        await shielded(chunks.aclose())
    else:  # and nothing is open
        await _send_whole(whole, compressor, send, status, headers)


async def _send_whole(
    whole: bytes, compressor: Compressor | None, send: Send, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    if compressor:
        whole = compressor.add(whole) + compressor.end()
    await _start(send, status, [*headers, (b"content-length", b"%d" % len(whole))])
    await send({"type": "http.response.body", "body": whole})


async def _stream(
    body: Body,
    chunks: Chunks,
    compressor: Compressor | None,
    send: Send,
    status: int,
    headers: list[tuple[bytes, bytes]],
) -> None:
    opening = await open_stream(body, chunks)
    if chunks.is_complete and opening.pending is None:
        await _send_whole(opening.first, compressor, send, status, headers)
        return
    await _start(send, status, headers)
    parts = body.parts(chunks, opening, compressor)
    try:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        await shielded(parts.aclose())  # type: ignore[attr-defined]
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> Awaitable[None]:
    return send({"type": "http.response.start", "status": status, "headers": headers})


async def close_unused(obj: Any) -> None:
    """Close a source that nobody asks for anything. The `close` of anything else is the user's: it may be a field."""
    if isinstance(obj, AsyncIterable):
        if aclose := getattr(obj, "aclose", None):
            await aclose()
    elif isinstance(obj, Iterator) and (close := getattr(obj, "close", None)):
        close()


async def _race(sending: Any, receive: Receive) -> None:
    """Send until all is sent or the client has left, whichever comes first: some servers take what is sent to nobody
    without a word.
    """
    sender = asyncio.ensure_future(sending)
    watcher = asyncio.ensure_future(client_left(receive))
    try:
        await asyncio.wait({sender, watcher}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watcher.cancel()
        is_done = sender.done()
        if not is_done:
            sender.cancel()
            await shielded(_settled(sender))
    if is_done:
        sender.result()


async def _settled(task: asyncio.Future[Any]) -> None:
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # the client is gone: there is nobody to tell


async def client_left(receive: Receive) -> None:
    """Wait until the server says so. What comes of the request is read, and lost."""
    while (await receive())["type"] != "http.disconnect":
        pass


def raw_headers(headers: Headers, media_type: str, framing: WriteFraming | None) -> list[tuple[bytes, bytes]]:
    """The user's headers, and those of the body that the user has not given."""
    pairs = header_pairs(headers)
    given = {name.lower() for name, _ in pairs}
    defaults = [("Content-Type", media_type), *stream_headers(framing)]
    pairs += [(name, value) for name, value in defaults if name.lower() not in given]
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


class JSONResponse:
    """One document, as an ASGI application: whole, with its length, if it fits into a chunk; else streamed.

    Args:
        obj: What `rjson.aio.iterencode` takes.
        status: The status code.
        headers: A mapping, or pairs.
        media_type: The Content-Type; that of the framing if it is not given.
        encoder, **options: As for `rjson.aio.iterencode`; and all of `Body`'s.
    """

    framing: WriteFraming | None = None

    def __init__(
        self,
        obj: Any,
        *,
        status: int = 200,
        headers: Headers = None,
        media_type: str | None = None,
        flush: Flush = FLUSH,
        chunk_size: int = CHUNK_SIZE,
        threaded: bool | None = None,
        compression: Compression | None = None,
        end: bool = False,
        error: ErrorRecord = False,
        after_error: AfterError = "cut",
        ping: float | None = PING,
        encoder: Encoder | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = raw_headers(
            headers, media_type or media_type_of(self.framing), self.framing
        )
        self.body: Body = Body(
            obj,
            self.framing,
            encoder_from(encoder, options),
            flush=flush,
            chunk_size=chunk_size,
            threaded=threaded,
            compression=compression,
            end=end,
            error=error,
            after_error=after_error,
            ping=ping,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(self.body, scope, receive, send, self.status, self.headers)


class NDJSONResponse(JSONResponse):
    """Rows, a line each (application/x-ndjson): of an iterable or an async iterable. Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "lines"


class EventSourceResponse(JSONResponse):
    """Server-sent events: documents, or `rjson.Event`s, of an iterable or an async iterable. Arguments as for
    `JSONResponse`.
    """

    framing: WriteFraming | None = "sse"
