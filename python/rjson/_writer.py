"""Writer: many documents to one target."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

from ._builder import PIECE_APART, PIECE_FIRST, PIECE_INNER, PIECE_LAST, Shape
from ._codecs import format_of
from ._core import FLUSH_ITEMS, FLUSH_NEVER, PUMP_DONE, WriterBase
from ._encoder import CHUNK_SIZE, encoder_for
from ._flusher import Flusher
from ._framing import comment_bytes, event_head, new_pump
from ._iterencode import add_note, check_seconds
from ._places import CompressedFile, FilePlace, OwnFile, SeekablePlace, SharedFile, open_to_append, place_of
from ._progress import teller_for
from ._remote import RemotePlace, is_url, local_name, refuse_storage_options

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self, Unpack

    from ._core import Encoder
    from ._options import Compression, Flush, Options, Progress, WriteFraming


# Without it, a document could begin while the flusher makes sure that none has.
_HAS_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()


class Writer(WriterBase):
    """Many documents, one after the other, to one target: the synchronous twin of `rjson.aio.Writer`.

    Documents are collected in a chunk; it leaves when it is full, and with `flush()` and `close()`. Several threads may
    write: documents stay whole, in the order of the calls. As a context manager it is closed at the end, or aborted if an
    exception leaves the block. The target itself is not closed, unless `open` opened it.

    A document that fails leaves no part of itself in a file: what was written of it is taken back. In a pipe or connection a
    part of a long one may be out; the writer is of no use then.

    Args:
        target: What `rjson.dump_to` takes: a file descriptor, a stream socket, or any object with `write()` or `send()`.
        framing: How documents follow each other. "lines": a newline after each (NDJSON). "array": one array, whose items
            they are. "seq": JSON text sequences (RFC 7464). "sse": server-sent events. "concat": nothing, but for a space
            where two numbers or words would run together. Line breaks in documents of "lines" and "sse" become spaces.
        flush: "full": see above. "item": besides, after each document, and after each item of an iterator that is in no
            other array. A number: besides, a document that is complete waits for so many seconds at most, whatever the
            program does; a thread sends it then, through the target's own buffer too, and never a part of a document.
        chunk_size: Bytes per write, about.
        timeout: Seconds to wait at most while `target` accepts nothing. None: a socket's own timeout, else no limit.
        progress: Called with `bytes_written`, whenever that has grown. What it raises comes out of the call that is
            writing. True: a progress bar until the writer is closed, which needs tqdm.
        encoder: An `rjson.Encoder` in place of options.
        **options: Those of `rjson.Encoder`.

    Every exception that comes out of it has `.bytes_written`: what the target has accepted so far, as `bytes_written` tells.
    What fails in the thread comes out of the next call. `close()` and `abort()` end the thread, and wait for what it sends.

    >>> import io
    >>> fp = io.BytesIO()
    >>> with Writer(fp) as writer:
    ...     writer.write({"n": 1})
    ...     writer.write_all({"n": n} for n in (2, 3))
    8
    16
    >>> fp.getvalue()
    b'{"n":1}\\n{"n":2}\\n{"n":3}\\n'
    """

    def __init__(
        self,
        target: Any,
        *,
        framing: WriteFraming = "lines",
        flush: Flush = "full",
        chunk_size: int = CHUNK_SIZE,
        timeout: float | None = None,
        progress: Progress = None,
        encoder: Encoder | None = None,
        **options: Unpack[Options],
    ) -> None:
        if encoder is None:
            encoder = encoder_for(options)
        elif options:
            raise TypeError(f"the options go into the encoder: {', '.join(options)}")
        seconds = None if flush in ("full", "item") else check_seconds(flush)
        point = FLUSH_ITEMS if flush == "item" else FLUSH_NEVER
        self._pump = new_pump(encoder, framing, point, chunk_size=chunk_size)
        self._place = place_of(target, encoder, timeout)
        self._teller = teller_for(progress)
        self._encoder = encoder
        self._has_fields = framing == "sse"
        self._has_lines = framing == "lines"
        self._flushes = flush == "item"
        self._flusher = None if seconds is None else Flusher(self, seconds)
        self._is_simple = flush == "full"  # a document that fits into the chunk concerns nothing else
        self._shape: Shape | None = None  # of the document that is being built
        self._count = 0  # what the target has accepted
        self._passed = 0  # what left the chunk, and came here to be sent
        self._tail = 0  # of that, bytes behind the last line break
        self._carry = b""  # the beginning of a line, which is to go out whole
        self._failure: BaseException | None = None
        self._is_closed = False
        self._is_sending = False
        self._streams = False  # documents come while the lock is held: from the source of write_all
        self._unseen: BaseException | None = None  # what failed in the thread of the flusher
        self._attach(self._pump)
        self._is_plain = self._is_simple

    @classmethod
    def open(
        cls,
        path: str | bytes | os.PathLike[Any],
        *,
        append: bool = False,
        if_torn: Literal["error", "repair", "new-line"] = "error",
        framing: WriteFraming = "lines",
        compression: Compression = "infer",
        level: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> Self:
        """A writer to the file of that name, which closing the writer closes.

        Args:
            path: It is made if there is none. Without `append` it becomes empty. Or a URL, as for `rjson.dump_path`: what is
                written shows when the writer is closed; if it is aborted, or has failed, never.
            append: Write behind what there is, with framing "lines". Several threads and processes may do so at a time:
                lines leave in one write each, whole, however long they are.
            if_torn: What to do about a last line without an end, which a crash or a full disk left. "error": ValueError,
                which tells where it begins. "repair": it is taken away. "new-line": it is ended, and stays.
            compression, level: As for `rjson.dump_path`. What has been compressed cannot be taken back, as in pipes.
                `flush()` makes all documents before it readable; what is aborted lacks its end.
            storage_options: For URLs: what fsspec's file system takes.
            framing, **arguments: As for the class.

        Raises:
            OSError: The file cannot be opened.
            ValueError: Its last line is torn; or `append` with another framing, with a URL, or to what is compressed.
            ImportError: No codec for it, or no fsspec, is installed; the message says what to install.
        """
        path = local_name(path)
        format = format_of(path, compression)
        if append and is_url(path):
            raise ValueError(f"append=True is for local files: objects at a URL are written whole, and {path!r} is one")
        if append and format is not None:
            raise ValueError(f"append=True is for lines as they are: {path!r} would be compressed ({format})")
        if level is not None and format is None:
            raise ValueError(f"level is for compressed files, and {path!r} is not to be one")
        if append and framing != "lines":
            raise ValueError(f'append=True is for framing="lines", not {framing!r}')
        encoder = arguments.pop("encoder", None)
        names = ("flush", "chunk_size", "timeout", "progress")
        settings = {name: arguments.pop(name) for name in names if name in arguments}
        if encoder is None:
            encoder = encoder_for(arguments)  # type: ignore[arg-type]
        elif arguments:
            raise TypeError(f"the options go into the encoder: {', '.join(arguments)}")
        place: Any
        if is_url(path):
            place = RemotePlace(str(path), encoder, format, level, storage_options)
            return cls._at(place, framing, encoder, settings)
        refuse_storage_options(path, storage_options)
        if append:
            place = open_to_append(path, if_torn, encoder)
        elif format is not None:
            place = CompressedFile(path, encoder, format, level)
        else:
            file = io.FileIO(path, "w")
            place = OwnFile(file, encoder, None, file.fileno)
        return cls._at(place, framing, encoder, settings)

    @classmethod
    def _at(cls, place: Any, framing: WriteFraming, encoder: Encoder, settings: dict[str, Any]) -> Self:
        try:
            return cls(place, framing=framing, encoder=encoder, **settings)
        except BaseException:
            place.close(False)
            raise

    @property
    def bytes_written(self) -> int:
        """What the target has accepted so far: bytes, or characters if it is for text."""
        return self._count

    @property
    def documents(self) -> int:
        """How many documents are complete."""
        return self._pump.documents

    # ---- documents

    def _write(
        self,
        obj: Any,
        /,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> int:
        """What write() does where it cannot go straight into the chunk."""
        try:
            return self._write_slowly(obj, event_head(event, id, retry, comment))
        except BaseException as e:
            self._note(e)
            raise

    def write_all(self, documents: Iterable[Any]) -> int:
        """Write all documents of an iterable. They stay together.

        Args:
            documents: What `write` takes, one by one; with framing "sse" also `rjson.Event`.

        Returns:
            How many bytes they have, with their framing.

        Raises:
            Exception: As from `write`; those before the one that failed are written. `documents` is closed, if it is a
                generator.
        """
        with _Held(self):
            try:
                if self._shape is not None:
                    return sum([self._write_slowly(document, None) for document in documents])
                self._check()
                before = self._pump.produced
                self._pump.begin_all(documents)
                self._streams = True
                self._wake_flusher()
                self._run()
                return self._pump.produced - before
            except BaseException as e:
                self._note(e)
                raise
            finally:
                if self._streams:
                    self._streams = False
                    self._wake_flusher()

    def comment(self, text: str = "") -> None:
        """Write an SSE comment, which clients ignore."""
        if not self._has_fields:
            raise ValueError('only framing="sse" has comments')
        data = comment_bytes(text)
        with _Held(self):
            self._raw(data, PIECE_APART)

    def object(self) -> _Level:
        """Build a document, or a value of one, member by member.

        Use it as a context manager: inside of it, `key()` names what the next `write()`, `object()` or `array()` writes. The
        document is complete when the outermost level ends; an exception that leaves it gives the document up. Other
        threads wait meanwhile. Brackets and keys are written without spaces and line breaks.

        >>> import io
        >>> fp = io.BytesIO()
        >>> with Writer(fp) as w, w.object():
        ...     w.key("rows")
        ...     with w.array():
        ...         for n in range(3):
        ...             _ = w.write(n)
        >>> fp.getvalue()
        b'{"rows":[0,1,2]}\\n'
        """
        return _Level(self, "object")

    def array(self) -> _Level:
        """Build a document, or a value of one, item by item: see `object`."""
        return _Level(self, "array")

    def key(self, name: str) -> None:
        """Inside of `object()`: the name of the value that comes next."""
        with _Held(self):
            self._check()
            if self._shape is None:
                raise ValueError("key() is for members of an object: use it inside of object()")
            self._shape.key(name)

    # ---- the end

    def flush(self) -> None:
        """Hand the target what is held, and have it flush its own buffer, if it has a `flush()`."""
        with _Held(self):
            try:
                self._check()
                self._send_held(through=True)
            except BaseException as e:
                self._note(e)
                raise

    def close(self) -> None:
        """End the framing, and flush. Closing twice does nothing. The target stays open, unless `open` opened it."""
        with _Held(self):
            if self._is_closed:
                return
            is_whole = False
            try:
                self._stop_flusher()
                if self._failure is None or self._unseen is not None:
                    self._check()
                    self._end()
                    is_whole = True
            except BaseException as e:
                self._note(e)
                raise
            finally:
                self._is_closed, self._is_plain = True, False
                self._close_place(is_whole)

    def abort(self) -> None:
        """Give up. The framing is not ended, so that an array does not look complete.

        To a file, documents that are complete are still written. A connection is shown that something is missing: a TCP
        socket sends a reset when it is closed; what is held is dropped.
        """
        with _Held(self):
            if self._is_closed:
                return
            self._is_closed, self._is_plain = True, False
            try:
                if self._shape is not None:
                    self._give_up_shape(ValueError("the writer was aborted"))
                self._stop_flusher()
                if self._keeps_documents():
                    self._send_held()
                self._place.abort()
            finally:
                if self._teller is not None:
                    self._teller.close()
                self._place.close(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.abort()
        except Exception as e:
            add_note(error, f"and while giving up the writer: {e!r}")

    # ---- inside

    def _close_place(self, is_whole: bool) -> None:
        if self._teller is not None:
            self._teller.close()
        try:
            self._place.close(is_whole)
        except BaseException as e:
            self._note(e)
            raise

    def _keeps_documents(self) -> bool:
        return self._failure is None and isinstance(self._place, (FilePlace, SeekablePlace, SharedFile, CompressedFile))

    def _check(self) -> None:
        if self._flusher is not None:
            self._flusher.check()
            self._raise_unseen()
        if self._failure is not None:
            raise ConnectionAbortedError(f"the writer failed before: {self._failure!r}") from self._failure
        if self._is_closed:
            raise ValueError("the writer is closed")
        if self._is_sending or (self._flusher is not None and self._flusher.is_current()):
            raise RuntimeError("the writer is used by its own target")
        if self._shape is None and self._pump.is_open and not self._pump.is_busy:
            self._settle()
        if self._shape is not None:
            self._shape.check()

    def _settle(self) -> None:
        """After a document whose failure could not even be noted, for lack of memory."""
        error = MemoryError("out of memory in the middle of a document")
        self._note(error)
        if self._failure is not None:
            raise ConnectionAbortedError(f"the writer failed before: {self._failure!r}") from self._failure

    def _write_slowly(self, obj: Any, head: bytes | None) -> int:
        self._check()
        before = self._pump.produced
        if head is not None and (not self._has_fields or self._shape is not None):
            raise ValueError('event, id, retry and comment need framing="sse"')
        if self._shape is not None:
            self._pump.begin_part(obj, self._shape.before_value())
        else:
            self._pump.begin(obj, head)
        self._run()
        if self._flushes:
            self._send_held()
        self._wake_flusher()
        return self._pump.produced - before

    def _raw(self, data: bytes, piece: int) -> None:
        try:
            self._check()
            self._pump.begin_raw(data, piece)
            self._run()
            self._wake_flusher()
        except BaseException as e:
            self._note(e)
            raise

    def _finish_document(self) -> int:
        """What write() leaves of a document that does not fit into the chunk. Its size."""
        try:
            self._send_held()
            self._run()
            size = self._pump.size
            self._wake_flusher()
        except BaseException as e:
            self._note(e)
            raise
        return size

    def _run(self) -> None:
        while self._pump.run(-1) != PUMP_DONE:
            self._send_held()

    def _end(self) -> None:
        if self._shape is not None:
            raise ValueError("a document is being built: leave its object() or array() first")
        while not self._pump.end():
            self._send_held()
        self._send_held()
        if not isinstance(self._place, (CompressedFile, RemotePlace)):  # which is closed now, and flushed so
            self._place.flush()

    def _taken(self) -> bytes | memoryview | None:
        """What the chunk holds."""
        try:
            return self._pump.flush(-1)
        except MemoryError as e:  # then it is lost, and documents that were complete with it
            self._failure = e
            raise

    def _send_held(self, *, through: bool = False) -> None:
        """Hand the target what the chunk holds; `through`: and have it leave the target's own buffer."""
        if self._flusher is None:
            self._send(self._taken())
            if through:
                self._place.flush()
            return
        with self._flusher.gate:
            self._raise_unseen()
            self._send(self._taken())
            if through:
                self._place.flush()

    def _send(self, piece: bytes | memoryview | None) -> None:
        if piece is None:
            return
        self._is_sending, self._is_plain = True, False
        try:
            self._pass_on(piece)
            if self._teller is not None:
                self._teller(self._count)
        finally:
            self._is_sending = False
        self._is_plain = self._is_simple and self._shape is None and not self._is_closed

    def _pass_on(self, piece: bytes | memoryview) -> None:
        data = b""
        try:
            self._passed += len(piece)
            if self._passed != self._pump.total:
                raise MemoryError("out of memory: a part of the output is lost")
            data = bytes(piece)
            if isinstance(self._place, SharedFile):  # whole lines only
                data = self._carry + data
                end = data.rfind(b"\n") + 1
                data, self._carry = data[:end], data[end:]
            length = len(data)
            count, tail = self._count + length, self._tail_behind(data)  # now: when it is out, memory may be short
            sent = self._place.send(data) if data else 0
            if sent != length:  # characters
                count = self._count + sent
        except BaseException as e:
            self._failure = e  # first: memory may be short; and what the chunk held is gone
            data = data[: getattr(e, "bytes_written", 0)]
            self._count, self._tail = self._count + len(data), self._tail_behind(data)
            if self._has_lines and self._place.take_back(self._tail):
                self._count -= self._tail
            raise
        self._count, self._tail = count, tail

    def _tail_behind(self, data: bytes) -> int:
        newline = data.rfind(b"\n")
        return len(data) - newline - 1 if newline >= 0 else self._tail + len(data)

    # ---- flush=seconds

    def _wake_flusher(self) -> None:
        """There is a complete document. As long as the flusher is awake, the next ones need not wake it."""
        if self._flusher is not None:
            is_sound = self._failure is None and self._unseen is None
            # Before it is woken: if it is awake, it takes this back when it goes to sleep, and not a moment before.
            self._is_plain = _HAS_GIL and is_sound and self._shape is None and not self._is_closed
            try:
                self._flusher.wake()
            except BaseException:  # there can be no thread
                self._is_plain = False
                raise

    def _stop_flusher(self) -> None:
        if self._flusher is not None:
            self._flusher.stop()

    def _raise_unseen(self) -> None:
        error, self._unseen = self._unseen, None
        if error is not None:
            raise error

    def _flush_complete(self) -> bool:
        """What the flusher's thread does; see there. Another thread may be in the middle of a document."""
        self._is_plain = False  # the next document wakes it again; and one that has begun without is waited for
        goes_on = self._pump.is_open
        if self._failure is None and not self._is_closed:
            try:
                piece = self._pump.steal_documents()
                if piece is not None:
                    self._pass_on(piece)
                    self._place.flush()
                    if self._teller is not None:
                        self._teller(self._count)
            except BaseException as e:
                self._tell_count(e)
                self._unseen = e
        return self._streams or goes_on

    def _note(self, error: BaseException) -> None:
        """After a failure: a part of a document is taken back, or the writer is of no use any more."""
        if not self._pump.is_busy and not self._is_sending:
            self._close_sources(error)
            if self._failure is None:
                self._drop_part(error)
        self._is_plain = self._is_plain and self._failure is None
        self._tell_count(error)

    def _close_sources(self, error: BaseException) -> None:
        """Of a document that the target failed in the middle of."""
        try:
            self._pump.close()
        except Exception as e:
            add_note(error, f"and while closing its sources: {e!r}")

    def _drop_part(self, error: BaseException) -> None:
        if self._shape is not None:
            if self._shape.failure is None:
                self._give_up_shape(error)
            return
        self._take_back(self._pump.abandon(), error)

    def _take_back(self, part: int, error: BaseException) -> None:
        """Take a part of a document out of the target; what waits to become a whole line has not got there."""
        part -= len(self._carry)
        self._carry = b""
        if part > 0 and self._place.take_back(part):
            self._count -= part
            self._tail = 0
        elif part > 0:
            self._failure = error

    # ---- documents that are built

    def _begin_level(self, kind: str) -> None:
        self._acquire()
        shape = self._shape or Shape(self._encoder)
        depth = shape.depth
        try:
            self._check()
            self._raw(shape.begin(kind), PIECE_INNER if depth else PIECE_FIRST)
            self._shape, self._is_plain = shape, False
        except BaseException:
            shape.cut(depth)
            self._release()
            raise

    def _end_level(self, error: BaseException | None) -> None:
        shape, no_value = self._shape, None
        if shape is None:  # the writer was aborted meanwhile
            self._release()
            return
        try:
            data = shape.end()
            if data is None and error is None:
                error = no_value = ValueError("the last key has no value")
            if error is not None and shape.failure is None:
                self._give_up_shape(error)
            if error is None:
                shape.check()
                assert data is not None
                self._raw(data, PIECE_INNER if shape.depth else PIECE_LAST)
            elif no_value:
                raise no_value
        finally:
            if shape.depth == 0:
                self._shape = None
                self._is_plain = self._is_simple and self._failure is None and not self._is_closed
            self._release()
        if self._flushes and shape.depth == 0:
            self.flush()

    def _give_up_shape(self, error: BaseException) -> None:
        assert self._shape is not None
        self._shape.failure = error
        part = self._pump.abandon()
        if self._failure is None:
            self._take_back(part, error)
        self._tell_count(error)

    def _tell_count(self, error: BaseException) -> None:
        with suppress(AttributeError):  # an exception with __slots__
            error.bytes_written = self._count  # type: ignore[attr-defined]


class _Held:
    """A writer's lock, while it is held."""

    __slots__ = ("_writer",)

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer._acquire()

    def __exit__(self, *_: object) -> None:
        self._writer._release()


class _Level:
    """An object or array that is being written."""

    def __init__(self, writer: Writer, kind: str) -> None:
        self._writer = writer
        self._kind = kind

    def __enter__(self) -> None:
        self._writer._begin_level(self._kind)

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer._end_level(error)
