"""What else goes on meanwhile: signals at any moment, an interpreter that ends, threads that change what is being written."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import rjson
from helpers import HAS_UV, SLOW, Reader, pipe

ROWS = [{"id": i, "text": "é" * (i % 40), "list": [i, [i]]} for i in range(4_000)]
TEXT = json.dumps(ROWS, ensure_ascii=False, separators=(",", ":")).encode()


Writer = rjson.Writer  # imported by now: an import is not what is interrupted here


class Stop(Exception):
    pass


@pytest.fixture
def alarm():
    """Has a signal's handler raise Stop in so many seconds."""

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def by_dump(fd):
    return rjson.dump_to(ROWS, fd, overlap=False)


def by_overlap(fd):
    return rjson.dump_to(ROWS, fd, overlap=True)


def by_generator(fd):
    return rjson.dump_to((row for row in ROWS), fd)


def by_writer(fd):
    with Writer(fd, framing="array") as writer:
        writer.write_all(ROWS)
    return writer.bytes_written


def by_iterencode(fd):
    with os.fdopen(os.dup(fd), "wb", buffering=0) as file:
        for chunk in rjson.iterencode(ROWS, chunk_size=4096):
            written = 0
            while written < len(chunk):
                written += file.write(chunk[written:])
    return len(TEXT)


WAYS = [by_dump, by_overlap, by_generator, by_writer]


@pytest.mark.parametrize("way", WAYS)
def test_a_signal_at_any_moment(alarm, way):
    """What the peer got is the beginning of the document, as much of it as the exception says."""
    interrupted = 0
    rounds = 400 if SLOW else 25
    for i in range(rounds):
        with pipe(pause=0.0001) as (fd, reader):
            count = None
            try:
                alarm(0.0002 + 0.004 * i / rounds)
                count = way(fd)
                alarm(0)
            except Stop as e:
                alarm(0)
                interrupted += 1
                count = getattr(e, "bytes_written", None)  # raised behind the call, it knows of none
        received = reader.result()
        assert TEXT.startswith(received)
        if way is by_writer:  # it counts in Python, where a handler may come between the sending and the counting
            assert count is None or count <= len(received)
        else:
            assert count in (None, len(received))
    assert interrupted


def test_a_handler_that_returns_changes_nothing():
    """However often it comes: system calls go on where they were."""
    count = 0

    def tick(*_):
        nonlocal count
        count += 1

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        for way in (*WAYS, by_iterencode):
            with pipe(pause=0.0001) as (fd, reader):
                assert way(fd) == len(TEXT)
            assert reader.result() == TEXT
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert count > 10


# ---- an interpreter that ends

EXITS = {
    "a thread in a full pipe": """
        r, w = os.pipe()
        threading.Thread(target=rjson.dump_to, args=(rows, w), daemon=True).start()
        time.sleep(0.1)
    """,
    "a thread in a full pipe, overlapped": """
        r, w = os.pipe()
        threading.Thread(target=rjson.dump_to, args=(rows, w), kwargs={"overlap": True}, daemon=True).start()
        time.sleep(0.1)
    """,
    "a thread that encodes": """
        threading.Thread(target=lambda: [rjson.dumps(rows) for _ in range(1000)], daemon=True).start()
        time.sleep(0.05)
    """,
    "a source in a thread": """
        def source():
            while True:
                time.sleep(0.001)
                yield 1
        chunks = rjson.iterencode(source(), flush=0.01)
        next(chunks)
    """,
    "a writer in a thread": """
        r, w = os.pipe()
        writer = rjson.Writer(w)
        threading.Thread(target=lambda: writer.write_all(rows for _ in range(1000)), daemon=True).start()
        time.sleep(0.1)
    """,
    "a compressed file": """
        file = rjson.compressed(open(os.devnull, "wb"), "gz")
        threading.Thread(target=rjson.dump_to, args=((rows for _ in range(1000)), file), daemon=True).start()
        time.sleep(0.1)
    """,
    "an event loop": """
        import asyncio, rjson.aio
        async def main():
            listener = socket.create_server(("127.0.0.1", 0))
            _, writer = await asyncio.open_connection(*listener.getsockname())
            task = asyncio.create_task(rjson.aio.dump([rows] * 100, writer))
            await asyncio.sleep(0.1)
            sys.exit(0)
        asyncio.run(main())
    """,
    "an event loop that is not run to its end": """
        import asyncio, rjson.aio
        loop = asyncio.new_event_loop()
        async def source():
            while True:
                await asyncio.sleep(0)
                yield 1
        chunks = rjson.aio.iterencode(source(), flush="item")
        loop.run_until_complete(anext(chunks))
        loop.run_until_complete(chunks.aclose())
        loop.close()
    """,
    "a reader": """
        r, w = os.pipe()
        os.write(w, b"[1,2")
        values = rjson.iterload(open(r, "rb"))
        next(values)
        threading.Thread(target=lambda: list(values), daemon=True).start()
        time.sleep(0.1)
    """,
}
if HAS_UV:
    EXITS["a fan-out"] = """
        import rjson.uv
        pairs = [socket.socketpair() for _ in range(3)]
        feed = rjson.uv.Fanout((ours for ours, _ in pairs), framing="lines", slow="wait")
        threading.Thread(target=lambda: [feed.publish(rows) for _ in range(1000)], daemon=True).start()
        time.sleep(0.1)
    """


@pytest.mark.parametrize("work", EXITS)
def test_an_interpreter_that_ends_with_work_in_flight(work):
    """Ends at once, well, and without a word."""
    code = "import os, socket, sys, threading, time, rjson\nrows = [{'id': i, 'x': 'x' * 50} for i in range(20_000)]\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code + textwrap.dedent(EXITS[work])],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


# ---- another thread that changes what is written


def clear_lists(document):
    for row in document:
        row["list"].clear()


def grow_lists(document):
    for row in document:
        row["list"].extend(range(5))


def replace_members(document):
    for row in document:
        row["text"] = ["other"]


def drop_rows(document):
    del document[len(document) // 2 :]


def reverse(document):
    document.reverse()


def grow_dicts(document):
    for row in document:
        row[str(random.random())] = 1


def as_lines(rows, sock):
    with Writer(sock) as writer:
        writer.write_all(rows)


@pytest.mark.parametrize("change", [clear_lists, grow_lists, replace_members, drop_rows, reverse, grow_dicts])
@pytest.mark.parametrize("way", [rjson.dump_to, as_lines])
def test_a_thread_changes_what_is_written(change, way):
    """While a slow peer is waited for: each row is as it was at some moment, or a RuntimeError says that a dict changed."""
    document = json.loads(TEXT)
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    over = threading.Event()

    def go_on_changing():
        for _ in range(200):  # a document that grows faster than it is read never ends
            if over.is_set():
                break
            change(document)
            time.sleep(random.random() / 500)

    reader = Reader(theirs.recv, pause=0.0002)
    is_whole = False
    thread = threading.Thread(target=go_on_changing)
    thread.start()
    try:
        with ours:
            way(document, ours)
        is_whole = True
    except RuntimeError as e:
        assert "changed size" in str(e)
    finally:
        over.set()
        thread.join()
    lines = reader.result().split(b"\n")
    theirs.close()
    for line in lines if is_whole else lines[:-1]:
        assert line == b"" or json.loads(line)
