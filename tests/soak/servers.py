"""The servers of soak.py that are Python, each in a process of its own: `servers.py aio` and `servers.py fanout`. Prints its port; ends with stdin."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from rjson import aio


def row(i: int) -> dict[str, Any]:
    return {"id": i, "name": f"row {i}", "share": i % 1000 / 8}


def message(i: int) -> dict[str, Any]:
    return {"i": i, "text": "é" * (i % 11 * 300)}


async def rows(count: int) -> AsyncIterator[dict[str, Any]]:
    for i in range(count):
        yield row(i)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A line with a number asks for so many rows."""
    with suppress(ConnectionError):
        if line := await reader.readline():
            await aio.dump(rows(int(line)), writer)
        writer.close()
        await writer.wait_closed()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def publish(seconds: float = 0.05) -> None:
    """A message after the other to whoever is connected; who is slow misses some, whole."""
    from rjson.uv import Fanout

    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    fanout = Fanout(slow="skip", max_bytes=1 << 18, ensure_ascii=False)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            fanout.add(sock)
            sock.close()

    threading.Thread(target=accept, daemon=True).start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    i = 0
    while not ended.wait(seconds):
        fanout.publish(message(i))
        fanout.report()  # forgets those that have left
        i += 1
    fanout.close()


if __name__ == "__main__":
    asyncio.run(serve()) if sys.argv[1] == "aio" else publish()
