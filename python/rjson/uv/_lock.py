"""One message at a time, of threads and of tasks of any event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

_TIMED_OUT = "timed out: another thread or task is in the middle of a message"


async def within(timeout: float | None, future: asyncio.Future[None], message: str) -> None:
    """Await a future of one's own; TimeoutError after so many seconds.

    `asyncio.wait_for` of 3.11 and before swallows a cancellation that comes at the moment at which the future is done.
    """

    def expire() -> None:
        if not future.done():
            future.set_exception(TimeoutError(message))

    timer = None if timeout is None else asyncio.get_running_loop().call_later(timeout, expire)
    try:
        await future
    finally:
        if timer is not None:
            timer.cancel()


class _Waiter(Protocol):
    def wake(self) -> bool:
        """Tell that the lock is its own now. False if there is nobody any more."""
        ...


class _ThreadWaiter:
    def __init__(self) -> None:
        self._closed = threading.Lock()
        self._closed.acquire()

    def wake(self) -> bool:
        self._closed.release()
        return True

    def wait(self, timeout: float | None) -> bool:
        return self._closed.acquire(timeout=-1 if timeout is None else timeout)


class _TaskWaiter:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future = self._loop.create_future()

    def _set(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def wake(self) -> bool:
        with suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(self._set)
            return True
        return False


class _Turn:
    """A lock that is held. It is given back without a generator or a tuple of arguments, for which memory may be short."""

    __slots__ = ("_lock",)

    def __init__(self, lock: MessageLock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


class _ThreadTurn(_Turn):
    """One that is taken by entering it."""

    __slots__ = ("_timeout",)

    def __init__(self, lock: MessageLock, timeout: float | None) -> None:
        super().__init__(lock)
        self._timeout = timeout

    def __enter__(self) -> None:
        self._lock._take_as_thread(self._timeout)


class MessageLock:
    """A lock whose owner is a thread, or a task; who waits gets it in the order of coming.

    A wait can end at any time (a cancellation, a timeout, a signal's exception) and leaves nothing behind: the lock is
    handed over, and who does not want it any more hands it on. No thread waits for a task's sake.
    """

    def __init__(self) -> None:
        # Held for a few instructions. A signal's handler may come in between them.
        self._guard = threading.RLock()
        self._is_held = False
        self._owner: tuple[int, object] = (0, None)  # the thread and the task
        self._waiters: deque[_Waiter] = deque()

    def of_thread(self, timeout: float | None = None) -> _ThreadTurn:
        """To hold it, as a thread: a context manager. TimeoutError if it was not free for `timeout` seconds."""
        return _ThreadTurn(self, timeout)

    def _take_as_thread(self, timeout: float | None) -> None:
        owner = (threading.get_ident(), None)  # first: behind the taking nothing may fail, for lack of memory either
        if self._owner[0] == owner[0]:
            raise RuntimeError("this thread is in the middle of a message (on an event loop, use apublish() and aclose())")
        waiter = _ThreadWaiter()
        if not self._take_or_queue(waiter):
            try:
                if not waiter.wait(timeout):
                    raise TimeoutError(_TIMED_OUT)
            except BaseException:
                self._give_up(waiter)
                raise
        self._owner = owner

    async def of_task(self, timeout: float | None = None) -> _Turn:
        """Hold it, as a task: `with await lock.of_task():`. TimeoutError if it was not free for `timeout` seconds."""
        from ..aio._lock import Lookout

        owner = (threading.get_ident(), asyncio.current_task())
        turn = _Turn(self)
        if self._owner in (owner, (owner[0], None)):
            raise RuntimeError("this task is in the middle of a message")
        waiter = _TaskWaiter()
        if not self._take_or_queue(waiter):
            lookout = None
            try:
                lookout = Lookout(waiter.future, self._holder_in(owner[0]))
                await within(timeout, waiter.future, _TIMED_OUT)
            except BaseException:
                self._give_up(waiter)
                raise
            finally:
                if lookout is not None:
                    lookout.stop()
        self._owner = owner
        return turn

    def _holder_in(self, thread: int) -> Callable[[], object]:
        """The task of that thread that has it, or None."""
        return lambda: self._owner[1] if self._owner[0] == thread else None

    def _take_or_queue(self, waiter: _Waiter) -> bool:
        with self._guard:
            if self._is_held:
                self._waiters.append(waiter)
                return False
            self._is_held = True
            return True

    def _give_up(self, waiter: _Waiter) -> None:
        with self._guard:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                return
        self.release()  # it had been handed over

    def release(self) -> None:
        """Hand it to who has waited longest."""
        try:
            self._hand_over()
        except MemoryError:  # nobody else would do it
            self._hand_over()

    def _hand_over(self) -> None:
        with self._guard:
            self._owner = (0, None)
            while self._waiters:
                is_awake = self._waiters[0].wake()  # without memory for that it stays the first
                self._waiters.popleft()
                if is_awake:
                    return
            self._is_held = False
