"""Fanout."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .. import _uv
from .._encoder import CHUNK_SIZE, encoder_for
from .._framing import comment_bytes, event_head
from ._lock import MessageLock, within
from ._stream import descriptor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .._encoder import Encoder
    from .._options import Options

Framing = Literal["lines", "seq", "sse", "concat", "http-chunked"]
Slow = Literal["wait", "skip", "drop"]

_SLOW = {"wait": _uv.SLOW_WAIT, "skip": _uv.SLOW_SKIP, "drop": _uv.SLOW_DROP}
_STATES = ("open", "left", "removed", "dropped", "failed")
_CLOSE_SECONDS = 10.0


class Subscriber(NamedTuple):
    """What has become of a subscriber.

    Attributes:
        id: Its number: what `add` returned.
        state: "open"; "left": its peer has closed the connection, or its half of it; "removed", after it got everything;
            "dropped": it was too slow; "failed": see `error`.
        messages: Messages that it got whole.
        bytes: Bytes that have left for it, framing included.
        skipped: Messages that it missed.
        behind: Bytes that are published and have not left for it yet.
        error: What it failed with, else None.
    """

    id: int
    state: str
    messages: int
    bytes: int
    skipped: int
    behind: int
    error: OSError | None


def _choice(name: str, value: Any, choices: dict[str, int]) -> int:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return choices[value]


def _milliseconds(name: str, seconds: float | None) -> int:
    """-1 for None: no limit."""
    if seconds is None:
        return -1
    if not seconds > 0:
        raise ValueError(f"{name} must be None or a positive number of seconds, not {seconds!r}")
    return min(math.ceil(seconds * 1000), 1 << 40)


def _report_tuple(row: tuple[int, ...]) -> Subscriber:
    id, state, messages, size, skipped, behind, error = row
    return Subscriber(
        id, _STATES[state], messages, size, skipped, behind, OSError(error, os.strerror(error)) if error else None
    )


class Fanout:
    """Messages to many subscribers: each is encoded once, and sent to everybody at their own pace.

    The encoded parts are shared by all subscribers, and sent by a thread that never takes the GIL. Whoever is added gets the
    messages that begin then. A message is never cut: a subscriber that cannot be sent the rest of one is reset.

    Subscribers are stream sockets, pipes and terminals, `Stream`s, and asyncio's and uvloop's transports or StreamWriters on
    plain sockets; a copy of their descriptor is used, so closing them is the owner's business. Nothing else should write to
    them meanwhile.

    As a context manager (`with` or `async with`) it is closed at the end, or aborted if an exception leaves the block.
    Several threads and tasks may publish: one message at a time, in the order of the calls. Not usable in a forked child.

    Args:
        streams: The first subscribers.
        framing: "lines": a newline after each message (NDJSON). "seq": JSON text sequences (RFC 7464). "sse": server-sent
            events (text/event-stream). "concat": nothing, but for a space after a number or word. "http-chunked": "concat"
            with `http_chunked`. Line breaks in messages of "lines" and "sse" become spaces.
        http_chunked: Send any framing as the chunked body of an HTTP/1.1 message (RFC 9112, section 7.1).
        slow: What happens to a subscriber that is more than `max_bytes` behind, or has accepted nothing for `max_seconds`.
            "wait": publishing waits for it, and drops it after `max_seconds`. "skip": it misses whole messages, and goes on
            with the newest. "drop": its connection is reset.
        max_bytes: See `slow`. Also about what is kept in memory.
        max_seconds: See `slow`. None: no limit.
        chunk_size: Bytes of the parts in which a long message is sent.
        encoder: An `rjson.Encoder` in place of options.
        **options: Those of `rjson.Encoder`.

    >>> import socket
    >>> pairs = [socket.socketpair() for _ in range(3)]
    >>> with Fanout(ours for ours, _ in pairs) as fanout:
    ...     fanout.publish({"price": 9.99})
    15
    >>> [theirs.recv(100) for _, theirs in pairs]
    [b'{"price":9.99}\\n', b'{"price":9.99}\\n', b'{"price":9.99}\\n']
    >>> for pair in pairs:
    ...     for sock in pair:
    ...         sock.close()
    """

    def __init__(
        self,
        streams: Iterable[Any] = (),
        *,
        framing: Framing = "lines",
        http_chunked: bool = False,
        slow: Slow = "wait",
        max_bytes: int = 1 << 20,
        max_seconds: float | None = None,
        chunk_size: int = CHUNK_SIZE,
        encoder: Encoder | None = None,
        **options: Unpack[Options],
    ) -> None:
        if encoder is not None and options:
            raise TypeError(f"the options go into the encoder: {', '.join(options)}")
        self._core = _uv.Fanout(
            chunk_size=chunk_size,
            max_bytes=max_bytes,
            max_ms=_milliseconds("max_seconds", max_seconds),
            slow=_choice("slow", slow, _SLOW),
            framing="concat" if framing == "http-chunked" else framing,
            http_chunked=http_chunked or framing == "http-chunked",
        )
        self._is_sse = framing == "sse"
        self._encoder = encoder or encoder_for(options)
        self._pid = os.getpid()
        self._lock = MessageLock()
        for stream in streams:
            self.add(stream)

    def __repr__(self) -> str:
        return f"<rjson.uv.Fanout {'closed' if self.closed else f'with {len(self)} subscribers'}>"

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._core)

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._core.closed

    # ---- subscribers

    def add(self, target: Any) -> int:
        """Add a subscriber; return the number that names it from then on. It gets the messages that begin after this call.

        Raises:
            TypeError, ValueError: As `Stream` does.
        """
        return self._core.add(descriptor(target))

    def remove(self, id: int) -> bool:
        """Let a subscriber go when it has got what has been published so far.

        It holds up nobody from then on: if publishing waits for it, and it accepts nothing for a second, it is dropped.

        Returns:
            False if it had left already, and a report has told so.
        """
        return self._core.remove(id)

    def report(self) -> list[Subscriber]:
        """What every subscriber got, and those that have left since the last report (the last 10,000 of them)."""
        return [_report_tuple(row) for row in self._core.report()]

    # ---- messages

    def publish(
        self,
        obj: Any,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Encode `obj` once, and have it sent to every subscriber.

        It returns when the message has been handed over, not when it has arrived: see `wait_drained`. With `slow="skip"` and
        "drop" it never waits for a subscriber (but with "skip" in the middle of a message that is longer than `max_bytes`).

        Args:
            obj: What `rjson.dumps` takes.
            event, id, retry: With framing "sse": the fields of that name; `retry` in milliseconds.
            timeout: Seconds to wait at most while the slowest accepts nothing. None: no limit.

        Returns:
            How many bytes the message has, with its framing.

        Raises:
            EncodeError: Nothing is sent of a message of one part; subscribers that got a part of a longer one are reset.
            TimeoutError: The same.
            ConnectionAbortedError: `abort` was called meanwhile, by another thread, say.
            RuntimeError: It is used by the message that it is sending, or in a forked child.
        """
        head = self._event_head(event, id, retry)
        with self._thread_lock():
            sink = self._core.begin(head)
            try:
                how = (CHUNK_SIZE, timeout, None, None, False)
                return self._encoder._dump_sink(obj=obj, sink=sink, label=self, how=how)
            finally:
                self._core.end()

    async def apublish(
        self,
        obj: Any,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """`publish` on asyncio or uvloop: waits without holding the event loop, and `obj` may hold async iterators, as for
        `rjson.aio.dump`.
        """
        from ._apublish import write_message

        head = self._event_head(event, id, retry)
        with await self._task_lock():
            self._core.begin(head)
            try:
                return await write_message(self._core, self._encoder, obj, lambda: self._wait_async(_uv.EVENT_ROOM, timeout))
            finally:
                self._core.end()

    def comment(self, text: str = "") -> None:
        """Send an SSE comment, which clients ignore: every 15 seconds or so, it keeps connections alive and finds dead ones.

        Args:
            text: One line or several.
        """
        if not self._is_sse:
            raise ValueError('only framing="sse" has comments')
        with self._thread_lock():
            self._core.send_raw(comment_bytes(text))

    def _event_head(self, event: str | None, id: str | None, retry: int | None) -> bytes:
        head = event_head(event, id, retry, None)
        if head is not None and not self._is_sse:
            raise ValueError('event, id and retry need framing="sse"')
        return head or b""

    def _thread_lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        self._check_process()
        return self._lock.of_thread(timeout)

    def _task_lock(self, timeout: float | None = None) -> Awaitable[AbstractContextManager[None]]:
        self._check_process()
        return self._lock.of_task(timeout)

    def _check_process(self) -> None:
        """In a forked child the lock may be held by a thread that is not there."""
        if os.getpid() != self._pid:
            raise RuntimeError("this Fanout belongs to the process that this one was forked from")

    # ---- the end

    def wait_drained(self, timeout: float | None = None) -> None:
        """Wait until everybody has been sent everything that they are to get. TimeoutError after so many seconds."""
        self._core.wait(_uv.EVENT_DRAINED, _milliseconds("timeout", timeout))

    async def drained(self, timeout: float | None = None) -> None:
        """`wait_drained` on asyncio or uvloop."""
        await self._wait_async(_uv.EVENT_DRAINED, timeout)

    def close(self, timeout: float = _CLOSE_SECONDS) -> None:
        """No more messages: wait until everybody has got theirs, at most so many seconds, and reset those that have not.

        With `http_chunked` the body is ended. The connections themselves stay open. Closing twice does nothing.
        """
        limit = _milliseconds("timeout", timeout)
        if self.closed:
            return
        with self._aborting():
            began = time.monotonic()
            with self._thread_lock(timeout):
                self._finish()
            self._core.wait(_uv.EVENT_EMPTY, max(limit - int(1000 * (time.monotonic() - began)), 1) if limit > 0 else limit)

    async def aclose(self, timeout: float = _CLOSE_SECONDS) -> None:
        """`close` on asyncio or uvloop."""
        _milliseconds("timeout", timeout)
        if self.closed:
            return
        with self._aborting():
            began = time.monotonic()
            with await self._task_lock(timeout):
                self._finish()
            await self._wait_async(_uv.EVENT_EMPTY, None if timeout is None else timeout - (time.monotonic() - began))

    def abort(self) -> None:
        """Close at once, from any thread. Subscribers that are in the middle of a message are reset.

        Whoever publishes or waits gets a ConnectionAbortedError.
        """
        self._core.abort()

    def _finish(self) -> None:
        if not self.closed:
            self._core.finish()

    @contextmanager
    def _aborting(self) -> Iterator[None]:
        try:
            yield
        except (TimeoutError, ConnectionAbortedError):  # it is not to take longer; somebody else has aborted it
            pass
        except ValueError:  # the same, before the wait began
            if not self.closed:
                raise
        except RuntimeError:  # closed in the middle of a message, or in a forked child
            raise
        except BaseException:
            self.abort()
            raise
        self.abort()

    async def _wait_async(self, event: int, timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        fd = self._core.watch(event)
        happened = loop.create_future()

        def notice() -> None:
            loop.remove_reader(fd)
            if not happened.done():
                happened.set_result(None)

        try:
            loop.add_reader(fd, notice)
            try:
                await within(timeout, happened, "timed out: the subscribers have not accepted everything")
            finally:
                loop.remove_reader(fd)
        finally:
            self._core.unwatch(fd)
        if self.closed:
            raise ConnectionAbortedError("the fan-out was aborted")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.aclose()
        else:
            self.abort()
