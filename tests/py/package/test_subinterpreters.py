"""Subinterpreters: rjson works in them as it does elsewhere, and leaves nothing behind when they end."""

import subprocess
import sys
import textwrap

import pytest

from helpers import HAS_UV, UNDER_ASAN

# run(code): runs it in an interpreter of its own, which is gone afterwards.
RUNNER = """
import os
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def run(code):
    interpreter = interpreters.create()
    try:
        failure = interpreters.run_string(interpreter, code)
    finally:
        interpreters.destroy(interpreter)
    assert failure is None, failure  # before 3.13 it raises

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
"""

IMPORTS = """
import array, dataclasses, datetime, decimal, enum, io, json, uuid
class Color(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Point:
    x: int
    y: object
"""

# Every kind of type that has a plan, and every type of object that rjson makes.
DOCUMENTS = {
    "dataclass": "rjson.dumps(Point(1, [2]))",
    "datetime": "rjson.dumps(datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc))",
    "enum": "rjson.dumps([Color.RED])",
    "Decimal": "rjson.dumps(decimal.Decimal('1.50'))",
    "UUID": "rjson.dumps(uuid.UUID(int=7))",
    "default": "rjson.dumps([object()], default=str)",
    "array": "rjson.dumps(array.array('d', [1.5] * 9))",
    "Raw": "rjson.dumps([rjson.Raw(b'1')])",
    "Encoder": "rjson.Encoder(default=lambda v: 1, sort_keys=True).dumps({'b': {1}, 'a': 2})",
    "iterencode": "b''.join(rjson.iterencode([n for n in range(1000)], chunk_size=512))",
    "open iteration": "keep = rjson.iterencode((n for n in range(9000)), chunk_size=512); next(keep)",
    "loads": 'rjson.loads(\'[{"a": 1}, {"a": 2}, 1.5]\', object_hook=lambda v: v)',
    "iterload": "list(rjson.iterload(io.BytesIO(b'1 2 [3]')))",
    "compat": "import rjson.compat; rjson.compat.loads(rjson.compat.dumps({'a': [1]}))",
    "error": """
try:
    rjson.dumps({"a": object()})
except rjson.EncodeError as e:
    assert e.path == "$.a"
""",
}
if HAS_UV:
    DOCUMENTS["uv"] = """
import socket, rjson.uv
ours, theirs = socket.socketpair()
with rjson.uv.Fanout([ours]) as feed:
    feed.publish([1])
assert theirs.recv(100) == b"[1]\\n"
feed = None
ours, theirs = socket.socketpair()
stream = rjson.uv.Stream(ours)
rjson.dump_to([1], stream)
"""


def in_process(code, timeout=300):
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", RUNNER + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.mark.skipif(UNDER_ASAN, reason="the address sanitizer keeps what was freed")
def test_nothing_stays_when_they_end():
    """50 of them need no more memory than those that import the same modules of the standard library, and rjson not.

    Where these alone leave something behind (3.13.0: 4 MB) or fail (3.12.1: a double free), nothing can be told.
    """
    everything = IMPORTS + "import rjson\n" + "\n".join(DOCUMENTS.values())
    measure = """
        def growth(code, count):
            for _ in range(4):
                run(code)
            before = resident()
            for _ in range(count):
                run(code)
            return (resident() - before) / count
    """
    done = in_process(
        measure
        + f"""
        print(growth({IMPORTS!r}, 10))
    """
    )
    if done.returncode != 0 or float(done.stdout) > 200_000:
        pytest.skip("this Python's own subinterpreters leave something behind")
    done = in_process(
        measure
        + f"""
        print(growth({everything!r}, 50))
    """
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < 400_000, "bytes for each interpreter"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_objects_of_every_type_are_seen_by_the_garbage_collector(document):
    """The module and its types, one cycle, go when the interpreter has them no more, whatever was encoded."""
    code = f"""
        import gc, sys, weakref
        def use():
            namespace = {{}}
            exec({IMPORTS!r} + "import rjson\\n" + {DOCUMENTS[document]!r}, namespace)
            return weakref.ref(namespace["rjson"]._core)
        import rjson
        def forget():
            for name in [name for name in sys.modules if name.partition(".")[0] == "rjson"]:
                del sys.modules[name]
        del rjson
        forget()
        core = use()
        forget()
        gc.collect()
        print(core())
    """
    done = in_process(code)
    assert done.stdout == "None\n", done.stdout + done.stderr[-2000:]


DATES = r"""
import datetime as d, rjson

class Zone(d.tzinfo):
    def utcoffset(self, when):
        return d.timedelta(hours=-3, minutes=-30)

east = d.timezone(d.timedelta(hours=2))
odd = d.timezone(d.timedelta(hours=1, seconds=44))
moment = d.datetime(2024, 2, 29, 12, 30, 15, 123456)

class Mine(d.datetime):
    pass

cases = [
    (moment, {}, "2024-02-29T12:30:15.123456"),
    (moment, {"naive_utc": True}, "2024-02-29T12:30:15.123456+00:00"),
    (moment, {"omit_microseconds": True}, "2024-02-29T12:30:15"),
    (moment.replace(tzinfo=d.timezone.utc), {}, "2024-02-29T12:30:15.123456+00:00"),
    (moment.replace(tzinfo=d.timezone.utc), {"utc_z": True}, "2024-02-29T12:30:15.123456Z"),
    (moment.replace(tzinfo=east, microsecond=0), {}, "2024-02-29T12:30:15+02:00"),
    (moment.replace(tzinfo=Zone()), {}, "2024-02-29T12:30:15.123456-03:30"),
    (moment.replace(tzinfo=odd), {}, "2024-02-29T12:30:31.123456+01:01"),
    (Mine(1, 1, 1), {}, "0001-01-01T00:00:00"),
    (d.date(987, 6, 5), {}, "0987-06-05"),
    (d.time(1, 2, 3, 4), {}, "01:02:03.000004"),
    (d.time(1, 2, tzinfo=east), {}, "01:02:00+02:00"),
    (d.timedelta(days=-1, seconds=3, microseconds=5), {}, "-PT23H59M56.999995S"),
    (d.timedelta(days=400, hours=1), {}, "P400DT1H"),
]
for value, options, text in cases:
    for _ in range(2):  # what is found out about the type is kept
        assert rjson.dumps([value], **options) == f'["{text}"]', (value, options, rjson.dumps([value], **options))
    assert rjson.dumps({value: [value]}, **options) == f'{{"{text}":["{text}"]}}', value
    assert b"".join(rjson.iterencode(iter([value] * 200), chunk_size=512, **options)) == rjson.dumps_bytes([value] * 200, **options)
assert rjson.dumps(d.timedelta(seconds=90), timedelta="seconds") == "90.0"

class NoZone(d.tzinfo):
    def utcoffset(self, when):
        return 7

class Broken(d.tzinfo):
    def utcoffset(self, when):
        raise KeyError("no such zone")

for zone, expected in (NoZone(), TypeError), (Broken(), KeyError):
    try:
        rjson.dumps([moment.replace(tzinfo=zone)])
    except expected:
        pass
    else:
        raise AssertionError(zone)
"""


def test_dates_are_encoded_in_them():
    """On 3.12 one with a GIL of its own has the datetime module that is written in Python, whose objects have another layout."""
    done = in_process(f"run({DATES!r}); print('fine')")
    assert done.stdout == "fine\n", done.stderr[-2000:]


def test_dates_are_encoded_where_the_datetime_module_is_the_one_written_in_python():
    """As in some embedded interpreters, and under tools that leave the C module out."""
    without = "import sys; sys.modules['_datetime'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", without + DATES + "print('fine')"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "fine\n", done.stderr[-2000:]
