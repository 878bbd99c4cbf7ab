"""Framings by their names, and the fields of server-sent events. The table itself is in C: stream/framing.h."""

from __future__ import annotations

from ._core import Pump

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from types import EllipsisType
    from typing import Any

    from ._core import Encoder
    from ._options import WriteFraming

MEDIA_TYPES: dict[str, str] = {
    "lines": "application/x-ndjson",
    "array": "application/json",
    "seq": "application/json-seq",
    "sse": "text/event-stream",
    "concat": "application/json",
}
"""The media type of each framing."""


def _field(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}: {value!r}")
    if any(c in value for c in "\r\n\0"):
        raise ValueError(f"{name} must be a single line without NUL, not {value!r}")
    return f"{name}: {value}\n"


def _comment_lines(text: str) -> str:
    """What is a comment for clients: a line each, because a line break would end it."""
    if not isinstance(text, str):
        raise TypeError(f"comment must be a str, not {type(text).__name__}: {text!r}")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(f": {line}\n" if line else ":\n" for line in lines)


def _retry_field(retry: int) -> str:
    if isinstance(retry, bool) or not isinstance(retry, int) or retry < 0:
        raise ValueError(f"retry must be a number of milliseconds from 0 on, not {retry!r}")
    return f"retry: {retry}\n"


def event_head(event: str | None, id: str | None, retry: int | None, comment: str | None) -> bytes | None:
    """The lines of an event before its data; None if there are none. ValueError for what would break them."""
    if event is None and id is None and retry is None and comment is None:
        return None
    parts = [
        "" if comment is None else _comment_lines(comment),
        "" if event is None else _field("event", event),
        "" if id is None else _field("id", id),
        "" if retry is None else _retry_field(retry),
    ]
    return "".join(parts).encode()


def comment_bytes(text: str) -> bytes:
    """A comment by itself, which clients ignore."""
    return _comment_lines(text).encode() + b"\n"


class Event:
    """A server-sent event with fields of its own, among the documents of framing "sse".

    Args:
        data: The document. Without one there are only the other fields: a comment that keeps the connection alive, say.
        event: The event's type, which the client listens for.
        id: What the client tells as `Last-Event-ID` when it connects again.
        retry: Milliseconds after which it does.
        comment: What clients ignore. It may have several lines.

    Raises:
        ValueError: `event` or `id` has a line break, `retry` is no whole number from 0 on, or there is nothing in it.

    >>> import rjson
    >>> b"".join(rjson.iterencode([Event({"x": 1}, event="tick", id="7"), 2], framing="sse"))
    b'event: tick\\nid: 7\\ndata: {"x":1}\\n\\ndata: 2\\n\\n'
    """

    __slots__ = ("data", "head")

    def __init__(
        self,
        data: Any = ...,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> None:
        head = event_head(event, id, retry, comment)
        if data is ... and head is None:
            raise ValueError("an event without data needs another field, such as comment=")
        self.data: Any | EllipsisType = data
        self.head: bytes = (head or b"") + (b"\n" if data is ... else b"")

    def __repr__(self) -> str:
        return f"Event({self.data!r}, head={self.head!r})"


def new_pump(
    encoder: Encoder,
    framing: WriteFraming | None,
    flush_point: int,
    *,
    chunk_size: int,
    slice_us: int = 0,
    http_chunked: bool = False,
    shared: bool = False,
) -> Pump:
    """A pump for documents in a framing; None: for a single one, with nothing around it."""
    return Pump(encoder, chunk_size, slice_us, http_chunked, flush_point, framing or "concat", Event, shared)
