"""Streaming JSON for Django, under WSGI and ASGI, and a renderer for Django REST framework.

    def rows(request):
        return NDJSONResponse(Row.objects.values("id", "name"))

    async def events(request):
        return await EventSourceResponse(source())

Synchronous sources, and querysets of synchronous views, are read in Django's own thread, where database connections
belong; under ASGI a chunk at a time. Asynchronous ones, and querysets of asynchronous views, need ASGI. `await` a
response of one, and its first chunk is made before the headers are sent, so that what fails in it is an ordinary
exception of the view.
"""

# Django has no types of its own, and pyright guesses.
# pyright: reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false, reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.cache import patch_vary_headers

from . import asgi
from ._chunks import chunks_of, shielded
from ._http import (
    CHUNK_SIZE,
    FLUSH,
    PING,
    AfterError,
    Compression,
    ErrorRecord,
    accepts,
    encoder_from,
    media_type_of,
    new_compressor,
    stream_headers,
)
from .wsgi import Body, resetter

if TYPE_CHECKING:
    from django.http import HttpRequest
    from typing_extensions import Self

    from .._encoder import Encoder
    from .._options import Flush, WriteFraming


def _rows_of(obj: Any) -> Any:
    """A queryset is read a piece at a time, and not kept; in an asynchronous view by its asynchronous iterator."""
    if not (hasattr(obj, "_iterable_class") and hasattr(obj, "iterator")):
        return obj
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return obj.iterator(chunk_size=2000)
    return obj.aiterator(chunk_size=2000)


class JsonResponse(StreamingHttpResponse):
    """One document: whole, with its length, if it fits into a chunk; else streamed.

    Args:
        data: What `rjson.iterencode` takes, or `rjson.aio.iterencode`. A queryset is an array of its rows.
        request: The request, for `compression`, for HEAD, and so that a failing source resets the connection where the
            server shows it.
        compression: "gzip" or "zstd", for clients that accept it. Without it the middleware of Django is told to leave
            a stream alone: it would hold rows back, or make a gzip member of each chunk, of which some clients read the
            first only.
        flush, chunk_size, end, error, after_error, encoder, options: As for `rjson.integrations.asgi.Body`. `options` is
            a dict of the encoder's.
        ping: The same; of an asynchronous source.
        **kwargs: What every response of Django's takes: status, headers, content_type, reason, charset.
    """

    framing: WriteFraming | None = None

    def __init__(
        self,
        data: Any,
        *,
        request: HttpRequest | None = None,
        compression: Compression | None = None,
        flush: Flush | None = None,
        chunk_size: int = CHUNK_SIZE,
        end: bool = False,
        error: ErrorRecord = False,
        after_error: AfterError = "cut",
        ping: float | None = PING,
        encoder: Encoder | None = None,
        options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("content_type", media_type_of(self.framing))
        source = _rows_of(data)
        encoder = encoder_from(encoder, options or {})
        self._asynchronous: _AsyncParts | None = None
        if _is_asynchronous(source, self.framing):
            asynchronous = asgi.Body(
                source,
                self.framing,
                encoder,
                flush=FLUSH if flush is None else flush,
                chunk_size=chunk_size,
                threaded=False,
                compression=compression,
                end=end,
                error=error,
                after_error=after_error,
                ping=ping,
            )
            is_wanted = request is None or request.method != "HEAD"
            self._asynchronous = _AsyncParts(asynchronous, _agreed(request, compression), is_wanted)
            super().__init__(self._asynchronous, **kwargs)
            self._set_headers(_agreed(request, compression), compression)
            return
        body = Body(
            source,
            self.framing,
            encoder,
            flush=flush,
            chunk_size=chunk_size,
            compression=compression,
            end=end,
            error=error,
            after_error=after_error,
        )
        if request is not None and request.method == "HEAD":
            body.close()
            super().__init__((), **kwargs)
            self._set_headers(None, compression)
            return
        more, parts = body.open(request.headers.get("Accept-Encoding", "") if request is not None else "")
        parts.on_error = resetter(request.META) if request is not None else None
        super().__init__(parts, **kwargs)
        for name, value in more:
            self.headers[name] = value
        self._set_headers(None, compression)

    def _set_headers(self, agreed: Compression | None, compression: Compression | None) -> None:
        for name, value in stream_headers(self.framing):
            self.headers.setdefault(name, value)
        if compression:
            patch_vary_headers(self, ["Accept-Encoding"])
        self.headers.setdefault("Content-Encoding", agreed or "identity")

    def __await__(self) -> Generator[Any, None, Self]:
        return self._opened().__await__()

    async def _opened(self) -> Self:
        if self._asynchronous is not None:
            length = await self._asynchronous.open()
            if length is not None:
                self.headers["Content-Length"] = str(length)
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What the ASGI handler reads: a chunk of a synchronous source at a time, where Django's own would read it whole."""
        if self._asynchronous is not None:
            parts = self._asynchronous
            try:
                async for part in parts:
                    yield part
            finally:
                await shielded(parts.aclose())
            return
        content: Iterator[bytes] = iter(self.streaming_content)
        while (piece := await sync_to_async(_next_part)(content)) is not None:
            yield piece


def _next_part(content: Iterator[bytes]) -> bytes | None:
    return next(content, None)


class NDJSONResponse(JsonResponse):
    """Rows, a line each (application/x-ndjson): of a queryset, an iterable or an async iterable. Arguments as for
    `JsonResponse`.
    """

    framing: WriteFraming | None = "lines"


class EventSourceResponse(JsonResponse):
    """Server-sent events: documents, or `rjson.Event`s. Arguments as for `JsonResponse`."""

    framing: WriteFraming | None = "sse"


def _is_asynchronous(source: Any, framing: WriteFraming | None) -> bool:
    """Whether the document needs an event loop: the rows themselves do, or a direct member of the document."""
    if isinstance(source, AsyncIterable):
        return True
    return framing is None and type(source) is dict and any(isinstance(member, AsyncIterable) for member in source.values())


def _agreed(request: HttpRequest | None, compression: Compression | None) -> Compression | None:
    if compression is None or request is None or not accepts(request.headers.get("Accept-Encoding", ""), compression):
        return None
    return compression


class _AsyncParts:
    """The body, to be iterated asynchronously and in no other way: of an object that can be both Django takes the wrong
    way.
    """

    def __init__(self, body: asgi.Body, compression: Compression | None, is_wanted: bool) -> None:
        self._body = body
        self._chunks = chunks_of(body)
        self._compressor = new_compressor(compression) if compression else None
        self._opening: asgi.Opening | None = None
        self._is_begun = False
        self._is_wanted = is_wanted  # HEAD wants none

    async def open(self) -> int | None:
        """Make the first chunk. How long the body is, if that is all of it."""
        if not self._is_wanted:
            return None
        self._is_begun = True
        try:
            whole = self._chunks.begin()
            self._opening = opening = asgi.Opening(whole or b"", None)
            if whole is None:
                self._opening = opening = await asgi.open_stream(self._body, self._chunks)
        except BaseException:
            await shielded(self._chunks.aclose())
            raise
        is_all = whole is not None or (self._chunks.is_complete and opening.pending is None)
        return len(opening.first) if is_all and self._compressor is None else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._is_wanted:
            await asgi.close_unused(self._body.obj)
            return
        if self._opening is None:
            await self.open()
        assert self._opening is not None
        parts = self._body.parts(self._chunks, self._opening, self._compressor)
        try:
            async for part in parts:
                yield part
        finally:
            await shielded(parts.aclose())  # type: ignore[attr-defined]

    async def aclose(self) -> None:
        if self._is_begun:
            await self._chunks.aclose()


def new_renderer() -> type:
    """The renderer of `RJSONRenderer`, made when it is asked for: REST framework is another package."""
    from rest_framework.renderers import BaseRenderer
    from rest_framework.utils.encoders import JSONEncoder

    from .._encoder import Encoder

    class RJSONRenderer(BaseRenderer):
        """JSON by rjson, for `renderer_classes` and DEFAULT_RENDERER_CLASSES. What JSON has no type for is asked of
        REST framework's encoder.
        """

        media_type = "application/json"
        format = "json"
        charset = None
        encoder = Encoder(default=JSONEncoder().default, passthrough={"datetime", "decimal"})

        def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
            return b"" if data is None else self.encoder.dumps_bytes(data)

    return RJSONRenderer


def __getattr__(name: str) -> Any:
    if name == "RJSONRenderer":
        renderer = globals()[name] = new_renderer()
        return renderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
