"""Drives a Pump on an event loop: waits for sources, keeps to the time slice, decides when bytes leave."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from .. import _core
from .._core import PUMP_DONE, PUMP_FULL, PUMP_SLICE, PUMP_SOURCE, PUMP_TASK, Pump
from .._iterencode import check_seconds, full_piece
from .._options import Flush
from .._progress import Teller
from . import _loops

Piece = bytes | memoryview


class Rules(NamedTuple):
    """When what is encoded leaves the chunk."""

    loop: _loops.Loop
    idle: float  # seconds that bytes wait for a source at most; infinite: for ever
    at_end: bool  # when a document is complete
    last: bool  # each document is a whole HTTP body
    ends: bool = False  # the framing ends with the last document
    teller: Teller | None = None  # is told how much is out, as long as the document goes on
    outside: bool = False  # this is not the task of the document's own code: before that is to run, the pieces end


def rules_from(flush: Flush, loop: _loops.Loop, at_end: bool, last: bool, *, ends: bool = False) -> tuple[Rules, int]:
    """The rules for a `flush` argument, and the Pump's flush point. ValueError if it is none."""
    if flush == "full":
        return Rules(loop, float("inf"), at_end, last, ends), _core.FLUSH_NEVER
    if flush == "item":
        return Rules(loop, 0.0, at_end, last, ends), _core.FLUSH_ITEMS
    point = _core.FLUSH_NEVER if loop.can_wait_in_part else _core.FLUSH_AWAITS
    return Rules(loop, check_seconds(flush), at_end, last, ends), point


def check_flush(flush: Flush) -> None:
    """ValueError if that is no `flush` argument."""
    if flush not in ("full", "item"):
        check_seconds(flush)


TOOK_NOTHING, TOOK_SOME, TOOK_ALL = range(3)


class Taker(Protocol):
    """What the driver knows of a target."""

    took: int  # of the last piece, whatever comes next: TOOK_NOTHING, TOOK_SOME (perhaps), TOOK_ALL

    def direct_fd(self) -> Any:
        """A socket that may be sent to at this moment without asking its transport, or -1; or an outlet (see Pump.run)."""

    @property
    def drive(self) -> Callable[[Pump], Awaitable[int]] | None:
        """Runs a full pump on until it needs its driver, where that is possible without; returns its state."""


class Nowhere:
    """For pieces that somebody iterates over."""

    drive = None

    def __init__(self) -> None:
        self.took = TOOK_ALL

    def direct_fd(self) -> int:
        return -1


def set_bytes_written(error: BaseException, count: int) -> None:
    with suppress(AttributeError):  # an exception with __slots__
        error.bytes_written = count  # type: ignore[attr-defined]


async def pieces(
    pump: Pump,
    state: int | None,
    rules: Rules,
    target: Taker,
) -> AsyncGenerator[Piece, None]:
    """Run the document on that `pump` has begun; yield each piece of it that is to leave.

    `state` is what `pump` has paused in, None if it has not run yet. `target` has taken nothing of a piece that leaves
    until it says something else: pieces may get lost on their way. At the end, however it comes, the document's open sources
    are closed; but see `rules.outside`: then the pump's state is PUMP_TASK, and the document goes on elsewhere.
    """
    turns = rules.loop.turns(pump.slice_seconds)
    held_since: float | None = None
    try:
        if state is None:
            state = pump.run(-1)
        while True:
            if rules.teller is not None and state != PUMP_DONE:
                rules.teller(pump.total)
            if state == PUMP_DONE and rules.ends and not pump.end():
                piece = pump.flush(target.direct_fd())
                if piece is not None:
                    target.took = TOOK_NOTHING
                    yield piece
                pump.end()
            if state in (PUMP_SOURCE, PUMP_SLICE):
                held_since = held_since or _loops.now()
                stays = not pump.held or await _may_stay(pump, state, rules, held_since + rules.idle - _loops.now())
            elif state == PUMP_FULL and target.drive:
                state = await target.drive(pump)
                continue
            elif state == PUMP_TASK:
                if rules.outside:
                    return
                stays = True
            elif state == PUMP_DONE and not rules.at_end:
                return
            else:
                stays = False
            if not stays:
                held_since = None
                piece = _leaving(pump, state, rules, target)
                if piece is not None:
                    target.took = TOOK_NOTHING
                    yield piece
            if state == PUMP_DONE:
                return
            state = await _go_on(pump, state, turns, rules, target)
    except GeneratorExit:
        raise
    except BaseException as e:
        set_bytes_written(e, pump.bytes_written)
        raise
    finally:
        if not (rules.outside and pump.state == PUMP_TASK):
            await close_sources(*pump.finish(), rules.loop)


def _leaving(pump: Pump, state: int, rules: Rules, target: Taker) -> Piece | None:
    if rules.ends and state == PUMP_SLICE:  # in the middle of a row, which says nothing about how soon it is complete
        return pump.flush_documents()
    if rules.ends and state == PUMP_FULL:
        return full_piece(pump)
    return pump.flush(target.direct_fd(), rules.last and state == PUMP_DONE)


async def _may_stay(pump: Pump, state: int, rules: Rules, left: float) -> bool:
    """Whether what is held may wait for more. Waits for the source until that is known."""
    if left == float("inf"):
        return True
    if left <= 0:
        return False
    return state == PUMP_SLICE or await rules.loop.is_done_within(pump.yielded, left)


async def _go_on(pump: Pump, state: int, turns: _loops.Turns, rules: Rules, target: Taker) -> int:
    value: Any = None
    try:
        if state == PUMP_SOURCE:
            value = await _loops.suspend(pump.yielded)
        if turns.is_over() or state == PUMP_SLICE:
            await turns.next()
            pump.new_slice()
    except BaseException as e:
        if state != PUMP_SOURCE:
            raise
        pump.new_slice()
        return pump.throw(e)  # to the source, also what comes while this waits for its turn: it may be its own timeout
    turns.begin()
    if rules.outside:
        return pump.run_outside()
    return pump.resume(value) if state == PUMP_SOURCE else pump.run(target.direct_fd())


async def close_sources(awaiting: Any, sources: list[Any], loop: _loops.Loop) -> None:
    """Close what a document that is given up leaves open (see Pump.finish): first what it waits for, then its generators.

    An error in there must not hide the first one, so it goes to the event loop's handler.
    """
    interruption: BaseException | None = None  # a cancellation: the other sources are closed all the same
    for source in (awaiting, *sources):
        try:
            if isinstance(source, AsyncGenerator):
                await source.aclose()
            elif isinstance(source, Generator) and source is not awaiting:
                source.close()
            elif source is awaiting and hasattr(awaiting, "throw"):
                await _close_awaiting(awaiting)
        except Exception as e:
            loop.report(e, source)
        except BaseException as e:
            interruption = interruption or e
    if interruption is not None:
        raise interruption


async def _close_awaiting(awaiting: Any) -> None:
    """What a coroutine's close() does; but this one may still await something on its way out."""
    try:
        yielded = awaiting.throw(GeneratorExit())
        while True:
            try:
                value = await _loops.suspend(yielded)
            except BaseException as e:
                yielded = awaiting.throw(e)
            else:
                yielded = awaiting.send(value)
    except (GeneratorExit, StopIteration, StopAsyncIteration):
        pass
