"""A live feed: server-sent events to any number of browsers, encoded once each, whatever their pace.

    python examples/py/live_feed.py                   # open http://127.0.0.1:8000/ in some browsers, or
    curl -N http://127.0.0.1:8000/events

A subscriber that does not keep up misses events, whole ones, and goes on with the newest. Options: --port, --interval.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from contextlib import suppress

from rjson.uv import Fanout

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
PAGE = b"""<!doctype html>
<meta charset="utf-8">
<title>Live feed</title>
<pre id="log"></pre>
<script>
  const log = document.getElementById("log");
  new EventSource("/events").addEventListener("price", (event) => {
    const { symbol, price } = JSON.parse(event.data);
    log.textContent = `${event.lastEventId} ${symbol} ${price.toFixed(2)}\\n${log.textContent.slice(0, 2000)}`;
  });
</script>
"""
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
COMMENT_SECONDS = 15.0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, feed: Fanout) -> None:
    """One connection: the page, or the events until the client leaves."""
    with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /events "):
            writer.write(HEAD)
            await writer.drain()
            subscriber = feed.add(writer)
            await reader.read()  # the end of the connection, for a client of events sends nothing more
            feed.remove(subscriber)
        elif request.startswith(b"GET / "):
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + PAGE)
        else:
            writer.write(NOT_FOUND)
    writer.close()


async def produce(feed: Fanout, interval: float) -> None:
    """Prices, for ever; and a comment now and then, which finds clients that are gone."""
    number, last_comment = 0, time.monotonic()
    while True:
        number += 1
        event = {"symbol": "ABC", "price": 100 + 10 * math.sin(number / 20), "time": time.time()}
        await feed.apublish(event, event="price", id=str(number))
        if time.monotonic() - last_comment > COMMENT_SECONDS:
            last_comment = time.monotonic()
            feed.comment()
        await asyncio.sleep(interval)


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    parser.add_argument("--interval", type=float, default=0.1, help="seconds between events")
    options = parser.parse_args()
    async with Fanout(framing="sse", http_chunked=True, slow="skip", max_bytes=1 << 18) as feed:
        server = await asyncio.start_server(lambda r, w: serve(r, w, feed), "127.0.0.1", options.port)
        print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
        async with server:
            await produce(feed, options.interval)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
