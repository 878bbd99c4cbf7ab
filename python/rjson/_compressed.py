"""Compressed streams: a thread compresses while the next chunk is encoded; and their decompression."""

from __future__ import annotations

import io
import os
import threading

from ._codecs import check_format, is_damage, new_compressor, new_decompressor
from ._encoder import encoder_for
from ._places import Place

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from typing_extensions import Buffer, Self

    from ._codecs import Compressor
    from ._options import Format

# What is written is collected to pieces of so many bytes: handing them over costs little then.
_PIECE = 1 << 18
_MOST_PIECES = 4
_READ = 1 << 17
_MOST_OUT = 1 << 18


def compressed(target: Any, format: Format, *, level: int | None = None) -> Compressed:
    """A file to write to, whose bytes go to `target` compressed: a target for `dump`, `dump_to` and `Writer`.

    A thread compresses and writes what has been written here, while the next part is encoded; what is small needs none.
    As a context manager it is closed at the end, or aborted if an exception leaves the block. `target` is not closed.

    Args:
        target: What `dump_to` takes: a file descriptor, a stream socket, or an object with `write()` for bytes.
        format: "gz", "bz2", "xz", "zst" or "lz4".
        level: How much to compress. None: the codec's own default. For "gz" 0 to 9; 1 to 3 and None take isal if it is
            installed, the others zlib-ng if it is; "bz2" 1 to 9, "xz" 0 to 9, "zst" -7 to 22, "lz4" -10 to 16.

    Returns:
        A file object, to be used by one thread at a time. Its `flush()` is a flush point: when it returns, `target` has all
        that was written before, and it can be read. `abort()` drops what `target` has not got, and does not end the stream:
        for readers it is cut, not whole. `bytes_written` counts what `target` accepted.

    Raises:
        ImportError: No codec for this format is installed; the message says what to install.
        ValueError: There is no such format or level.

    What the codec or `target` raises comes out of the next `write()`, `flush()` or `close()`.

    >>> import gzip, io
    >>> out = io.BytesIO()
    >>> with compressed(out, "gz") as fp:
    ...     _ = fp.write(b"[1,2,3]")
    >>> gzip.decompress(out.getvalue())
    b'[1,2,3]'
    """
    return Compressed(target, format, level)


class Compressed(io.BufferedIOBase):
    """See `compressed`."""

    _work: _Work | None = None
    _is_ending = False

    def __init__(self, target: Any, format: Format, level: int | None = None) -> None:
        if isinstance(target, io.TextIOBase):
            raise TypeError(f"compressed data is bytes, and this file takes text: {target!r}")
        check_format(format)
        new_compressor(format, level, False)  # raises, if it has to, now
        self._parts: list[bytes] = []
        self._size = 0
        self._work = _Work(Place(target, encoder_for({}), None), format, level)

    @property
    def bytes_written(self) -> int:
        """How many bytes `target` has accepted."""
        return self._work.count if self._work else 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of it. Return how many bytes that is. It waits while the compressor is behind by four pieces."""
        work = self._open_work()
        work.check()
        part = data if type(data) is bytes else bytes(data)
        self._parts.append(part)
        self._size += len(part)
        if self._size >= _PIECE:
            piece = self._take()
            work.start()
            work.put(piece)
        return len(part)

    def has_room(self, size: int) -> bool:
        """Whether write() would only collect so many bytes, and not wait."""
        return self._size + size < _PIECE

    def flush(self) -> None:
        """A flush point: when this returns, everything so far can be read from what the target has."""
        if self._is_ending and not self.closed:  # IOBase.close() asks for it
            return
        work = self._open_work()
        work.check()
        work.put(self._take())
        work.put(_FLUSH)
        work.wait()

    def close(self) -> None:
        """End the stream. The target stays open. Closing twice does nothing."""
        work = self._work
        if self.closed or work is None:
            return
        try:
            work.check()
            work.put(self._take())
            work.put(_END)
            work.wait()
        finally:
            work.stop(join=True)
            self._end()

    def abort(self) -> None:
        """Give up: drop what the target has not got, and leave the stream without its end. The target stays open."""
        if self.closed or self._work is None:
            return
        self._work.stop(join=True)
        self._end()

    def _end(self) -> None:
        self._parts.clear()
        self._is_ending = True
        super().close()

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def __enter__(self) -> Self:
        self._open_work()
        return self

    def __del__(self) -> None:
        # Nobody closed it, so nobody says that it is whole.
        if self._work is not None and not self.closed:
            import warnings

            warnings.warn(f"{self!r} was neither closed nor aborted", ResourceWarning, stacklevel=2, source=self)
            self._work.stop(join=False)
            self._end()

    def _open_work(self) -> _Work:
        if self.closed or self._work is None:
            raise ValueError("write to a compressed file that is closed")
        return self._work

    def _take(self) -> bytes:
        piece = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return piece


_FLUSH, _END = "flush", "end"


class _Work:
    """What there is for the codec to do, and the thread that does it, which does not keep the Compressed alive."""

    def __init__(self, place: Place, format: str, level: int | None) -> None:
        self.count = 0
        self._place = place
        self._format, self._level = format, level
        self._codec: Compressor | None = None
        self._error: BaseException | None = None
        self._queue: list[bytes | str] = []
        self._is_busy = False
        self._is_stopped = False
        self._monitor = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._pid = 0

    # ---- whoever writes

    def start(self) -> None:
        """Have a thread do what comes now."""
        if self._thread is None:
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._run, name="rjson.compressed", daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Raise what the codec or the target raised."""
        if self._error is not None:
            raise self._error
        if self._thread is not None and self._pid != os.getpid():
            raise RuntimeError("this process was forked from the one that compresses: only that one may write")

    def put(self, item: bytes | str) -> None:
        """Hand over a piece, or what is to be done behind it. Waits for room."""
        if not item:
            return
        if self._thread is None:
            self._handle(item)
            return
        with self._monitor:
            while len(self._queue) >= _MOST_PIECES and self._goes_on():
                self._monitor.wait()
            self.check()
            if self._is_stopped:
                raise ValueError("write to a compressed file that was aborted")
            self._queue.append(item)
            self._monitor.notify_all()

    def wait(self) -> None:
        """Until all is done."""
        if self._thread is None:
            return
        with self._monitor:
            while (self._queue or self._is_busy) and self._goes_on():
                self._monitor.wait()
        self.check()

    def _goes_on(self) -> bool:
        return self._error is None and not self._is_stopped

    def stop(self, *, join: bool) -> None:
        """What is left is not done."""
        if self._thread is None or self._pid != os.getpid():
            return
        with self._monitor:
            self._is_stopped = True
            self._queue.clear()
            self._monitor.notify_all()
        if join and self._thread is not threading.current_thread():
            self._thread.join()

    # ---- the thread

    def _run(self) -> None:
        while True:
            with self._monitor:
                self._is_busy = False
                self._monitor.notify_all()
                while not self._queue and not self._is_stopped:
                    self._monitor.wait()
                if self._is_stopped:
                    return
                item = self._queue.pop(0)
                self._is_busy = True
                self._monitor.notify_all()
            try:
                self._handle(item)
            except BaseException:
                with self._monitor:
                    self._is_busy = False
                    self._monitor.notify_all()
                return

    def _handle(self, item: bytes | str) -> None:
        try:
            if self._codec is None:
                self._codec = new_compressor(self._format, self._level, self._thread is not None)
            if isinstance(item, bytes):
                self._send(self._codec.compress(item))
            elif item == _FLUSH:
                self._send(self._codec.flush_point())
                self._place.flush()
            else:
                self._send(self._codec.finish())
                self._place.flush()
        except BaseException as e:
            self._error = e
            raise

    def _send(self, data: bytes) -> None:
        if not data or self._is_stopped:
            return
        try:
            self.count += self._place.send(data)
        except BaseException as e:
            self.count += getattr(e, "bytes_written", 0)
            raise


# ---- reading


class Decompressed(io.BufferedIOBase):
    """A file to read from: what a compressed file holds, one stream behind the other.

    Args:
        file: What to read from, in bytes. It is closed with this.
        format: See `compressed`.

    Reading raises EOFError if the data ends in the middle of a stream, or is nothing at all; OSError if it is damaged.
    """

    def __init__(self, file: Any, format: str) -> None:
        self._file = file
        self._format = format
        self._new = new_decompressor(format)
        self._stream: Any = None
        self._input = b""
        self._has_more = False  # there may be output that needs no more input
        self._is_empty = True

    def readable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """The descriptor of the compressed file."""
        fd: int = self._file.fileno()
        return fd

    def read1(self, size: int | None = -1, /) -> bytes:
        """Up to so many bytes; none at the end."""
        size = _MOST_OUT if size is None or size < 0 else size
        while size:
            if self._stream is None and not self._begin():
                return b""
            if not self._input and not self._has_more:
                self._read()
                if not self._input:
                    raise EOFError(f"the {self._format} data is cut: it ends in the middle of a stream")
            out = self._decompress(size)
            if out:
                return out
        return b""

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer only at the end; without `size` all of them."""
        left = -1 if size is None or size < 0 else size
        parts = []
        while left:
            part = self.read1(min(left, _MOST_OUT) if left > 0 else _MOST_OUT)
            if not part:
                break
            parts.append(part)
            left -= len(part) if left > 0 else 0
        return b"".join(parts)

    def close(self) -> None:
        """Close the file too."""
        if not self.closed:
            super().close()
            self._file.close()

    def _begin(self) -> bool:
        """Whether there is another stream. Zeros between streams are padding."""
        while True:
            if not self._is_empty:
                self._input = self._input.lstrip(b"\0")
            if self._input:
                break
            self._read()
            if not self._input:
                if self._is_empty:
                    raise EOFError(f"the {self._format} data is cut: there is nothing of it")
                return False
        self._stream, self._has_more, self._is_empty = self._new(), False, False
        return True

    def _read(self) -> None:
        data = self._file.read(_READ)
        if data is None:
            raise BlockingIOError(f"{self._file!r} has nothing now")
        self._input = data

    def _decompress(self, limit: int) -> bytes:
        try:
            out: bytes = self._stream.decompress(self._input, limit)
        except Exception as e:
            if is_damage(e):
                raise OSError(f"the {self._format} data is damaged: {e}") from e
            raise
        self._input = b""
        self._has_more = len(out) >= limit
        if self._stream.eof:
            self._input, self._stream, self._has_more = self._stream.unused_data or b"", None, False
        return out


def decompressed(file: Any, format: str | None) -> Any:
    """The file, or one to read its content from."""
    if format is None:
        return file
    try:
        return Decompressed(file, format)
    except BaseException:
        file.close()
        raise
