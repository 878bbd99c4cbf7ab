"""A live page: a million rows of a SQLite table, drawn as they arrive, beside the usual way.

    pip install starlette uvicorn
    python examples/live/server.py                 # open http://127.0.0.1:8000/

Rows leave as NDJSON while the cursor is read. Pause in the page, and the cursor stops: backpressure goes all the way, behind
what the browser buffers (Chromium 156: 64 MiB). Cancel, and it is closed. The usual way makes the whole document first.
Options: --port, --rows.
"""

from __future__ import annotations

import argparse
import math
import os
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from rjson.integrations.starlette import NDJSONResponse

FOLDER = Path(__file__).parent
NOTE = "Taken in the north wing, checked by hand, and kept for the yearly report on the cooling of the halls."
QUERY = "SELECT id, at, sensor, value, note FROM readings ORDER BY id"


def make_table(path: str, rows: int) -> None:
    """Readings of eight sensors, one a second."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE readings (id INTEGER PRIMARY KEY, at INTEGER, sensor TEXT, value REAL, note TEXT)")
        readings = (
            (i, 1_700_000_000 + i, f"sensor {i % 8}", round(20 + 8 * math.sin(i / rows * 20) + i % 8 + i % 97 / 50, 2), NOTE)
            for i in range(rows)
        )
        db.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?)", readings)
        db.commit()


class Export:
    """One run through the table: how far its cursor is, and whether it is open."""

    def __init__(self) -> None:
        self.row = 0
        self.is_open = False

    def rows(self, path: str, fail_at: int | None) -> Iterator[dict[str, Any]]:
        """Runs in one thread of rjson's, the connection with it."""
        with closing(sqlite3.connect(path)) as db:
            self.is_open = True
            try:
                for self.row, (number, at, sensor, value, note) in enumerate(db.execute(QUERY), 1):
                    if self.row == fail_at:
                        raise sqlite3.OperationalError("disk I/O error")
                    yield {"id": number, "at": at, "sensor": sensor, "value": value, "note": note}
            finally:
                self.is_open = False


def resident_memory() -> int:
    """Of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def make_app(path: str, table_rows: int) -> Starlette:
    exports: dict[str, Export] = {}

    async def page(request: Request) -> Response:
        return FileResponse(FOLDER / "page.html")

    async def script(request: Request) -> Response:
        return FileResponse(FOLDER / "page.js", media_type="text/javascript")

    async def rows(request: Request) -> Response:
        """?export=NAME: its rows, and a record that these are all, or what failed. &fail=1: one that fails in the middle.

        The response ends behind either, as a browser throws away what the page has not read of one that is cut.
        """
        export = exports[request.query_params["export"]] = Export()
        fail_at = table_rows // 2 if "fail" in request.query_params else None
        return NDJSONResponse(export.rows(path, fail_at), end=True, error=str, after_error="end")

    def usual(request: Request) -> Response:
        """The same in the usual way: a list of all, one str of it, one response."""
        with closing(sqlite3.connect(path)) as db:
            db.row_factory = sqlite3.Row
            return JSONResponse([dict(row) for row in db.execute(QUERY)])

    async def status(request: Request) -> Response:
        export = exports.get(request.query_params.get("export", ""), Export())
        return JSONResponse(
            {"row": export.row, "is_open": export.is_open, "table_rows": table_rows, "memory": resident_memory()}
        )

    return Starlette(
        routes=[
            Route("/", page),
            Route("/page.js", script),
            Route("/rows", rows),
            Route("/usual", usual),
            Route("/status", status),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/readings.sqlite"
        print(f"a table of {options.rows:,} rows ...", flush=True)
        make_table(path, options.rows)
        with socket.create_server(("127.0.0.1", options.port)) as listener:
            print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
            uvicorn.Server(uvicorn.Config(make_app(path, options.rows), log_level="warning")).run([listener])


if __name__ == "__main__":
    main()
