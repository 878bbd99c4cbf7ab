"""An HTTP/1.1 server without a framework: rows of a SQLite database, streamed with chunked framing as the client reads.

    python examples/py/sqlite_server.py                          # http://127.0.0.1:8080/rows?count=1000000
    python examples/py/sqlite_server.py --uvloop
    python examples/py/sqlite_server.py --tls cert.pem           # a PEM file with key and certificate

GET /rows?count=N is a document of N rows, GET /health a small one. However large the document and however slow its client,
a connection costs a chunk and the transport's buffer, and the others are answered meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import ssl
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import rjson.aio

ROWS = 1000


def make_database() -> sqlite3.Connection:
    """A small table; /rows goes through it again and again."""
    db = sqlite3.connect(":memory:")
    db.execute("create table station (id integer primary key, name text, city text, height real)")
    db.executemany(
        "insert into station values (?, ?, ?, ?)",
        ((i, f"station {i}", ("Zürich", "Genève", "Bern")[i % 3], 400 + i / 8) for i in range(ROWS)),
    )
    return db


def rows(db: sqlite3.Connection, count: int) -> Iterator[dict[str, Any]]:
    """`count` rows as they come from the cursor; none is fetched before the one before it is encoded."""
    cursors = (db.execute("select id, name, city, height from station") for _ in itertools.count())
    for id_, name, city, height in itertools.islice(itertools.chain.from_iterable(cursors), count):
        yield {"id": id_, "name": name, "city": city, "height": height}


class Server:
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive for as many requests as the client likes."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b" ", 2)
                await self.answer(writer, method.decode(), target.decode())
        writer.close()

    async def answer(self, writer: asyncio.StreamWriter, method: str, target: str) -> None:
        url = urlsplit(target)
        if method != "GET":
            await self.reply(writer, "405 Method Not Allowed", {"error": f"{method} is not supported"})
        elif url.path == "/health":
            await self.reply(writer, "200 OK", {"ok": True})
        elif url.path == "/rows":
            count = int(parse_qs(url.query).get("count", [str(ROWS)])[0])
            await self.reply(writer, "200 OK", {"count": count, "rows": rows(self.db, count)})
        else:
            await self.reply(writer, "404 Not Found", {"error": f"there is no {url.path}"})

    async def reply(self, writer: asyncio.StreamWriter, status: str, document: object) -> None:
        """If `document` fails in the middle, the connection is reset: the client sees an error, not a short document."""
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        await rjson.aio.dump(document, writer, framing="http-chunked", timeout=60)


async def main(options: argparse.Namespace) -> None:
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)
    server = await asyncio.start_server(Server(make_database()).serve, "127.0.0.1", options.port, ssl=context)
    port = server.sockets[0].getsockname()[1]
    print(f"listening on {'https' if context else 'http'}://127.0.0.1:{port}/rows?count=1000000", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--tls", metavar="PEM")
    arguments = parser.parse_args()
    run: Any = asyncio.run
    if arguments.uvloop:
        import uvloop

        run = uvloop.run
    with suppress(KeyboardInterrupt):
        run(main(arguments))
    sys.exit(0)
