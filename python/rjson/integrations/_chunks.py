"""The chunks of a response on an event loop: the first one before any header, and the sources closed however it ends.

Data and asynchronous sources are encoded on the loop, a time slice at a time. A synchronous source runs in a thread of
its own, which hands over whole chunks, so that it never holds the loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Iterator
from typing import TYPE_CHECKING, Any

from .._core import FLUSH_ITEMS, FLUSH_NEVER, PUMP_DONE, PUMP_TASK, Pump
from .._framing import new_pump
from .._iterencode import Work, check_seconds, rest_of
from ..aio import _loops, _share
from ..aio._driver import Nowhere, Piece, Rules, close_sources, pieces, rules_from

if TYPE_CHECKING:
    from .._encoder import Encoder
    from .._iterencode import LastWords
    from .._options import Flush, WriteFraming

SLICE_US = 1000


class Job:
    """What to encode, and how."""

    obj: Any
    encoder: Encoder
    framing: WriteFraming | None
    flush: Flush
    chunk_size: int
    threaded: bool | None
    last_words: LastWords | None


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
    return _ThreadChunks(job) if needs_thread(job) else _LoopChunks(job)


class _LoopChunks(Chunks):
    """Data is encoded in the task that asks for chunks; everything from the first item of a source on, at whatever depth,
    in one of its own.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._pump: Pump | None = None
        self._stream: AsyncGenerator[Piece, None] | None = None
        self._task: _StreamTask | None = None
        self._second: Piece | None = None
        self._failure: Exception | None = None  # is raised behind the last words about it

    def begin(self) -> bytes | None:
        job = self._job
        rules, point = rules_from(job.flush, _loops.running(), True, False, ends=job.framing is not None)
        self._rules = rules
        pump = self._pump = new_pump(job.encoder, job.framing, point, chunk_size=job.chunk_size, slice_us=SLICE_US)
        if job.framing is None:
            pump.begin(job.obj)
        else:
            pump.begin_all(job.obj)
        state = pump.run_outside()
        if state == PUMP_DONE and (job.framing is None or pump.end()):
            return bytes(pump.flush(-1) or b"")
        self._stream = pieces(pump, state, rules._replace(outside=True), Nowhere())
        return None

    async def _next_piece(self, pump: Pump) -> Piece | None:
        if self._task is None:
            piece = await anext(self._stream, None) if self._stream is not None else None
            if piece is not None or pump.state != PUMP_TASK:
                return piece
            self._task = _StreamTask(pump, self._rules)
        return await self._task.next_piece()

    async def first(self) -> Piece:
        assert self._pump is not None
        piece = bytes(await self._next_piece(self._pump) or b"")
        if self._pump.state == PUMP_DONE:  # nothing is waited for any more
            self._second = await self._next_piece(self._pump)
            self.is_complete = self._second is None
        return piece

    async def __anext__(self) -> Piece:
        piece, self._second = self._second, None
        if self._failure is not None:
            raise self._failure
        if piece is None and self._pump is not None:
            piece = await self._next_or_rest(self._pump)
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def _next_or_rest(self, pump: Pump) -> Piece | None:
        try:
            return await self._next_piece(pump)
        except Exception as e:
            rest = rest_of(pump, e, self._job.last_words)
            if not rest:
                raise
            self._failure = e
            return rest

    @property
    def said_last_words(self) -> bool:
        return self._failure is not None

    async def aclose(self) -> None:
        try:
            if self._task is not None:
                await self._task.aclose()
            elif self._stream is not None:
                await self._stream.aclose()
        finally:
            if self._pump is not None:  # whatever has not begun by now
                await close_sources(*self._pump.finish(), self._rules.loop)


class _StreamTask:
    """Runs a stream of pieces in a task of its own, from its first step until it is closed, so that timeouts, cancel
    scopes and context variables of sources hold across rows.
    """

    def __init__(self, pump: Pump, rules: Rules) -> None:
        self._stream = pieces(pump, PUMP_TASK, rules._replace(loop=_SourceLoop(self)), Nowhere())
        self._asked = asyncio.Event()
        self._answer: asyncio.Future[Piece | None] | None = None
        self._failure: BaseException | None = None
        self.is_closing = False
        self._task = asyncio.ensure_future(self._run())

    async def next_piece(self) -> Piece | None:
        """None after the last. Raises what a source raises."""
        if self._task.done():
            if self._failure is not None:
                raise self._failure
            return None
        self._answer = asyncio.get_running_loop().create_future()
        self._asked.set()
        return await self._answer

    async def aclose(self) -> None:
        """Cancel what the sources are doing, and wait until they are closed."""
        self.is_closing = True
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        try:
            piece: Piece | None = b""
            while piece is not None:
                await self._until_asked(cancellation_is_news=True)
                piece = await anext(self._stream, None)
                if self.is_closing:  # rows that were held came out first: the source is on its way out now
                    await anext(self._stream, None)
                    return
                await self._until_asked(cancellation_is_news=False)
                self._asked.clear()
                self._settle(piece)
        except BaseException as e:
            self._failure = e
        finally:
            try:
                await self._stream.aclose()
            finally:
                self._settle(None)

    async def _until_asked(self, *, cancellation_is_news: bool) -> None:
        """A timeout or scope of a source may cancel the task between two pieces. The source is to see it there where it
        waits, and at once: so the next piece is made then, one ahead, though a slow client has not asked for it.
        """
        missed: asyncio.CancelledError | None = None
        while not self._asked.is_set() and (missed is None or not cancellation_is_news):
            try:
                await self._asked.wait()
            except asyncio.CancelledError as e:
                if self.is_closing:
                    raise
                missed = e
        if missed is not None:
            _cancel_again(missed)

    def _settle(self, piece: Piece | None) -> None:
        answer = self._answer
        if answer is None or answer.done():
            return
        if piece is None and self._failure is not None:
            answer.set_exception(self._failure)
        else:
            answer.set_result(piece)


class _SourceLoop(_loops.Asyncio):
    """The event loop of a stream in a task of its own."""

    def __init__(self, stream: _StreamTask) -> None:
        self._stream = stream

    def turns(self, slice_seconds: float) -> _loops.Turns:
        return _SourceTurns(slice_seconds, self._stream)


class _SourceTurns(_share.Turns):
    """A cancellation while the next turn is waited for is one of a source's own, if the stream is not being closed."""

    def __init__(self, slice_seconds: float, stream: _StreamTask) -> None:
        super().__init__(slice_seconds)
        self._stream = stream

    async def next(self) -> None:
        try:
            await super().next()
        except asyncio.CancelledError as e:
            if self._stream.is_closing:
                raise
            _cancel_again(e)


def _cancel_again(missed: asyncio.CancelledError) -> None:
    """Have the running task cancelled where it waits next, as if it had not been by now."""
    task: Any = asyncio.current_task()
    if hasattr(task, "uncancel"):  # from 3.11 on
        task.uncancel()
    task.cancel(*missed.args[:1])


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
