"""rjson.uv's streams as targets: libuv's loop inside asyncio's (or uvloop's, which has a libuv of its own)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from .. import _uv
from .._core import Pump
from . import _loops
from ._driver import TOOK_ALL, TOOK_NOTHING, Piece
from ._watchdog import Watchdog


class _Embedding:
    """Runs a libuv loop whenever its descriptor says that there is something to do. Does not keep the event loop alive."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.uv = _uv.Loop()
        self._is_scheduled = False
        loop.add_reader(self.uv.fileno(), self.run)

    def run(self) -> None:
        if self.uv.run() and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._run_again)

    def _run_again(self) -> None:
        self._is_scheduled = False
        self.run()


_embeddings: WeakKeyDictionary[asyncio.AbstractEventLoop, _Embedding] = WeakKeyDictionary()


def _embedding() -> _Embedding:
    loop = asyncio.get_running_loop()
    embedding = _embeddings.get(loop)
    if embedding is None:
        embedding = _embeddings[loop] = _Embedding(loop)
    return embedding


class UvTarget:
    """A Stream. Between two pauses of a document that need its driver, chunks are sent by C alone."""

    loop: _loops.Loop = _loops.ASYNCIO

    def __init__(self, stream: _uv.Stream, timeout: float | None) -> None:
        self.took = TOOK_NOTHING
        self.key = id(stream)
        self._stream = stream
        self._timeout = timeout
        self._embedding = _embedding()
        self._outlet = stream._attach(self._embedding.uv)

    def direct_fd(self) -> Any:
        return self._outlet

    async def write(self, piece: Piece) -> None:
        self.took = TOOK_NOTHING
        await self._wait(self._stream._wait_room)
        self._stream._send(piece)
        self.took = TOOK_ALL

    async def drive(self, pump: Pump) -> int:
        """Run a pump that is full on, until it needs its driver; return its state."""
        state: int = await self._wait(lambda future: self._stream._drive(pump, future))
        return state

    async def finish(self) -> None:
        """Wait until everything has left."""
        await self._wait(self._stream._wait_drained)

    async def _wait(self, begin: Callable[[Any], None]) -> Any:
        future = asyncio.get_running_loop().create_future()
        begin(future)
        self._embedding.run()
        if future.done():
            return future.result()
        watchdog = Watchdog(self._timeout, lambda: self._stream._sent, self.abort) if self._timeout else None
        try:
            return await future
        except OSError as e:
            if watchdog:
                watchdog.explain(e)
            raise
        finally:
            self._stream._cancel_wait()
            if watchdog:
                watchdog.stop()

    def abort(self) -> None:
        self._stream.abort()
