"""Files of every kind: what was written before comes out before, the position is right after, nothing is lost."""

import bz2
import codecs
import errno
import gzip
import io
import lzma
import os
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile

import pytest

import rjson
from helpers import CHUNK_SIZES, pipe, stdlib

pytestmark = pytest.mark.isa

DOC = {
    "rows": [{"id": i, "text": 'é中😀"\n' * (i % 7), "x": i / 8} for i in range(600)],
    "long": "ü" * 70_000,
}
TEXT = stdlib(DOC)
BYTES = TEXT.encode()


@pytest.fixture(params=CHUNK_SIZES)
def chunk_size(request):
    return request.param


@pytest.mark.parametrize("overlap", [None, False, True])
def test_descriptor(tmp_path, chunk_size, overlap):
    """An int is a file descriptor; it stays open, its position after the document."""
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    try:
        os.write(fd, b"before ")
        assert rjson.dump_to(DOC, fd, chunk_size=chunk_size, overlap=overlap) == len(BYTES)
        os.write(fd, b" after")
    finally:
        os.close(fd)
    assert (tmp_path / "f").read_bytes() == b"before " + BYTES + b" after"


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "w+b", "xb"])
@pytest.mark.parametrize("buffering", [0, -1, 10, 1_000_000])
def test_binary_files(tmp_path, chunk_size, mode, buffering):
    """Raw and buffered, of every mode: order, position and content."""
    path = tmp_path / "f"
    if mode in ("r+b", "ab"):
        path.write_bytes(b"old")
    with open(path, mode, buffering=buffering) as fp:
        start = fp.tell()
        fp.write(b"[before]")
        assert rjson.dump(DOC, fp, chunk_size=chunk_size) == len(BYTES)
        assert fp.tell() == start + 8 + len(BYTES)
        fp.write(b"[after]")
        fp.seek(2, os.SEEK_CUR)
        fp.write(b"!")
        assert fp.tell() == start + 8 + len(BYTES) + 7 + (1 if mode == "ab" else 3) or mode == "ab"
    content = path.read_bytes()
    assert content[start:].startswith(b"[before]" + BYTES + b"[after]")


def test_buffered_random_after_reading(tmp_path):
    """A file that was read from: the document goes where the next write would go."""
    path = tmp_path / "f"
    path.write_bytes(b"0123456789" * 100)
    with open(path, "r+b") as fp:
        assert fp.read(10) == b"0123456789"
        rjson.dump({"a": 1}, fp)
        assert fp.tell() == 17
        assert fp.read(3) == b"789"
    assert path.read_bytes()[:20] == b'0123456789{"a":1}789'


def test_append_mode_through_the_descriptor(tmp_path):
    """O_APPEND wins over the position."""
    path = tmp_path / "f"
    path.write_bytes(b"start")
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    rjson.dump_to([1], fd)
    os.close(fd)
    assert path.read_bytes() == b"start[1]"


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", "utf-16", "utf-32-be", "gb18030"])
@pytest.mark.parametrize("newline", [None, "", "\r\n"])
def test_text_files(tmp_path, chunk_size, encoding, newline):
    """Any encoding that has the characters; the count is of characters."""
    path = tmp_path / "f"
    with open(path, "w", encoding=encoding, newline=newline) as fp:
        fp.write("before ")
        assert rjson.dump(DOC, fp, chunk_size=chunk_size) == len(TEXT)
        fp.write(" after")
    assert path.read_text(encoding=encoding) == "before " + TEXT + " after"


def test_text_position(tmp_path):
    """tell() and seek() of a text file are right after the document."""
    with open(tmp_path / "f", "w", encoding="utf-8") as fp:
        fp.write("[")
        rjson.dump(DOC, fp)
        assert fp.tell() == 1 + len(BYTES)
        fp.seek(0)
        fp.write("{")
    assert (tmp_path / "f").read_bytes() == b"{" + BYTES


def test_text_file_that_lacks_a_character(tmp_path):
    """The file's own error, its own error handler, as with any write."""
    with open(tmp_path / "f", "w", encoding="latin-1") as fp, pytest.raises(UnicodeEncodeError):
        rjson.dump("中", fp)
    with open(tmp_path / "f", "w", encoding="ascii", errors="backslashreplace") as fp:
        assert rjson.dump("é", fp) == 3
    assert (tmp_path / "f").read_text() == '"\\xe9"'


def test_read_write_text_file(tmp_path):
    """A text file that can be read too is written through its own text layer."""
    with open(tmp_path / "f", "w+", encoding="utf-8") as fp:
        fp.write("é")
        rjson.dump(DOC, fp)
        fp.seek(0)
        assert fp.read() == "é" + TEXT


@pytest.mark.parametrize(
    ("compressed", "opened"),
    [(gzip.open, gzip.open), (bz2.open, bz2.open), (lzma.open, lzma.open)],
    ids=["gzip", "bz2", "lzma"],
)
def test_compressed_files(tmp_path, chunk_size, compressed, opened):
    """Through the file's own write: its descriptor is that of the compressed data. Binary and text."""
    with compressed(tmp_path / "b", "wb") as fp:
        fp.write(b"before ")
        assert rjson.dump_to(DOC, fp, chunk_size=chunk_size) == len(BYTES)
    with opened(tmp_path / "b", "rb") as fp:
        assert fp.read() == b"before " + BYTES
    with compressed(tmp_path / "t", "wt", encoding="utf-8") as fp:
        fp.write("before ")
        assert rjson.dump_to(DOC, fp, chunk_size=chunk_size) == len(TEXT)
    with opened(tmp_path / "t", "rt", encoding="utf-8") as fp:
        assert fp.read() == "before " + TEXT


def test_zip_member(tmp_path, chunk_size):
    """A member of an archive is a file object like any other."""
    with zipfile.ZipFile(tmp_path / "z", "w") as archive, archive.open("doc.json", "w") as fp:
        rjson.dump(DOC, fp, chunk_size=chunk_size)
    with zipfile.ZipFile(tmp_path / "z") as archive:
        assert archive.read("doc.json") == BYTES


def test_temporary_files(chunk_size):
    """tempfile's wrappers, binary and text, on disk and in memory."""
    for mode, expected in (("w+b", BYTES), ("w+", TEXT)):
        encoding = None if "b" in mode else "utf-8"
        with tempfile.NamedTemporaryFile(mode, encoding=encoding) as fp:
            assert rjson.dump(DOC, fp, chunk_size=chunk_size) == len(expected)
            fp.seek(0)
            assert fp.read() == expected
        with tempfile.SpooledTemporaryFile(5000, mode, encoding=encoding) as fp:
            assert rjson.dump(DOC, fp, chunk_size=chunk_size) == len(expected)
            fp.seek(0)
            assert fp.read() == expected


@pytest.mark.filterwarnings("ignore:codecs.open:DeprecationWarning")  # since 3.14
def test_codecs_writer(tmp_path, chunk_size):
    """codecs.open's objects want str."""
    with codecs.open(tmp_path / "f", "w", encoding="utf-8") as fp:
        rjson.dump(DOC, fp, chunk_size=chunk_size)
    assert (tmp_path / "f").read_bytes() == BYTES


def test_buffered_writer_over_something_else(chunk_size):
    """A buffer on top of a raw stream that is no file is written through its own write."""

    class Raw(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def fileno(self):
            return 10**6  # to be asked for nothing but waiting

        def write(self, b):
            self.data += bytes(b[:1000])
            return min(len(b), 1000)

    raw = Raw()
    with io.BufferedWriter(raw) as fp:
        rjson.dump(DOC, fp, chunk_size=chunk_size)
        fp.flush()
        assert raw.data == BYTES


@pytest.mark.parametrize("bufsize", [0, -1])
@pytest.mark.parametrize("text", [False, True])
def test_subprocess_stdin(chunk_size, bufsize, text):
    """A child process reads the whole document from its standard input."""
    if text and bufsize == 0:
        bufsize = 1
    command = [
        sys.executable,
        "-c",
        "import sys, hashlib; d = sys.stdin.buffer.read(); print(len(d), hashlib.md5(d).hexdigest())",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=bufsize, text=text, encoding="utf-8" if text else None) as child:  # fmt: skip
        rjson.dump_to(DOC, child.stdin, chunk_size=chunk_size)
        out, _ = child.communicate()
    import hashlib

    expected = f"{len(BYTES)} {hashlib.md5(BYTES).hexdigest()}"
    assert (out if text else out.decode()).strip() == expected


def test_dump_wants_a_write_method():
    """dump is for file objects; the error names what it got."""
    for wrong in (1, "name.json", None, [], object()):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            rjson.dump([1], wrong)


@pytest.mark.parametrize("wrong", ["name.json", None, [], True, 1.5, object()])
def test_dump_to_names_a_wrong_target(wrong):
    """What a target may be, and what this one is."""
    with pytest.raises(TypeError, match=f"target must be .* not {type(wrong).__name__}"):
        rjson.dump_to([1], wrong)


def test_closed_files(tmp_path):
    """ValueError, as from any other operation on a closed file."""
    for open_it in (
        lambda p: open(p, "wb"),
        lambda p: open(p, "w"),
        lambda p: open(p, "wb", 0),
        lambda p: gzip.open(p, "wb"),
    ):
        fp = open_it(tmp_path / "f")
        fp.close()
        with pytest.raises(ValueError, match="closed"):
            rjson.dump([1], fp)
    fp = io.StringIO()
    fp.close()
    with pytest.raises(ValueError, match="closed"):
        rjson.dump([1], fp)


def test_files_that_are_not_writable(tmp_path):
    """UnsupportedOperation for file objects, EBADF for descriptors, naming the target; the document is not touched."""
    path = tmp_path / "readonly"
    path.write_bytes(b"x")
    touched = []
    for mode in ("rb", "r"):
        with open(path, mode) as fp, pytest.raises(io.UnsupportedOperation, match="readonly"):
            rjson.dump((touched.append(1) for _ in range(3)), fp)
    with open(path, "rb", buffering=0) as fp, pytest.raises(io.UnsupportedOperation):
        rjson.dump([1], fp)
    fd = os.open(path, os.O_RDONLY)
    with pytest.raises(OSError, match=f"fd {fd}") as caught:
        rjson.dump_to((touched.append(1) for _ in range(3)), fd)
    os.close(fd)
    assert caught.value.errno == errno.EBADF
    assert not touched


@pytest.mark.parametrize("fd", [-1, 10**6])
def test_descriptors_that_are_none(fd):
    """EBADF that names the number."""
    with pytest.raises(OSError, match=f"fd {fd}") as caught:
        rjson.dump_to([1], fd)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("overlap", [None, False, True])
def test_full_device(overlap, chunk_size):
    """ENOSPC names the target and counts what was accepted."""
    with open("/dev/full", "wb", buffering=0) as fp:
        with pytest.raises(OSError, match="/dev/full") as caught:
            rjson.dump(DOC, fp, chunk_size=chunk_size, overlap=overlap)
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.bytes_written == 0


def test_disk_that_fills_up(tmp_path):
    """A limit in the middle of a chunk: bytes_written is the file's size."""
    code = f"""
import resource, signal, sys, rjson
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, 100_001))
for overlap in (False, True):
    with open({str(tmp_path / "f")!r}, "wb") as fp:
        try:
            rjson.dump(["x" * 1000] * 500, fp, overlap=overlap)
        except OSError as e:
            print(e.errno, e.bytes_written, fp.tell())
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == f"{errno.EFBIG} 100001 100001\n" * 2


def test_reader_that_goes_away():
    """BrokenPipeError, no signal, and a count of what the pipe took."""
    r, w = os.pipe()
    thread = threading.Thread(target=lambda: (os.read(r, 100), os.close(r)))
    thread.start()
    with pytest.raises(BrokenPipeError) as caught:
        rjson.dump_to(["x" * 1000] * 5000, w)
    thread.join()
    os.close(w)
    assert 0 < caught.value.bytes_written < 5_000_000


def test_nonblocking_pipe_waits(chunk_size):
    """A non-blocking descriptor is waited for, however slow its reader, and its flags stay."""
    with pipe(pause=0.001) as (fd, reader):
        os.set_blocking(fd, False)
        assert rjson.dump_to(DOC, fd, chunk_size=chunk_size) == len(BYTES)
        assert not os.get_blocking(fd)
    assert reader.result() == BYTES


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_timeout_counts_what_is_out(timeout):
    """TimeoutError.bytes_written is what the reader finds."""
    r, w = os.pipe()
    os.set_blocking(w, False)
    with pytest.raises(TimeoutError) as caught:
        rjson.dump_to(["x" * 1000] * 5000, w, timeout=timeout)
    os.close(w)
    data = b""
    while part := os.read(r, 1 << 20):
        data += part
    os.close(r)
    assert len(data) == caught.value.bytes_written > 0
    assert rjson.dumps_bytes(["x" * 1000] * 5000).startswith(data)


@pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_timeout_is_checked(wrong, error):
    """A number of seconds from 0 on, or None."""
    with pytest.raises(error):
        rjson.dump([1], io.BytesIO(), timeout=wrong)


def test_file_closed_by_the_document(tmp_path):
    """If the target is closed while it is written to, nothing goes to whatever gets its number next."""
    path, other = tmp_path / "f", tmp_path / "other"
    fp = open(path, "wb", buffering=0)
    opened = []

    def rows():
        for i in range(50):
            if i == 20:
                fp.close()
                opened.append(open(other, "wb", buffering=0))
            yield "x" * 20_000

    with pytest.raises((ValueError, OSError)):
        rjson.dump(rows(), fp)
    for o in opened:
        o.close()
    assert other.read_bytes() == b""


def test_progress(chunk_size):
    """Called with growing counts, the last being the total; its exception stops the dump."""
    seen = []
    fp = io.BytesIO()
    assert rjson.dump(DOC, fp, chunk_size=chunk_size, progress=seen.append) == len(BYTES)
    assert seen == sorted(seen)
    assert seen[-1] == len(BYTES)

    def stop(count):
        if count > 10_000:
            raise LookupError("enough")

    with pytest.raises(LookupError) as caught:
        rjson.dump(["x" * 100] * 10_000, io.BytesIO(), chunk_size=chunk_size, progress=stop)
    assert caught.value.bytes_written > 10_000
    with pytest.raises(TypeError, match="progress must be callable"):
        rjson.dump([1], io.BytesIO(), progress=5)


@pytest.mark.parametrize("overlap", [None, False, True])
@pytest.mark.parametrize("mode", ["wb", "w"])
def test_failure_counts_what_is_in_the_file(tmp_path, overlap, mode):
    """Also while a second thread is writing: bytes_written is final, and the file's size."""
    for rows in (10, 3000, 20_000, 60_000):
        with open(tmp_path / "f", mode, encoding=None if "b" in mode else "utf-8") as fp:
            with pytest.raises(ZeroDivisionError) as caught:
                rjson.dump(("x" * 50 if i else 1 / i for i in range(rows, -1, -1)), fp, overlap=overlap)
            assert caught.value.bytes_written == os.path.getsize(tmp_path / "f") == fp.tell()
            assert caught.value.__notes__ == [f"while encoding $[{rows}]"]


def test_stream_that_does_not_say_that_it_is_writable():
    """A stream class with a write() of its own is written to."""

    class Minimal(io.RawIOBase):
        data = b""

        def write(self, b):
            self.data += bytes(b)
            return len(b)

    target = Minimal()
    assert rjson.dump([1, 2], target) == 5
    assert target.data == b"[1,2]"


def closed_file():
    fp = tempfile.TemporaryFile()
    fp.close()
    return fp


def closed_socket():
    sock = socket.socket()
    sock.close()
    return sock


@pytest.mark.parametrize(
    "make",
    [lambda: 10**6, lambda: -1, closed_file, closed_socket, io.BytesIO().getbuffer, object],
    ids=["no descriptor", "negative", "closed", "closed socket", "no file", "nothing"],
)
def test_errors_before_the_first_byte_count_it_too(make):
    """Every exception that leaves a dump has .bytes_written."""
    with pytest.raises((OSError, ValueError, TypeError)) as caught:
        rjson.dump_to([1], make())
    assert caught.value.bytes_written == 0
    target = make()
    if not isinstance(target, int):
        with pytest.raises((OSError, ValueError, TypeError)) as caught:
            rjson.dump([1], target)
        assert caught.value.bytes_written == 0


def test_a_bad_timeout_counts_it_too():
    with pytest.raises(ValueError, match="timeout") as caught:
        rjson.dump_to([1], io.BytesIO(), timeout=-1)
    assert caught.value.bytes_written == 0
