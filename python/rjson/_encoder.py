"""Encoder, and the functions that are its methods with options given per call."""

from __future__ import annotations

from . import _core, _targets
from ._hints import instead

TYPE_CHECKING = False  # typing's own would cost every program that imports rjson its import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Unpack

    from ._iterencode import Chunks
    from ._options import Compression, Flush, Options, Path, Progress, WriteFraming

CHUNK_SIZE = 65536


class Encoder(_core.Encoder):
    """Encoding options, bound once.

    Immutable, and safe to use from several threads. Has every function of the package as a method.

    Args:
        default: Called with any object that cannot be encoded; what it returns is encoded in its place. Keys are not.
        default_key: Called with any key that has no text; what it returns is the key in its place: a str, or what else has a
            text as a key. Goes before `skipkeys`.
        indent: Break lines, and indent by so many spaces (at most 1024; or by this str) a level. 0 breaks lines only.
        separators: What stands between items and after keys, `(",", ":")` if nothing else is said; with `indent`, `": "`.
        sort_keys: Write members in the order of their keys, as Python compares them.
        skipkeys: Leave out members whose keys have no text, instead of raising.
        omit_none: Leave out members (of dicts and of objects with fields) that are None.
        duplicates: "error": raise where two keys of a dict become equal when they are written, as 1 and "1". "keep": both
            are written.
        ensure_ascii: Escape whatever is not ASCII.
        allow_nan: Write NaN and Infinity, which are not JSON, instead of raising. "null": write null for them.
        surrogates: What becomes of lone surrogates. "error": EncodeError. "escape": `\\ud800`. "replace": U+FFFD. "pass":
            they stay what they are, in a str; in bytes, three bytes that are not valid UTF-8.
        integers: "js-safe": raise for ints beyond 2**53 - 1 either way, which JavaScript rounds. "string": write these as
            strings, all others as numbers. "int64": raise for ints that are not from -2**63 to 2**63 - 1. Keys are strings,
            and exact.
        decimal: "number": all digits of a Decimal, exactly. "string": the same in quotes.
        timedelta: "iso": ISO 8601, as in "P1DT2H". "seconds": `total_seconds()`.
        utc_z: Write Z for an offset of zero, not +00:00.
        naive_utc: Take datetimes without a time zone for UTC, and say so.
        omit_microseconds: Leave out parts of a second.
        namedtuple: "object": by their fields' names.
        sets: "array": in the order of their iteration. "error": they go to `default`.
        passthrough: Groups of types that go to `default` though they are known, as in `{"datetime", "enum"}`. True: all that
            the json module does not know.
        append_newline: End the document with a line feed.
        max_depth: How deeply containers may nest.

    Raises:
        TypeError, ValueError: An option that does not exist, or a value that it cannot have.

    >>> Encoder(default=str).dumps({"path": complex(1, 2)})
    '{"path":"(1+2j)"}'
    """

    __slots__ = ()

    if TYPE_CHECKING:  # where editors look for what the options mean

        def __init__(self, **options: Unpack[Options]) -> None: ...

    def dump(
        self,
        obj: Any,
        fp: Any,
        *,
        chunk_size: int = CHUNK_SIZE,
        timeout: float | None = None,
        progress: Progress = None,
        overlap: bool | None = None,
    ) -> int:
        """Write `obj` to a file object; see `rjson.dump`."""
        if not callable(getattr(fp, "write", None)):
            hint = instead(
                fp,
                path="rjson.dump_path(obj, path) writes to a file by its name",
                fd="rjson.dump_to(obj, fd) writes to descriptors",
                socket="rjson.dump_to(obj, sock) writes to sockets",
            )
            error = TypeError(f"fp must have a write() method, and {type(fp).__name__} has none: {fp!r}{hint}")
            _targets.note_nothing_written(error)
            raise error
        return _targets.dump_to(_targets.Request(self, obj, chunk_size, timeout, progress, overlap), fp)

    def dump_to(
        self,
        obj: Any,
        target: Any,
        *,
        chunk_size: int = CHUNK_SIZE,
        timeout: float | None = None,
        progress: Progress = None,
        overlap: bool | None = None,
    ) -> int:
        """Write `obj` to a descriptor, socket or file object; see `rjson.dump_to`."""
        return _targets.dump_to(_targets.Request(self, obj, chunk_size, timeout, progress, overlap), target)

    def dump_path(
        self,
        obj: Any,
        path: Path,
        *,
        atomic: bool = True,
        fsync: bool = False,
        compression: Compression = "infer",
        level: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        chunk_size: int = CHUNK_SIZE,
        progress: Progress = None,
    ) -> int:
        """Write `obj` to the file of that name; see `rjson.dump_path`."""
        from ._paths import write_path

        request = _targets.Request(self, obj, chunk_size, None, progress, None)
        how = {"atomic": atomic, "fsync": fsync, "compression": compression, "level": level}
        return write_path(request, path, storage_options=storage_options, **how)

    def iterencode(
        self,
        obj: Any,
        *,
        framing: WriteFraming | None = None,
        flush: Flush = "full",
        chunk_size: int = CHUNK_SIZE,
        progress: Progress = None,
    ) -> Chunks:
        """Encode `obj` lazily, as an iterator of chunks; see `rjson.iterencode`."""
        from ._iterencode import iterencode

        return iterencode(self, obj, framing, flush, chunk_size, progress=progress)


_default_encoder = Encoder()


def encoder_for(options: Options) -> Encoder:
    """An encoder with these options."""
    return Encoder(**options) if options else _default_encoder


def dump(
    obj: Any,
    fp: Any,
    *,
    chunk_size: int = CHUNK_SIZE,
    timeout: float | None = None,
    progress: Progress = None,
    overlap: bool | None = None,
    **options: Unpack[Options],
) -> int:
    """Encode `obj` as JSON and write it to `fp` while it is being encoded, in constant memory.

    Args:
        obj: What `dumps` takes. Iterators in it are consumed as they are written.
        fp: Any object with `write()`, for bytes or for text. It returns None, or an int: how much it took, so that short
            writes are continued. Anything else is an error.
        chunk_size: Bytes per write, about.
        timeout: Seconds to wait at most while `fp` accepts nothing, or fewer than 4096 bytes; None is no limit.
        progress: Called with the bytes written so far, about once per chunk. True: a progress bar, which needs tqdm.
        overlap: Write on a second thread while the next chunk is encoded. None: for regular files, where it is faster.
        **options: Those of `Encoder`.

    Returns:
        How many bytes were written; characters, if `fp` is for text.

    Raises:
        EncodeError: Something cannot be encoded; `.path` and `.bytes_written` say where. Every other exception that leaves
            this function has `.bytes_written` too.
        OSError, TimeoutError: `fp` failed.

    >>> import io
    >>> fp = io.StringIO()
    >>> dump({"squares": (n * n for n in range(4))}, fp)
    21
    >>> fp.getvalue()
    '{"squares":[0,1,4,9]}'
    """
    return encoder_for(options).dump(obj, fp, chunk_size=chunk_size, timeout=timeout, progress=progress, overlap=overlap)


def dump_to(
    obj: Any,
    target: Any,
    *,
    chunk_size: int = CHUNK_SIZE,
    timeout: float | None = None,
    progress: Progress = None,
    overlap: bool | None = None,
    **options: Unpack[Options],
) -> int:
    """Encode `obj` as JSON and write it to `target`: `dump` for descriptors and sockets as well.

    Args:
        obj: What `dumps` takes. Iterators in it are consumed as they are written.
        target: A file descriptor, a stream socket (TLS too), or any object with `write()` or `send()`.
        chunk_size: Bytes per write, about.
        timeout: Seconds to wait at most while `target` accepts nothing. None: a socket's own timeout or SO_SNDTIMEO, else no
            limit.
        progress: Called with the bytes written so far, about once per chunk. True: a progress bar, which needs tqdm.
        overlap: Write on a second thread while the next chunk is encoded (files and sockets; ignored for others). None: for
            regular files, where it is faster.
        **options: Those of `Encoder`.

    Returns:
        How many bytes were written; characters, if `target` is for text.

    Raises:
        EncodeError: Something cannot be encoded; `.path` and `.bytes_written` say where. Every other exception that leaves
            this function has `.bytes_written` too.
        TimeoutError: `target` accepted nothing for `timeout` seconds.
        OSError: `target` failed.

    >>> import os
    >>> r, w = os.pipe()
    >>> dump_to([1, 2, 3], w)
    7
    >>> os.read(r, 100)
    b'[1,2,3]'
    >>> os.close(r), os.close(w)
    (None, None)
    """
    return encoder_for(options).dump_to(
        obj, target, chunk_size=chunk_size, timeout=timeout, progress=progress, overlap=overlap
    )


def iterencode(
    obj: Any,
    *,
    framing: WriteFraming | None = None,
    flush: Flush = "full",
    chunk_size: int = CHUNK_SIZE,
    progress: Progress = None,
    **options: Unpack[Options],
) -> Chunks:
    """Encode `obj` lazily, as an iterator of chunks: for WSGI and everything else that takes an iterable of bytes.

    Args:
        obj: What `dumps` takes. Iterators in it are consumed as the chunks are asked for. With `framing`: an iterable of
            documents.
        framing: How documents follow each other: "lines" (NDJSON), "array", "seq" (RFC 7464), "sse" (server-sent events;
            a document may be an `Event` there), "concat". None: `obj` is one document.
        flush: When a chunk is handed over before it is full. "item": after each document, or without `framing` after each
            item of an iterator that is in no other array. A number: what has been encoded waits for a slow source for so
            many seconds at most; the document and its sources are then run by a thread of their own. "full": never.
        chunk_size: The largest size of a chunk, in bytes; less than 535 is taken as 535.
        progress: Called with the bytes of all chunks that are done with, when the next one is asked for. True: a progress
            bar, which needs tqdm.
        **options: Those of `Encoder`.

    Returns:
        An iterator of bytes. Its `close()` ends it early, and closes the generators that it is in the middle of.

    Raises:
        EncodeError: From the iterator, when it comes to something that cannot be encoded. It has `.bytes_written`, as has
            every other exception from there: the bytes of all chunks before.
        ValueError: There is no such framing, or `flush` is none of the above.

    >>> list(iterencode(["streamed"]))
    [b'["streamed"]']
    >>> list(iterencode(({"n": n} for n in range(3)), framing="lines"))
    [b'{"n":0}\\n{"n":1}\\n{"n":2}\\n']
    """
    return encoder_for(options).iterencode(obj, framing=framing, flush=flush, chunk_size=chunk_size, progress=progress)
