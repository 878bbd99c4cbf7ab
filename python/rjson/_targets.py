"""What a target is, and the one right way to write to it.

Only three kinds are written through their file descriptor: plain sockets, raw files, and buffered (or UTF-8 text) files
on top of a raw file, which are flushed first. Everything else has a layer between `write` and the descriptor (TLS,
compression, a text codec, somebody's subclass), so it is written through its own `write` or `send`.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

from ._hints import instead, is_descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    from ._core import ArrowWriter, Encoder, Transcoder, _How
    from ._options import Progress


class Request:
    """One call of dump_to: what to write, and how."""

    __slots__ = ("chunk_size", "encoder", "is_begun", "obj", "overlap", "progress", "timeout", "verbatim")

    def __init__(
        self,
        encoder: Encoder | Filler,
        obj: Any,
        chunk_size: int,
        timeout: float | None,
        progress: Progress,
        overlap: bool | None,
        *,
        verbatim: bool = False,
    ) -> None:
        self.encoder = encoder
        self.obj = obj
        self.chunk_size = chunk_size
        self.timeout = timeout
        self.progress: Progress = progress
        self.overlap = overlap
        self.verbatim = verbatim  # obj is bytes that were encoded before
        self.is_begun = False  # C may have written something

    def begin(self) -> _How:
        """All but what is written: one argument of every way to write."""
        self.is_begun = True
        return self.chunk_size, self.timeout, self.progress, self.overlap, self.verbatim


class Filler:
    """What is taken for an encoder where something else fills the target: its object is a source of text, or of rows."""

    __slots__ = ("_dump_fd", "_dump_write")
    options: dict[str, Any] = {}  # noqa: RUF012 - none that a text target asks for
    _breaks_lines = True

    def __init__(self, native: ArrowWriter | Transcoder) -> None:
        self._dump_fd = native._dump_fd
        self._dump_write = native._dump_write


def _own(module: str, name: str) -> Any:
    """A class of a module that may not be imported; an empty tuple, of which nothing is an instance, then."""
    return getattr(sys.modules.get(module), name, ())


def dump_to(request: Request, target: Any) -> int:
    """Write to whatever `target` is; return the bytes (characters for text) written."""
    try:
        return _dump_to(request, target)
    except BaseException as e:
        # What a signal's handler raises behind C's call does not tell, and then it is not known.
        if not request.is_begun or isinstance(e, _OF_ARGUMENTS):
            note_nothing_written(e)
        raise


_OF_ARGUMENTS = (TypeError, ValueError, OverflowError, OSError, MemoryError)  # before C writes; later it tells itself


def note_nothing_written(error: BaseException) -> None:
    """What fails before there is anything to write says so too."""
    if not hasattr(error, "bytes_written"):
        try:  # noqa: SIM105 - without contextlib's import
            error.bytes_written = 0  # type: ignore[attr-defined]
        except AttributeError:  # an exception with __slots__
            pass


def _dump_to(request: Request, target: Any) -> int:
    if request.progress is True:
        from ._progress import dump_with_bar

        return dump_with_bar(request, target)
    if is_descriptor(target):
        return _to_fd(request, target, f"fd {target}", None)
    if isinstance(target, _own("socket", "socket")):
        return _to_socket(request, target)
    if callable(getattr(type(target), "_begin", None)):  # rjson.uv's, which is imported if there is one
        return _to_uv(request, target)
    if isinstance(target, _own("tempfile", "_TemporaryFileWrapper")):
        return _dump_to(request, target.file)
    if isinstance(target, (io.TextIOBase, io.BufferedIOBase, io.RawIOBase)):
        return _to_stream(request, target)
    if callable(getattr(target, "write", None)):
        return _to_write(request, target, target.write, mode=_guess_mode(target))
    if callable(getattr(target, "send", None)):
        return _to_write(request, target, target.send, mode="bytes", would_block=_would_block_errors())
    hint = instead(target, path="rjson.dump_path(obj, path) writes to a file by its name")
    raise TypeError(
        "target must be a file descriptor, a socket, or an object with write() or send(), "
        f"not {type(target).__name__}: {target!r}{hint}"
    )


# ---- sockets


def _is_plain_socket(sock: socket.socket) -> bool:
    """Whether sending on the descriptor is what its own methods would do (not so for TLS, proxies, gevent)."""
    cls: Any = type(sock)
    plain: Any = _own("socket", "socket")
    return all(getattr(cls, name) is getattr(plain, name) for name in ("send", "sendall", "fileno"))


def _to_socket(request: Request, sock: socket.socket) -> int:
    if sock.type != _own("socket", "SOCK_STREAM"):
        raise ValueError(f"target must be a stream socket, not {sock!r}")
    if not _is_plain_socket(sock):
        with _SocketTimeout(sock, request.timeout):
            return _to_write(request, sock, sock.send, mode="bytes", would_block=_would_block_errors())
    fd = sock.fileno()
    if fd < 0:
        raise ValueError(f"target is closed: {sock!r}")
    if request.timeout is None:
        # A non-blocking socket's 0.0 says how its own calls behave; dump_to waits.
        request.timeout = sock.gettimeout() or _send_timeout(sock)
    return _to_fd(request, fd, sock, sock.fileno)


def _send_timeout(sock: socket.socket) -> float | None:
    """SO_SNDTIMEO, which the kernel would observe in a send() that waits: here poll() does the waiting."""
    import struct  # not for programs without sockets

    socket: Any = sys.modules["socket"]
    try:
        seconds, microseconds = struct.unpack("ll", sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16))
    except (OSError, AttributeError, struct.error):
        return None
    return (seconds + microseconds / 1e6) or None


class _SocketTimeout:
    """Has `send` itself observe a timeout that was given for this call, where there is one."""

    def __init__(self, sock: socket.socket, timeout: float | None) -> None:
        self.sock, self.timeout = sock, timeout
        self.before = sock.gettimeout()

    def __enter__(self) -> None:
        if self.timeout is not None and self.before != 0:
            self.sock.settimeout(self.timeout or 1e-6)  # 0 would make it non-blocking

    def __exit__(self, *_: object) -> None:
        if self.timeout is not None and self.before != 0 and self.sock.fileno() >= 0:
            self.sock.settimeout(self.before)


def _would_block_errors() -> tuple[type[BaseException], ...]:
    ssl = sys.modules.get("ssl")  # nobody has a TLS socket without it
    return (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError) if ssl else (BlockingIOError,)


# ---- file objects


def _to_stream(request: Request, stream: io.TextIOBase | io.BufferedIOBase | io.RawIOBase) -> int:
    # Streams written in Python may have a write() and not say so; theirs is asked when it comes to that.
    is_builtin = type(stream).__module__ == "_io"
    if is_builtin and not stream.writable():  # raises ValueError if it is closed
        raise io.UnsupportedOperation(f"target is not writable: {stream!r}")
    if isinstance(stream, io.TextIOBase):
        return _to_text(request, stream)
    if type(stream) is io.FileIO:
        return _to_fd(request, stream.fileno(), stream, stream.fileno)
    if _is_buffered_file(stream):
        return _to_buffered_file(request, stream)
    write: Any = getattr(stream, "write", None)
    answers = "raw" if isinstance(stream, io.RawIOBase) else "count"
    return _to_write(request, stream, write, mode="bytes", answers=answers)


def dump_text(request: Request, target: Any) -> int:
    """Write str to a text file, or to anything with write(), whose answers are ignored: as `json.dump`."""
    if isinstance(target, io.TextIOBase) and type(target).__module__ == "_io":
        return _to_stream(request, target)
    return _to_write(request, target, target.write, mode="text", answers="ignored")


def _is_buffered_file(stream: Any) -> bool:
    return type(stream) is io.BufferedWriter and type(stream.raw) is io.FileIO


def _to_buffered_file(request: Request, stream: Any, *, characters: bool = False) -> int:
    stream.flush()
    try:
        return _to_fd(request, stream.fileno(), stream, stream.fileno, characters=characters)
    finally:
        if not stream.closed and stream.seekable():
            stream.tell()  # makes it look where its descriptor is now


def _to_text(request: Request, stream: Any) -> int:
    buffer = binary_below(request.encoder, stream)
    if buffer is None:
        return _to_write(request, stream, stream.write, mode="text")
    stream.flush()
    if _is_buffered_file(buffer):
        return _to_buffered_file(request, buffer, characters=True)
    return _to_write(request, buffer, buffer.write, mode="bytes", characters=True)


def binary_below(encoder: Encoder | Filler, stream: Any) -> Any:
    """The binary stream below a text file that may be written to in its place; None if there is none."""
    # Line breaks and surrogates are the text layer's business: it may translate the ones and refuse the others.
    passes_surrogates = encoder.options.get("surrogates") == "pass" and not encoder.options.get("ensure_ascii")
    return None if encoder._breaks_lines or passes_surrogates else _utf8_buffer(stream)


def _utf8_buffer(stream: Any) -> Any:
    """The binary stream below a text file, if the text layer would do nothing but encode to UTF-8."""
    if type(stream) is not io.TextIOWrapper or os.linesep != "\n":
        return None
    buffer: Any = stream.buffer
    if codecs.lookup(stream.encoding).name != "utf-8" or buffer.readable():
        return None
    return buffer


def _guess_mode(target: Any) -> str:
    """Objects that are no io streams: with an encoding they want str, else bytes, or str if they refuse bytes."""
    return "text" if isinstance(getattr(target, "encoding", None), str) else "either"


# ---- the two ways


def _to_fd(request: Request, fd: int, label: object, fileno: Callable[[], int] | None, *, characters: bool = False) -> int:
    return request.encoder._dump_fd(
        obj=request.obj,
        fd=fd,
        label=label,
        how=request.begin(),
        fileno=fileno,
        characters=characters,
    )


def _to_uv(request: Request, stream: Any) -> int:
    encoder = request.encoder
    if isinstance(encoder, Filler):
        raise TypeError(f"{stream!r} takes documents that rjson encodes; write other text to its socket")
    sink = stream._begin(request.chunk_size)
    try:
        return encoder._dump_sink(obj=request.obj, sink=sink, label=stream, how=request.begin())
    finally:
        stream._end()


def _to_write(
    request: Request,
    target: Any,
    write: Callable[[Any], object],
    *,
    mode: Any,
    answers: Any = "count",
    characters: bool = False,
    would_block: tuple[type[BaseException], ...] = (BlockingIOError,),
) -> int:
    return request.encoder._dump_write(
        obj=request.obj,
        write=write,
        label=target,
        how=request.begin(),
        fileno=getattr(target, "fileno", None),
        mode=mode,
        answers=answers,
        characters=characters,
        would_block=would_block,
    )
