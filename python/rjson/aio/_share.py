"""Taking turns: all encodings of an event loop together hold it for about one slice per iteration.

A slice for each would not do: with a thousand fast clients an iteration would take a second, and so would the answer to a
small request beside them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from weakref import WeakKeyDictionary

# The weight of the newest step in the average.
_NEWEST = 0.125


class Share:
    """What the encodings of one event loop have taken of its current iteration, and who waits for the next."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._step = 0.001  # seconds between two looks at the clock, on average
        self._slice = 0.001
        self._is_scheduled = False
        self.iteration = 0
        self.spent = 0.0

    def is_over(self, slice_seconds: float) -> bool:
        return bool(self._waiting) or self.spent >= slice_seconds

    def charge(self, seconds: float) -> None:
        self.spent += seconds
        self._step += (seconds - self._step) * _NEWEST

    def schedule(self) -> None:
        """See to it that the next iteration of the loop is noticed."""
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin_iteration)

    async def wait(self, slice_seconds: float) -> None:
        """Wait for the next turn, behind those who wait already."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._slice = slice_seconds
        self.schedule()
        await waiter

    def _begin_iteration(self) -> None:
        self.iteration += 1
        self.spent = 0.0
        self._is_scheduled = False
        if not self._waiting:
            return
        self.schedule()
        for _ in range(max(1, int(self._slice / max(self._step, 1e-6)))):
            if not self._waiting:
                break
            waiter = self._waiting.popleft()
            if not waiter.done():  # cancelled
                waiter.set_result(None)


_shares: WeakKeyDictionary[asyncio.AbstractEventLoop, Share] = WeakKeyDictionary()


class Turns:
    """One encoding's turns."""

    def __init__(self, slice_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        share = _shares.get(loop)
        if share is None:
            share = _shares[loop] = Share()
        self._share = share
        self._slice = slice_seconds
        self._iteration = -1
        self._since = 0.0

    def begin(self) -> None:
        """The encoding goes to work."""
        self._since = time.monotonic()
        self._iteration = self._share.iteration
        self._share.schedule()

    def is_over(self) -> bool:
        """Whether it has to let others have their turn, after it has worked or waited."""
        share = self._share
        if self._iteration == share.iteration:  # else it has waited
            share.charge(time.monotonic() - self._since)
        self._iteration = -1
        return share.is_over(self._slice)

    async def next(self) -> None:
        await self._share.wait(self._slice)
