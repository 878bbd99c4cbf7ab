"""Streaming JSON for Flask, and a JSON provider.

app.json = RJSONProvider(app)

@app.get("/rows")
def rows():
    return ndjson_response(cursor())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, has_request_context, request
from flask.json.provider import DefaultJSONProvider

from . import wsgi
from ._http import CHUNK_SIZE, AfterError, Compression, ErrorRecord, encoder_from, media_type_of, stream_headers

if TYPE_CHECKING:
    from .._encoder import Encoder
    from .._options import Flush, WriteFraming


class RJSONProvider(DefaultJSONProvider):
    """`flask.json` and `jsonify` by rjson: dates, UUIDs, decimals and dataclasses as rjson has them, everything else by
    `default`.

    Attributes of Flask's own provider (`ensure_ascii`, `sort_keys`, `compact`, `default`) mean what they mean there.
    """

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        from .._core import dumps

        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return dumps(obj, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        from .._core import loads

        return loads(s, **kwargs)


def json_response(
    obj: Any,
    status: int | str | None = None,
    headers: Any = None,
    mimetype: str | None = None,
    *,
    framing: WriteFraming | None = None,
    flush: Flush | None = None,
    chunk_size: int = CHUNK_SIZE,
    compression: Compression | None = None,
    end: bool = False,
    error: ErrorRecord = False,
    after_error: AfterError = "cut",
    encoder: Encoder | None = None,
    **options: Any,
) -> Response:
    """One document: whole, with its length, if it fits into a chunk; else streamed.

    The first chunk is encoded here, so that what fails in it is an ordinary exception of the view. The rest of the
    source may use `request`.

    Args:
        obj: What `rjson.iterencode` takes.
        status, headers, mimetype: As for `flask.Response`.
        encoder, **options: As for `rjson.iterencode`; and all of `rjson.integrations.wsgi.Body`'s.
    """
    body = wsgi.Body(
        obj,
        framing,
        encoder_from(encoder, options),
        flush=flush,
        chunk_size=chunk_size,
        compression=compression,
        end=end,
        error=error,
        after_error=after_error,
    )
    more: list[tuple[str, str]] = []
    parts: Any = iter(())  # no sequence, of which Flask would tell the length
    if has_request_context() and request.method == "HEAD":
        body.close()
    else:
        more, parts = body.open(request.headers.get("Accept-Encoding", "") if has_request_context() else "")
        if has_request_context():
            parts.on_error = wsgi.resetter(request.environ)
            parts = _WithContext(parts)
    response = Response(parts, status, headers, mimetype or media_type_of(framing))
    for name, value in [*stream_headers(framing), *more]:
        response.headers.setdefault(name, value)
    if compression:
        response.vary.add("Accept-Encoding")
    return response


class _WithContext:
    """The parts, made where `request` and `current_app` are those of the view, as in stream_with_context(); closed
    there too.
    """

    def __init__(self, parts: wsgi.Parts) -> None:
        import contextvars

        self._parts = parts
        self._context = contextvars.copy_context()

    def __iter__(self) -> _WithContext:
        return self

    def __next__(self) -> bytes:
        return self._context.run(next, self._parts)

    def close(self) -> None:
        self._context.run(self._parts.close)


def ndjson_response(rows: Any, status: int | str | None = None, headers: Any = None, **arguments: Any) -> Response:
    """Rows, a line each (application/x-ndjson). Arguments as for `json_response`."""
    return json_response(rows, status, headers, framing="lines", **arguments)


def event_source_response(events: Any, status: int | str | None = None, headers: Any = None, **arguments: Any) -> Response:
    """Server-sent events: documents, or `rjson.Event`s. Arguments as for `json_response`."""
    return json_response(events, status, headers, framing="sse", **arguments)
