"""Where a Writer's chunks go: files, of which a part of a document can be taken back, and everything else."""

from __future__ import annotations

import io
import os
import stat
import sys
from contextlib import suppress

from ._hints import is_descriptor
from ._targets import Request, binary_below, dump_to

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._core import Encoder


class Place:
    """Any target of `dump_to`. What it accepted it keeps."""

    def __init__(self, target: Any, encoder: Encoder, timeout: float | None) -> None:
        self._target = target
        self._encoder = encoder
        self._timeout = timeout

    def send(self, piece: bytes) -> int:
        """Have the target accept all of it; return how many bytes, or characters. An exception has `bytes_written`."""
        # Room for the whole piece at once: as text it is decoded without a cut.
        request = Request(self._encoder, piece, len(piece) + 1024, self._timeout, None, False, verbatim=True)
        return dump_to(request, self._target)

    def take_back(self, count: int) -> bool:
        """Take back the last bytes that were accepted. False if they have to stay."""
        return count == 0

    def flush(self) -> None:
        """What was accepted is to leave the target's own buffers too."""
        flush = getattr(self._target, "flush", None)
        if callable(flush):
            flush()

    def abort(self) -> None:
        """Show the peer of a connection that something is missing. The target is not closed."""
        target = self._target
        if isinstance(target, getattr(sys.modules.get("socket"), "socket", ())):
            reset_on_close(target)
        elif callable(getattr(target, "abort", None)):
            target.abort()

    def close(self, is_whole: bool) -> None:
        """Close what was opened for the writer. If it is not whole, readers are to see that where they can."""


def reset_on_close(sock: Any) -> None:
    """Have a TCP socket's close send RST: the peer's last read fails, where a FIN would look like a regular end."""
    import socket
    import struct

    with suppress(OSError, ValueError):  # not TCP, or closed
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class FilePlace(Place):
    """A regular file, through its descriptor."""

    def __init__(self, target: Any, encoder: Encoder, timeout: float | None, fileno: Callable[[], int]) -> None:
        super().__init__(target, encoder, timeout)
        self._fileno = fileno

    def take_back(self, count: int) -> bool:
        if count == 0:
            return True
        try:
            fd = self._fileno()
            end = os.lseek(fd, 0, os.SEEK_CUR)
            if end != os.fstat(fd).st_size or end < count:  # somebody else wrote behind it
                return False
            os.ftruncate(fd, end - count)
            os.lseek(fd, end - count, os.SEEK_SET)
            if isinstance(self._target, io.IOBase) and self._target.seekable():
                self._target.tell()  # makes it look where its descriptor is now
        except (OSError, ValueError):
            return False
        return True

    def abort(self) -> None:
        """Nothing: what is in the file are whole documents."""


class SeekablePlace(Place):
    """A BytesIO, or a file that is open for reading too: through its own methods."""

    def take_back(self, count: int) -> bool:
        end = self._target.tell()
        if end != self._target.seek(0, os.SEEK_END):
            return False
        self._target.seek(end - count)
        self._target.truncate()
        return True

    def abort(self) -> None:
        """Nothing: see FilePlace."""


class OwnFile(FilePlace):
    """A file that was opened for the writer."""

    def close(self, is_whole: bool) -> None:
        self._target.close()


class CompressedFile(Place):
    """A file that is compressed, opened for the writer. What went in cannot be taken back."""

    def __init__(self, path: Any, encoder: Encoder, format: Any, level: int | None) -> None:
        from ._compressed import Compressed

        Compressed(io.BytesIO(), format, level).abort()  # without a codec no file becomes empty
        self._file = io.FileIO(path, "w")
        super().__init__(Compressed(self._file, format, level), encoder, None)

    def abort(self) -> None:
        """What was written can be read, but lacks its end."""
        self._target.flush()

    def close(self, is_whole: bool) -> None:
        try:
            if is_whole:
                self._target.close()
            else:
                self._target.abort()
        finally:
            self._file.close()


class SharedFile(Place):
    """A file that whole lines are appended to, by several processes at a time.

    Lines go out in one write() with O_APPEND, under an advisory lock (flock) where the file system has one: what only a part
    fitted of, because the disk is full, is taken back before anybody writes behind it.
    """

    def __init__(self, file: io.FileIO, encoder: Encoder) -> None:
        super().__init__(file, encoder, None)

    def send(self, piece: bytes) -> int:
        fd = self._target.fileno()
        written = 0
        with Locked(fd):
            try:
                while written < len(piece):
                    written += os.write(fd, memoryview(piece)[written:] if written else piece)
            except BaseException as e:
                whole = piece.rfind(b"\n", 0, written) + 1
                os.ftruncate(fd, os.fstat(fd).st_size - (written - whole))
                e.bytes_written = whole  # type: ignore[attr-defined]
                raise
        return written

    def abort(self) -> None:
        """Nothing: what is in the file are whole lines."""

    def close(self, is_whole: bool) -> None:
        self._target.close()


class Locked:
    """An advisory lock on a file, for a moment."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._has_lock = False

    def __enter__(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            self._has_lock = True
        except OSError:  # a file system without locks
            pass

    def __exit__(self, *_: object) -> None:
        import fcntl

        if self._has_lock:
            fcntl.flock(self._fd, fcntl.LOCK_UN)


def place_of(target: Any, encoder: Encoder, timeout: float | None) -> Place:
    """The place for what a user passed as `target`."""
    if isinstance(target, Place):
        return target
    wrapper: Any = getattr(sys.modules.get("tempfile"), "_TemporaryFileWrapper", ())
    if isinstance(target, wrapper):
        target = target.file
    if type(target) in (io.BytesIO, io.BufferedRandom) and target.seekable():
        return SeekablePlace(target, encoder, timeout)
    fileno = _fileno_of(target, encoder)
    return FilePlace(target, encoder, timeout, fileno) if fileno else Place(target, encoder, timeout)


def _fileno_of(target: Any, encoder: Encoder) -> Callable[[], int] | None:
    """What gives the descriptor of a regular file, if `dump_to` writes through it."""
    if is_descriptor(target):
        return (lambda: target) if _is_regular(target) else None
    binary = binary_below(encoder, target) if type(target) is io.TextIOWrapper else target
    raw = binary.raw if type(binary) is io.BufferedWriter else binary
    if type(raw) is not io.FileIO or raw.closed or not _is_regular(raw.fileno()):
        return None
    fileno: Callable[[], int] = raw.fileno
    return fileno


def _is_regular(fd: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False


# ---- appending


def open_to_append(path: Any, if_torn: str, encoder: Encoder) -> SharedFile:
    """A file that ends with a whole line, or is empty."""
    if if_torn not in ("error", "repair", "new-line"):
        raise ValueError(f"if_torn must be 'error', 'repair' or 'new-line', not {if_torn!r}")
    file = io.FileIO(path, "a+")
    try:
        with Locked(file.fileno()):
            _mend(file, if_torn)
    except BaseException:
        file.close()
        raise
    return SharedFile(file, encoder)


def _mend(file: io.FileIO, if_torn: str) -> None:
    fd = file.fileno()
    size = os.fstat(fd).st_size
    if size == 0 or os.pread(fd, 1, size - 1) == b"\n":
        return
    start = _line_start(fd, size)
    if if_torn == "repair":
        os.ftruncate(fd, start)
    elif if_torn == "new-line":
        os.write(fd, b"\n")
    else:
        raise ValueError(
            f"the last line of {file.name!r} has no end: it is torn, from byte {start} of {size} on. "
            'if_torn="repair" takes it away, if_torn="new-line" ends it'
        )


def _line_start(fd: int, end: int) -> int:
    while end > 0:
        begin = max(0, end - 65536)
        found = os.pread(fd, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
