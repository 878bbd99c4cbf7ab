"""Many documents in one text: every writer of a framing writes the same bytes, and readers that are not ours agree on them."""

import asyncio
import io
import json
import threading
import time

import pytest

import rjson

DOCUMENTS = [1, 2, {"a": [1, "x\ny"]}, "s", None, 2.5, [], 3]
FRAMINGS = ["lines", "array", "seq", "sse", "concat"]
FLUSHES = ["full", "item", 0.05]


def read_back(framing, text):
    """By other means than rjson's."""
    if framing == "lines":
        return [json.loads(line) for line in text.decode().splitlines()]
    if framing == "array":
        return json.loads(text)
    if framing == "seq":
        return [json.loads(part) for part in text.decode().split("\x1e")[1:]]
    if framing == "sse":
        return [json.loads(data) for _, data in parse_events(text.decode())]
    decoder, values, text = json.JSONDecoder(), [], text.decode()
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip(" ")
    return values


def parse_events(text):
    """(fields, data) of each event, as HTML's section 9.2.6 has it."""
    events, fields, data = [], {}, []
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append((fields, "\n".join(data)))
            fields, data = {}, []
        elif name == "data":
            data.append(value)
        elif name:
            fields[name] = value
    return events


def in_one(framing, documents, **arguments):
    return b"".join(rjson.iterencode(documents, framing=framing, **arguments))


async def _collect(chunks):
    return [chunk async for chunk in chunks]


def in_one_async(framing, documents, **arguments):
    return b"".join(asyncio.run(_collect(rjson.aio.iterencode(documents, framing=framing, **arguments))))


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("flush", FLUSHES)
@pytest.mark.parametrize("chunk_size", [1, 600, 65536])
def test_iterencode_of_many_documents_reads_back(framing, flush, chunk_size):
    documents = DOCUMENTS * 40
    expected = read_back(framing, in_one(framing, documents))
    assert expected == documents
    text = in_one(framing, iter(documents), flush=flush, chunk_size=chunk_size)
    assert text == in_one(framing, documents)
    assert in_one_async(framing, documents, flush=flush, chunk_size=chunk_size) == text


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("flush", FLUSHES)
def test_no_documents(framing, flush):
    """An array is empty; every other framing is nothing at all."""
    expected = b"[]" if framing == "array" else b""
    assert in_one(framing, iter([]), flush=flush) == expected
    assert in_one_async(framing, [], flush=flush) == expected


def test_documents_from_an_async_iterator():
    async def rows():
        for n in range(1000):
            if n % 100 == 0:
                await asyncio.sleep(0)
            yield {"n": n, "inner": (k for k in range(3))}

    text = in_one_async("lines", rows(), chunk_size=700)
    assert read_back("lines", text) == [{"n": n, "inner": [0, 1, 2]} for n in range(1000)]


def test_the_writer_of_aio_writes_the_same():
    class Target:
        def __init__(self):
            self.text = b""

        async def write(self, data):
            self.text += data

    async def write(framing):
        target = Target()
        async with rjson.aio.Writer(target, framing=framing) as writer:
            for document in DOCUMENTS[:3]:
                await writer.write(document)
            size = await writer.write_all(DOCUMENTS[3:])
            assert writer.documents == len(DOCUMENTS)
            before = writer.bytes_written
        assert 0 < size < before
        return target.text

    for framing in FRAMINGS:
        assert asyncio.run(write(framing)) == in_one(framing, DOCUMENTS)


@pytest.mark.parametrize("framing", ["lines", "sse"])
def test_line_breaks_inside_documents_become_spaces(framing):
    """With indent, line feeds at the end, and in Raw: each document is one line all the same, and the same value."""
    documents = [{"a": [1, 2]}, "x\ny", rjson.Raw(b'{\r\n"b":\n3}')]
    values = [{"a": [1, 2]}, "x\ny", {"b": 3}]
    for options in ({}, {"indent": 2}, {"append_newline": True}, {"separators": (",\n", ":\n")}):
        for chunk_size in (1, 65536):
            text = in_one(framing, documents, chunk_size=chunk_size, **options)
            assert read_back(framing, text) == values
            assert text.count(b"\n") == len(documents) * (1 if framing == "lines" else 2)
            assert in_one_async(framing, documents, **options) == text


def test_fast_rows_share_chunks_and_slow_ones_do_not_wait():
    """With flush=seconds: as many rows in a chunk as come at once; a row before a wait does not wait for the next."""
    gate = threading.Event()

    def rows():
        yield from range(500)
        gate.wait(10)
        yield "last"

    chunks = rjson.iterencode(rows(), framing="lines", flush=0.01)
    text = b""
    while text.count(b"\n") < 500:
        text += next(chunks)
    gate.set()
    rest = list(chunks)
    assert text + b"".join(rest) == in_one("lines", [*range(500), "last"])
    assert b"".join(rest) == b'"last"\n'


def test_a_chunk_that_was_taken_early_has_room_again():
    """With flush=seconds: what is left of its memory may be too little for anything."""
    for size in range(500, 1000, 25):
        gate = threading.Event()

        def rows(size=size, gate=gate):
            yield "x" * size
            gate.wait(10)
            yield from (1, 2)

        chunks = rjson.iterencode(rows(), framing="lines", flush=0.001, chunk_size=1024)
        first = next(chunks)
        gate.set()
        assert first + b"".join(chunks) == in_one("lines", ["x" * size, 1, 2])


def test_items_of_one_document_do_not_wait_either():
    gate = threading.Event()

    def rows():
        yield 1
        yield 2
        gate.wait(10)
        yield 3

    chunks = rjson.iterencode({"rows": rows()}, flush=0.01)
    text = b""
    while text != b'{"rows":[1,2':
        text += next(chunks)
    gate.set()
    assert text + b"".join(chunks) == b'{"rows":[1,2,3]}'


def test_flush_item_gives_each_document_and_each_item():
    assert list(rjson.iterencode(range(3), framing="lines", flush="item")) == [b"0\n", b"1\n", b"2\n"]
    assert list(rjson.iterencode(iter(range(3)), flush="item")) == [b"[0", b",1", b",2", b"]"]
    assert list(rjson.iterencode([iter(range(3))], flush="item")) == [b"[[0,1,2]]"]


def test_sources_of_a_thread_see_the_callers_context():
    import contextvars

    variable = contextvars.ContextVar("variable")
    variable.set("caller's")

    def rows():
        yield variable.get()

    assert in_one("lines", rows(), flush=0.01) == b'"caller\'s"\n'


@pytest.mark.parametrize("flush", FLUSHES)
def test_a_failing_document_leaves_no_part_of_itself(flush):
    """The documents before it come out, and the exception counts them."""
    chunks = rjson.iterencode([1, 2, ["x", object()]], framing="lines", flush=flush)
    text = b""
    with pytest.raises(rjson.EncodeError) as caught:
        for chunk in chunks:
            text += chunk
    assert caught.value.bytes_written == len(text)
    assert b"1\n2\n".startswith(text)
    assert list(chunks) == []


def test_events_have_fields():
    events = [
        rjson.Event({"x": 1}, event="tick", id="7", retry=1500, comment="two\nlines"),
        rjson.Event(comment="ping"),
        {"y": "a\r\nb"},
        rjson.Event(None, id=""),
    ]
    text = in_one("sse", events, indent=1)
    assert text == in_one_async("sse", events, indent=1) == in_one("sse", events, indent=1, chunk_size=1, flush=0.01)
    assert text.startswith(b": two\n: lines\nevent: tick\nid: 7\nretry: 1500\ndata: {")
    assert b"\n\n: ping\n\ndata: " in text
    parsed = parse_events(text.decode())
    assert [json.loads(data) for _, data in parsed] == [{"x": 1}, {"y": "a\r\nb"}, None]
    assert parsed[0][0] == {"event": "tick", "id": "7", "retry": "1500"}


def test_an_event_longer_than_a_chunk():
    events = [rjson.Event(1, comment="x" * 5000), rjson.Event(comment="y" * 5000)]
    text = in_one("sse", events, chunk_size=600)
    assert text == b": " + b"x" * 5000 + b"\ndata: 1\n\n: " + b"y" * 5000 + b"\n\n"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"event": "a\nb"}, ValueError),
        ({"id": "a\rb"}, ValueError),
        ({"id": "\0"}, ValueError),
        ({"retry": -1}, ValueError),
        ({"retry": True}, ValueError),
        ({"event": 1}, TypeError),
        ({}, ValueError),
    ],
)
def test_fields_that_would_break_an_event(fields, error):
    with pytest.raises(error):
        rjson.Event(**fields)


def test_fields_need_the_framing_that_has_them():
    class Target:
        async def write(self, data):
            pass

    async def main():
        writer = rjson.aio.Writer(Target())
        with pytest.raises(ValueError, match='need framing="sse"'):
            await writer.write(1, event="x")
        with pytest.raises(ValueError, match="has comments"):
            await writer.comment("x")

    asyncio.run(main())


def test_bad_arguments():
    with pytest.raises(ValueError, match="framing must be 'concat', 'lines', 'sse', 'seq' or 'array', not 'csv'"):
        rjson.iterencode([], framing="csv")
    for flush in ("slow", -1, True, float("nan")):
        with pytest.raises(ValueError, match="flush must be"):
            rjson.iterencode([], flush=flush)
        with pytest.raises(ValueError, match="flush must be"):
            rjson.aio.iterencode([], flush=flush)
    with pytest.raises(TypeError):
        rjson.iterencode(1, framing="lines")


def test_what_is_written_is_read_by_iterload():
    for framing in ("lines", "array", "seq", "concat"):
        assert list(rjson.iterload(io.BytesIO(in_one(framing, DOCUMENTS)), framing=framing)) == DOCUMENTS


# ---- sources are closed


class Log(list):
    def source(self, name, items, error=None):
        def rows():
            try:
                yield from items
            finally:
                self.append(name)
                if error:
                    raise error

        return rows()


@pytest.mark.parametrize("flush", FLUSHES)
def test_close_closes_the_sources_innermost_first(flush):
    log = Log()
    inner = log.source("inner", range(10**9))
    outer = log.source("outer", [[inner]])
    chunks = rjson.iterencode({"rows": outer}, flush=flush, chunk_size=600)
    while b"0" not in next(chunks):  # before that the sources may not have been asked for anything
        pass
    chunks.close()
    assert log == ["inner", "outer"]
    assert outer.gi_frame is None
    chunks.close()
    assert list(chunks) == []


@pytest.mark.parametrize("flush", FLUSHES)
def test_dropping_the_chunks_closes_the_sources(flush):
    log = Log()
    rows = log.source("rows", range(10**9))
    chunks = rjson.iterencode(rows, framing="lines", flush=flush)
    next(chunks)
    del chunks
    deadline = time.monotonic() + 10
    while not log and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log == ["rows"]


ENDS = {
    "dumps": lambda obj: rjson.dumps(obj),
    "dumps_bytes": lambda obj: rjson.dumps_bytes(obj),
    "dump": lambda obj: rjson.dump(obj, io.BytesIO()),
    "dump text": lambda obj: rjson.dump(obj, io.StringIO()),
    "iterencode": lambda obj: list(rjson.iterencode(obj)),
    "iterencode in a thread": lambda obj: list(rjson.iterencode(obj, flush=0.01)),
    "documents": lambda obj: list(rjson.iterencode([obj], framing="lines")),
    "documents themselves": lambda obj: list(rjson.iterencode(obj, framing="lines")),
}


def _fail_to_write(data):
    raise OSError("no")


@pytest.mark.parametrize("way", ENDS)
@pytest.mark.parametrize(
    "wrap", [list, lambda rows: {"a": [rows]}, lambda rows: ([x] for x in rows)], ids=["", "nested", "generator"]
)
def test_a_document_that_fails_closes_its_sources(way, wrap):
    """Also where somebody else holds them."""
    log = Log()
    bad = log.source("bad", [1, object()])
    rows = log.source("rows", [1, wrap([bad]) if wrap is not list else [bad]])
    with pytest.raises(rjson.EncodeError) as caught:
        ENDS[way](rows)
    assert log == ["bad", "rows"]
    assert not any("closing" in note for note in getattr(caught.value, "__notes__", []))


def test_a_target_that_fails_closes_the_sources():
    log = Log()
    rows = log.source("rows", range(10**9))

    class Target:
        def write(self, data):
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        rjson.dump(rows, Target())
    assert log == ["rows"]


def test_a_source_that_raises_closes_those_around_it():
    log = Log()
    rows = log.source("outer", [log.source("inner", (1 // n for n in (1, 0)))])
    with pytest.raises(ZeroDivisionError):
        rjson.dumps_bytes([rows])
    assert log == ["inner", "outer"]


@pytest.mark.parametrize("way", ENDS)
def test_a_second_exception_is_a_note_of_the_first(way):
    log = Log()
    rows = log.source("rows", [object()], KeyError("second"))
    outer = log.source("outer", [rows])
    with pytest.raises(rjson.EncodeError) as caught:
        ENDS[way](outer)
    assert log == ["rows", "outer"]
    assert any("KeyError('second')" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("flush", FLUSHES)
def test_what_close_raises_comes_out(flush):
    log = Log()
    inner = log.source("inner", range(10**9), KeyError("first"))
    outer = log.source("outer", [inner], ValueError("second"))
    chunks = rjson.iterencode(outer, flush=flush, chunk_size=600)
    while b"0" not in next(chunks):
        pass
    with pytest.raises(KeyError, match="first") as caught:
        chunks.close()
    assert log == ["inner", "outer"]
    assert any("ValueError('second')" in note for note in caught.value.__notes__)


def test_files_and_cursors_are_left_to_their_owners():
    """They are iterators with a close(), but nobody abandons them."""
    file = io.StringIO("a\nb\n")
    with pytest.raises(ZeroDivisionError):
        rjson.dumps([file, (1 // 0 for _ in [0])])
    assert not file.closed


def test_aclose_closes_the_documents_too():
    log = []

    async def rows():
        try:
            while True:
                yield {"n": 1}
                await asyncio.sleep(0)
        finally:
            log.append("rows")

    async def main(documents):
        chunks = rjson.aio.iterencode(documents, framing="lines", flush=0)
        await anext(chunks)
        await chunks.aclose()

    held = rows()
    asyncio.run(main(held))
    assert log == ["rows"]
    sync = Log()
    held = sync.source("sync", range(10**9))
    asyncio.run(main(held))
    assert sync == ["sync"]


def test_a_failing_async_source_closes_itself_and_counts():
    async def rows():
        yield 1
        raise KeyError("source")

    async def main():
        text = b""
        try:
            async for chunk in rjson.aio.iterencode(rows(), framing="lines", flush="item"):
                text += chunk
        except KeyError as e:
            return text, e.bytes_written
        raise AssertionError

    assert asyncio.run(main()) == (b"1\n", 2)
