"""Log records over a Unix socket as NDJSON: a collector, and a program that ships what it reads from standard input.

    python examples/py/log_collector.py collect /tmp/logs.sock > logs.ndjson
    journalctl -f | python examples/py/log_collector.py ship /tmp/logs.sock --name journal

The collector writes every record to its standard output, with when it came and from whom. If whoever reads that is slow, the
collector reads slower as well, and the shippers wait: nothing is lost, and nothing piles up. A shipper collects records in a
chunk as long as they come fast, and sends what it has when there is a moment's rest.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import suppress

import rjson.aio

REST = 0.05  # seconds without a new line


async def output() -> rjson.aio.Writer:
    """NDJSON to standard output, which is a pipe or a file."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(os.dup(1), "wb"))
    except ValueError:  # a regular file takes everything at once
        return rjson.aio.Writer(File())
    return rjson.aio.Writer(transport)


class File:
    """Standard output as a target: an object with an awaitable write()."""

    async def write(self, data: bytes) -> int:
        return os.write(1, data)


async def collect(path: str) -> None:
    writer = await output()
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, peer: asyncio.StreamWriter) -> None:
        count = 0
        async for line in reader:
            await writer.write({"received": time.time(), "record": rjson.Raw(line.rstrip(b"\n"))})
            count += 1
        await rjson.aio.dump({"received": count}, peer, framing="lines")
        peer.close()

    with suppress(FileNotFoundError):
        os.unlink(path)
    server = await asyncio.start_unix_server(serve, path)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    print(f"collecting on {path}", file=sys.stderr, flush=True)
    async with server:
        await done.wait()
    await writer.close()


async def ship(path: str, name: str) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    reader, peer = await asyncio.open_unix_connection(path)
    async with rjson.aio.Writer(peer, framing="lines", flush="full") as writer:
        line = asyncio.ensure_future(lines.readline())
        while True:
            await asyncio.wait([line], timeout=REST)
            if not line.done():
                await writer.flush()
                await line
            text = line.result()
            if not text:
                break
            record = {"name": name, "time": time.time(), "message": text.decode(errors="replace").rstrip("\n")}
            await writer.write(record)
            line = asyncio.ensure_future(lines.readline())
    peer.write_eof()
    answer = await reader.read()
    print(answer.decode(), end="")
    peer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["collect", "ship"])
    parser.add_argument("path")
    parser.add_argument("--name", default="stdin")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(collect(options.path) if options.command == "collect" else ship(options.path, options.name))
