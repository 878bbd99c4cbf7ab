"""Writer(flush=seconds): what is complete leaves in time, whoever is slow; never a part; and the thread ends."""

import gc
import io
import json
import os
import random
import subprocess
import sys
import threading
import time
import warnings

import pytest

import rjson
from rjson import Writer

SOON = 0.002
NEVER = 3600.0  # nothing but what the writer itself does


@pytest.fixture
def pipe():
    r, w = os.pipe()
    yield r, w
    os.close(r)
    os.close(w)


def arrived(r, count):
    """So many lines, as soon as they are there. A test that fails would wait for ever, and is ended by this."""
    text = b""
    os.set_blocking(r, False)
    for _ in range(10_000):
        try:
            text += os.read(r, 65536)
        except BlockingIOError:
            time.sleep(0.001)
        if text.count(b"\n") >= count:
            return text
    raise AssertionError(f"only this arrived: {text!r}")


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "rjson.Writer"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert threads() == []


def test_a_document_does_not_wait_for_the_next_call(pipe):
    """Nor does one after a pause, when the thread has gone to sleep."""
    r, w = pipe
    with Writer(w, flush=SOON) as writer:
        for n in range(3):
            writer.write({"n": n})
            assert arrived(r, 1) == b'{"n":%d}\n' % n
        assert writer.bytes_written == 24


def test_documents_are_collected_until_then():
    """One write() for all that come in time."""
    pieces = []

    class Target:
        def write(self, data):
            pieces.append(bytes(data))

    with Writer(Target(), flush=NEVER) as writer:
        for n in range(1000):
            writer.write(n)
        assert pieces == []
        writer.flush()
        assert len(pieces) == 1
        writer.write("last")
    assert b"".join(pieces) == b"".join(b"%d\n" % n for n in range(1000)) + b'"last"\n'


def test_rows_of_a_slow_source(pipe):
    """write_all has the writer to itself, and the thread has what it needs all the same."""
    r, w = pipe
    gate = threading.Event()

    def rows():
        for n in range(3):
            yield n
            gate.wait(10)
            gate.clear()

    with Writer(w, flush=SOON) as writer:
        work = threading.Thread(target=writer.write_all, args=[rows()])
        work.start()
        for n in range(3):
            assert arrived(r, 1) == b"%d\n" % n
            gate.set()
        work.join()


@pytest.mark.parametrize("way", ["source", "default", "built"])
def test_never_a_part(pipe, way):
    """The documents before one that takes long leave; of that one nothing does."""
    r, w = pipe
    gate = threading.Event()

    def rows():
        yield "begun"
        gate.wait(10)
        yield "x" * 1000

    def write(writer):
        if way == "source":
            writer.write([1, rows()])
        elif way == "default":
            writer.write([1, {object()}])
        else:
            with writer.array():
                writer.write(1)
                with writer.array():
                    for row in rows():
                        writer.write(row)

    def default(obj):
        return list(rows())

    with Writer(w, flush=SOON, default=default) as writer:
        writer.write("before")
        work = threading.Thread(target=write, args=[writer])
        work.start()
        assert arrived(r, 1) == b'"before"\n'
        time.sleep(0.02)  # the thread has had its turns
        with pytest.raises(BlockingIOError):
            os.read(r, 1)
        gate.set()
        work.join()
        assert json.loads(arrived(r, 1)) == [1, ["begun", "x" * 1000]]


def test_a_document_that_fails_leaves_the_others(tmp_path):
    """Whatever the thread has taken meanwhile; long ones are taken back from the file."""
    with Writer.open(tmp_path / "file", flush=SOON) as writer:
        for n in range(30):
            writer.write(n)
            with pytest.raises(rjson.EncodeError):
                writer.write(["x" * (n % 3) * 70_000, object()])
            time.sleep(0.001 * (n % 3))
    assert (tmp_path / "file").read_bytes() == b"".join(b"%d\n" % n for n in range(30))


@pytest.mark.parametrize("framing", ["lines", "array", "seq", "concat"])
@pytest.mark.parametrize("chunk_size", [1, 1000, 65536])
def test_every_framing_is_as_it_is_without(framing, chunk_size):
    """Wherever the thread cuts it."""
    documents = [1, 2, {"a": ["x" * (n % 700) for n in range(50)]}, "s", None, [], 3] * 40
    out = io.BytesIO()
    with Writer(out, framing=framing, chunk_size=chunk_size, flush=0.0) as writer:
        for document in documents:
            writer.write(document)
        writer.write_all(documents)
    assert out.getvalue() == b"".join(rjson.iterencode(documents * 2, framing=framing))


@pytest.mark.parametrize("append", [False, True])
def test_many_threads(tmp_path, append):
    """All lines are there, whole, in each thread's order."""
    path = tmp_path / "file"
    with Writer.open(path, append=append, flush=SOON, chunk_size=1000) as writer:

        def write(name):
            for n in range(300):
                writer.write([name, n, "x" * (n % 50) * (n % 60)])

        work = [threading.Thread(target=write, args=[name]) for name in range(4)]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert writer.bytes_written == path.stat().st_size
    for name in range(4):
        assert [n for who, n, _ in rows if who == name] == list(range(300))


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_a_file_can_be_read_meanwhile(tmp_path, suffix):
    """A compressed one too: the thread sets flush points."""
    path = tmp_path / f"file{suffix}"
    with Writer.open(path, flush=SOON) as writer:
        writer.write({"n": 1})
        for _ in range(5000):
            try:
                row = next(rjson.iterload_path(path, framing="lines"), None)
            except EOFError:
                row = None
            if row is not None:
                break
            time.sleep(0.002)
        assert row == {"n": 1}
    assert list(rjson.iterload_path(path)) == [{"n": 1}]


# ---- failures


class Failing:
    """Takes nothing, and tells when it was asked."""

    def __init__(self):
        self.asked = threading.Event()

    def write(self, data):
        self.asked.set()
        raise OSError(28, "No space left on device")


def asked(target):
    assert target.asked.wait(10)
    time.sleep(0.01)  # until the thread has noted it


def test_what_fails_in_the_thread_comes_out_of_the_next_call():
    """As it was; later calls say that it was before."""
    target = Failing()
    writer = Writer(target, flush=SOON)
    writer.write(1)
    asked(target)
    with pytest.raises(OSError, match="No space left") as caught:
        writer.write(2)
    assert caught.value.bytes_written == 0
    with pytest.raises(ConnectionAbortedError) as caught:
        writer.write(3)
    assert isinstance(caught.value.__cause__, OSError)
    writer.close()


def test_what_fails_in_the_thread_comes_out_of_close():
    """Nothing is lost in silence."""
    target = Failing()
    writer = Writer(target, flush=SOON)
    writer.write(1)
    asked(target)
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    writer.close()


def test_what_fails_in_the_thread_comes_out_of_write_all():
    """And its source is closed."""
    target, closed = Failing(), []

    def rows():
        try:
            yield 1
            asked(target)
            yield "x" * 100_000
        finally:
            closed.append(1)

    writer = Writer(target, flush=SOON)
    with pytest.raises(OSError, match="No space left"):
        writer.write_all(rows())
    assert closed == [1]
    writer.abort()


def test_progress_in_the_thread():
    """It is told there; what it raises comes out of the next call, and nothing is lost."""
    out, told = io.BytesIO(), threading.Event()

    def progress(count):
        if not told.is_set():
            told.set()
            raise LookupError(count)

    writer = Writer(out, flush=SOON, progress=progress)
    writer.write(1)
    assert told.wait(10)
    time.sleep(0.01)
    with pytest.raises(LookupError) as caught:
        writer.write(2)
    assert caught.value.args == (2,)
    writer.write(3)
    writer.close()
    assert out.getvalue() == b"1\n3\n"


# ---- the end


def test_close_and_abort_end_the_thread(tmp_path):
    """Also of a writer that wrote nothing, and that nobody closed."""
    for end in "close", "abort":
        with open(tmp_path / "file", "wb") as fp:
            writer = Writer(fp, flush=NEVER)
            writer.write(1)
            assert len(threads()) == 1
            getattr(writer, end)()
            assert threads() == []
        assert (tmp_path / "file").read_bytes() == b"1\n"
    Writer(io.BytesIO(), flush=SOON).close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = Writer(io.BytesIO(), flush=NEVER)
        writer.write(1)
        (thread,) = threads()
        del writer
        gc.collect()
        thread.join(10)


@pytest.mark.parametrize("seconds", [0.001, 3600])
def test_a_fork(tmp_path, seconds):
    """The child has no thread: it may not write, and does not hang."""
    program = f"""
import os, rjson, sys
w = rjson.Writer.open({str(tmp_path / "file")!r}, flush={seconds})
w.write("parent")
pid = os.fork()
if pid == 0:
    for call in (lambda: w.write(1), w.flush, w.close):
        try:
            call()
        except RuntimeError as e:
            assert "forked" in str(e)
        else:
            os._exit(1)
    os._exit(0)
status = os.waitpid(pid, 0)[1]
w.write("after")
w.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)
    assert (tmp_path / "file").read_bytes() == b'"parent"\n"after"\n'


@pytest.mark.parametrize("seconds", [0.0001, 3600])
def test_an_interpreter_that_ends_meanwhile(tmp_path, seconds):
    """It ends; whole lines are in the file."""
    program = f"""
import rjson
w = rjson.Writer.open({str(tmp_path / "file")!r}, flush={seconds})
for n in range(3000):
    w.write(n)
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    text = (tmp_path / "file").read_bytes()
    assert b"".join(b"%d\n" % n for n in range(3000)).startswith(text)
    assert text == b"" or text.endswith(b"\n")


@pytest.mark.parametrize("flush", [-1, float("nan"), True, "row", None])
def test_bad_arguments(flush):
    """In the words of iterencode."""
    with pytest.raises(ValueError, match='flush must be "full", "item" or a number of seconds'):
        Writer(io.BytesIO(), flush=flush)


# ---- faults


def test_a_closed_pipe():
    """The thread meets it; no signal, and the next call has the error."""
    r, w = os.pipe()
    os.close(r)
    try:
        writer = Writer(w, flush=SOON)
        with pytest.raises(BrokenPipeError) as caught:
            for n in range(5000):
                writer.write(n)
                time.sleep(0.001)
        assert caught.value.bytes_written == writer.bytes_written == 0
        writer.abort()
    finally:
        os.close(w)


@pytest.mark.parametrize("append", [False, True])
def test_a_full_disk_leaves_whole_lines(tmp_path, append):
    """RLIMIT_FSIZE stands for it: what does not fit is gone, line by line, and the count is the file's size."""
    path = tmp_path / "file"
    program = f"""
import resource, rjson, signal, os, time
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
w = rjson.Writer.open({str(path)!r}, append={append}, flush=0.001)
try:
    for n in range(100_000):
        w.write({{"n": n, "text": "x" * 50}})
        if n % 50 == 0:
            time.sleep(0.002)
    raise SystemExit("no error")
except OSError as e:
    size = os.path.getsize({str(path)!r})
    assert e.bytes_written == w.bytes_written == size > 40_000, (e.bytes_written, w.bytes_written, size)
w.close()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    text = path.read_bytes()
    assert text.endswith(b"\n")
    assert [json.loads(line)["n"] for line in text.splitlines()] == list(range(text.count(b"\n")))


def test_killed_at_any_moment(tmp_path):
    """What is in the file is the beginning of what was written: whole lines, but for the last one perhaps."""
    path = tmp_path / "file"
    program = f"""
import rjson
w = rjson.Writer.open({str(path)!r}, flush=0.0005)
print(end=".", flush=True)
n = 0
while True:
    w.write({{"n": n}})
    n += 1
"""
    most = 0
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        child.stdout.read(1)
        time.sleep(0.02)
        child.kill()
        child.wait()
        child.stdout.close()
        lines = path.read_bytes().split(b"\n")[:-1]
        assert [json.loads(line)["n"] for line in lines] == list(range(len(lines)))
        most = max(most, len(lines))
    assert most > 0


@pytest.mark.parametrize("interval", [0.005, 1e-6])
def test_none_is_forgotten(pipe, interval):
    """Documents that come while the thread goes to sleep: each arrives, without a next one."""
    r, w = pipe
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    try:
        write_and_wait(r, w)
    finally:
        sys.setswitchinterval(before)


def write_and_wait(r, w):
    chance = random.Random(1)
    with Writer(w, flush=0.0005) as writer:
        for n in range(300):
            for _ in range(chance.randrange(1, 4)):
                writer.write(n)
                if chance.random() < 0.5:
                    time.sleep(chance.random() * 0.001)
            writer.write("end")
            text = b""
            while not text.endswith(b'"end"\n'):
                text += arrived(r, 1)
