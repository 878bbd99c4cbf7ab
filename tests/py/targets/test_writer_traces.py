"""rjson.Writer: a document that fails before the target has taken any of it leaves no trace, in whatever order it comes."""

import contextlib
import io
import itertools
import socket

import pytest

import rjson

FRAMINGS = ["lines", "array", "seq", "sse", "concat"]


class Unrewindable:
    """Nothing can be taken back from it."""

    def __init__(self):
        self.data = b""

    def write(self, piece):
        self.data += bytes(piece)
        return len(piece)

    def getvalue(self):
        return self.data


def items():
    yield "x"
    raise LookupError


def build(writer):
    with writer.object():
        writer.key("a")
        with writer.array():
            writer.write(3)
            raise LookupError


FAILING = {
    "an object without default": lambda writer: writer.write([1j]),
    "a source that fails": lambda writer: writer.write(["x", items()]),
    "a built document": build,
    "an item of write_all": lambda writer: writer.write_all([1j]),
    "an event": lambda writer: writer.write(1j, event="e", id="1", comment="c"),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("make", [io.BytesIO, io.StringIO, Unrewindable])
@pytest.mark.parametrize("failing", FAILING)
def test_a_failing_document_leaves_no_trace(framing, make, failing):
    """No comma, no space between numbers, no head of an event: what is written is what the others make alone."""
    if failing == "an event" and framing != "sse":
        return
    for order in itertools.product([True, False], repeat=4):
        for flushes in (False, True):  # then what came before is out
            target = make()
            writer = rjson.Writer(target, framing=framing)
            for number, is_good in enumerate(order):
                if is_good:
                    writer.write(number)
                else:
                    with pytest.raises((TypeError, LookupError)) as caught:
                        FAILING[failing](writer)
                    assert caught.value.bytes_written == writer.bytes_written == len(target.getvalue())
                if flushes:
                    writer.flush()
            writer.close()
            good = [number for number, is_good in enumerate(order) if is_good]
            expected = b"".join(rjson.iterencode(good, framing=framing))
            got = target.getvalue()
            assert (got.encode() if isinstance(got, str) else got) == expected, (order, flushes)
            assert (writer.documents, writer.bytes_written) == (len(good), len(expected))


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("document", [[5], ["x" * 200_000]])
def test_a_connection_that_takes_nothing(framing, document):
    """What was not taken is not written later; the writer says that it failed, and that nothing more got out."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        writer = rjson.Writer(ours, framing=framing, timeout=0.01)
        writer.write(1)
        writer.flush()
        before = theirs.recv(100)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(b"\0" * 1000)
        with pytest.raises(TimeoutError) as caught:
            writer.write(document)
            writer.flush()
        assert caught.value.bytes_written == writer.bytes_written == len(before)
        with contextlib.suppress(BlockingIOError):
            while True:
                assert not theirs.recv(1 << 20).strip(b"\0")
        with pytest.raises(ConnectionAbortedError):
            writer.write(2)
        writer.close()
        with pytest.raises(BlockingIOError):
            theirs.recv(100)
