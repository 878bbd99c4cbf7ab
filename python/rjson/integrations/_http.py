"""What every HTTP integration shares: media types and headers, content negotiation, compression with flush points,
closing records.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .._encoder import encoder_for
from .._framing import MEDIA_TYPES, Event
from .._iterencode import iterencode

if TYPE_CHECKING:
    from .._encoder import Encoder
    from .._iterencode import LastWords
    from .._options import WriteFraming

CHUNK_SIZE = 262_144
"""Bytes a chunk: under ASGI a chunk is a message and a task switch, so larger ones than elsewhere."""
FLUSH = 0.05
"""Seconds that rows wait for a slow source at most."""
PING = 15.0
"""Seconds of silence after which an event stream gets a comment."""

Compression = Literal["gzip", "zstd"]


def check_ping(ping: float | None) -> float | None:
    """A `ping` argument. TypeError or ValueError if it is no number of seconds."""
    if ping is None:
        return None
    if isinstance(ping, bool) or not isinstance(ping, (int, float)):
        raise TypeError(f"ping must be a number of seconds or None, not {ping!r}")
    if not ping > 0:
        raise ValueError(f"ping must be more than 0 seconds, not {ping!r}")
    return ping


def with_vary(vary: str | None) -> str:
    """The Vary field (RFC 9110, section 12.5.5) of a response that depends on Accept-Encoding besides."""
    names = [name.strip() for name in (vary or "").split(",") if name.strip()]
    if "*" in names or "accept-encoding" in (name.lower() for name in names):
        return ", ".join(names)
    return ", ".join([*names, "Accept-Encoding"])


def media_type_of(framing: WriteFraming | None) -> str:
    return "application/json" if framing is None else MEDIA_TYPES[framing]


def stream_headers(framing: WriteFraming | None) -> list[tuple[str, str]]:
    """What keeps proxies from holding back a stream of rows or events."""
    return [] if framing is None else [("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no")]


def encoder_from(encoder: Encoder | None, options: Mapping[str, Any]) -> Encoder:
    if encoder is None:
        return encoder_for(options)  # type: ignore[arg-type]
    if options:
        raise TypeError(f"the options go into the encoder: {', '.join(options)}")
    return encoder


# ---- headers

Headers = Mapping[str, str] | Iterable[tuple[str, str]] | None


def header_pairs(headers: Headers) -> list[tuple[str, str]]:
    """The user's headers, as they were given."""
    pairs: Any = headers.items() if isinstance(headers, Mapping) else headers or ()
    return list(pairs)


# ---- compression


class Compressor(Protocol):
    def add(self, data: bytes) -> bytes:
        """What goes out for a chunk, so that all of it can be read."""
        ...

    def end(self) -> bytes: ...


class _Gzip:
    def __init__(self, level: int | None) -> None:
        self._codec = zlib.compressobj(1 if level is None else level, zlib.DEFLATED, 31)

    def add(self, data: bytes) -> bytes:
        return self._codec.compress(data) + self._codec.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._codec.flush()


class _Zstd:
    def __init__(self, module: Any, level: int | None) -> None:
        self._codec = module.ZstdCompressor(level=3 if level is None else level)
        self._block, self._frame = self._codec.FLUSH_BLOCK, self._codec.FLUSH_FRAME

    def add(self, data: bytes) -> bytes:
        result: bytes = self._codec.compress(data, self._block)
        return result

    def end(self) -> bytes:
        result: bytes = self._codec.flush(self._frame)
        return result


def _zstd_module() -> Any:
    for name in ("compression.zstd", "backports.zstd"):  # the first from CPython 3.14 on
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError('compression="zstd" needs Python 3.14 or the package backports.zstd')


def new_compressor(name: Compression, level: int | None = None) -> Compressor:
    """ValueError for a name that is none of Compression's; ImportError if its codec is not installed."""
    if name == "gzip":
        return _Gzip(level)
    if name == "zstd":
        return _Zstd(_zstd_module(), level)
    raise ValueError(f'compression must be "gzip" or "zstd", not {name!r}')


def accepts(accept_encoding: str, name: str) -> bool:
    """Whether an Accept-Encoding header (RFC 9110, section 12.5.3) allows a coding."""
    weights = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            weights[coding] = float(weight)
        except ValueError:
            weights[coding] = 0.0
    return weights.get(name, weights.get("*", 0.0)) > 0


# ---- records that say how a stream ended

END, ERROR = "$end", "$error"

ErrorRecord = bool | Callable[[BaseException], Any]
AfterError = Literal["cut", "end"]


def ends_after_error(after_error: AfterError, error: ErrorRecord) -> bool:
    """An `after_error` argument. ValueError if it is none, or if nothing would tell of an error."""
    if after_error not in ("cut", "end"):
        raise ValueError(f'after_error must be "cut" or "end", not {after_error!r}')
    if after_error == "end" and not error:
        raise ValueError('after_error="end" needs error=: nothing else would tell of a failure')
    return after_error == "end"


def report(error: Exception) -> None:
    """Tell the log about an error that a client has been told of, and nobody else will be."""
    logging.getLogger("rjson.integrations").error("a source failed; its response ended with an error record", exc_info=error)


def _end_record(count: int, framing: WriteFraming) -> Any:
    record = {END: count}
    return Event(record, event="end") if framing == "sse" else record


def _error_record(error: BaseException, make: ErrorRecord, framing: WriteFraming) -> Any:
    # By default nothing of the exception is told to a stranger.
    record = {ERROR: make(error) if callable(make) else "the source failed"}
    return Event(record, event="error") if framing == "sse" else record


def with_records(
    rows: Any, framing: WriteFraming | None, end: bool, error: ErrorRecord, encoder: Encoder
) -> tuple[Any, LastWords | None]:
    """The rows, and behind them a record that says that they are all; and what makes the record that they failed."""
    if not (end or error):
        return rows, None
    if framing not in ("lines", "seq", "sse"):
        raise ValueError(f'end= and error= need framing "lines", "seq" or "sse", not {framing!r}')

    def last_words(exception: BaseException) -> bytes:
        return b"".join(iterencode(encoder, [_error_record(exception, error, framing)], framing, "full", CHUNK_SIZE))

    if end:
        rows = _with_end_async(rows, framing) if isinstance(rows, AsyncIterable) else _with_end(rows, framing)
    return rows, last_words if error else None


def _with_end(rows: Iterable[Any], framing: WriteFraming) -> Generator[Any, None, None]:
    count = 0
    try:
        for row in rows:
            yield row
            count += 1
    finally:
        close = getattr(rows, "close", None)
        if isinstance(rows, Generator) and close:
            close()
    yield _end_record(count, framing)


async def _with_end_async(rows: AsyncIterable[Any], framing: WriteFraming) -> AsyncIterator[Any]:
    count = 0
    try:
        async for row in rows:
            yield row
            count += 1
    finally:
        aclose = getattr(rows, "aclose", None)
        if aclose:
            await aclose()
    yield _end_record(count, framing)
