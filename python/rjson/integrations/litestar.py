"""Streaming JSON for Litestar: handlers return these responses, which are ASGI applications.

@get("/rows")
async def rows() -> NDJSONResponse:
    return NDJSONResponse(cursor())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import asgi

if TYPE_CHECKING:
    from .._options import WriteFraming
    from ._http import Headers


class JSONResponse(asgi.JSONResponse):
    """One document: whole, with its length, if it fits into a chunk; else streamed.

    Args:
        content: What `rjson.aio.iterencode` takes.
        status_code, headers, media_type: As for every response of Litestar's.
        **arguments: As for `rjson.integrations.asgi.JSONResponse`.
    """

    def __init__(
        self,
        content: Any,
        *,
        status_code: int = 200,
        headers: Headers = None,
        media_type: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(content, status=status_code, headers=headers, media_type=media_type, **arguments)


class NDJSONResponse(JSONResponse):
    """Rows, a line each (application/x-ndjson). Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "lines"


class EventSourceResponse(JSONResponse):
    """Server-sent events: documents, or `rjson.Event`s. Arguments as for `JSONResponse`."""

    framing: WriteFraming | None = "sse"
