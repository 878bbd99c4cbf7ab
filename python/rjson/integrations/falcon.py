"""Streaming JSON for Falcon, under ASGI and WSGI.

class Rows:
    async def on_get(self, req, resp):
        await ndjson_response(req, resp, cursor())

Under WSGI it is the same without `await`. Status and headers are those of `resp`. For `resp.media`:

app.resp_options.media_handlers[falcon.MEDIA_JSON] = falcon.media.JSONHandler(dumps=rjson.dumps_bytes, loads=rjson.loads)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, overload

import falcon.asgi

from . import asgi, wsgi
from ._chunks import chunks_of, shielded
from ._http import (
    CHUNK_SIZE,
    FLUSH,
    PING,
    AfterError,
    Compression,
    ErrorRecord,
    encoder_from,
    media_type_of,
    stream_headers,
    with_vary,
)

if TYPE_CHECKING:
    from .._encoder import Encoder
    from .._options import Flush, WriteFraming

_GRACE = 0.05  # seconds that a first chunk has, whoever has left: the clients of falcon.testing leave at once


@overload  # an ASGI request is a request, too
def json_response(  # pyright: ignore[reportOverlappingOverload]
    req: falcon.asgi.Request, resp: falcon.asgi.Response, obj: Any, **arguments: Any
) -> Awaitable[None]: ...
@overload
def json_response(req: falcon.Request, resp: falcon.Response, obj: Any, **arguments: Any) -> None: ...
def json_response(
    req: falcon.Request,
    resp: falcon.Response,
    obj: Any,
    *,
    framing: WriteFraming | None = None,
    flush: Flush | None = None,
    chunk_size: int = CHUNK_SIZE,
    threaded: bool | None = None,
    compression: Compression | None = None,
    end: bool = False,
    error: ErrorRecord = False,
    after_error: AfterError = "cut",
    ping: float | None = PING,
    encoder: Encoder | None = None,
    **options: Any,
) -> Awaitable[None] | None:
    """Respond with one document: whole, with its length, if it fits into a chunk; else streamed.

    The first chunk is encoded here, so that what fails in it is an ordinary exception of the responder.

    Args:
        req: The request that is answered. Of an ASGI application the result has to be awaited.
        resp: Gets the headers, where they are not set, and the stream.
        obj: What `rjson.aio.iterencode` takes; under WSGI `rjson.iterencode`.
        encoder, **options: As for those; and all of `rjson.integrations.asgi.Body`'s. `threaded` and `ping` are for ASGI.
    """
    encoder = encoder_from(encoder, options)
    arguments: dict[str, Any] = {"chunk_size": chunk_size, "compression": compression, "end": end}
    arguments.update(error=error, after_error=after_error)
    if resp.content_type is None:
        resp.content_type = media_type_of(framing)
    for name, value in stream_headers(framing):
        if resp.get_header(name) is None:
            resp.set_header(name, value)
    if compression:
        resp.set_header("Vary", with_vary(resp.get_header("Vary")))
    if isinstance(req, falcon.asgi.Request):
        flush = FLUSH if flush is None else flush
        body = asgi.Body(obj, framing, encoder, flush=flush, threaded=threaded, ping=ping, **arguments)
        return _respond(req, resp, body)
    _respond_wsgi(req, resp, wsgi.Body(obj, framing, encoder, flush=flush, **arguments))
    return None


def ndjson_response(req: Any, resp: Any, rows: Any, **arguments: Any) -> Any:
    """Respond with rows, a line each (application/x-ndjson). Arguments as for `json_response`."""
    return json_response(req, resp, rows, framing="lines", **arguments)


def event_source_response(req: Any, resp: Any, events: Any, **arguments: Any) -> Any:
    """Respond with server-sent events: documents, or `rjson.Event`s. Arguments as for `json_response`."""
    return json_response(req, resp, events, framing="sse", **arguments)


# ---- WSGI


def _respond_wsgi(req: falcon.Request, resp: falcon.Response, body: wsgi.Body) -> None:
    if req.method == "HEAD":
        body.close()
        resp.stream = iter((b"",))
        return
    headers, parts = body.open(req.get_header("Accept-Encoding") or "")
    parts.on_error = wsgi.resetter(req.env)
    resp.set_headers(headers)
    resp.stream = parts


# ---- ASGI


async def _respond(req: falcon.asgi.Request, resp: Any, body: asgi.Body) -> None:
    if req.method == "HEAD":
        await asgi.close_unused(body.obj)
        resp.stream = _nothing()
        return
    stream = _Stream(req, body)
    try:
        whole = await stream.open()
    except _ClientLeft:
        return
    if stream.compressor:
        resp.set_header("Content-Encoding", str(body.compression))
    if whole is None:
        resp.stream = stream
    else:
        resp.data = whole


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


class _Stream:
    """The body. Falcon does not look for clients that leave, and uvicorn takes what is sent to nobody without a word."""

    def __init__(self, req: falcon.asgi.Request, body: asgi.Body) -> None:
        self.compressor = body.compressor(req.get_header("Accept-Encoding") or "")
        self._body = body
        self._chunks = chunks_of(body)
        receive: Any = req._receive  # there is no public name for it
        self._watcher = asyncio.ensure_future(asgi.client_left(receive))

    async def open(self) -> bytes | None:
        """Make the first chunk. The whole body, if that is all of it."""
        try:
            whole = self._chunks.begin()
            if whole is None:
                self._opening = await self._while_connected(asgi.open_stream(self._body, self._chunks), _GRACE)
                if self._opening.pending is None and self._chunks.is_complete:
                    whole = self._opening.first
        except BaseException:
            await shielded(self.close())
            raise
        if whole is None:
            return None
        await shielded(self.close())
        return self.compressor.add(whole) + self.compressor.end() if self.compressor else whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = self._body.parts(self._chunks, self._opening, self.compressor)
        try:
            while (part := await self._while_connected(anext(parts, None))) is not None:
                yield part
        except _ClientLeft:
            return  # Falcon ends what nobody gets
        finally:
            await shielded(parts.aclose())  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Falcon calls it, whatever happened."""
        self._watcher.cancel()
        await shielded(self._chunks.aclose())

    async def _while_connected(self, awaitable: Awaitable[Any], grace: float | None = None) -> Any:
        task = asyncio.ensure_future(awaitable)
        try:
            if grace is not None:
                await asyncio.wait({task}, timeout=grace)
            await asyncio.wait({task, self._watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise _ClientLeft
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await shielded(asyncio.wait({task}))


class _ClientLeft(Exception):
    pass
