"""The event loop that is running: asyncio's (uvloop among them) or trio's."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol

from . import _share
from ._lock import AsyncioLock, TrioLock


class Turns(Protocol):
    """See _share.Turns."""

    def begin(self) -> None: ...
    def is_over(self) -> bool: ...
    async def next(self) -> None: ...


class Lock(Protocol):
    async def acquire(self) -> Any: ...
    def release(self) -> None: ...


class Loop(Protocol):
    """What a driver needs of an event loop."""

    # Whether a source that has been asked for an item can be waited for only so long. Where it can't, what is held has to
    # leave before the source is asked.
    can_wait_in_part: bool

    async def turn(self) -> None:
        """Let everything else that is ready run once."""

    def turns(self, slice_seconds: float) -> Turns:
        """For an encoding that begins."""
        ...

    async def is_done_within(self, yielded: Any, seconds: float) -> bool:
        """Whether the event loop has what a source waits for by then. `yielded`: what the source's awaitable yielded."""
        ...

    async def limit(self, awaitable: Awaitable[Any], seconds: float) -> Any:
        """Await, with TimeoutError after `seconds`."""

    async def in_thread(self, call: Callable[[bytes], int], data: bytes) -> int:
        """What the call returns on another thread."""
        ...

    async def is_ready_within(self, fd: int, for_writing: bool, seconds: float) -> bool:
        """Wait for a descriptor. Whether it was ready by then."""
        ...

    def new_lock(self, holder: Callable[[], Any]) -> Lock:
        """`holder` gives the task that has it, or None."""
        ...

    def current_task(self) -> object: ...
    def report(self, error: Exception, source: object) -> None:
        """Tell about an error that nobody can be given."""


@types.coroutine
def suspend(yielded: Any) -> Generator[Any, Any, Any]:
    """Hand the event loop what an awaitable yielded, and return what it answers."""
    return (yield yielded)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _answer(waiter: asyncio.Future[bool], answer: bool) -> None:
    if not waiter.done():
        waiter.set_result(answer)


class Asyncio:
    can_wait_in_part = True

    async def turn(self) -> None:
        await asyncio.sleep(0)

    def turns(self, slice_seconds: float) -> Turns:
        return _share.Turns(slice_seconds)

    async def is_done_within(self, yielded: Any, seconds: float) -> bool:
        if yielded is None or not hasattr(yielded, "add_done_callback"):
            return True  # a bare yield comes back in the loop's next turn
        if yielded.done():
            return True
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()

        def wake(_: object) -> None:
            _wake(waiter)

        timer = loop.call_later(seconds, _wake, waiter)
        yielded.add_done_callback(wake)
        try:
            await waiter
        except asyncio.CancelledError:
            # What the source waits for is cancelled, as it would be if its task waited for it; the source learns it there.
            if not yielded.cancel():
                raise
            return True
        finally:
            timer.cancel()
            yielded.remove_done_callback(wake)
        return bool(yielded.done())

    async def limit(self, awaitable: Awaitable[Any], seconds: float) -> Any:
        try:
            return await asyncio.wait_for(awaitable, seconds)
        except asyncio.TimeoutError as e:
            raise TimeoutError("timed out: the target accepted no more") from e

    async def in_thread(self, call: Callable[[bytes], int], data: bytes) -> int:
        return await asyncio.get_running_loop().run_in_executor(None, call, data)

    async def is_ready_within(self, fd: int, for_writing: bool, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        add, remove = (loop.add_writer, loop.remove_writer) if for_writing else (loop.add_reader, loop.remove_reader)
        waiter: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _answer, waiter, False)
        try:
            add(fd, _answer, waiter, True)
            try:
                return await waiter
            finally:
                remove(fd)
        finally:
            timer.cancel()

    def new_lock(self, holder: Callable[[], Any]) -> Lock:
        return AsyncioLock(holder)

    def current_task(self) -> object:
        return asyncio.current_task()

    def report(self, error: Exception, source: object) -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"exception while closing {source!r}", "exception": error}
        )


class _TrioTurns:
    """trio's scheduler runs everything that is ready before the same task again: a checkpoint per slice."""

    def __init__(self, loop: Trio) -> None:
        self.next = loop.turn

    def begin(self) -> None:
        pass

    def is_over(self) -> bool:
        return False


class Trio:
    can_wait_in_part = False

    def __init__(self) -> None:
        self._trio: Any = sys.modules["trio"]

    async def turn(self) -> None:
        await self._trio.lowlevel.checkpoint()

    def turns(self, slice_seconds: float) -> Turns:
        return _TrioTurns(self)

    async def is_done_within(self, yielded: Any, seconds: float) -> bool:
        return True

    async def limit(self, awaitable: Awaitable[Any], seconds: float) -> Any:
        try:
            with self._trio.fail_after(seconds):
                return await awaitable
        except self._trio.TooSlowError as e:
            raise TimeoutError("timed out: the target accepted no more") from e

    async def in_thread(self, call: Callable[[bytes], int], data: bytes) -> int:
        count: int = await self._trio.to_thread.run_sync(call, data)
        return count

    async def is_ready_within(self, fd: int, for_writing: bool, seconds: float) -> bool:
        lowlevel = self._trio.lowlevel
        with self._trio.move_on_after(seconds):
            await (lowlevel.wait_writable if for_writing else lowlevel.wait_readable)(fd)
            return True
        return False

    def new_lock(self, holder: Callable[[], Any]) -> Lock:
        return TrioLock(self._trio, holder)

    def current_task(self) -> object:
        return self._trio.lowlevel.current_task()

    def report(self, error: Exception, source: object) -> None:
        logging.getLogger("rjson.aio").error("exception while closing %r", source, exc_info=error)


ASYNCIO = Asyncio()


def running() -> Loop:
    """The loop that is running in this thread; RuntimeError if there is none."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        trio: Any = sys.modules.get("trio")
        if trio is None or not trio.lowlevel.in_trio_run():
            raise
        return Trio()
    return ASYNCIO


now = time.monotonic
