"""Objects with a write() of their own: short counts, None, exceptions, bytes or str."""

import io
import json
import os
import threading
import time
import unittest.mock

import pytest

import rjson
import rjson.compat
from helpers import CHUNK_SIZES, stdlib

DOC = {"rows": [{"id": i, "text": 'é中😀"' * (i % 9)} for i in range(500)], "long": "ü" * 70_000}
TEXT = stdlib(DOC)
BYTES = TEXT.encode()


@pytest.fixture(params=CHUNK_SIZES)
def chunk_size(request):
    return request.param


class Short:
    """Takes at most `most` of what it is offered, and says so."""

    def __init__(self, most):
        self.most = most
        self.parts = []

    def write(self, data):
        self.parts.append(data[: self.most])
        return len(self.parts[-1])


@pytest.mark.parametrize("most", [1, 7, 511, 512, 10_000, 10**9])
def test_short_writes(chunk_size, most):
    """The rest is offered again until it is all taken; nothing is lost or doubled."""
    target = Short(most)
    assert rjson.dump(DOC, target, chunk_size=chunk_size) == len(BYTES)
    assert b"".join(target.parts) == BYTES


def test_one_byte_at_a_time_costs_linear_time():
    """A megabyte, byte by byte: the rest of a chunk is not copied for each byte of it."""
    doc = "x" * 1_000_000
    target = Short(1)
    rjson.dump(doc, target, chunk_size=1_000_000)
    assert len(target.parts) == 1_000_002


@pytest.mark.parametrize("most", [1, 100, 10**9])
def test_short_text_writes(chunk_size, most):
    """Counts of a text object are characters."""

    class Text(io.TextIOBase):
        def __init__(self):
            self.parts = []

        def writable(self):
            return True

        def write(self, s):
            assert type(s) is str
            self.parts.append(s[:most])
            return len(self.parts[-1])

    target = Text()
    assert rjson.dump(DOC, target, chunk_size=chunk_size) == len(TEXT)
    assert "".join(target.parts) == TEXT


def test_write_that_returns_nothing(chunk_size):
    """The usual home-made writer: None means that all was taken."""

    class Collector:
        def __init__(self):
            self.parts = []

        def write(self, data):
            self.parts.append(data)

    target = Collector()
    assert rjson.dump(DOC, target, chunk_size=chunk_size) == len(BYTES)
    assert b"".join(target.parts) == BYTES


@pytest.mark.parametrize("blocked", [None, 0])
def test_raw_stream_that_would_block(chunk_size, blocked):
    """io.RawIOBase says None (or takes nothing): the same bytes are offered again later."""

    class Raw(io.RawIOBase):
        calls = 0
        data = b""

        def writable(self):
            return True

        def write(self, data):
            self.calls += 1
            if self.calls % 3 == 1:
                return blocked
            part = bytes(data)[:50_000]
            self.data += part
            return len(part)

    target = Raw()
    assert rjson.dump({"a": ["x" * 100] * 30}, target, chunk_size=chunk_size) == len(target.data)
    assert target.data == rjson.dumps_bytes({"a": ["x" * 100] * 30})


def test_object_that_counts_and_then_says_none():
    """Whoever answers with numbers means would-block by None."""

    class Target:
        calls = 0
        data = b""

        def write(self, data):
            self.calls += 1
            if self.calls in (2, 3):
                return None
            self.data += data[:300]
            return min(300, len(data))

    target = Target()
    rjson.dump(["x" * 100] * 50, target)
    assert target.data == rjson.dumps_bytes(["x" * 100] * 50)


def test_blocking_io_error_counts():
    """A BufferedWriter on a non-blocking pipe says in its exception how much it kept."""
    r, w = os.pipe()
    os.set_blocking(w, False)

    class Raw(io.RawIOBase):
        def writable(self):
            return True

        def fileno(self):
            return w

        def write(self, b):
            try:
                return os.write(w, b)
            except BlockingIOError:
                return None

    doc = ["x" * 1000] * 1000
    received = []

    def read():
        while part := os.read(r, 10_000):
            received.append(part)

    thread = threading.Thread(target=read)
    with io.BufferedWriter(Raw(), 8192) as fp:
        thread.start()
        assert rjson.dump(doc, fp, chunk_size=50_000) == len(rjson.dumps_bytes(doc))
        while True:
            try:
                fp.flush()
                break
            except BlockingIOError:
                pass
    os.close(w)
    thread.join()
    os.close(r)
    assert b"".join(received) == rjson.dumps_bytes(doc)


def test_object_that_never_writes_times_out():
    """With a timeout even an object without a descriptor ends."""

    class Never(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return None

    for timeout in (0, 0.02):
        with pytest.raises(TimeoutError) as caught:
            rjson.dump([1], Never(), timeout=timeout)
        assert caught.value.bytes_written == 0


def test_objects_that_want_str():
    """str where bytes are refused, or where there is an encoding."""

    class TextOnly:
        data = ""

        def write(self, s):
            self.data += s

    class Encoded:
        encoding = "utf-8"

        def __init__(self):
            self.parts = []

        def write(self, s):
            self.parts.append(s)

    target = TextOnly()
    assert rjson.dump(DOC, target) == len(TEXT)
    assert target.data == TEXT
    target = Encoded()
    assert rjson.dump(DOC, target) == len(TEXT)
    assert "".join(target.parts) == TEXT


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_exception_of_write(chunk_size, fail_at):
    """It comes out as it is, with what was accepted; nothing is written after it."""
    error = OSError("mine")

    class Failing:
        calls = 0
        data = b""

        def write(self, data):
            self.calls += 1
            if self.calls == fail_at:
                raise error
            self.data += data
            return len(data)

    target = Failing()
    doc = ["x" * 1000] * 400
    with pytest.raises(OSError, match="mine") as caught:
        rjson.dump(doc, target, chunk_size=chunk_size)
    assert caught.value is error
    assert error.bytes_written == len(target.data)
    assert target.calls == fail_at
    assert rjson.dumps_bytes(doc).startswith(target.data)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (10**6, ValueError),
        (-1, ValueError),
        (0, ValueError),
        ("3", TypeError),
        (2.0, TypeError),
        (2**70, OverflowError),
        (True, TypeError),
        (False, TypeError),
        (object(), TypeError),
        (unittest.mock.MagicMock(), TypeError),
    ],
)
@pytest.mark.parametrize("base", [object, io.BufferedIOBase])
def test_impossible_answers(answer, error, base):
    """An answer that cannot be a count is an error at once: no byte is lost, and none is written again."""

    class Liar(base):
        calls = 0

        def write(self, data):
            self.calls += 1
            return answer

    target = Liar()
    with pytest.raises(error, match=r"write\(\)|index-sized") as caught:
        rjson.dump([1, 2, 3], target, timeout=5)
    assert target.calls == 1
    assert caught.value.bytes_written == 0


@pytest.mark.parametrize("answer", [0, 1, -1, True, "3", object(), unittest.mock.MagicMock()])
def test_json_ignores_what_write_answers(answer):
    """So does rjson.compat."""

    class Target:
        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text
            return answer if answer != "self" else self

    class TextTarget(Target, io.TextIOBase):
        pass

    document = ["x" * 100, 1.5] * 2000
    for cls in (Target, TextTarget):
        ours, theirs = cls(), cls()
        rjson.compat.dump(document, ours)
        json.dump(document, theirs)
        assert ours.text == theirs.text


def test_a_writer_that_encodes_what_it_is_given():
    """It wants str, and has an AttributeError for bytes; other AttributeErrors come out as they are."""

    class Encoding:
        data = b""

        def write(self, text):
            self.data += text.encode("utf-16-le")

    class Closed:
        calls = 0
        out = None

        def write(self, data):
            self.calls += 1
            self.out.send(data)

    target = Encoding()
    assert rjson.dump(DOC, target) == len(TEXT)
    assert target.data.decode("utf-16-le") == TEXT
    target = Closed()
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'send'"):
        rjson.dump(DOC, target)
    assert target.calls == 1


@pytest.mark.parametrize("is_blocked_between", [False, True])
def test_a_trickle_is_no_progress(is_blocked_between):
    """A byte now and then does not keep a dump alive for ever."""

    class Trickle(io.RawIOBase):
        data = b""
        calls = 0

        def writable(self):
            return True

        def write(self, data):
            time.sleep(0.005)
            self.calls += 1
            if is_blocked_between and self.calls % 2:
                return None
            self.data += bytes(data[:1])
            return 1

    target = Trickle()
    with pytest.raises(TimeoutError, match="timed out") as caught:
        rjson.dump(["x" * 100_000], target, timeout=0.2)
    assert caught.value.bytes_written == len(target.data) > 0
    assert rjson.dumps_bytes(["x" * 100_000]).startswith(target.data)


def test_slow_is_not_a_trickle():
    """Whoever takes 4096 bytes within the time may take as long as it likes for all of them."""

    class Slow:
        data = b""

        def write(self, data):
            time.sleep(0.03)
            self.data += data[:1024]
            return min(1024, len(data))

    target = Slow()
    rjson.dump(["x" * 50_000], target, timeout=1)
    assert target.data == rjson.dumps_bytes(["x" * 50_000])


def test_coroutine_write_is_refused():
    """An asynchronous write() would be called and forgotten: TypeError."""

    class Async:
        async def write(self, data):
            pass

    with (
        pytest.warns(RuntimeWarning, match="never awaited"),
        pytest.raises(TypeError, match="must return an int or None"),
    ):
        rjson.dump([1], Async())


def test_one_write_for_a_small_document():
    """A document that fits in a chunk is one call with all of it."""
    calls = []

    class Target:
        def write(self, data):
            calls.append(bytes(data))

    rjson.dump({"id": 17, "ok": True}, Target())
    assert calls == [b'{"id":17,"ok":true}']


def test_chunks_are_of_the_size_asked_for():
    """None is larger than chunk_size, and all but the last come near it."""
    sizes = []

    class Target:
        def write(self, data):
            sizes.append(len(data))

    rjson.dump([["short", i] for i in range(50_000)], Target(), chunk_size=8192)
    assert max(sizes) <= 8192
    assert min(sizes[:-1]) >= 8192 - 600
