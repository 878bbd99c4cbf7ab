"""A message from an event loop: the driver of rjson.aio, with a fan-out as its target."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .._core import Pump
from .._encoder import CHUNK_SIZE
from ..aio import _driver, _loops
from ..aio._writer import SLICE_US

if TYPE_CHECKING:
    from .. import _uv
    from .._core import Encoder


async def write_message(fanout: _uv.Fanout, encoder: Encoder, obj: Any, wait_for_room: Callable[[], Awaitable[None]]) -> int:
    """Encode `obj` into the message that `fanout` has begun, and complete it. Returns its size."""
    rules, point = _driver.rules_from("full", _loops.ASYNCIO, True, False)
    pump = Pump(encoder, CHUNK_SIZE, SLICE_US, False, point)
    pump.begin(obj)
    stream = _driver.pieces(pump, None, rules, _driver.Nowhere())
    try:
        async for piece in stream:
            await _write(fanout, piece, wait_for_room)
    finally:
        await stream.aclose()
    return fanout.flush()


async def _write(fanout: _uv.Fanout, piece: _driver.Piece, wait_for_room: Callable[[], Awaitable[None]]) -> None:
    start = 0
    while (start := fanout.write(piece, start)) < len(piece):
        await wait_for_room()
