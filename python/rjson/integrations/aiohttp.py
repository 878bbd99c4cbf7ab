"""Streaming JSON for aiohttp's server.

async def rows(request):
    return NDJSONResponse(cursor())
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from .._linger import reset_on_close
from . import asgi
from ._chunks import Chunks, chunks_of, shielded
from ._http import (
    CHUNK_SIZE,
    FLUSH,
    PING,
    AfterError,
    Compression,
    Compressor,
    ErrorRecord,
    encoder_from,
    media_type_of,
    stream_headers,
    with_vary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest
    from typing_extensions import Unpack

    from .._encoder import Encoder
    from .._options import Flush, Options, WriteFraming

_POLL = 0.05  # seconds: how soon it is seen that the client has left, while a source is waited for


class _ClientLeft(ConnectionResetError):
    """Our client; a source's ConnectionResetError is about another connection."""


class JSONResponse(web.StreamResponse):
    """One document: whole, with its length, if it fits into a chunk; else streamed.

    The first chunk is made before the headers are sent, so a failure in it is a response 500, and an HTTPException its
    own. A later failure resets the connection; a client that leaves ends the source.

    Args:
        obj: What `rjson.aio.iterencode` takes.
        status, reason, headers, content_type: As for every response of aiohttp's.
        encoder, **options: As for `rjson.aio.iterencode`; and all of `rjson.integrations.asgi.Body`'s.
    """

    framing: WriteFraming | None = None

    def __init__(
        self,
        obj: Any,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
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
        super().__init__(status=status, reason=reason, headers=headers)
        if content_type is not None or hdrs.CONTENT_TYPE not in self.headers:
            self.content_type = content_type or media_type_of(self.framing)
        for name, value in stream_headers(self.framing):
            self.headers.setdefault(name, value)
        self._content = asgi.Body(
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
        self._chunks: Chunks | None = None
        self._opening = asgi.Opening(b"", None)
        self._compressor: Compressor | None = None
        self._whole: bytes | None = None

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        if self._content.compression and self._chunks is None:
            self.headers[hdrs.VARY] = with_vary(", ".join(self.headers.getall(hdrs.VARY, ())))
        if request.method == hdrs.METH_HEAD:
            await asgi.close_unused(self._content.obj)
        elif self._chunks is None:
            try:
                await self._open(request)
            except _ClientLeft:
                raise
            except Exception as e:
                self._answer(request, e)
        return await super().prepare(request)

    def _answer(self, request: BaseRequest, error: Exception) -> None:
        """What aiohttp does for an exception of the handler, which has returned by now: a response of its own, or 500 and an
        entry in the log.
        """
        reply: Any = error if isinstance(error, web.HTTPException) else request.protocol.handle_error(request, 500, error)
        self.set_status(reply.status, reply.reason)
        self.headers.clear()
        if isinstance(error, web.HTTPException):
            self.headers.extend(error.headers)
        self.content_type = reply.content_type
        whole = (reply.text or "").encode()
        self._whole, self.content_length = whole, len(whole)

    async def _open(self, request: BaseRequest) -> None:
        body = self._content
        self._compressor = body.compressor(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        if self._compressor:
            self.headers[hdrs.CONTENT_ENCODING] = str(body.compression)
        self._chunks = chunks_of(body)
        try:
            whole = self._chunks.begin()
            if whole is None:
                self._opening = await self._while_connected(request, asgi.open_stream(body, self._chunks))
                if self._chunks.is_complete and self._opening.pending is None:
                    whole = self._opening.first
        except BaseException:
            await shielded(self._chunks.aclose())
            raise
        if whole is not None:
            await shielded(self._chunks.aclose())
            if self._compressor:
                whole = self._compressor.add(whole) + self._compressor.end()
            self._whole, self.content_length = whole, len(whole)

    async def write_eof(self, data: bytes = b"") -> None:
        if self._whole is not None:
            data, self._whole = self._whole, None
        elif self._chunks is not None and not self._eof_sent:
            await self._send_rest(self._chunks)
        await super().write_eof(data)

    async def _send_rest(self, chunks: Chunks) -> None:
        assert self._req is not None
        parts = self._content.parts(chunks, self._opening, self._compressor)
        try:
            while True:
                part = await self._while_connected(self._req, anext(parts, None))
                if part is None:
                    return
                await self.write(part)
        except BaseException:
            if not chunks.said_last_words:
                _reset(self._req)
            raise
        finally:
            await shielded(parts.aclose())  # type: ignore[attr-defined]
            await shielded(chunks.aclose())

    @staticmethod
    async def _while_connected(request: BaseRequest, awaitable: Any) -> Any:
        """Await; ConnectionResetError as soon as the client has left. aiohttp tells a handler so only when it writes."""
        task = asyncio.ensure_future(awaitable)
        try:
            while not (await asyncio.wait({task}, timeout=_POLL))[0]:
                if request.transport is None or request.transport.is_closing():
                    raise _ClientLeft("the client has left")
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await shielded(asyncio.wait({task}))


def _reset(request: BaseRequest) -> None:
    """Have the client see that something is missing: an abort alone is an ordinary end where nothing is queued."""
    transport = request.transport
    if transport is None:
        return
    reset_on_close(transport.get_extra_info("socket"))
    transport.abort()


def json_response(obj: Any, **arguments: Any) -> JSONResponse:
    """`JSONResponse`, by the name that aiohttp's own has."""
    return JSONResponse(obj, **arguments)


class NDJSONResponse(JSONResponse):
    """Rows, a line each (application/x-ndjson): of an iterable or an async iterable. Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "lines"


class EventSourceResponse(JSONResponse):
    """Server-sent events: documents, or `rjson.Event`s. Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "sse"
