"""Writer(flush=seconds): a thread that hands over what has waited for long enough."""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextlib import suppress

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from ._writer import Writer

_SHORTEST_WAIT = 0.0005


_flushers: weakref.WeakSet[Flusher] = weakref.WeakSet()


def _after_fork() -> None:
    for flusher in _flushers:
        writer = flusher._writer()
        if writer is not None:
            writer._is_plain = False  # its next call finds out


os.register_at_fork(after_in_child=_after_fork)


class Flusher:
    """Sleeps until it is woken, waits for so many seconds, and flushes the writer's complete documents.

    The thread does not keep the writer alive. It takes `gate` and never the writer's own lock, which may be held for as long
    as a source is slow; so who holds that lock may wait for the thread.

    Args:
        writer: It has `_flush_complete()`, called with `gate` held; true if more documents may come without a `wake()`.
        seconds: How long documents may wait.
    """

    def __init__(self, writer: Writer, seconds: float) -> None:
        self.gate = threading.RLock()  # whoever sends
        self._seconds = max(seconds, _SHORTEST_WAIT)
        # Released as a signal. What tells the thread must not wait for a lock: at the interpreter's end the thread may have
        # died with it.
        self._signal = threading.Lock()
        self._signal.acquire()
        self._is_awake = False
        self._is_stopped = False
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._writer = weakref.ref(writer, self._stop)
        _flushers.add(self)

    def wake(self) -> None:
        """There is a complete document, or there will be. To be called by one thread at a time."""
        if self._is_awake:  # if it goes to sleep now, it takes that document along
            return
        self._is_awake = True
        if self._thread is None:
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._run, name="rjson.Writer", daemon=True)
            self._thread.start()
        self._tell()

    def is_current(self) -> bool:
        """Whether this is its thread."""
        return self._thread is threading.current_thread()

    def check(self) -> None:
        """RuntimeError in a process that was forked: the thread, and perhaps the gate, stayed behind."""
        if self._thread is not None and self._pid != os.getpid():
            raise RuntimeError("this process was forked from the one that writes: only that one may write")

    def stop(self) -> None:
        """End the thread, and wait for that. What it has begun to send is sent."""
        self._stop()
        if self._thread is not None and self._pid == os.getpid() and not self.is_current():
            self._thread.join()

    def _stop(self, _: object = None) -> None:
        self._is_stopped = True
        self._tell()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # it has been told already
            self._signal.release()

    # ---- the thread

    def _run(self) -> None:
        while self._is_due():
            self._is_awake = False
            with self.gate:
                writer = self._writer()
                if writer is not None and writer._flush_complete():
                    self._is_awake = True
                del writer

    def _is_due(self) -> bool:
        """Wait until it is time to flush. False: it is time to end."""
        while not self._is_awake and not self._is_stopped:
            self._signal.acquire()
        end = time.monotonic() + self._seconds
        while not self._is_stopped and (left := end - time.monotonic()) > 0:
            self._signal.acquire(timeout=min(left, threading.TIMEOUT_MAX))
        return not self._is_stopped
