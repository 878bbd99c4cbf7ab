"""iterload: values one by one from texts that arrive in parts, at every size of part, and errors that say where."""

import asyncio
import contextlib
import gc
import io
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import weakref

import pytest

import rjson
import rjson.aio
from helpers import UNDER_ASAN

pytestmark = pytest.mark.isa

SIZES = [1, 2, 3, 7, 64, 65536]
VALUES = [
    {"id": 1, "name": "é中😀", "esc": 'a"\\\n\u2028'},
    12345.5,
    -7,
    True,
    None,
    "x" * 300,
    [[], {}, [1, [2]]],
    1e300,
    "",
    2**70,
]


def as_lines(values):
    return "".join(json.dumps(v, ensure_ascii=i % 2 == 0) + "\n" for i, v in enumerate(values))


def as_array(values):
    return json.dumps(values, ensure_ascii=False, indent=1)


def as_seq(values):
    return "".join(f"\x1e{json.dumps(v, ensure_ascii=False)}\n" for v in values)


def as_concat(values):
    return " ".join(json.dumps(v, ensure_ascii=False) for v in values)


TEXTS = {"lines": as_lines, "array": as_array, "seq": as_seq, "concat": as_concat}


class Trickle:
    """A file that gives what it likes: at most `size` bytes."""

    def __init__(self, data, size):
        self.data, self.size = data, size

    def read(self, n):
        part, self.data = self.data[: min(n, self.size)], self.data[min(n, self.size) :]
        return part


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", [*TEXTS, "auto"])
@pytest.mark.parametrize("kind", list(TEXTS))
def test_every_framing(kind, framing, size):
    if framing not in ("auto", kind):
        pytest.skip("another framing")
    text = TEXTS[kind](VALUES)
    assert list(rjson.iterload(Trickle(text.encode(), size), framing=framing)) == VALUES
    assert list(rjson.iterload(io.BytesIO(text.encode()), framing=framing, chunk_size=size)) == VALUES
    assert list(rjson.iterload(io.StringIO(text), framing=framing, chunk_size=size)) == VALUES


@pytest.mark.parametrize("size", SIZES)
def test_lines_end_as_they_like(size):
    for text in ("1\n2", "1\r\n2\r\n", "\n1\n\n\n2\n \n", " 1 \t\n\t2 ", "\ufeff1\n2"):
        assert list(rjson.iterload(Trickle(text.encode(), size), framing="lines")) == [1, 2]


@pytest.mark.parametrize("framing", ["auto", "lines", "seq", "concat"])
def test_nothing(framing):
    assert list(rjson.iterload(io.BytesIO(b""), framing=framing)) == []
    assert list(rjson.iterload(io.StringIO(" \n "), framing=framing)) == []


@pytest.mark.parametrize("size", SIZES)
def test_values_without_space_between(size):
    text = b'{"a":1}{"b":2}[3]"four"null"five"[6]7'
    expected = [{"a": 1}, {"b": 2}, [3], "four", None, "five", [6], 7]
    assert list(rjson.iterload(Trickle(text, size), framing="concat")) == expected


def test_empty_arrays():
    assert list(rjson.iterload(io.BytesIO(b"[]"))) == []
    assert list(rjson.iterload(io.BytesIO(b" [ ] "), framing="array")) == []
    assert list(rjson.iterload(io.BytesIO(b"[[]]"))) == [[]]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("framing", "text", "values", "pos", "line", "column"),
    [
        ("lines", '{"a":1}\n{"b":2}\n{]', [{"a": 1}, {"b": 2}], 17, 3, 2),
        ("lines", '{"a":1}\n{"b":\n2}\n', [{"a": 1}], 13, 2, 6),
        ("lines", "1\n2 3\n", [1], 4, 2, 3),
        ("lines", '"é中"\n"😀" x', ["é中"], 9, 2, 5),
        ("lines", '1\n"open\n"', [1], 2, 2, 1),
        ("lines", "1\n[1\r2]\n", [1], 5, 2, 4),
        ("lines", "1\ntru", [1], 2, 2, 1),
        ("array", "[1, 2", [1, 2], 5, 1, 6),
        ("array", "[1,\n2,\n]", [1, 2], 7, 3, 1),
        ("array", "[1 2]", [1], 3, 1, 4),
        ("array", "[1] 2", [1], 4, 1, 5),
        ("array", "{}", [], 0, 1, 1),
        ("array", "", [], 0, 1, 1),
        ("array", "[", [], 1, 1, 2),
        ("concat", "1 2 ]", [1, 2], 4, 1, 5),
        ("concat", '[1] {"a": [1, 2}', [[1]], 15, 1, 16),
        ("seq", "\x1e1\n\x1e]", [1], 4, 2, 2),
    ],
)
def test_errors(framing, text, values, pos, line, column, size):
    """What is sound comes first; then the error, with its place in the whole text."""
    got = []
    with pytest.raises(rjson.DecodeError) as e:
        for value in rjson.iterload(Trickle(text.encode(), size), framing=framing):
            got.append(value)
    assert got == values
    assert (e.value.pos, e.value.lineno, e.value.colno) == (pos, line, column)
    assert f"line {line} column {column} (char {pos})" in str(e.value)


def test_malformed_utf8_across_parts():
    for size in SIZES:
        data = b'"ok"\n"' + "é".encode() * 50 + b"\xff" + b'"\n'
        values = rjson.iterload(Trickle(data, size), framing="lines")
        assert next(values) == "ok"
        with pytest.raises(rjson.DecodeError, match="UTF-8"):
            next(values)


def test_errors_of_hooks():
    def hook(d):
        return 1 / d["a"]

    values = rjson.iterload(io.BytesIO(b'{"a":1}{"a":0}{"a":2}'), object_hook=hook)
    assert next(values) == 1
    with pytest.raises(ZeroDivisionError):
        next(values)
    assert list(values) == []


@pytest.mark.parametrize("size", SIZES)
def test_hooks_see_everything_once(size):
    """Also where the text is cut in the middle of a value."""
    seen = []
    text = '{"a": [{"b": 1}, {"c": 22}], "d": 3.5}\n[{"e": NaN}]\n' + json.dumps([{"n": i} for i in range(50)])
    list(
        rjson.iterload(
            Trickle(text.encode(), size),
            framing="lines",
            object_hook=lambda d: seen.append(d) or d,
            parse_int=lambda s: seen.append(s) or int(s),
            parse_float=lambda s: seen.append(s) or float(s),
            parse_constant=lambda s: seen.append(s),
        )
    )
    expected = ["1", {"b": 1}, "22", {"c": 22}, "3.5", {"a": [{"b": 1}, {"c": 22}], "d": 3.5}, "NaN", {"e": None}]
    assert seen[:8] == expected
    assert seen[8:] == [thing for i in range(50) for thing in (str(i), {"n": i})]


def test_a_hook_that_reads_on():
    def hook(d):
        return next(values)

    values = rjson.iterload(io.BytesIO(b'{"a":1}{"a":2}'), object_hook=hook)
    with pytest.raises(ValueError, match="is reading already"):
        next(values)
    from rjson import _core

    feeder = _core.Feeder(_core.Decoder(object_hook=lambda d: feeder.take()), "concat")
    feeder.feed(b"{}{}")
    with pytest.raises(RuntimeError, match="a hook takes values"):
        feeder.take()


def test_options_are_checked_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        rjson.iterload(io.BytesIO(), colour=1)
    with pytest.raises(ValueError, match=r"framing must be 'concat', 'lines', .* or 'auto', not 'csv'"):
        rjson.iterload(io.BytesIO(), framing="csv")
    with pytest.raises(ValueError, match="chunk_size must be at least 1, not 0"):
        rjson.iterload(io.BytesIO(), chunk_size=0)
    with pytest.raises(TypeError, match="takes a file, a socket or an iterator of bytes, not int: 5"):
        rjson.iterload(5)


def test_options_apply():
    assert list(rjson.iterload(io.BytesIO(b"[1.5]"), framing="lines", parse_float=str)) == [["1.5"]]
    with pytest.raises(rjson.DecodeError, match="Duplicate"):
        list(rjson.iterload(io.BytesIO(b'{"a":1,"a":2}'), duplicates="error"))


def test_a_pipe_is_read_as_it_fills():
    """A value is there as soon as its last byte is, while the writer holds the pipe open."""
    r, w = os.pipe()
    with open(r, "rb") as reader:
        values = rjson.iterload(reader)
        os.write(w, b'{"a":1}\n{"b"')
        assert next(values) == {"a": 1}
        os.write(w, b":2}\n")
        assert next(values) == {"b": 2}
        os.close(w)
        assert list(values) == []


def test_a_socket():
    a, b = socket.socketpair()
    with a, b:
        expected = [{"n": i, "text": "é" * (i % 50)} for i in range(2000)]

        def send():
            for value in expected:
                a.sendall(rjson.dumps_bytes(value) + b"\n")
            a.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        assert list(rjson.iterload(b)) == expected
        thread.join()


def test_a_file_without_data_now():
    r, w = os.pipe()
    os.set_blocking(r, False)
    try:
        with open(r, "rb", buffering=0) as reader, pytest.raises(BlockingIOError):
            next(rjson.iterload(reader))
    finally:
        os.close(w)


@pytest.mark.parametrize("error", [BlockingIOError, TimeoutError, KeyboardInterrupt, ValueError])
def test_reading_that_fails_can_be_tried_again(error):
    """Nothing is lost: neither what has arrived, nor values that are complete."""
    parts = iter([b"[1, 2, {", error("now"), b'"a": 3}, 4', error("and now"), error("and now"), b"5]", b""])

    class Source:
        def read(self, n):
            part = next(parts)
            if isinstance(part, BaseException):
                raise part
            return part

    values, got, failures = rjson.iterload(Source()), [], 0
    while len(got) < 4:
        try:
            got.append(next(values))
        except error:
            failures += 1
    assert got == [1, 2, {"a": 3}, 45]
    assert failures == 3
    assert list(values) == []


def test_the_end_stays_the_end():
    values = rjson.iterload(io.BytesIO(b"1 2"))
    assert iter(values) is values
    assert list(values) == [1, 2]
    assert list(values) == []
    broken = rjson.iterload(io.BytesIO(b"1 x 2"))
    assert next(broken) == 1
    with pytest.raises(rjson.DecodeError):
        next(broken)
    assert list(broken) == []


def test_one_that_is_dropped_halfway():
    """It lets go of what it has: its source, and values that nobody took."""
    source = Trickle(b"[" + b'{"a": [1]},' * 100 + b"0]", 64)
    values = rjson.iterload(source)
    assert next(values) == {"a": [1]}
    gone = weakref.ref(source)
    source.values = values  # a cycle
    del source, values
    gc.collect()
    assert gone() is None


def test_two_threads_at_once():
    """One reads, the other is refused; nothing is lost."""
    reading, go_on = threading.Event(), threading.Event()

    class Source:
        def read(self, n):
            reading.set()
            go_on.wait(10)
            return b""

    values = rjson.iterload(Source())
    thread = threading.Thread(target=lambda: list(values))
    thread.start()
    assert reading.wait(10)
    with pytest.raises(ValueError, match="is reading already"):
        next(values)
    go_on.set()
    thread.join()


def test_what_rjson_writes_is_read_back(tmp_path):
    path = tmp_path / "items.json"
    items = [{"id": i, "values": [i, i / 2, str(i)]} for i in range(20_000)]
    with path.open("wb") as f:
        rjson.dump((item for item in items), f)
    with path.open("rb") as f:
        assert list(rjson.iterload(f)) == items


def test_memory_is_constant():
    """Fifty megabytes of items, in less than a few of memory."""
    code = """
        import resource, rjson

        class Source:
            left = 500_000
            def read(self, n):
                if self.left == 500_000:
                    self.left -= 1
                    return b"["
                count = min(self.left, 600)
                self.left -= count
                if count:
                    return b'{"id": 123456, "text": "' + b"x" * 70 + b'"},' + b'{"id": 123456, "text": "y"},' * (count - 1)
                return b"0]" if Source.first else b""

        class Ending(Source):
            ended = False
            def read(self, n):
                part = super().read(n)
                if not part and not self.ended:
                    self.ended = True
                    return b"0]"
                return part

        Source.first = False
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            count = sum(1 for _ in rjson.iterload(Ending()))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(count, after - before < 2000)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "500000 True\n", done.stderr


def test_one_large_value_in_small_parts():
    """Tries grow rarer as it grows, or this would take minutes."""
    numbers = list(range(40_000 if UNDER_ASAN else 200_000))
    (value,) = rjson.iterload(Trickle(json.dumps([numbers]).encode(), 100))
    assert value == numbers


# ---- asyncio


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", list(TEXTS))
def test_aio(kind, size):
    async def main():
        reader = asyncio.StreamReader()
        text = TEXTS[kind](VALUES).encode()

        async def feed():
            for i in range(0, len(text), size):
                reader.feed_data(text[i : i + size])
                if size > 3:
                    await asyncio.sleep(0)
            reader.feed_eof()

        task = asyncio.create_task(feed())
        got = [value async for value in rjson.aio.iterload(reader, framing=kind, chunk_size=max(size, 2))]
        await task
        return got

    assert run(main()) == VALUES


def test_aio_server_and_client():
    """What rjson.aio writes, read by rjson.aio as it arrives."""

    async def main():
        async def serve(reader, writer):
            async with rjson.aio.Writer(writer, framing="lines") as out:
                async for value in rjson.aio.iterload(reader, framing="lines"):
                    await out.write({"got": value})
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for i in range(50):
                await rjson.aio.dump([i, "é" * i], writer, framing="lines")
            writer.write_eof()
            got = [value async for value in rjson.aio.iterload(reader)]
            writer.close()
        return got

    assert run(main()) == [{"got": [i, "é" * i]} for i in range(50)]


def test_aio_errors():
    async def main():
        reader = asyncio.StreamReader()
        reader.feed_data(b"1\n2\n]\n")
        reader.feed_eof()
        got = []
        with pytest.raises(rjson.DecodeError, match="line 3 column 1"):
            async for value in rjson.aio.iterload(reader):
                got.append(value)
        return got

    assert run(main()) == [1, 2]


@pytest.mark.parametrize("framing", ["lines", "auto", "array", "seq", "concat"])
def test_aio_goes_on_after_a_timeout(framing):
    """A cancelled or timed-out `__anext__` loses nothing: the values that follow come when it is asked again."""

    async def main():
        reader = asyncio.StreamReader()
        text = TEXTS["concat" if framing == "auto" else framing]([{"a": 1}, {"b": "é"}, {}]).encode()
        values = rjson.aio.iterload(reader, framing=framing)
        got = []
        for i in range(len(text) + 1):
            with contextlib.suppress(asyncio.TimeoutError):
                while True:
                    got.append(await asyncio.wait_for(values.__anext__(), 0.001))
            task = asyncio.create_task(values.__anext__())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            reader.feed_data(text[i : i + 1])
        reader.feed_eof()
        got += [value async for value in values]
        assert [value async for value in values] == []
        return got

    assert run(main()) == [{"a": 1}, {"b": "é"}, {}]


def test_aio_cancelled_at_every_await():
    """Nothing is lost or given twice, at whichever turn of the loop it is cancelled."""

    async def main(turns):
        reader = asyncio.StreamReader()
        reader.feed_data(b"{}\n[1]\n[2]\n[3")
        values = rjson.aio.iterload(reader, chunk_size=5)
        got = []

        async def take():
            async for value in values:
                got.append(value)

        task = asyncio.create_task(take())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        reader.feed_data(b"]")
        reader.feed_eof()
        await take()
        return got

    for turns in range(12):
        assert run(main(turns)) == [{}, [1], [2], [3]], turns


def test_aio_goes_on_after_an_error_of_the_reader():
    """As the synchronous one does; after a DecodeError, and after aclose(), it is over."""

    class Reader:
        parts = [b"1 2 ", OSError("try again"), b"3 ] 4", b""]

        async def read(self, n):
            part = self.parts.pop(0)
            if isinstance(part, OSError):
                raise part
            return part

    async def main():
        values = rjson.aio.iterload(Reader())
        assert [await values.__anext__(), await values.__anext__()] == [1, 2]
        with pytest.raises(OSError, match="try again"):
            await values.__anext__()
        assert await values.__anext__() == 3
        with pytest.raises(rjson.DecodeError):
            await values.__anext__()
        with pytest.raises(StopAsyncIteration):
            await values.__anext__()
        reader = asyncio.StreamReader()
        reader.feed_data(b"1 2 ")
        values = rjson.aio.iterload(reader)
        assert await values.__anext__() == 1
        await values.aclose()
        with pytest.raises(StopAsyncIteration):
            await values.__anext__()

    run(main())


def test_aio_by_two_tasks_at_once():
    """Refused, while the other one waits for the reader."""

    async def main():
        reader = asyncio.StreamReader()
        values = rjson.aio.iterload(reader)
        task = asyncio.create_task(values.__anext__())
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError, match="already running"):
            await values.__anext__()
        reader.feed_data(b"1 ")
        assert await task == 1

    run(main())


def test_aio_on_trio():
    """From anything with an awaitable read()."""
    trio = pytest.importorskip("trio")

    class Reader:
        def __init__(self, *parts):
            self.parts = list(parts)

        async def read(self, n):
            await trio.sleep(0)
            return self.parts.pop(0) if self.parts else b""

    async def main():
        return [value async for value in rjson.aio.iterload(Reader(b"[1,2", b",3]"))]

    assert trio.run(main) == [1, 2, 3]


def test_aio_lets_others_run():
    """A text that is all there does not keep the loop to itself."""

    async def main():
        reader = asyncio.StreamReader()
        reader.feed_data(b"[1,2,3]\n" * 100_000)
        reader.feed_eof()
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(count())
        async for _ in rjson.aio.iterload(reader, framing="lines"):
            pass
        task.cancel()
        return turns

    assert run(main()) >= 5


@pytest.mark.parametrize("part", [1, 2, 1000])
@pytest.mark.parametrize("text", [b"\x1e1\n\x1e12", b"\x1e1\x1e12\n", b"\x1etrue", b"\x1enull\x1e[1]\n", b"\x1e-1.5e3"])
def test_a_number_or_literal_without_white_space_is_cut_off(text, part):
    """RFC 7464, section 2.4: in a sequence only what follows tells that 12 is not the beginning of 123."""
    parts = [text[i : i + part] for i in range(0, len(text), part)]
    with pytest.raises(rjson.DecodeError, match="it may be cut off"):
        list(rjson.iterload(parts, framing="seq"))
    values = list(rjson.iterload([text.replace(b"\x1e", b"\n\x1e") + b"\n"], framing="seq"))
    assert values == [json.loads(value) for value in text.split(b"\x1e")[1:]]
