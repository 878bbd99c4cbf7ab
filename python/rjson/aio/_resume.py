"""Waiting for a transport without its owner's help.

A transport tells its protocol, and only it, when its buffer is down to the low-water mark. The protocol is the user's, so
its method is wrapped for as long as somebody waits: on the instance, which works on asyncio's and uvloop's transports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_POLL_FIRST = 0.001
_POLL_LAST = 0.02


class _Notifier:
    """Stands in for a protocol's method: wakes who waits for its call, and calls it."""

    def __init__(self, method: Any, *, is_own: bool) -> None:
        self.method = method
        self.is_own = is_own  # the instance's, not its class's
        self.waiters: list[asyncio.Future[None]] = []

    def __call__(self, *args: Any) -> Any:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        return self.method(*args) if self.method else None


@contextmanager
def _notified(protocol: Any, name: str, waiter: asyncio.Future[None]) -> Iterator[None]:
    own = vars(protocol)
    notifier = own.get(name)
    if not isinstance(notifier, _Notifier):
        notifier = _Notifier(getattr(protocol, name, None), is_own=name in own)
        setattr(protocol, name, notifier)
    notifier.waiters.append(waiter)
    try:
        yield
    finally:
        notifier.waiters.remove(waiter)
        if not notifier.waiters and own.get(name) is notifier:
            if notifier.is_own:
                setattr(protocol, name, notifier.method)
            else:
                delattr(protocol, name)


def queued_bytes(transport: Any) -> int:
    """What the transport still has to send; nothing when it is gone."""
    try:
        size: int = transport.get_write_buffer_size()
    except AttributeError:  # Python 3.10's TLS transports, after a lost connection
        return 0
    return size


async def until_resumed(transport: Any) -> None:
    """Wait until the transport's buffer is down to its low-water mark, or the connection is lost."""
    low: int = transport.get_write_buffer_limits()[0]
    pause = _POLL_FIRST
    while queued_bytes(transport) > low and not transport.is_closing():
        protocol = transport.get_protocol()
        if hasattr(protocol, "__dict__"):
            waiter = asyncio.get_running_loop().create_future()
            with _notified(protocol, "resume_writing", waiter), _notified(protocol, "connection_lost", waiter):
                await waiter
        else:  # a class with __slots__, or written in C
            await asyncio.sleep(pause)
            pause = min(2 * pause, _POLL_LAST)
