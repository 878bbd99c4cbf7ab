"""reformat: JSON in, JSON out, token by token. stream/ does the work; here a source becomes a descriptor or a callable."""

from __future__ import annotations

import io
import os

from . import _targets
from ._core import Transcoder
from ._hints import is_descriptor
from ._progress import Bar, teller_for
from ._sources import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ._options import Progress

CHUNK_SIZE = 65536
READ_SIZE = 131072


def reformat(
    source: Any,
    target: Any,
    *,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    ensure_ascii: bool = False,
    framing_in: str = "auto",
    framing_out: str = "auto",
    max_depth: int = 100_000,
    chunk_size: int = CHUNK_SIZE,
    timeout: float | None = None,
    progress: Progress = None,
) -> int:
    """Read JSON and write it in another form, token by token: in constant memory, whatever its size and shape.

    Numbers keep their digits, strings their escapes, objects the order of their members and members that come twice; only
    white space changes, and what stands between documents. The text is checked as `loads` does, and nothing is written that
    was not checked: what is out when it fails is the beginning of what would have come out.

    Args:
        source: A file (of bytes or text), descriptor or socket to read to its end; the text itself, as str or bytes; or an
            iterable of parts of it, cut anywhere.
        target: What `dump_to` takes. None: the text is only checked.
        indent: Break lines, and indent by so many spaces (or this str of spaces and tabs) a level. 0 breaks lines only.
        separators: What stands between items and after keys: a comma and a colon, white space around them.
        ensure_ascii: Escape whatever is not ASCII.
        framing_in: What holds documents together. "document": there is exactly one. "lines", "array", "seq", "concat": as
            for `iterload`, but that a document of "lines" may have several; numbers and literals need something between
            them. "auto": "seq" if the text begins with the record separator; "array" if it begins with a bracket and
            `framing_out` is another than "auto" or "document"; else "concat", but at least one document if `framing_out` is
            "auto".
        framing_out: The same. "lines": one document a line (NDJSON). "array": one array, of documents. "seq": JSON text
            sequences (RFC 7464). "concat": one after the other. "auto": as "concat", each but the first on a new line.
        max_depth: How deeply containers may nest.
        chunk_size: Bytes per write, about.
        timeout: Seconds to wait at most for a descriptor that gives nothing, or a target that accepts nothing; None is no
            limit.
        progress: Called with the bytes read so far, now and then. True: a progress bar, which needs tqdm.

    Returns:
        How many bytes were written; characters, if `target` is for text.

    Raises:
        DecodeError: The text is not JSON; `lineno`, `colno`, `pos` (in characters) and `offset` (in bytes) say where. What
            was written before stays written: `bytes_written`.
        OSError, TimeoutError: Source or target failed.
        http.client.IncompleteRead: The source is a response of http.client or urllib3 that ends before its Content-Length.

    >>> import io
    >>> out = io.BytesIO()
    >>> reformat(b'{"pi": 3.1400, "big": 1E400}', out)
    25
    >>> out.getvalue()
    b'{"pi":3.1400,"big":1E400}'
    """
    if progress is True:
        with Bar() as bar:
            arguments = {"ensure_ascii": ensure_ascii, "framing_in": framing_in, "framing_out": framing_out}
            arguments |= {"indent": indent, "separators": separators, "max_depth": max_depth, "chunk_size": chunk_size}
            return reformat(source, target, timeout=timeout, progress=bar, **arguments)  # type: ignore[arg-type]
    if isinstance(indent, int):
        indent = " " * max(indent, 0)
    item, key = separators if separators is not None else (None, None)
    transcoder = Transcoder(indent, item, key, ensure_ascii, framing_in, framing_out, max_depth)
    readable, restore = _readable(source)
    try:
        if target is None:
            transcoder.check(readable, teller_for(progress))
            return 0
        return _targets.dump_to(
            _targets.Request(_targets.Filler(transcoder), readable, chunk_size, timeout, progress, None),
            target,
        )
    finally:
        if restore is not None:
            restore()


def _readable(source: Any) -> tuple[int | Callable[[], Any], Callable[[], object] | None]:
    """A descriptor, or a callable that gives the next part and an empty one at the end; and what to do afterwards."""
    if is_descriptor(source):
        return source, None
    if isinstance(source, str):
        return _parts((source,)), None
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _parts((bytes(source),)), None
    fd = _plain_file(source)
    if fd is not None:
        return fd, lambda: source.seek(0, os.SEEK_END)
    read = next((getattr(source, name) for name in ("read1", "read", "recv") if hasattr(source, name)), None)
    if read is not None:
        read = whole(source, read)
        return lambda: read(READ_SIZE), None
    if hasattr(source, "__iter__") or hasattr(source, "__next__"):
        return _parts(source), None
    raise TypeError(
        "source must be a descriptor, an object with read() or recv(), JSON text, or an iterable of parts of it, "
        f"not {type(source).__name__}: {source!r}"
    )


def _parts(source: Iterable[Any]) -> Callable[[], Any]:
    # An empty part is not the end.
    parts = (part for part in source if part is None or len(part) > 0)
    return lambda: next(parts, b"")


def _plain_file(source: Any) -> int | None:
    """The descriptor of a file that can be read through it, positioned where the file object is."""
    if type(source) not in (io.FileIO, io.BufferedReader) or source.closed or not source.readable():
        return None
    if type(source) is io.BufferedReader and type(source.raw) is not io.FileIO:
        return None
    if not source.seekable():
        return None
    fd: int = source.fileno()
    os.lseek(fd, source.tell(), os.SEEK_SET)
    return fd
