"""`make demo`: stream a real file tree as JSON, in constant memory, and check every byte of it.

Each line of the table is a run in a process of its own. "seconds" is the whole job: producing the records (walking the
tree and hashing, or making up rows), encoding and writing. rjson gets them from a generator; the others need a list, and
get a tenth of the made-up rows, so that nobody has to wait for them.

    python examples/py/demo.py [--files N] [--rows N]      smaller runs
"""

from __future__ import annotations

import argparse
import grp
import gzip
import hashlib
import importlib
import io
import json
import os
import pwd
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import rjson

try:
    orjson: Any = importlib.import_module("orjson")
except ImportError:
    orjson = None

Records = Callable[[], Iterator[dict[str, Any]]]


# ---- the records


@lru_cache
def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@lru_cache
def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def digest_of_first_block(path: str) -> str:
    with open(path, "rb") as f:
        return hashlib.blake2b(f.read(4096), digest_size=16).hexdigest()


def file_record(path: str) -> dict[str, Any]:
    st = os.stat(path)
    return {
        "path": path,
        "size": st.st_size,
        "mode": oct(st.st_mode),
        "times": {"accessed": st.st_atime, "modified": st.st_mtime, "changed": st.st_ctime},
        "owner": {"user": user_name(st.st_uid), "group": group_name(st.st_gid)},
        "digest": digest_of_first_block(path),
    }


def file_tree(count: int | None) -> Iterator[dict[str, Any]]:
    """One record for each regular file below the Python installation, as the walk comes to it."""

    def records() -> Iterator[dict[str, Any]]:
        for folder, _, names in os.walk(sysconfig.get_path("stdlib")):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and os.access(path, os.R_OK):
                    yield file_record(path)

    return islice(records(), count)


def synthetic_rows(count: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        yield {
            "id": i,
            "name": f"user {i}",
            "email": f"user{i}@example.com",
            "score": i / 8,
            "tags": ["a", "é"],
            "ok": True,
        }


# ---- ways to write them


def with_rjson(records: Records, fp: Any) -> None:
    rjson.dump_to(records(), fp)


def with_json(records: Records, fp: Any) -> None:
    text = io.TextIOWrapper(fp, encoding="utf-8")  # json.dump writes str
    json.dump(list(records()), text, ensure_ascii=False, separators=(",", ":"))
    text.detach()


def with_orjson(records: Records, fp: Any) -> None:
    fp.write(orjson.dumps(list(records())))


METHODS = {"rjson.dump_to": with_rjson, "json.dump": with_json}
if orjson:
    METHODS["fp.write(orjson.dumps)"] = with_orjson


# ---- places to write them to; each answers with (bytes, records) as json reads them there


class Outcome(NamedTuple):
    size: int
    records: int


def parse(data: bytes) -> Outcome:
    return Outcome(len(data), len((orjson or json).loads(data)))


def to_file(write: Callable[[Any], None], folder: Path) -> Callable[[], Outcome]:
    path = folder / "out.json"
    with open(path, "wb") as fp:
        write(fp)
    return lambda: parse(path.read_bytes())


def to_gzip(write: Callable[[Any], None], folder: Path) -> Callable[[], Outcome]:
    path = folder / "out.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as fp:
        write(fp)
    return lambda: parse(gzip.open(path).read())


RECEIVER = """
import socket, sys
try:
    import orjson as json
except ImportError:
    import json
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    connection, _ = server.accept()
with connection, connection.makefile("rb") as stream:
    data = stream.read()
print(len(data), len(json.loads(data)))
"""


def to_socket(write: Callable[[Any], None], folder: Path) -> Callable[[], Outcome]:
    """A second process receives, parses and counts."""
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    assert receiver.stdout
    port = int(receiver.stdout.readline())
    with socket.create_connection(("127.0.0.1", port)) as sock:
        if write.func is with_rjson:  # type: ignore[attr-defined]
            write(sock)
        else:
            with sock.makefile("wb") as fp:
                write(fp)

    def outcome() -> Outcome:
        out, _ = receiver.communicate()
        size, records = map(int, out.split())
        return Outcome(size, records)

    return outcome


PLACES = {"file": to_file, "gzip": to_gzip, "socket": to_socket}


# ---- measuring


def peak_kib() -> int:
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def reset_peak() -> None:
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")


def measure(place: str, method: str, records: Records) -> dict[str, Any]:
    """One run, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        reset_peak()
        before = peak_kib()
        started = time.perf_counter()
        outcome = PLACES[place](partial(METHODS[method], records), Path(folder))
        seconds = time.perf_counter() - started
        extra = peak_kib() - before
        size, count = outcome()
    return {"bytes": size, "records": count, "seconds": seconds, "extra_kib": extra}


def measure_in_child(place: str, method: str, records: Records) -> dict[str, Any]:
    """One run in a fork of this process, whose memory is its own."""
    r, w = os.pipe()
    sys.stdout.flush()
    if os.fork() == 0:
        try:
            rjson.dump_to(measure(place, method, records), w)
        finally:
            os._exit(0)
    os.close(w)
    with open(r, "rb") as result:
        data = result.read()
    os.wait()
    if not data:
        raise SystemExit(f"demo: {method} to {place} failed")
    return json.loads(data)  # type: ignore[no-any-return]


WIDTH = 80


def say(text: str) -> None:
    """Progress, on a terminal: the next line of the table, which is longer, is written over it."""
    if sys.stdout.isatty():
        print(f"  {text} ...".ljust(WIDTH), end="\r", flush=True)


Results = dict[tuple[str, str], dict[str, Any]]


def show(title: str, records: Callable[[str], Records]) -> Results:
    """A table of every place and method. `records`: what a method, by its name, has to write."""
    print(f"\n{title}")
    say("reading once, so that the first method does not pay for the disk")
    sum(1 for _ in records("rjson.dump_to")())
    print(f"  {'to':7} {'with':24} {'records':>9} {'bytes':>13} {'seconds':>8} {'MB/s':>7} {'extra peak MiB':>15}")
    results: Results = {}
    for place in PLACES:
        for method in METHODS:
            say(f"{method} to a {place}")
            m = results[place, method] = measure_in_child(place, method, records(method))
            speed = m["bytes"] / m["seconds"] / 1e6
            print(
                f"  {place:7} {method:24} {m['records']:>9,} {m['bytes']:>13,} {m['seconds']:>8.2f} {speed:>7.0f} "
                f"{m['extra_kib'] / 1024:>15.1f}",
                flush=True,
            )
            expected = sum(1 for _ in records(method)())
            if m["records"] != expected:
                raise SystemExit(f"demo: {method} to {place} wrote {m['records']} records of {expected}")
    return results


def in_words(results: Results) -> None:
    """What was seen."""
    ours = results["file", "rjson.dump_to"]
    print("\nIn words:")
    print(
        f"  rjson wrote {ours['records']:,} rows ({ours['bytes'] / 1e6:,.0f} MB) to a file in {ours['seconds']:.1f} s, "
        f"with {ours['extra_kib'] / 1024:.1f} MiB of memory beside the program's own."
    )
    for method in list(METHODS)[1:]:
        m = results["file", method]
        per_row = (m["seconds"] / m["records"]) / (ours["seconds"] / ours["records"])
        print(
            f"  {method} took {m['seconds']:.1f} s and {m['extra_kib'] / 1024:,.0f} MiB for {m['records']:,} of them: "
            f"{per_row:.1f} times as long a row, and memory that grows with the rows."
        )
    print("  Every output was read back and counted by another parser.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Stream a file tree and synthetic rows as JSON, and compare.")
    parser.add_argument("--files", type=int, default=2000, help="files at most")
    parser.add_argument("--rows", type=int, default=1_000_000, help="synthetic rows")
    options = parser.parse_args()
    print(
        f"rjson {rjson.__version__} ({rjson.isa}), Python {sys.version.split()[0]}; every output is parsed again and counted"
    )
    show(f"The file tree {sysconfig.get_path('stdlib')}", lambda _: lambda: file_tree(options.files))

    def rows_for(method: str) -> Records:
        count = options.rows if method == "rjson.dump_to" else options.rows // 10
        return lambda: synthetic_rows(count)

    in_words(show(f"{options.rows:,} synthetic rows, for the others a tenth of them", rows_for))


if __name__ == "__main__":
    main()
