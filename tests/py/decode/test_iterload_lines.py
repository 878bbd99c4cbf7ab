"""iterload: lines that are enforced and may be skipped, sizes that are limited, and senders that say where their text ends."""

import io
import json
import signal
import subprocess
import sys
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rjson
import rjson.aio
from helpers import UNDER_ASAN

SIZES = [1, 2, 3, 7, 64, 65536]


class Trickle:
    """A file that gives what it likes: at most `size` bytes. It counts what was read."""

    def __init__(self, data, size):
        self.data, self.size, self.given = data, size, 0

    def read(self, n):
        part, self.data = self.data[: min(n, self.size)], self.data[min(n, self.size) :]
        self.given += len(part)
        return part


def read(text, size=65536, **options):
    return list(rjson.iterload(Trickle(text if isinstance(text, bytes) else text.encode(), size), **options))


# ---- lines

BAD = {
    2: b'{"a": [1,',
    3: b"2]}",
    4: b"",
    6: b'"\xff"',
    7: b"1 2",
    8: b"1" * 5000,
    10: b'"open',
    11: b"\xef\xbb",
    12: b"]",
    30: b"nul",
}
LINES = [BAD.get(i, json.dumps({"line": i, "text": "é中" * (i % 5)}, ensure_ascii=False).encode()) for i in range(1, 41)]
GOOD = [{"line": i, "text": "é中" * (i % 5)} for i in range(1, 41) if i not in BAD]
WRONG = [i for i in BAD if BAD[i]]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", SIZES)
def test_lines_that_are_skipped(size, newline):
    """Exactly those that are not JSON, in whatever parts they arrive; each is reported with its number and its text."""
    text = newline.join(LINES)
    assert read(text, size, framing="lines", on_error="skip") == GOOD
    reports = []
    got = read(text, size, framing="lines", on_error=lambda *report: reports.append(report))
    assert got == GOOD
    assert [number for number, _, _ in reports] == WRONG
    for number, line, error in reports:
        assert line.rstrip(b"\r") == BAD[number]
        assert isinstance(error, rjson.DecodeError)
        assert error.lineno == number
        before = newline.join(LINES[: number - 1] + [b""]).decode(errors="replace")
        assert error.pos == len(before) + error.colno - 1


@pytest.mark.parametrize("size", SIZES)
def test_reports_come_in_their_place(size):
    """Values before a line that is wrong have been given out when it is reported."""
    order = []
    text = b"1\nx\n2\n3\ny\nz\n4"
    for value in rjson.iterload(
        Trickle(text, size), framing="lines", on_error=lambda number, line, error: order.append(line)
    ):
        order.append(value)
    assert order == [1, b"x", 2, 3, b"y", b"z", 4]


def test_what_on_error_raises_ends_the_iterator():
    def on_error(number, line, error):
        raise KeyError(number)

    values = rjson.iterload(io.BytesIO(b"1\n2\nx\n3"), framing="lines", on_error=on_error)
    assert [next(values), next(values)] == [1, 2]
    with pytest.raises(KeyError, match="3"):
        next(values)
    assert list(values) == []


@pytest.mark.parametrize("on_error", ["skip", print])
def test_hooks_are_not_errors_of_the_text(on_error):
    """What a hook raises comes out, and is no reason to skip a line."""
    values = rjson.iterload(io.BytesIO(b"{}\n[]"), framing="lines", on_error=on_error, object_hook=lambda d: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(values)


def test_hooks_see_nothing_of_the_next_line():
    seen = []
    text = '{"a": {"b": 1}\n, "c": {"d": 2}\n{"e": 3}'
    assert read(text, framing="lines", on_error="skip", object_hook=lambda d: seen.append(d) or d) == [{"e": 3}]
    assert seen == [{"b": 1}, {"e": 3}]


def test_on_error_is_checked():
    with pytest.raises(ValueError, match="on_error must be 'raise', 'skip' or callable, not 'ignore'"):
        rjson.iterload(io.BytesIO(), framing="lines", on_error="ignore")
    for framing in ("auto", "array", "seq", "concat"):
        with pytest.raises(ValueError, match="on_error needs framing='lines' or 'sse'"):
            rjson.iterload(io.BytesIO(), framing=framing, on_error="skip")


def test_a_hook_cannot_feed_the_text_that_it_is_called_for():
    from rjson import _core

    feeder = _core.Feeder(_core.Decoder(object_hook=lambda d: feeder.feed(b"x" * 10**6)), "lines")
    feeder.feed(b"{}\n")
    with pytest.raises(RuntimeError, match="a hook takes values"):
        feeder.take()


@pytest.mark.parametrize("size", SIZES)
def test_byte_order_marks_of_joined_files(size):
    """Files with a mark, one behind the other: before a line, and nowhere else."""
    mark = "\ufeff"
    text = f'{mark}{{"a":1}}\n{mark}{{"a":2}}\r\n\n{mark}\n{mark} [3]'
    expected = [{"a": 1}, {"a": 2}, [3]]
    assert read(text, size, framing="lines") == expected
    assert read(text, size, framing="concat") == expected
    assert read(text, size) == expected
    assert list(rjson.iterload(io.StringIO(text), framing="lines", chunk_size=size)) == expected
    for wrong in (f"[1,{mark}2]", f"[{mark}]", f"{{{mark}}}", f"1{mark}"):
        with pytest.raises(rjson.DecodeError):
            read(wrong, size, framing="lines")
    with pytest.raises(rjson.DecodeError):
        read(f"[1,{mark}2]", size, framing="array")


@given(
    lines=st.lists(
        st.sampled_from(
            ["1", '{"a":[1]}', "", " ", "x", '"é', "[1,", "2]", '"😀"', "\ufeff3", "nul", '"\\', '"\\u12', "1 2", "-", "\r"]
        )
    ),
    newline=st.sampled_from(["\n", "\r\n", " \n"]),
    size=st.integers(1, 20),
)
def test_lines_are_texts_of_their_own(lines, newline, size):
    """Each is what loads makes of it alone, or is skipped."""
    text = newline.join(lines).encode()
    expected = []
    for line in text.split(b"\n"):
        try:
            if line.removeprefix(b"\xef\xbb\xbf").strip():
                expected.append(rjson.loads(line))
        except rjson.DecodeError:
            pass
    assert read(text, size, framing="lines", on_error="skip") == expected


# ---- server-sent events

EVENTS = """\ufeff: hello

data: {"a": 1}

event: tick
id: 7
data:[2,
data: "é😀"]
retry: 100

data
datax: 0
event: nothing

:

data: 3


data: {"b":
data: 4
data: }

data: 5
"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
async def test_events(newline, size):
    """Data is joined; comments, other fields and an event without its empty line are left out (HTML, section 9.2.6)."""
    expected = [{"a": 1}, [2, "é😀"], 3, {"b": 4}]
    text = EVENTS.replace("\n", newline).encode()
    assert read(text, size, framing="sse") == expected
    assert read(text, size, framing="sse", max_bytes=14) == expected
    assert read((text + newline.encode() * 2), size, framing="sse") == [*expected, 5]

    class Reader(Trickle):
        async def read(self, n):
            return super().read(n)

    assert [value async for value in rjson.aio.iterload(Reader(text, size), framing="sse")] == expected


@pytest.mark.parametrize("size", SIZES)
def test_events_of_our_own(size):
    values = [{"text": "a\nb"}, [1], rjson.Event({"x": 1}, event="tick", id="7", comment="so"), "ä", {"$end": 4}]
    text = b"".join(rjson.iterencode(values, framing="sse", indent=2))
    assert read(text, size, framing="sse", end=True) == [{"text": "a\nb"}, [1], {"x": 1}, "ä"]
    for cut in range(1, len(text)):
        with pytest.raises(rjson.DecodeError, match="stream was cut"):
            read(text[:-cut], size, framing="sse", end=True)


@pytest.mark.parametrize("size", SIZES)
def test_events_that_are_wrong(size):
    """They are reported by their number; one that is too long is not kept."""
    reports = []
    long = b"data: [" + b"0," * 5000 + b"0]\ndata: 1\n\n"
    many = b"data: 0\n" * 1000 + b"\n"
    comment = b": " + b"z" * 5000 + b"\n\n"
    text = b"data: 1\n\n" + long + b"data: x\n\n" + comment + many + b"data: 2\n\ndata: [DONE]\n\n"
    options = {"framing": "sse", "max_bytes": 100}
    got = read(text, size, on_error=lambda number, line, error: reports.append((number, line[:10])), **options)
    assert got == [1, 2]
    assert reports == [(2, b"[0,0,0,0,0"), (3, b"x"), (4, b"0 0 0 0 0 "), (6, b"[DONE]")]
    assert read(text, size, on_error="skip", **options) == [1, 2]
    with pytest.raises(rjson.DecodeError, match="max_bytes=100"):
        read(text, size, **options)


# ---- sizes


@pytest.mark.parametrize("hook", [None, lambda d: d])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["lines", "array", "seq", "concat"])
def test_max_bytes(framing, size, hook):
    """A value of so many bytes passes, one of one more does not, in whatever parts they arrive; values before it come out."""
    value = {"text": "é" * 50, "list": [1, 2.5, None]}
    text = json.dumps(value, ensure_ascii=False).encode()
    many = {"lines": b"%s\n%s\n", "array": b"[ %s , %s ]", "seq": b"\x1e%s\n\x1e%s\n", "concat": b"%s %s"}[framing]
    many %= text, text
    options = {"framing": framing, "object_hook": hook}
    assert read(many, size, max_bytes=len(text), **options) == [value, value]
    larger = many.replace(b", null]", b",  null]")
    assert larger.count(text) == 0
    with pytest.raises(rjson.DecodeError, match=f"(Value|Line) of more than max_bytes={len(text)} bytes") as e:
        read(larger, size, max_bytes=len(text), **options)
    assert e.value.pos == (larger.index(b"{") if framing != "lines" else 0)
    at = many.rindex(b", null]")
    values = rjson.iterload(Trickle(many[:at] + b",  null]" + many[at + 7 :], size), max_bytes=len(text), **options)
    assert next(values) == value
    with pytest.raises(rjson.DecodeError, match="max_bytes"):
        next(values)
    assert list(values) == []


@pytest.mark.parametrize("begin", [b'"', b"[", b'{"a":[', b"[[[[", b"1", b'"\\u'])
@pytest.mark.parametrize("framing", ["auto", "lines", "array", "seq", "concat"])
def test_max_bytes_of_a_value_without_end(framing, begin):
    """It is refused when so much of it has arrived, and no more is read: a sender cannot fill the memory."""
    text = (b"[" if framing == "array" else b"") + begin + b"1" * 1_000_000
    for size in (10, 100):
        source = Trickle(text, size)
        with pytest.raises(rjson.DecodeError):
            list(rjson.iterload(source, framing=framing, max_bytes=1000, parse_int=len))
        assert source.given <= 1000 + 20 + size


@pytest.mark.parametrize("size", SIZES)
def test_max_bytes_of_lines_that_are_skipped(size):
    """A line that is too long is skipped up to its end, however far that is; no more of it is kept than max_bytes."""
    reports = []
    text = b"1\n" + b"[" + b"0," * 5000 + b"0]\n2\n" + b"x" * 300 + b"\n3\n" + b"y" * 400
    source = Trickle(text, size)
    got = list(rjson.iterload(source, framing="lines", max_bytes=100, on_error=lambda *report: reports.append(report)))
    assert got == [1, 2, 3]
    assert [(number, line) for number, line, _ in reports] == [
        (2, text[2:102]),
        (4, b"x" * 100),
        (6, b"y" * 100),
    ]
    assert read(text, size, framing="lines", max_bytes=100, on_error="skip") == [1, 2, 3]


def test_max_bytes_is_checked():
    for wrong, error in ((0, ValueError), (-1, ValueError), ("1", TypeError), (1.5, TypeError), (2**100, OverflowError)):
        with pytest.raises(error):
            rjson.iterload(io.BytesIO(), max_bytes=wrong)
    assert read("[1]", max_bytes=None, framing="lines") == [[1]]


# ---- the end


def framed(framing, *texts):
    return "".join({"lines": f"{text}\n", "seq": f"\x1e{text}\n", "concat": text}[framing] for text in texts)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["lines", "seq", "concat"])
def test_the_end_record(framing, size):
    """It says how many values come before it, and is none of them; hooks do not see it."""
    values = ['{"a":1}', '{"end":{"$end":2}}', "[]"]
    options = {"framing": framing, "end": True, "object_hook": lambda d: sorted(d)}
    for record in ('{"$end":3}', ' { "$end" : 3 } '):
        assert read(framed(framing, *values, record), size, **options) == [["a"], ["end"], []]
    assert read(framed(framing, '{"$end":0}'), size, **options) == []
    assert read(framed(framing, '{"$end":3}'), size, framing=framing) == [{"$end": 3}]  # not asked for


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["lines", "seq", "concat"])
def test_a_stream_that_was_cut(framing, size):
    """At every byte: never does a part pass for the whole. Whole values before the cut come out."""
    text = framed(framing, '{"a":1}', "[2]", '{"a":3}', '{"$end":3}').encode()
    whole = text.rindex(b"}") + 1
    for cut in range(whole):
        got = []
        with pytest.raises(rjson.DecodeError):
            for value in rjson.iterload(Trickle(text[:cut], size), framing=framing, end=True):
                got.append(value)
        assert got == [{"a": 1}, [2], {"a": 3}][: len(got)]
    assert read(text[:whole], size, framing=framing, end=True) == [{"a": 1}, [2], {"a": 3}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n2\n", "The stream was cut: it ends without"),
        ("", "The stream was cut: it ends without"),
        ('1\n{"$end":2}\n', "The stream was cut: 1 values arrived of 2"),
        ('1\n{"$end":0}\n', "1 values arrived of 0"),
        ('1\n{"$end":1}\n2\n', "Extra data"),
        ('1\n{"$end":1} 2\n', "Expecting a newline between values"),
        ('1\n{"$end":true}\n', "The end record has no count"),
        ('1\n{"$end":"1"}\n', "The end record has no count"),
        ('1\n{"$end":1\n', "Expecting ',' delimiter"),
    ],
)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("size", SIZES)
def test_wrong_ends(text, message, on_error, size):
    """They are no lines that could be skipped."""
    with pytest.raises(rjson.DecodeError, match=message) as e:
        read(text, size, framing="lines", end=True, on_error=on_error)
    assert e.value.record is None


@pytest.mark.parametrize("size", SIZES)
def test_lines_that_were_skipped_count(size):
    assert read('1\nx\n3\n{"$end":3}', size, framing="lines", end=True, on_error="skip") == [1, 3]


@pytest.mark.parametrize("framing", ["lines", "seq", "concat"])
@pytest.mark.parametrize("size", SIZES)
def test_the_error_record(framing, size):
    """It is raised, with what it says, behind the values before it."""
    got = []
    error = {"code": 7, "text": "no disk"}
    text = framed(framing, '{"a":1}', '{"$error":' + json.dumps(error) + ',"more":1}')
    with pytest.raises(rjson.DecodeError, match=r"The sender reports an error .*no disk") as e:
        for value in rjson.iterload(Trickle(text.encode(), size), framing=framing, end=True):
            got.append(value)
    assert got == [{"a": 1}]
    assert e.value.record == error


def test_end_needs_a_framing_that_has_none():
    for framing in ("auto", "array"):
        with pytest.raises(ValueError, match="an array has an end of its own"):
            rjson.iterload(io.BytesIO(), framing=framing, end=True)


@pytest.mark.parametrize("size", SIZES)
async def test_aio_takes_the_same_options(size):
    class Reader(Trickle):
        async def read(self, n):
            return super().read(n)

    lines = []
    text = b'1\nx\n[2]\n"' + b"z" * 100 + b'"\n{"$end":4}\n'
    values = rjson.aio.iterload(
        Reader(text, size), framing="lines", end=True, max_bytes=50, on_error=lambda number, *_: lines.append(number)
    )
    assert [value async for value in values] == [1, [2]]
    assert lines == [2, 4]
    values = rjson.aio.iterload(Reader(b'1\n{"$error":"no"}\n', size), framing="lines", end=True)
    assert await anext(values) == 1
    with pytest.raises(rjson.DecodeError, match=r"reports an error .'no'"):
        await anext(values)


# ---- signals


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_a_signal_loses_nothing():
    """iterload goes on with the value that the signal interrupted."""

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    text = b"1\n[" + b"0," * 5_000_000 + b"0]\n2\n"
    values, got, stops = rjson.iterload(io.BytesIO(text), framing="lines", chunk_size=2**30), [], 0
    before = signal.signal(signal.SIGALRM, stop)
    try:
        while len(got) < 3:
            try:
                if stops == 0:
                    signal.setitimer(signal.ITIMER_REAL, 0.01)
                got.extend(islice(values, 1))  # one call, so that no signal comes between the value and its place
            except Stop:
                stops += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert (got[0], len(got[1]), got[2], stops > 0) == (1, 5_000_001, 2, True)
    assert list(values) == []


# ---- memory

PEAK = """
import resource, sys, rjson

def source(piece, count, before, behind):
    yield before
    for _ in range(count):
        yield piece
    yield behind

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

framing, piece, size = sys.argv[1], eval(sys.argv[2]), 64 << 20
before, behind = {"array": (b"[", b"]")}.get(framing, (b"", b"\\n"))
list(rjson.iterload(source(piece, 10, before + b'"', b'"' + behind), framing=framing))
start = peak()
value = None
for value in rjson.iterload(source(piece, size // len(piece), before + b'"', b'"' + behind), framing=framing):
    pass
print((peak() - start) / size)
"""
PIECES = {"plain": 'b"x" * 65536', "escaped": r'b"12345\\n78" * 8192', "latin": '"é".encode() * 32768'}


@pytest.mark.skipif(UNDER_ASAN, reason="its memory is not what is promised")
@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("framing", ["lines", "array", "auto"])
def test_peak_of_one_large_string(framing, piece):
    """At most twice its text: that and the string. Escapes that are ASCII need no more."""
    done = subprocess.run([sys.executable, "-c", PEAK, framing, PIECES[piece]], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2.1
