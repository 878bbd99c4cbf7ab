"""rjson.Writer: many documents to one target; whatever fails, a file has whole documents, and the count is right."""

import asyncio
import gzip
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

import rjson

DOCUMENTS = [1, 2, {"a": [1, "x\nyé"]}, "s", None, 2.5, [], 3]
FRAMINGS = ["lines", "array", "seq", "sse", "concat"]
LONG = "x" * 200_000  # several chunks


def expected(framing, documents):
    return b"".join(rjson.iterencode(documents, framing=framing))


def lines_of(path):
    with open(path, "rb") as f:
        text = f.read()
    assert text == b"" or text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


# ---- targets


def to_bytesio(tmp_path, write):
    target = io.BytesIO()
    write(target)
    return target.getvalue()


def to_stringio(tmp_path, write):
    target = io.StringIO()
    write(target)
    return target.getvalue().encode()


def to_file(tmp_path, write, mode="wb", **arguments):
    with open(tmp_path / "file", mode, **arguments) as target:
        target.write("before" if "b" not in mode else b"before")
        write(target)
        target.write("after" if "b" not in mode else b"after")
    text = (tmp_path / "file").read_bytes()
    assert text.startswith(b"before")
    assert text.endswith(b"after")
    return text[6:-5]


def to_descriptor(tmp_path, write):
    fd = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    write(fd)
    os.close(fd)
    return (tmp_path / "file").read_bytes()


def to_text_file(tmp_path, write):
    return to_file(tmp_path, write, "w", encoding="utf-8")


def to_utf16_file(tmp_path, write):
    with open(tmp_path / "file", "w", encoding="utf-16") as target:
        write(target)
    return (tmp_path / "file").read_text(encoding="utf-16").encode()


def to_gzip(tmp_path, write):
    with gzip.open(tmp_path / "file", "wb") as target:
        write(target)
    return gzip.decompress((tmp_path / "file").read_bytes())


def to_temporary(tmp_path, write):
    with tempfile.NamedTemporaryFile() as target:
        write(target)
        target.seek(0)
        return target.read()


def _through(ours, theirs, read, write):
    parts = []
    thread = threading.Thread(target=lambda: parts.extend(iter(read, b"")))
    thread.start()
    write(ours)
    ours.close() if hasattr(ours, "close") else os.close(ours)
    thread.join()
    theirs.close() if hasattr(theirs, "close") else os.close(theirs)
    return b"".join(parts)


def to_socket(tmp_path, write):
    ours, theirs = socket.socketpair()
    return _through(ours, theirs, lambda: theirs.recv(65536), write)


def to_pipe(tmp_path, write):
    theirs, ours = os.pipe()
    return _through(ours, theirs, lambda: os.read(theirs, 65536), write)


def to_trickle(tmp_path, write):
    """Takes a few bytes at a time, and nothing now and then."""

    class Target:
        def __init__(self):
            self.text = b""

        def write(self, data):
            count = [3000, 1, 17][len(self.text) % 3]
            self.text += data[:count]
            return min(count, len(data))

    target = Target()
    write(target)
    return target.text


WAYS = [
    to_bytesio, to_stringio, to_file, to_descriptor, to_text_file, to_utf16_file, to_gzip, to_temporary, to_socket, to_pipe, to_trickle,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("flush", ["full", "item"])
def test_every_target_gets_the_documents(way, framing, flush, tmp_path):
    """The same bytes as from iterencode, one by one and all at once, small and longer than a chunk."""
    documents = [*DOCUMENTS, LONG, *DOCUMENTS * 3]

    def write(target):
        with rjson.Writer(target, framing=framing, flush=flush, chunk_size=1000) as writer:
            sizes = [writer.write(document) for document in documents[:5]]
            writer.flush()
            sizes.append(writer.write_all(iter(documents[5:])))
            assert writer.documents == len(documents)
        text = expected(framing, documents)
        assert sum(sizes) + (framing == "array") == len(text)
        assert writer.bytes_written in (len(text), len(text.decode()))

    assert way(tmp_path, write) == expected(framing, documents)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_no_documents(framing):
    target = io.BytesIO()
    with rjson.Writer(target, framing=framing) as writer:
        writer.flush()
    assert target.getvalue() == (b"[]" if framing == "array" else b"")


def test_events():
    target = io.BytesIO()
    with rjson.Writer(target, framing="sse") as writer:
        writer.write({"x": 1}, event="tick", id="7", retry=100, comment="c")
        writer.comment("still\nhere")
        writer.write_all([rjson.Event(2, event="two"), 3])
        assert writer.documents == 3
    assert target.getvalue() == (
        b': c\nevent: tick\nid: 7\nretry: 100\ndata: {"x":1}\n\n: still\n: here\n\nevent: two\ndata: 2\n\ndata: 3\n\n'
    )


def test_documents_wait_for_the_chunk_unless_flushed():
    target = io.BytesIO()
    writer = rjson.Writer(target)
    writer.write(1)
    assert target.getvalue() == b""
    assert writer.bytes_written == 0
    writer.flush()
    assert target.getvalue() == b"1\n"
    assert writer.bytes_written == 2
    writer.write(LONG)
    assert len(target.getvalue()) > 100_000
    target = io.BytesIO()
    writer = rjson.Writer(target, flush="item")
    writer.write(1)
    assert target.getvalue() == b"1\n"


def test_a_buffered_target_is_flushed_too(tmp_path):
    """A compressed file is readable up to the flush."""
    with gzip.open(tmp_path / "file", "wb") as target:
        writer = rjson.Writer(target)
        writer.write({"n": 1})
        writer.flush()
        with gzip.open(tmp_path / "file") as reader:
            assert reader.read1(100) == b'{"n":1}\n'
        writer.close()


# ---- failures


@pytest.mark.parametrize("way", [to_bytesio, to_file, to_descriptor, to_text_file, to_temporary])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("long", ["", LONG])
def test_a_failing_document_leaves_no_part_in_a_file(way, framing, long, tmp_path):
    """However long it is; the writer goes on, and the exception counts what stays."""

    def write(target):
        with rjson.Writer(target, framing=framing, chunk_size=1000) as writer:
            writer.write(1)
            with pytest.raises(rjson.EncodeError) as caught:
                writer.write(["é", long, object()])
            assert caught.value.bytes_written == writer.bytes_written <= 1 + len(expected(framing, [1]))
            writer.write(2)
            with pytest.raises(ZeroDivisionError):
                writer.write_all([3, 4, (1 // n for n in (1, 0))])
            assert writer.documents == 4
            writer.write(5)

    assert way(tmp_path, write) == expected(framing, [1, 2, 3, 4, 5])


def test_a_failing_document_in_a_pipe_breaks_the_writer():
    """What is out cannot be taken back. Nothing pretends to go on."""
    parts = []

    class Target:
        def write(self, data):
            parts.append(data)

    writer = rjson.Writer(Target(), framing="array")
    writer.write(1)
    with pytest.raises(rjson.EncodeError) as caught:
        writer.write([LONG, object()])
    assert caught.value.bytes_written == len(b"".join(parts)) == writer.bytes_written > 0
    for call in (lambda: writer.write(2), lambda: writer.write_all([2]), writer.flush):
        with pytest.raises(ConnectionAbortedError, match="failed before") as again:
            call()
        assert again.value.__cause__ is caught.value
    before = len(parts)
    writer.close()
    assert len(parts) == before
    assert not b"".join(parts).endswith(b"]")


def test_a_short_failing_document_does_not_break_a_pipe():
    target = to_pipe

    def write(fd):
        with rjson.Writer(fd) as writer:
            writer.write(1)
            with pytest.raises(rjson.EncodeError):
                writer.write([object()])
            writer.write(2)

    assert target(None, write) == b"1\n2\n"


def test_sources_are_closed():
    log = []

    def rows():
        try:
            yield 1
            yield object()
        finally:
            log.append("rows")

    held = rows()
    writer = rjson.Writer(io.BytesIO())
    with pytest.raises(rjson.EncodeError):
        writer.write_all(held)
    assert log == ["rows"]
    held = rows()
    with pytest.raises(rjson.EncodeError):
        writer.write({"a": held})
    assert log == ["rows", "rows"]


def test_a_target_that_fails_closes_the_sources():
    """In the middle of a document, and of many."""

    class Target:
        def write(self, data):
            raise OSError("no")

    log = []

    def rows(error=None):
        try:
            while True:
                yield 1
        finally:
            log.append("closed")
            if error:
                raise error

    for write in (lambda w, held: w.write(held), lambda w, held: w.write_all(held)):
        held = rows()
        with pytest.raises(OSError, match="no"):
            write(rjson.Writer(Target()), held)
        held = rows(KeyError("second"))
        with pytest.raises(OSError, match="no") as caught:
            write(rjson.Writer(Target()), held)
        if sys.version_info >= (3, 11):
            assert any("KeyError('second')" in note for note in caught.value.__notes__)
    assert log == ["closed"] * 4


def test_an_interpreter_that_ends_in_the_middle_of_a_document():
    """The chunks outlive the module's names, in a circle."""
    code = (
        "import rjson, io\n"
        "class Holder: pass\n"
        "h = Holder()\n"
        "h.me, h.chunks = h, rjson.iterencode([iter(range(10**9)), h.__class__], chunk_size=600)\n"
        "next(h.chunks)\n"
        "w = rjson.Writer(io.BytesIO()); w.me = w; w.object().__enter__(); w.key('a'); w.write(1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0


def test_a_full_disk_leaves_whole_lines(tmp_path):
    """RLIMIT_FSIZE stands for the disk. What does not fit is gone, line by line; the count is the file's size."""
    script = f"""
import resource, rjson, signal, sys, os
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for append in (False, True):
    path = {str(tmp_path)!r} + f"/file{{append}}"
    writer = rjson.Writer.open(path, append=append)
    try:
        for n in range(100_000):
            writer.write({{"n": n, "text": "x" * 50}})
        raise SystemExit("no error")
    except OSError as e:
        assert e.bytes_written == os.path.getsize(path) == writer.bytes_written > 90_000, (e.bytes_written, os.path.getsize(path))
    writer.close()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    for append in (False, True):
        rows = lines_of(tmp_path / f"file{append}")
        assert [row["n"] for row in rows] == list(range(len(rows)))


def test_errors_of_the_target_come_out_and_last():
    class Target:
        def write(self, data):
            raise OSError("no")

    writer = rjson.Writer(Target())
    writer.write(1)
    with pytest.raises(OSError, match="no") as caught:
        writer.flush()
    assert caught.value.bytes_written == 0
    with pytest.raises(ConnectionAbortedError):
        writer.write(2)
    writer.close()


def test_an_exception_that_leaves_the_block_aborts(tmp_path):
    """A file keeps its whole documents, an array stays open, and the writer is closed."""
    for framing, text in (("lines", b"1\n2\n"), ("array", b"[1,2")):
        target = io.BytesIO()
        with pytest.raises(ZeroDivisionError), rjson.Writer(target, framing=framing) as writer:
            writer.write_all([1, 2])
            1 // 0  # noqa: B018
        assert target.getvalue() == text
        with pytest.raises(ValueError, match="closed"):
            writer.write(3)
        with pytest.raises(ZeroDivisionError), rjson.Writer.open(tmp_path / "file", framing=framing) as writer:
            writer.write_all([1, 2])
            1 // 0  # noqa: B018
        assert (tmp_path / "file").read_bytes() == text


def test_abort_resets_a_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        writer = rjson.Writer(ours)
        writer.write(1)
        writer.flush()
        writer.write(2)
        writer.abort()
        ours.close()
        with pytest.raises(ConnectionResetError):
            while theirs.recv(100):
                pass
        theirs.close()


def test_closing_twice_and_writing_after():
    target = io.BytesIO()
    writer = rjson.Writer(target, framing="array")
    writer.close()
    writer.close()
    writer.abort()
    assert target.getvalue() == b"[]"
    assert not target.closed
    for call in (lambda: writer.write(1), lambda: writer.write_all([1]), writer.flush, lambda: writer.key("x")):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_a_document_that_uses_its_writer():
    target = io.BytesIO()
    writer = rjson.Writer(target, default=lambda o: writer.write(1))
    with pytest.raises(RuntimeError, match="used by the document"):
        writer.write(object())
    writer.write(2)
    writer.close()
    assert target.getvalue() == b"2\n"


def test_a_target_that_uses_its_writer():
    class Target:
        def write(self, data):
            writer.write(1)

    writer = rjson.Writer(Target(), flush="item")
    with pytest.raises(RuntimeError, match="used by its own target"):
        writer.write(2)


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="framing must be"):
        rjson.Writer(io.BytesIO(), framing="csv")
    with pytest.raises(ValueError, match="flush must be"):
        rjson.Writer(io.BytesIO(), flush="row")
    with pytest.raises(TypeError, match="go into the encoder"):
        rjson.Writer(io.BytesIO(), encoder=rjson.Encoder(), indent=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        rjson.Writer.open(tmp_path / "x", colour=1)
    assert not (tmp_path / "x").exists()
    with pytest.raises(ValueError, match="if_torn must be"):
        rjson.Writer.open(tmp_path / "x", append=True, if_torn="ignore")
    with pytest.raises(ValueError, match='append=True is for framing="lines"'):
        rjson.Writer.open(tmp_path / "x", append=True, framing="array")
    with pytest.raises(ValueError, match='need framing="sse"'):
        rjson.Writer(io.BytesIO()).write(1, event="x")
    with pytest.raises(ValueError, match="has comments"):
        rjson.Writer(io.BytesIO()).comment()
    with pytest.raises(TypeError):
        rjson.Writer(io.BytesIO()).write_all(1)


# ---- threads


def test_documents_of_several_threads_stay_whole():
    """Also those whose own code lets other threads run."""
    target = io.BytesIO()
    writer = rjson.Writer(target, chunk_size=600)

    def rows(thread):
        for n in range(20):
            time.sleep(0.0001)
            yield [thread, n]

    def work(thread):
        for _ in range(10):
            writer.write({"thread": thread, "rows": rows(thread)})
            writer.write_all([thread] * 3)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    values = [json.loads(line) for line in target.getvalue().splitlines()]
    assert len(values) == writer.documents == 4 * 10 * 4
    assert all(len(v["rows"]) == 20 for v in values if isinstance(v, dict))
    numbers = [v for v in values if not isinstance(v, dict)]
    assert all(len(set(numbers[i : i + 3])) == 1 for i in range(0, len(numbers), 3))


# ---- appending


@pytest.mark.parametrize("torn", [b'{"n":', b"x" * 100_000])
def test_a_torn_last_line(tmp_path, torn):
    path = tmp_path / "file"

    def damage():
        path.write_bytes(b"1\n2\n" + torn)

    damage()
    with pytest.raises(ValueError, match=f"torn, from byte 4 of {4 + len(torn)} on"):
        rjson.Writer.open(path, append=True)
    assert path.read_bytes() == b"1\n2\n" + torn
    with rjson.Writer.open(path, append=True, if_torn="repair") as writer:
        writer.write(3)
    assert path.read_bytes() == b"1\n2\n3\n"
    damage()
    with rjson.Writer.open(path, append=True, if_torn="new-line") as writer:
        writer.write(3)
    assert path.read_bytes() == b"1\n2\n" + torn + b"\n3\n"


def test_a_file_that_is_all_torn(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    with pytest.raises(ValueError, match="from byte 0"):
        rjson.Writer.open(path, append=True)
    rjson.Writer.open(path, append=True, if_torn="repair").close()
    assert path.read_bytes() == b""


def test_opening_and_appending(tmp_path):
    path = tmp_path / "file"
    with rjson.Writer.open(path, append=True, indent=2) as writer:
        writer.write({"a": 1})
    with rjson.Writer.open(str(path), append=True) as writer:
        writer.write(LONG)
        writer.write_all(range(5))
        with pytest.raises(rjson.EncodeError):
            writer.write([LONG, object()])
        with pytest.raises(KeyError), writer.object():
            writer.key("x")
            writer.write(LONG)
            raise KeyError
    assert lines_of(path) == [{"a": 1}, LONG, *range(5)]
    with rjson.Writer.open(path) as writer:
        writer.write(1)
    assert path.read_bytes() == b"1\n"
    writer = rjson.Writer.open(path)
    writer.close()
    assert path.read_bytes() == b""


APPENDER = """
import rjson, sys
path, name = sys.argv[1:]
with rjson.Writer.open(path, append=True, chunk_size=1000) as writer:
    for n in range(300):
        writer.write({"name": name, "n": n, "text": "x" * (n * 37 % 5000)})
"""


def test_several_processes_append_whole_lines(tmp_path):
    path = tmp_path / "file"
    children = [subprocess.Popen([sys.executable, "-c", APPENDER, path, str(n)]) for n in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    rows = lines_of(path)
    assert len(rows) == 900
    for name in "012":
        assert [row["n"] for row in rows if row["name"] == name] == list(range(300))


def test_a_killed_appender_leaves_whole_lines_before_the_last(tmp_path):
    """kill -9 at random moments. Linux ends a write at a page for it: the last line may be torn, and is seen and mended."""
    path = tmp_path / "file"
    script = APPENDER.replace("range(300)", "range(10**9)")
    for seconds in (0.15, 0.2, 0.25):
        child = subprocess.Popen([sys.executable, "-c", script, path, "killed"])
        deadline = time.monotonic() + 10
        while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds / 10)
        child.send_signal(signal.SIGKILL)
        child.wait()
        with rjson.Writer.open(path, append=True, if_torn="repair") as writer:
            writer.write({"name": "after"})
    assert sum(row["name"] == "after" for row in lines_of(path)) == 3


# ---- documents that are built


def build(w):
    with w.object():
        w.key("rows")
        with w.array():
            for n in range(3):
                w.write({"n": n})
            with w.object():
                pass
            with w.array():
                w.write_all(iter("ab"))
        w.key('odd "é\n"')
        w.write(None)
    with w.array():
        w.write(1)


BUILT = [{"rows": [{"n": 0}, {"n": 1}, {"n": 2}, {}, ["a", "b"]], 'odd "é\n"': None}, [1]]


async def build_async(w):
    async with w.object():
        await w.key("rows")
        async with w.array():
            for n in range(3):
                await w.write({"n": n})
            async with w.object():
                pass
            async with w.array():
                await w.write("a")
                await w.write("b")
        await w.key('odd "é\n"')
        await w.write(None)
    async with w.array():
        await w.write(1)


class AsyncTarget:
    def __init__(self):
        self.text = b""
        self.is_aborted = False

    async def write(self, data):
        self.text += data

    def abort(self):
        self.is_aborted = True


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("flush", ["full", "item"])
def test_documents_are_built_level_by_level(framing, flush):
    target = io.BytesIO()
    with rjson.Writer(target, framing=framing, flush=flush) as writer:
        build(writer)
        writer.write(4)
        assert writer.documents == 3
    assert target.getvalue() == expected(framing, [*BUILT, 4])

    async def main():
        target = AsyncTarget()
        async with rjson.aio.Writer(target, framing=framing, flush=flush) as writer:
            await build_async(writer)
            await writer.write(4)
            assert writer.documents == 3
        return target.text

    assert asyncio.run(main()) == expected(framing, [*BUILT, 4])


@pytest.mark.parametrize("long", ["", LONG])
def test_a_built_document_that_fails_is_no_part_of_a_file(long, tmp_path):
    """Whatever went wrong in it, and however much of it is out."""

    def in_the_block(w):
        raise KeyError

    def a_value(w):
        w.write(object())

    def inside(w):
        w.key("inner")
        with w.array():
            w.write(1)
            raise KeyError

    def no_value(w):
        w.key("last")

    for fail in (in_the_block, a_value, inside, no_value):
        with rjson.Writer.open(tmp_path / "file", chunk_size=1000) as writer:
            writer.write(1)
            with pytest.raises((KeyError, rjson.EncodeError, ValueError)), writer.object():
                writer.key("a")
                writer.write(long)
                if fail is a_value:
                    writer.key("b")
                fail(writer)
            writer.write(2)
        assert lines_of(tmp_path / "file") == [1, 2]


def test_a_given_up_document_cannot_go_on():
    """Who catches the exception of an inner level learns it at the next call, or at the end."""
    target = io.BytesIO()
    with rjson.Writer(target) as writer:
        with pytest.raises(ValueError, match="was given up"), writer.array(), pytest.raises(rjson.EncodeError):
            writer.write(object())
        with pytest.raises(ValueError, match="was given up"), writer.array():
            with pytest.raises(KeyError), writer.array():
                raise KeyError
            writer.write(1)
        writer.write(2)
    assert target.getvalue() == b"2\n"


def test_misuse_of_the_levels():
    target = io.BytesIO()
    writer = rjson.Writer(target)
    with pytest.raises(ValueError, match="inside of object"):
        writer.key("x")
    with writer.array(), pytest.raises(ValueError, match="inside of object"):
        writer.key("x")
    for misuse, message in [
        (lambda: writer.write(1), "needs a key"),
        (lambda: writer.key(1), "must be a str"),
        (lambda: (writer.key("a"), writer.key("b")), "no value yet"),
        (writer.close, "is being built"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message), writer.object():
            misuse()
    assert writer.documents == 1
    if not writer._is_closed:
        writer.write(2)
    writer.close()


def test_a_built_document_in_aio_that_fails():
    """If nothing of it is out it leaves no trace; else the connection is aborted."""

    async def main(long):
        target = AsyncTarget()
        writer = rjson.aio.Writer(target)
        await writer.write(1)
        with pytest.raises(KeyError):
            async with writer.object():
                await writer.key("a")
                await writer.write(long)
                raise KeyError
        if not target.is_aborted:
            await writer.write(2)
            await writer.close()
        return target

    assert asyncio.run(main("")).text == b"1\n2\n"
    assert asyncio.run(main(LONG)).is_aborted


def test_tasks_wait_for_a_built_document():
    async def main():
        target = AsyncTarget()
        writer = rjson.aio.Writer(target)

        async def other():
            await writer.write("other")

        async with writer.array():
            task = asyncio.ensure_future(other())
            for n in range(3):
                await asyncio.sleep(0)
                await writer.write(n)
        await task
        await writer.close()
        return target.text

    assert asyncio.run(main()) == b'[0,1,2]\n"other"\n'


def test_threads_wait_for_a_built_document():
    target = io.BytesIO()
    writer = rjson.Writer(target)
    with writer.array():
        thread = threading.Thread(target=lambda: writer.write("other"))
        thread.start()
        for n in range(3):
            time.sleep(0.01)
            writer.write(n)
    thread.join()
    writer.close()
    assert target.getvalue() == b'[0,1,2]\n"other"\n'


def test_a_signal_ends_the_wait_for_another_thread():
    """And the writer is as it was: the other's document ends, and more follow."""
    target = io.BytesIO()
    writer = rjson.Writer(target)
    is_building, may_end = threading.Event(), threading.Event()

    def build():
        with writer.array():
            is_building.set()
            assert may_end.wait(30)

    def interrupt(*_):
        raise InterruptedError("by hand")

    thread = threading.Thread(target=build)
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        thread.start()
        assert is_building.wait(30)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(InterruptedError, match="by hand"):
            writer.write("never")
    finally:
        signal.signal(signal.SIGALRM, previous)
        may_end.set()
        thread.join()
    writer.write("later")
    writer.close()
    assert target.getvalue() == b'[]\n"later"\n'


def test_memory_does_not_grow(tmp_path):
    rows = ({"n": n, "text": "x" * 50} for n in range(300_000))
    with rjson.Writer.open(tmp_path / "file") as writer:
        writer.write_all({"n": n} for n in range(1000))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        writer.write_all(rows)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert writer.bytes_written == (tmp_path / "file").stat().st_size > 20_000_000
    assert after - before < 4096  # KiB
