"""Streaming JSON for WSGI: responses that are WSGI applications of their own, for every framework that has no module here.

>>> def application(environ, start_response):
...     return NDJSONResponse({"n": n} for n in range(3))(environ, start_response)

Sources run in the thread of the request, as cursors and database connections need it. A chunk leaves when it is full;
`flush="item"` sends each row at once, and `flush=seconds` has a thread of its own run the source, for rows that come
fast at times and slowly at others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .._iterencode import iterencode
from .._linger import reset_on_close
from ._http import (
    CHUNK_SIZE,
    AfterError,
    Compression,
    Compressor,
    ErrorRecord,
    Headers,
    accepts,
    encoder_from,
    ends_after_error,
    header_pairs,
    media_type_of,
    new_compressor,
    report,
    stream_headers,
    with_records,
    with_vary,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .._encoder import Encoder
    from .._options import Flush, Options, WriteFraming

Environ = dict[str, Any]


class Body:
    """What a response says: its chunks, compressed if the client wants that. See `rjson.integrations.asgi.Body` for the
    arguments.
    """

    def __init__(
        self,
        obj: Any,
        framing: WriteFraming | None,
        encoder: Encoder,
        *,
        flush: Flush | None = None,
        chunk_size: int = CHUNK_SIZE,
        compression: Compression | None = None,
        end: bool = False,
        error: ErrorRecord = False,
        after_error: AfterError = "cut",
    ) -> None:
        if compression is not None:
            new_compressor(compression)  # so that a wrong name is an error here
        self.framing = framing
        self.compression: Compression | None = compression
        if flush is None:
            flush = "item" if framing == "sse" else "full"
        self._ends_after_error = ends_after_error(after_error, error)
        self._source, last_words = with_records(obj, framing, end, error, encoder)
        self._chunks = iterencode(encoder, self._source, framing, flush, chunk_size, last_words)

    def open(self, accept_encoding: str) -> tuple[list[tuple[str, str]], Parts]:
        """Encode the first chunk: the headers that depend on it, and the body. Raises what the source or the encoder
        raises.
        """
        headers: list[tuple[str, str]] = []
        compressor = None
        if self.compression and accepts(accept_encoding, self.compression):
            compressor = new_compressor(self.compression)
            headers.append(("Content-Encoding", self.compression))
        first = next(self._chunks, b"")
        if self._chunks.is_complete:
            whole = compressor.add(first) + compressor.end() if compressor else first
            return [*headers, ("Content-Length", str(len(whole)))], self._parts(whole, None)
        return headers, self._parts(first, compressor)

    def _parts(self, first: bytes, compressor: Compressor | None) -> Parts:
        return Parts(self._chunks, first, compressor, self._ends_after_error)

    def close(self) -> None:
        """For a body that is not asked for."""
        self._chunks.close()
        if isinstance(self._source, Iterator) and (close := getattr(self._source, "close", None)):  # else it may be a field
            close()


class Parts(Iterator[bytes]):
    """The body of a response. `close()` closes the source, whatever was sent of it.

    Attributes:
        on_error: Called with the exception when the source fails in the middle: has the connection reset, where it can
            be reached. Not behind a record that says so, which a reset might keep from the client.
    """

    def __init__(self, chunks: Any, first: bytes, compressor: Compressor | None, ends_after_error: bool) -> None:
        self._chunks = chunks
        self._ends_after_error = ends_after_error
        self._first: bytes | None = first or None
        self._compressor = compressor
        self.on_error: Callable[[], None] | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        compressor = self._compressor
        piece, self._first = self._first, None
        if piece is None:
            piece = self._next_piece()
        if piece is not None:
            return compressor.add(piece) if compressor else piece
        if compressor is None:
            raise StopIteration
        self._compressor = None
        return compressor.end()

    def _next_piece(self) -> bytes | None:
        chunks = self._chunks
        try:
            piece: bytes | None = next(chunks, None)
        except BaseException as e:
            if chunks.said_last_words and self._ends_after_error and isinstance(e, Exception):
                report(e)
                return None
            if self.on_error is not None and not chunks.said_last_words:
                self.on_error()
            raise
        return piece

    def close(self) -> None:
        self._chunks.close()


def resetter(environ: Environ) -> Callable[[], None] | None:
    """What resets the client's connection, where the server shows its socket (gunicorn). Others end it without the last
    chunk.
    """
    sock = environ.get("gunicorn.socket")
    if sock is None:
        return None

    def reset() -> None:
        reset_on_close(sock)
        sock.close()  # here, because gunicorn would shut the connection down in good order first

    return reset


class JSONResponse:
    """One document, as a WSGI application: whole, with its length, if it fits into a chunk; else streamed.

    Args:
        obj: What `rjson.iterencode` takes.
        status: As in "200 OK".
        headers: A mapping, or pairs.
        media_type: The Content-Type; that of the framing if it is not given.
        encoder, **options: As for `rjson.iterencode`; and all of `Body`'s.
    """

    framing: WriteFraming | None = None

    def __init__(
        self,
        obj: Any,
        *,
        status: str = "200 OK",
        headers: Headers = None,
        media_type: str | None = None,
        flush: Flush | None = None,
        chunk_size: int = CHUNK_SIZE,
        compression: Compression | None = None,
        end: bool = False,
        error: ErrorRecord = False,
        after_error: AfterError = "cut",
        encoder: Encoder | None = None,
        **options: Unpack[Options],
    ) -> None:
        pairs = header_pairs(headers)
        given = {name.lower() for name, _ in pairs}
        defaults = [("Content-Type", media_type or media_type_of(self.framing)), *stream_headers(self.framing)]
        self.status = status
        self.headers: list[tuple[str, str]] = pairs + [
            (name, value) for name, value in defaults if name.lower() not in given
        ]
        if compression:
            vary = ", ".join(value for name, value in pairs if name.lower() == "vary")
            self.headers = [(name, value) for name, value in self.headers if name.lower() != "vary"]
            self.headers.append(("Vary", with_vary(vary)))
        self.body: Body = Body(
            obj,
            self.framing,
            encoder_from(encoder, options),
            flush=flush,
            chunk_size=chunk_size,
            compression=compression,
            end=end,
            error=error,
            after_error=after_error,
        )

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") == "HEAD":
            self.body.close()
            start_response(self.status, self.headers)
            return []
        more, parts = self.body.open(environ.get("HTTP_ACCEPT_ENCODING", ""))
        parts.on_error = resetter(environ)
        start_response(self.status, self.headers + more)
        return parts


class NDJSONResponse(JSONResponse):
    """Rows, a line each (application/x-ndjson). Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "lines"


class EventSourceResponse(JSONResponse):
    """Server-sent events: documents, or `rjson.Event`s. Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "sse"
