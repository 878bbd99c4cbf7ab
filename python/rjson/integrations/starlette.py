"""Streaming JSON for Starlette and FastAPI.

    @app.get("/rows")
    async def rows():
        return NDJSONResponse(cursor())

In FastAPI each is also a `response_class=`, for endpoints that return a value and for those that `yield`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from .._framing import MEDIA_TYPES
from . import asgi
from ._http import CHUNK_SIZE, FLUSH, PING, AfterError, Compression, ErrorRecord, encoder_from, stream_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.background import BackgroundTask
    from starlette.types import Receive, Scope, Send
    from typing_extensions import Unpack

    from .._encoder import Encoder
    from .._options import Flush, Options, WriteFraming


_JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")


class JSONResponse(Response):
    """One document: whole, with its length, if it fits into a chunk; else streamed.

    Args:
        content: What `rjson.aio.iterencode` takes.
        status_code, headers, media_type, background: As for every response of Starlette's.
        encoder, **options: As for `rjson.aio.iterencode`; and all of `rjson.integrations.asgi.Body`'s.
    """

    media_type: str = "application/json"
    framing: WriteFraming | None = None

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
        *,
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
        self.status_code = status_code
        self.media_type = media_type or self.media_type
        self.background = background
        self.stream: asgi.Body = asgi.Body(
            content,
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
        if headers is None and self.framing is None and self.media_type == "application/json":
            self.raw_headers = [_JSON]  # most responses: init_headers takes longer than all else here
            return
        self.init_headers(headers)
        if self.framing is not None:
            for name, value in stream_headers(self.framing):
                self.headers.setdefault(name, value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.respond(self.stream, scope, receive, send, self.status_code, self.raw_headers)
        if self.background is not None:
            await self.background()


class NDJSONResponse(JSONResponse):
    """Rows, a line each (application/x-ndjson): of an iterable or an async iterable. Arguments as for `JSONResponse`."""

    media_type: str = MEDIA_TYPES["lines"]
    framing: WriteFraming | None = "lines"


class EventSourceResponse(JSONResponse):
    """Server-sent events: documents, or `rjson.Event`s, of an iterable or an async iterable. Arguments as for
    `JSONResponse`.
    """

    media_type: str = MEDIA_TYPES["sse"]
    framing: WriteFraming | None = "sse"
