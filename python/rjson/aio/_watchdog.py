"""A limit on how long a target may accept nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Watchdog:
    """Aborts a target that has made no progress for `timeout` seconds.

    Args:
        progress: A number that changes whenever the target accepts something.
        abort: Called then. It makes whatever waits for the target fail with an OSError.
    """

    def __init__(self, timeout: float, progress: Callable[[], int], abort: Callable[[], object]) -> None:
        self._has_bitten = False
        self._timeout = timeout
        self._progress = progress
        self._abort = abort
        self._loop = asyncio.get_running_loop()
        self._start()

    def _start(self) -> None:
        self._last = self._progress()
        self._timer = self._loop.call_later(self._timeout, self._look)

    def _look(self) -> None:
        if self._progress() != self._last:
            self._start()
            return
        self._has_bitten = True
        self._abort()

    def explain(self, error: OSError) -> None:
        """Raise TimeoutError in place of the failure that the abort has caused."""
        if self._has_bitten:
            raise TimeoutError(f"timed out: the peer accepted nothing for {self._timeout} seconds") from error

    def stop(self) -> None:
        self._timer.cancel()
