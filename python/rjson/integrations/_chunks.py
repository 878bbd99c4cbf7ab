"""The chunks of a response on an event loop: the first one before any header, and the sources closed however it ends.

Data and asynchronous sources are encoded on the loop, a time slice at a time. A synchronous source runs in a thread of
its own, which hands over whole chunks, so that it never holds the loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .._core import FLUSH_ITEMS, FLUSH_NEVER, PUMP_DONE, Pump
from .._framing import new_pump
from .._iterencode import Work, check_seconds, rest_of
from ..aio import _loops
from ..aio._driver import Nowhere, Piece, close_sources, pieces, rules_from

if TYPE_CHECKING:
    from .._encoder import Encoder
    from .._iterencode import LastWords
    from .._options import Flush, WriteFraming

SLICE_US = 1000


class Job(NamedTuple):
    """What to encode, and how."""

    obj: Any
    encoder: Encoder
    framing: WriteFraming | None
    flush: Flush
    chunk_size: int
    threaded: bool | None
    last_words: LastWords | None = None


def needs_thread(job: Job) -> bool:
    """Whether a synchronous source is to be run in a thread: the rows themselves, or a direct member of the document."""
    if job.threaded is not None:
        return job.threaded
    if job.framing is not None:
        return not isinstance(job.obj, (AsyncIterable, list, tuple, dict))
    members = job.obj.values() if type(job.obj) is dict else job.obj if type(job.obj) is list else (job.obj,)
    if len(members) > 100:  # data; a look at each item would take as long as encoding it
        return False
    return any(isinstance(member, Iterator) for member in members) and not any(
        isinstance(member, AsyncIterable) for member in members
    )


_SCALARS = frozenset((str, int, float, bool, type(None)))


def small_document(job: Job) -> bytes | None:
    """A document of a few plain values, encoded at once: most responses are like that, and a chunk would cost more than
    they do.
    """
    obj = job.obj
    if job.framing is not None or type(obj) is not dict or len(obj) > 16:
        return None
    for member in obj.values():
        if type(member) not in _SCALARS:
            return None
    return job.encoder.dumps_bytes(obj)


class Chunks:
    """The chunks of a job, on a running event loop.

    `begin()` comes first, and gives the whole if it is there at once. Else `await first()` gives the first chunk; then
    `is_complete` says whether it is all. The others come from iterating. `await aclose()` must follow, whatever
    happened: it closes the sources.
    """

    is_complete = False

    @property
    def said_last_words(self) -> bool:
        """Whether the piece before the failure told of it: then a reset would only keep that from the client."""
        raise NotImplementedError

    def begin(self) -> bytes | None:
        """Needs a running event loop, but no turn of it. Raises what the encoder raises."""
        raise NotImplementedError

    async def first(self) -> Piece:
        raise NotImplementedError

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> Piece:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


def chunks_of(job: Job) -> Chunks:
    """Nothing of the job is touched before `begin()`."""
    if needs_thread(job):
        return _ThreadChunks(job)
    return _TaskChunks(job) if _has_async_source(job.obj) else _LoopChunks(job)


def _has_async_source(obj: Any) -> bool:
    """Whether the rows come from an asynchronous source, or a direct member of the document is one."""
    members = obj.values() if type(obj) is dict else obj if type(obj) is list else (obj,)
    return len(members) <= 100 and any(isinstance(member, AsyncIterable) for member in members)


class _LoopChunks(Chunks):
    def __init__(self, job: Job) -> None:
        self._job = job
        self._stream: AsyncGenerator[Piece, None] | None = None
        self._second: Piece | None = None
        self._failure: Exception | None = None  # is raised behind the last words about it

    def begin(self) -> bytes | None:
        job = self._job
        rules, point = rules_from(job.flush, _loops.running(), True, False, ends=job.framing is not None)
        pump = self._pump = new_pump(job.encoder, job.framing, point, chunk_size=job.chunk_size, slice_us=SLICE_US)
        if job.framing is None:
            pump.begin(job.obj)
        else:
            pump.begin_all(job.obj)
        self._leftovers: tuple[Any, list[Any]] = (None, [])
        self._loop = rules.loop
        try:
            state = pump.run(-1)
        except BaseException:
            self._leftovers = pump.finish()
            raise
        if state == PUMP_DONE and (job.framing is None or pump.end()):
            return bytes(pump.flush(-1) or b"")
        self._stream = pieces(pump, state, rules, Nowhere())
        return None

    async def first(self) -> Piece:
        assert self._stream is not None
        piece = bytes(await anext(self._stream, b""))
        if self._pump.state == PUMP_DONE:  # nothing is waited for any more
            self._second = await anext(self._stream, None)
            self.is_complete = self._second is None
        return piece

    async def __anext__(self) -> Piece:
        if self._second is not None:
            piece, self._second = self._second, None
            return piece
        if self._failure is not None:
            raise self._failure
        if self._stream is None:
            raise StopAsyncIteration
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            raise
        except Exception as e:
            rest = rest_of(self._pump, e, self._job.last_words)
            if not rest:
                raise
            self._failure = e
            return rest

    @property
    def said_last_words(self) -> bool:
        return self._failure is not None

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
        else:
            await close_sources(*self._leftovers, self._loop)


class _TaskChunks(Chunks):
    """An asynchronous source in a task of its own, from its first row until it is closed, so that its timeouts, cancel
    scopes and context variables hold across rows.
    """

    def __init__(self, job: Job) -> None:
        self._inner = _LoopChunks(job)
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def begin(self) -> None:
        self._asked = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        step: Callable[[], Awaitable[Piece | None]] = self._first_piece
        try:
            piece: Piece | None = b""
            while piece is not None:
                await self._asked.wait()
                self._asked.clear()
                piece = await step()
                step = self._next_piece
                if self._is_closing:  # rows that were held came out first: the source is on its way out now
                    await step()
                    return
                if not self._answer.done():
                    self._answer.set_result(piece)
        except asyncio.CancelledError:
            if self._asked_for():
                self._answer.cancel()
        except BaseException as e:
            if self._asked_for():
                self._answer.set_exception(e)
        finally:
            await self._inner.aclose()

    def _asked_for(self) -> bool:
        return hasattr(self, "_answer") and not self._answer.done()

    async def _first_piece(self) -> Piece:
        whole = self._inner.begin()
        piece = await self._inner.first() if whole is None else whole
        self.is_complete = whole is not None or self._inner.is_complete
        return piece

    async def _next_piece(self) -> Piece | None:
        return await anext(self._inner, None)

    async def _ask(self) -> Piece | None:
        if self._task is None or self._task.done():
            return None
        self._answer: asyncio.Future[Piece | None] = asyncio.get_running_loop().create_future()
        self._asked.set()
        return await self._answer

    async def first(self) -> Piece:
        return await self._ask() or b""

    async def __anext__(self) -> Piece:
        piece = await self._ask()
        if piece is None:
            raise StopAsyncIteration
        return piece

    @property
    def said_last_words(self) -> bool:
        return self._inner.said_last_words

    async def aclose(self) -> None:
        if self._task is not None:
            self._is_closing = True
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()


class _LoopWork(Work):
    """A thread that tells an event loop when there is something."""

    def __init__(self, pump: Pump, last_words: LastWords | None, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(pump, last_words, seconds)
        self._loop = loop
        self._news = asyncio.Event()

    def notify(self) -> None:
        super().notify()
        if threading.current_thread() is self._thread:
            try:
                self._loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:  # the loop is closed: nobody waits any more
                self.stop()

    async def take_async(self) -> Piece | None:
        """As take()."""
        while True:
            self._news.clear()
            piece = self.poll()
            if piece is None and not self.is_over:
                try:
                    await asyncio.wait_for(self._news.wait(), None if self._seconds == float("inf") else self._seconds)
                except asyncio.TimeoutError:  # before 3.11 not the built-in one
                    piece = self.poll(steal=True)
            if piece is not None:
                return piece
            if self.is_over:
                piece = self.poll()
                if piece is None:
                    self.raise_error()
                return piece

    async def join_async(self) -> None:
        """Wait until the thread has closed the sources. What they raised is raised."""
        while not self.is_over:
            self._news.clear()
            if not self.is_over:
                await self._news.wait()
        self.raise_error()


class _ThreadChunks(Chunks):
    def __init__(self, job: Job) -> None:
        self._job = job
        self._work: _LoopWork | None = None

    def begin(self) -> None:
        job = self._job
        seconds = float("inf") if job.flush == "full" else 0.0 if job.flush == "item" else check_seconds(job.flush)
        point = FLUSH_ITEMS if job.flush == "item" else FLUSH_NEVER
        pump = new_pump(job.encoder, job.framing, point, chunk_size=job.chunk_size, shared=True)
        if job.framing is None:
            pump.begin(job.obj)
        else:
            pump.begin_all(job.obj)
        self._work = _LoopWork(pump, job.last_words, seconds, asyncio.get_running_loop())
        self._work.start()

    async def first(self) -> Piece:
        assert self._work is not None
        piece = await self._work.take_async()
        self.is_complete = piece is None or self._work.is_all_taken
        return piece or b""

    async def __anext__(self) -> Piece:
        assert self._work is not None
        piece = await self._work.take_async()
        if piece is None:
            raise StopAsyncIteration
        return piece

    @property
    def said_last_words(self) -> bool:
        return self._work is not None and self._work.said_last_words

    async def aclose(self) -> None:
        if self._work is not None:
            self._work.stop()
            await self._work.join_async()


async def shielded(awaitable: Awaitable[Any]) -> None:
    """Await to the end, whatever is cancelled meanwhile; the cancellation comes out afterwards."""
    task = asyncio.ensure_future(awaitable)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None:
        raise cancelled
    task.result()
