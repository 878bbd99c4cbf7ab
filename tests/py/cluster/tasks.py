"""What tests run on workers: in a module of its own, so that workers import it."""

import os
import time
from pathlib import Path


def row(i):
    return {"id": i, "name": f"user{i}", "price": i / 8, "ok": i % 3 == 0, "note": None if i % 5 else "ü"}


def rows(start, stop):
    for i in range(start, stop):
        yield row(i)


def once(path):
    """Whether it is the first call with this path, of any process."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def killed_once(i, at, flag):
    """A row; the worker that comes to row `at` first tells its pid, and waits to be killed."""
    if i == at and once(flag):
        Path(flag + ".pid").write_text(str(os.getpid()))
        time.sleep(60)
    return {**row(i), "pad": "x" * 2000}


def fails_once(i, at, flag):
    if i == at and once(flag):
        raise RuntimeError("a passing failure")
    return row(i)


def bad(i, at):
    return {"id": i, "value": {1, 2}} if i == at else row(i)


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)


def straggling(folder):
    """Rows that come when the file "go" is there; "begun" says that somebody waits for them."""
    Path(folder, "begun").touch()
    wait_for(f"{folder}/go")
    yield from rows(0, 10)


def failing(folder):
    """A row that cannot be encoded, when the other partition has begun."""
    wait_for(f"{folder}/begun")
    yield bad(0, 0)


def meeting(folder, count):
    """Rows of 2000 bytes that go on past the middle when two attempts have come to it."""
    for i in range(count):
        if i == count // 2:
            Path(folder, f"{os.getpid()}").touch()
            while len(os.listdir(folder)) < 2:
                time.sleep(0.02)
        yield {**row(i), "pad": "x" * 2000}
