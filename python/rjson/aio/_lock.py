"""Turns at a target: one document at a time, in the order of coming; and who can never get a turn is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import FunctionType
from typing import Any

MESSAGE = (
    "the writer is used by the document that it is writing: its source waits for a task that waits for its turn to write"
)

# Seconds between two looks at whether the holder waits for the waiting one.
_LOOK_FIRST = 0.25
_LOOK_LAST = 4.0
# A task has few callbacks, and each leads to few objects.
_MOST_STEPS = 200


def _follow(obj: Any) -> Iterator[Any]:
    """What is set off when `obj` is done, or called."""
    if isinstance(obj, asyncio.Future):  # a Task, too; C's and uvloop's futures are some
        for callback, *_ in getattr(obj, "_callbacks", None) or ():
            yield callback
    elif isinstance(obj, FunctionType):
        for cell in obj.__closure__ or ():
            with suppress(ValueError):  # empty
                yield cell.cell_contents
    elif isinstance(obj, partial):
        yield obj.func
        yield from obj.args
    elif callable(obj):  # a method: of a task that is woken up, of a task group
        owner = getattr(obj, "__self__", None)
        yield getattr(obj, "__func__", None)
        yield owner
        if owner is not None and not isinstance(owner, (asyncio.Future, asyncio.AbstractEventLoop, type)):
            yield from [v for v in getattr(owner, "__dict__", {}).values() if isinstance(v, asyncio.Future)]


def _sets_off(task: object, awaited: object) -> bool:
    """Whether `awaited` waits for the end of `task`: directly, or by gather(), wait(), a task group or other tasks."""
    found = deque([task])
    seen: set[int] = set()
    while found and len(seen) < _MOST_STEPS:
        obj = found.popleft()
        if obj is awaited:
            return True
        if id(obj) not in seen:
            seen.add(id(obj))
            found.extend(_follow(obj))
    return False


class Lookout:
    """Fails a wait for the holder of a lock, while that waits for the waiting task.

    Args:
        waiter: The future that the current task waits for.
        holder: Gives the task that has the lock, or None. What that awaits is what its document's source does.
    """

    def __init__(self, waiter: asyncio.Future[None], holder: Callable[[], Any]) -> None:
        self._waiter = waiter
        self._holder = holder
        self._task = asyncio.current_task()
        self._pause = _LOOK_FIRST
        self._start()

    def _start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._look)
        self._pause = min(2 * self._pause, _LOOK_LAST)

    def _look(self) -> None:
        awaited = getattr(self._holder(), "_fut_waiter", None)
        if self._waiter.done():
            return
        if awaited is not None and not awaited.done() and _sets_off(self._task, awaited):
            self._waiter.set_exception(RuntimeError(MESSAGE))
        else:
            self._start()

    def stop(self) -> None:
        self._timer.cancel()


class AsyncioLock:
    """asyncio.Lock, with a Lookout."""

    def __init__(self, holder: Callable[[], Any]) -> None:
        self._holder = holder
        self._is_held = False
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        if not self._is_held:
            self._is_held = True
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        lookout = Lookout(waiter, self._holder)
        try:
            await waiter
        except BaseException:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            else:  # it had been handed over
                self.release()
            raise
        finally:
            lookout.stop()

    def release(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._is_held = False


class TrioLock:
    """trio's StrictFIFOLock. A task of a nursery that the holder's document has opened can never get it."""

    def __init__(self, trio: Any, holder: Callable[[], Any]) -> None:
        self._trio = trio
        self._holder = holder
        self._lock = trio.StrictFIFOLock()
        self._nurseries: list[Any] = []  # of the holder, when it got the lock

    async def acquire(self) -> None:
        task = self._trio.lowlevel.current_task()
        try:
            self._lock.acquire_nowait()
        except self._trio.WouldBlock:
            if self._is_document_of_holder(task):
                raise RuntimeError(MESSAGE) from None
            await self._lock.acquire()
        self._nurseries = list(task.child_nurseries)

    def _is_document_of_holder(self, task: Any) -> bool:
        holder, nursery = self._holder(), task.parent_nursery
        while nursery is not None:
            if nursery.parent_task is holder:
                return nursery not in self._nurseries
            nursery = nursery.parent_task.parent_nursery
        return False

    def release(self) -> None:
        self._nurseries = []
        self._lock.release()
