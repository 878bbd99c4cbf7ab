"""Streaming JSON for Sanic.

    @app.get("/rows")
    async def rows(request):
        await ndjson_response(request, cursor())

Sanic ends a response properly, last chunk and all, when its handler fails in the middle. So the connection is reset
here before the
exception leaves: nobody takes a part for the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._linger import reset_on_close
from . import asgi
from ._chunks import Chunks, chunks_of, shielded
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
    from collections.abc import Mapping

    from sanic import Request
    from typing_extensions import Unpack

    from .._encoder import Encoder
    from .._options import Flush, Options, WriteFraming


async def json_response(
    request: Request[Any, Any],
    obj: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str | None = None,
    framing: WriteFraming | None = None,
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
    """Respond with one document: whole, with its length, if it fits into a chunk; else streamed.

    Args:
        request: The request that is answered; the handler returns nothing after this.
        obj: What `rjson.aio.iterencode` takes.
        status, headers, content_type: As for `request.respond()`.
        encoder, **options: As for `rjson.aio.iterencode`; and all of `rjson.integrations.asgi.Body`'s.

    Raises:
        Exception: What the source raises. Before the first chunk is full nothing has been sent; after that the connection
            has been reset.
    """
    body = asgi.Body(
        obj,
        framing,
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
    fields = {name.lower(): value for name, value in [*stream_headers(framing), *(headers or {}).items()]}
    if compression:
        fields["vary"] = with_vary(fields.get("vary"))
    compressor = body.compressor(request.headers.get("accept-encoding", ""))
    if compressor:
        fields["content-encoding"] = str(compression)
    content_type = content_type or media_type_of(framing)
    if request.method == "HEAD":
        response = await request.respond(status=status, headers=fields, content_type=content_type)
        await asgi.close_unused(obj)
        return
    chunks = chunks_of(body)
    try:
        whole = chunks.begin()
        opening = asgi.Opening(b"", None) if whole is not None else await asgi.open_stream(body, chunks)
        if chunks.is_complete and opening.pending is None:
            whole = opening.first
        if whole is not None:
            whole = compressor.add(whole) + compressor.end() if compressor else whole
            fields["content-length"] = str(len(whole))
        response = await request.respond(status=status, headers=fields, content_type=content_type)
        assert response is not None
        if whole is not None:
            await response.send(whole)
        else:
            await _send(request, response, body.parts(chunks, opening, compressor), chunks)
        await response.eof()  # pyright: ignore[reportAttributeAccessIssue] - sanic declares less than it returns
    finally:
        await shielded(chunks.aclose())


async def _send(request: Request[Any, Any], response: Any, parts: Any, chunks: Chunks) -> None:
    try:
        async for part in parts:
            await response.send(part)
    except BaseException:
        transport = request.transport
        if transport is not None and chunks.said_last_words:
            transport.close()  # behind what has been written
        elif transport is not None:
            reset_on_close(transport.get_extra_info("socket"))
            transport.abort()  # type: ignore[attr-defined]
        raise
    finally:
        await shielded(parts.aclose())


async def ndjson_response(request: Request[Any, Any], rows: Any, **arguments: Any) -> None:
    """Respond with rows, a line each (application/x-ndjson). Arguments as for `json_response`."""
    await json_response(request, rows, framing="lines", **arguments)


async def event_source_response(request: Request[Any, Any], events: Any, **arguments: Any) -> None:
    """Respond with server-sent events: documents, or `rjson.Event`s. Arguments as for `json_response`."""
    await json_response(request, events, framing="sse", **arguments)
