"""Threads that encode and read at once: what they share, what they don't, and what changes meanwhile.

With the GIL these are tests of ordinary threads; without it (3.13t and later) of the locks that take its place.
"""

from __future__ import annotations

import array
import dataclasses
import datetime
import enum
import io
import itertools
import json
import os
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

import rjson

THREADS = 8
SECONDS = 0.3
IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
# What a walk may say of a container that changes under it.
REFUSALS = (RuntimeError, ValueError)


def run_together(*tasks: Callable[[], object]) -> None:
    """Runs each task in a thread, all from the same moment on; raises what one of them raised."""
    barrier, errors = threading.Barrier(len(tasks)), []

    def run(task: Callable[[], object]) -> None:
        barrier.wait()
        try:
            task()
        except BaseException as e:  # of any kind: it is raised below
            errors.append(e)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def repeatedly(action: Callable[[], object], seconds: float = SECONDS) -> Callable[[], None]:
    def task() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(20):
                action()

    return task


def document(seed: int) -> dict[str, Any]:
    return {
        "rows": [{"id": i, "name": f"row {i}é", "tags": ["a", "b" * 40, None], "x": i / 7} for i in range(seed % 50 + 3)],
        "nested": [[[i, [i + 1]], {"k": {"k": i}}] for i in range(9)],
        "empty": [[], {}, ()],
    }


@pytest.mark.skipif(not IS_FREE_THREADED, reason="needs free-threaded CPython")
@pytest.mark.parametrize("module", ["rjson", "rjson.compat", "rjson.aio", "rjson.uv"])
def test_import_leaves_the_gil_off(module: str) -> None:
    """Neither the import nor the first use turns it on, and nothing warns."""
    if module == "rjson.uv":
        pytest.importorskip(module, exc_type=ImportError)
    code = f"import sys, rjson, {module}; rjson.dumps([1]); rjson.loads('[1]'); sys.exit(sys._is_gil_enabled())"
    env = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_threads_that_share_nothing() -> None:
    def task(seed: int) -> Callable[[], None]:
        obj = document(seed)
        text = json.dumps(obj, ensure_ascii=False, separators=(",", ":"))

        def check() -> None:
            assert rjson.dumps(obj) == text
            assert rjson.dumps_bytes(obj) == text.encode()
            assert rjson.loads(text) == json.loads(text)

        return repeatedly(check)

    run_together(*(task(seed) for seed in range(THREADS)))


def test_one_object_and_one_encoder_for_all() -> None:
    obj = document(40)
    encoder = rjson.Encoder(sort_keys=True, indent=2)
    text = json.dumps(obj, ensure_ascii=False, indent=2, sort_keys=True)
    compact = json.dumps(obj, ensure_ascii=False, separators=(",", ":"))

    def check() -> None:
        assert encoder.dumps(obj) == text
        assert rjson.dumps(obj) == compact

    run_together(*[repeatedly(check)] * THREADS)


def test_wide_strings_whose_utf8_is_made_meanwhile() -> None:
    for _ in range(30):
        strings = [f"é{i}\u4e2d" * 9 for i in range(200)]
        expected = json.dumps(strings, ensure_ascii=False, separators=(",", ":")).encode()

        def check(strings: list[str] = strings, expected: bytes = expected) -> None:
            assert rjson.dumps_bytes(strings) == expected

        def make(strings: list[str] = strings) -> None:
            for s in strings:
                s.encode()
                sys.intern(s)
                "".join((s, s)).isidentifier()

        run_together(check, check, make, check)


def encode_while(change: Callable[[], object], obj: object, is_right: Callable[[Any], bool], **options: Any) -> None:
    """One thread changes `obj`, others encode it: each document is one that it may have been, or is refused."""

    def encode() -> None:
        try:
            text = rjson.dumps(obj, **options)
        except REFUSALS:
            return
        assert is_right(json.loads(text))

    run_together(repeatedly(change), *[repeatedly(encode)] * 3)


@pytest.mark.parametrize("options", [{}, {"sort_keys": True, "indent": 1}], ids=["compact", "styled"])
def test_a_list_that_changes(options: dict[str, Any]) -> None:
    numbers = itertools.count()
    obj: list[Any] = []

    def change() -> None:
        n = next(numbers) % 64
        obj[:] = [[i, [str(i) * n], {"k": [i], "l": {}}] for i in range(n)]
        del obj[n // 2 :]
        obj.extend((n, "text", [n]))
        obj.insert(0, [obj[-1], (n, [n])])
        obj.pop()
        if n % 8 == 0:
            obj.clear()

    encode_while(change, obj, lambda got: isinstance(got, list), **options)


@pytest.mark.parametrize("options", [{}, {"sort_keys": True}, {"duplicates": "error", "indent": 2}], ids=repr)
def test_a_dict_that_changes(options: dict[str, Any]) -> None:
    numbers = itertools.count()
    obj: dict[Any, Any] = {}

    def change() -> None:
        n = next(numbers) % 64
        obj[f"key {n}"] = {"inner": [n, {"deep": [str(n)]}], "more": "x" * n}
        obj.pop(f"key {(n * 7) % 64}", None)
        if n % 4 == 0:
            obj["sub"] = {str(i): [i] for i in range(n)}
        if n % 16 == 0:
            obj.clear()

    encode_while(change, obj, lambda got: isinstance(got, dict), **options)


def test_containers_deep_inside_that_lose_what_is_in_them() -> None:
    """What one thread is in the middle of may be dropped by another: it lives until the walk has left it."""
    inner: list[Any] = [None]
    obj = [{"a": [inner, {"b": inner}]}, inner] * 5

    def change() -> None:
        inner[0] = {"list": [["x" * 50] * 20 for _ in range(30)], "dict": {i: [i] for i in range(30)}}
        inner[0]["list"].append([])
        inner[0]["dict"] = None

    encode_while(change, obj, lambda got: len(got) == 10)


@pytest.mark.parametrize("options", [{}, {"sort_keys": True}, {"indent": 1}], ids=repr)
@pytest.mark.parametrize("first", ["text", object()], ids=["plain", "interrupted"])
@pytest.mark.parametrize("kind", [list, dict])
def test_containers_whose_memory_others_get(kind: type, first: object, options: dict[str, Any]) -> None:
    """A container is emptied, what it was kept in is overwritten, and it is filled again.

    The thread that does so has made it: then its memory is free at once, as nobody may be reading it without a lock.
    """
    members = [("key 0", first), *((f"key {i}", "text" * 3) for i in range(1, 400))]
    full = dict(members) if kind is dict else [value for _, value in members] * 5
    others = array.array("Q", b"\x7f" * ((sys.getsizeof(kind(full)) - sys.getsizeof(kind())) // 8 * 8))
    made: list[Any] = []
    is_made = threading.Event()

    def change() -> None:
        obj = kind()
        made.append(obj)
        is_made.set()

        def refill() -> None:
            obj.clear()
            _ = [others * 1 for _ in range(4)]
            obj.update(full) if kind is dict else obj.extend(full)

        repeatedly(refill, 2 * SECONDS)()

    def encode() -> None:
        is_made.wait()
        for _ in range(20):
            try:
                text = rjson.dumps(made[0], default=lambda obj: "text", **options)
            except REFUSALS:
                return
        assert len(json.loads(text)) <= len(full)

    run_together(change, *[repeatedly(encode, 2 * SECONDS)] * 3)


@pytest.mark.parametrize("options", [{}, {"sort_keys": True}], ids=repr)
def test_items_that_are_replaced(options: dict[str, Any]) -> None:
    """What one thread is about to read is dropped by another: items of a list, members of dicts."""
    items: list[Any] = [None] * 50
    keys = [f"key {i}" for i in range(20)]  # so few are sorted in place
    members = dict.fromkeys(keys)
    numbers = itertools.count()

    def change() -> None:
        n = next(numbers)
        for i in range(len(items)):
            items[i] = [str(n) * 9] * 9
        for key in keys:
            members[key] = [str(n) * 9] * 9
        for key in keys[::3]:
            del members[key]
            members[key + "é" * (n % 2)] = [n]
            members.pop(key + "é", None)
            members[key] = n

    def encode() -> None:
        for obj in (items, *[members] * 9):
            try:
                text = rjson.dumps(obj, **options)
            except REFUSALS:
                return
        json.loads(text)

    run_together(repeatedly(change, 3 * SECONDS), *[repeatedly(encode, 3 * SECONDS)] * 3)


def test_circles_are_found_while_others_walk_them() -> None:
    a: list[Any] = [1, [2]]
    b: dict[str, Any] = {"a": a, "c": [3]}
    a.append([b])

    def check() -> None:
        with pytest.raises(ValueError, match="circular"):
            rjson.dumps(a)
        with pytest.raises(ValueError, match="circular"):
            rjson.dumps(b)

    run_together(*[repeatedly(check)] * 4)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = None


class Slotted:
    __slots__ = ("a", "b")
    __dataclass_fields__ = Point.__dataclass_fields__


def test_plans_are_made_by_many_threads_at_once() -> None:
    """Types that nobody has encoded before, the same ones in each thread."""
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    for n in range(15):
        types = [dataclasses.make_dataclass(f"T{n}_{i}", ["a", "b"], slots=i % 2 == 0) for i in range(6)]
        objects = [t(i, [Colour.RED, when, uuid.UUID(int=i)]) for i, t in enumerate(types)]
        expected = rjson.dumps([{"a": o.a, "b": ["red", when.isoformat(), str(o.b[2])]} for o in objects])

        def check(objects: list[Any] = objects, expected: str = expected) -> None:
            assert rjson.dumps(objects) == expected

        run_together(*[check] * THREADS)


def test_instances_and_types_that_change() -> None:
    points = [Point(i, [i]) for i in range(20)]
    numbers = itertools.count()

    def change() -> None:
        n = next(numbers)
        for p in points:
            p.x = str(n) * 9
            p.y = {"n": n, "list": [n] * (n % 9)}
            p.__dict__["z"] = n
        Point.extra = n  # type: ignore[attr-defined]

    encode_while(change, points, lambda got: all(set(p) == {"x", "y"} for p in got))


def test_default_and_hooks_run_in_their_own_threads() -> None:
    def task(n: int) -> Callable[[], None]:
        here: list[int] = []

        def default(obj: object) -> object:
            here.append(threading.get_ident())
            return [n, {"of": n}]

        def check() -> None:
            assert rjson.loads(rjson.dumps([object()] * 3, default=default), object_hook=lambda d: d["of"]) == [[n, n]] * 3

        def all_of_it() -> None:
            repeatedly(check)()
            assert set(here) == {threading.get_ident()}

        return all_of_it

    run_together(*(task(n) for n in range(THREADS)))


def test_texts_with_the_same_and_with_other_keys() -> None:
    def task(seed: int) -> Callable[[], None]:
        shared = rjson.dumps([{"id": i, "name": "n", "é": 1} for i in range(50)])
        own = rjson.dumps([{f"k{seed}-{i}-{j}": j for j in range(12)} for i in range(30)])

        def check() -> None:
            assert rjson.loads(shared) == json.loads(shared)
            assert rjson.loads(own.encode()) == json.loads(own)

        return repeatedly(check)

    run_together(*(task(seed) for seed in range(THREADS)))


def test_one_iterload_for_all_gives_each_value_once() -> None:
    """Threads that take from one iterator get each value once; who comes in the middle of a read may be refused."""
    count = 20_000
    values = rjson.iterload(io.BytesIO(b"".join(b'{"n":%d}\n' % i for i in range(count))), framing="lines")
    seen: list[list[int]] = [[] for _ in range(THREADS)]

    def take(mine: list[int]) -> None:
        while True:
            try:
                mine.append(next(values)["n"])
            except StopIteration:
                return
            except ValueError as e:
                assert "reading already" in str(e)

    run_together(*(lambda mine=mine: take(mine) for mine in seen))
    assert sorted(itertools.chain(*seen)) == list(range(count))


def test_one_writer_for_all_keeps_documents_whole() -> None:
    out = io.BytesIO()
    per_thread = 400
    with rjson.Writer(out, framing="lines") as writer:

        def write(n: int) -> None:
            for i in range(per_thread):
                writer.write({"thread": n, "i": i, "text": "x" * (i % 300)})

        run_together(*(lambda n=n: write(n) for n in range(THREADS)))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    for n in range(THREADS):
        assert [line["i"] for line in lines if line["thread"] == n] == list(range(per_thread))
    assert len(lines) == THREADS * per_thread


def test_dump_to_pipes_from_many_threads() -> None:
    """Each to its own pipe; one object for all."""
    obj = document(49)
    expected = rjson.dumps_bytes(obj) * 30

    def task() -> None:
        r, w = os.pipe()
        got = bytearray()

        def read() -> None:
            while data := os.read(r, 65536):
                got.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for _ in range(30):
                rjson.dump_to(obj, w)
        finally:
            os.close(w)
            reader.join()
            os.close(r)
        assert got == expected

    run_together(*[task] * THREADS)


def test_one_iterencode_for_all_loses_nothing() -> None:
    """Threads that take from one iterator: each chunk comes once."""
    rows = [[i, "x" * 100] for i in range(20_000)]
    chunks = rjson.iterencode((row for row in rows), chunk_size=4096)
    taken: list[bytes] = []
    lock = threading.Lock()

    def take() -> None:
        while True:
            try:
                with lock:
                    taken.append(next(chunks))
            except StopIteration:
                return

    run_together(*[take] * 4)
    assert json.loads(b"".join(taken)) == rows


def test_one_fanout_for_all() -> None:
    """Threads that publish to the same subscribers: each gets every message whole, in each thread's order."""
    uv = pytest.importorskip("rjson.uv", exc_type=ImportError)
    per_thread = 100
    pairs = [socket.socketpair() for _ in range(3)]
    got = [bytearray() for _ in pairs]

    def read(sock: socket.socket, into: bytearray) -> None:
        while data := sock.recv(65536):
            into.extend(data)

    readers = [threading.Thread(target=read, args=(b, into)) for (_, b), into in zip(pairs, got, strict=True)]
    for reader in readers:
        reader.start()
    with uv.Fanout(framing="lines") as fanout:
        for a, _ in pairs:
            fanout.add(a)
            a.close()

        def publish(n: int) -> None:
            for i in range(per_thread):
                fanout.publish({"thread": n, "i": i, "text": "x" * (i * 9)})

        run_together(*(lambda n=n: publish(n) for n in range(4)))
    for reader, (_, b) in zip(readers, pairs, strict=True):
        reader.join()
        b.close()
    for text in got:
        lines = [json.loads(line) for line in text.splitlines()]
        for n in range(4):
            assert [line["i"] for line in lines if line["thread"] == n] == list(range(per_thread))
