"""iterencode: chunks of one document, or of many, as they are asked for."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import suppress

from ._core import FLUSH_ITEMS, FLUSH_NEVER, PUMP_DONE, Pump
from ._framing import new_pump
from ._progress import Teller, teller_for

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self

    from ._core import Encoder
    from ._options import Flush, Progress, WriteFraming

    LastWords = Callable[[BaseException], bytes]  # what is to be said of a failure, in the framing of the rows

_SHORTEST_WAIT = 0.0005


def iterencode(
    encoder: Encoder,
    obj: Any,
    framing: WriteFraming | None,
    flush: Flush,
    chunk_size: int,
    last_words: LastWords | None = None,
    *,
    progress: Progress = None,
) -> Chunks:
    """See rjson.iterencode; `last_words`: see rest_of."""
    teller = teller_for(progress)
    if flush == "full":
        return Chunks(_begun(encoder, obj, framing, FLUSH_NEVER, chunk_size), last_words, teller)
    if flush == "item":
        return Chunks(_begun(encoder, obj, framing, FLUSH_ITEMS, chunk_size), last_words, teller)
    seconds = check_seconds(flush)
    pump = _begun(encoder, obj, framing, FLUSH_ITEMS, chunk_size, shared=True)
    return _ThreadedChunks(pump, last_words, teller, seconds)


def check_seconds(flush: Any) -> float:
    """A `flush` argument that is no name. ValueError if it is no number of seconds either."""
    if isinstance(flush, bool) or not isinstance(flush, (int, float)) or not flush >= 0:
        raise ValueError(f'flush must be "full", "item" or a number of seconds, not {flush!r}')
    return float(flush)


def _begun(
    encoder: Encoder, obj: Any, framing: WriteFraming | None, flush_point: int, chunk_size: int, *, shared: bool = False
) -> Pump:
    pump = new_pump(encoder, framing, flush_point, chunk_size=chunk_size, shared=shared)
    if framing is None:
        pump.begin(obj)
    else:
        pump.begin_all(obj)
    return pump


def full_piece(pump: Pump) -> bytes | memoryview | None:
    """What leaves a chunk that is full: whole documents, so that none is out in part that fits into a chunk."""
    return pump.flush_documents() or pump.flush(-1)


def rest_of(pump: Pump, error: BaseException, last_words: LastWords | None) -> bytes:
    """What can still leave when a row has failed: those that are complete and were held, and `last_words` behind them.

    Nothing before the first chunk has left, so that the failure can be answered in another way; and nothing behind a part of
    the row that failed.
    """
    if last_words is None or not isinstance(error, Exception) or not pump.total or pump.abandon():
        return b""
    held = bytes(pump.flush(-1) or b"")
    try:
        return held + last_words(error)
    except Exception as e:
        add_note(error, f"and while saying so: {e!r}")
        return held


def add_note(error: BaseException, text: str) -> None:
    """From Python 3.11 on."""
    note = getattr(error, "add_note", None)
    if note:
        note(text)


class Chunks(Iterator[bytes]):
    """The chunks of one encoding, as bytes; made by iterencode().

    To be used by one thread at a time.
    """

    __slots__ = ("_count", "_failure", "_is_done", "_is_ended", "_is_running", "_last_words", "_pump", "_teller")

    def __init__(self, pump: Pump, last_words: LastWords | None, teller: Teller | None = None) -> None:
        self._pump: Pump | None = pump
        self._last_words = last_words
        self._teller = teller
        self._count = 0  # bytes of all chunks that were handed over
        self._failure: BaseException | None = None  # is raised behind the last words about it
        self._is_running = False
        self._is_done = False  # all documents are encoded
        self._is_ended = False  # and so is what comes after them

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._is_running:
            raise ValueError("iterencode() is already running")
        if self._pump is None:
            raise StopIteration
        if self._teller is not None:
            self._tell(self._teller)
        self._is_running = True
        try:
            piece = self._next_piece(self._pump)
        except BaseException as e:
            piece = self._rest(e)
            if not piece:
                self._note_count(e)
                self._end()
                raise
            self._failure = e
        finally:
            self._is_running = False
        if piece is None:
            self._end()
            raise StopIteration
        self._count += len(piece)
        return piece

    def _tell(self, teller: Teller) -> None:
        """What it raises ends the encoding."""
        self._is_running = True
        try:
            teller(self._count)
        except BaseException as e:
            with suppress(AttributeError):  # an exception with __slots__
                e.bytes_written = self._count  # type: ignore[attr-defined]
            self._is_running = False
            try:
                self.close()
            except Exception as closing:
                add_note(e, f"and while closing its sources: {closing!r}")
            raise
        finally:
            self._is_running = False

    def _end(self) -> None:
        self._pump = None
        if self._teller is not None:
            self._teller.close()

    def _next_piece(self, pump: Pump) -> bytes | None:
        """The next chunk; None after the last."""
        if self._failure is not None:
            raise self._failure
        while not self._is_ended:
            if not self._is_done:
                self._is_done = pump.run(-1) == PUMP_DONE
            if self._is_done:
                self._is_ended = pump.end()  # else there was no room for it
            piece = full_piece(pump)
            if piece is not None:
                return bytes(piece)
        return None

    def _rest(self, error: BaseException) -> bytes:
        return rest_of(self._pump, error, self._last_words) if self._pump and self._failure is None else b""

    def _note_count(self, error: BaseException) -> None:
        with suppress(AttributeError):  # an exception with __slots__
            error.bytes_written = self._pump.total if self._pump else 0  # type: ignore[attr-defined]

    @property
    def is_complete(self) -> bool:
        """Whether the last chunk has been taken."""
        return self._is_ended

    @property
    def said_last_words(self) -> bool:
        """Whether the chunk before the failure told of it: then a reset would only keep that from the client."""
        return self._failure is not None

    def close(self) -> None:
        """End the iteration, let go of the document, and close the generators that it is in the middle of.

        WSGI servers call it. What closing them raises comes out; a second exception is a note of the first.
        """
        if self._is_running:
            raise ValueError("iterencode() is already running")
        pump = self._pump
        self._end()
        if pump is not None:
            pump.close()

    def __del__(self) -> None:
        if getattr(self, "_pump", None) is not None:
            self.close()


class Work:
    """A document that a thread of its own runs, with its sources.

    The thread knows nothing of the Chunks: those can be dropped at any time.
    """

    def __init__(self, pump: Pump, last_words: LastWords | None, seconds: float) -> None:
        self._pump = pump
        self._last_words = last_words
        self._seconds = max(seconds, _SHORTEST_WAIT)
        self._monitor = threading.Condition()
        self._piece: bytes | None = None  # a chunk that is full, or the last
        self._error: BaseException | None = None
        self.said_last_words = False
        self.is_over = False  # the thread has nothing more to say
        self._handed_over_all = False  # no chunk follows the one that is there
        self._is_stopped = False
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="rjson.iterencode", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # ---- the thread

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._encode(self._pump)
        except BaseException as e:
            error = e
            with self._monitor:
                rest = rest_of(self._pump, e, self._last_words)
                if rest:
                    self._hand_over(rest)
                    self.said_last_words = True
        try:
            self._pump.close()
        except BaseException as e:
            error = error or e
        with self._monitor:
            self._error = error
            self.is_over = True
            self.notify()

    def _encode(self, pump: Pump) -> None:
        is_done = is_ended = False
        while not is_ended and not self._is_stopped:
            is_done = is_done or pump.run(-1) == PUMP_DONE
            with self._monitor:
                is_ended = is_done and pump.end()
                piece = full_piece(pump)
                if piece is not None:
                    self._hand_over(bytes(piece))
                    self._handed_over_all = is_ended

    def _hand_over(self, piece: bytes) -> None:
        while self._piece is not None and not self._is_stopped:
            self._monitor.wait()
        self._piece = piece
        self.notify()

    def notify(self) -> None:
        """Tell whoever waits that something has changed. The monitor is held."""
        self._monitor.notify_all()

    # ---- whoever takes the chunks

    def poll(self, *, steal: bool = False) -> bytes | None:
        """A chunk that is there; with `steal` also one that is not full yet."""
        with self._monitor:
            return self._poll(steal)

    def _poll(self, steal: bool) -> bytes | None:
        piece, self._piece = self._piece, None
        if piece is None and steal and not self.is_over:
            piece = self._pump.steal()
        if piece is not None:
            self.notify()
        return piece

    @property
    def is_all_taken(self) -> bool:
        """Whether the last chunk is out."""
        with self._monitor:
            return self._handed_over_all and self._piece is None

    def take(self) -> bytes | None:
        """The next chunk, None after the last."""
        with self._monitor:
            while True:
                piece = self._poll(False)
                if piece is None and not self.is_over:
                    self._monitor.wait(self._seconds)
                    # What was there before the wait and is not full now has waited for long enough.
                    piece = self._poll(True)
                if piece is not None:
                    return piece
                if self.is_over:
                    self.raise_error()
                    return None

    def raise_error(self) -> None:
        """Raise what the thread has failed with, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def stop(self) -> None:
        """Have the thread end at the next item, and close the sources."""
        with self._monitor:
            self._is_stopped = True
            self._monitor.notify_all()
        self._pump.stop()

    def join(self) -> None:
        """Wait until the sources are closed. What that raised comes out."""
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self.raise_error()


class _ThreadedChunks(Chunks):
    """Chunks that wait for a slow source for so many seconds at most: while it is asked for an item, what there is so far is
    taken from under its hands.
    """

    __slots__ = ("_seconds", "_work")

    def __init__(self, pump: Pump, last_words: LastWords | None, teller: Teller | None, seconds: float) -> None:
        super().__init__(pump, last_words, teller)
        self._seconds = seconds
        self._work: Work | None = None  # before the first chunk is asked for

    def _next_piece(self, pump: Pump) -> bytes | None:
        if self._work is None:
            self._work = Work(pump, self._last_words, self._seconds)
            self._work.start()
        return self._work.take()

    def _rest(self, error: BaseException) -> bytes:
        return b""  # the thread has seen to it

    @property
    def is_complete(self) -> bool:
        return self._work is not None and self._work.is_all_taken

    @property
    def said_last_words(self) -> bool:
        return self._work is not None and self._work.said_last_words

    def close(self) -> None:
        """As Chunks.close(): it waits for the item that the source is asked for, and the thread closes the source."""
        if self._work is None:
            super().close()
            return
        if self._is_running:
            raise ValueError("iterencode() is already running")
        self._end()
        self._work.stop()
        self._work.join()

    def __del__(self) -> None:
        work: Work | None = getattr(self, "_work", None)
        if work is not None:
            work.stop()
        else:
            super().__del__()
