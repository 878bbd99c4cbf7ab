"""dump_path, load_path, iterload_path: the path has the old content or the new one, whatever fails."""

import errno
import gzip
import json
import os
import random
import stat
import subprocess
import sys
import threading
import time

import pytest

import rjson

ROWS = [{"id": i, "name": f"né{i}", "x": i / 2} for i in range(50)]
LARGE = [{"id": i, "text": "x" * (i % 97)} for i in range(20_000)]
SUFFIXES = ["", ".gz", ".bz2", ".xz"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.json"


def alone(path):
    """Whether nothing else is in the folder."""
    return os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("obj", [ROWS, LARGE, "", None])
def test_what_is_written_is_read(tmp_path, suffix, atomic, obj):
    """Also by str, bytes and Path; the count is that of the JSON."""
    path = tmp_path / f"data.json{suffix}"
    for name in path, str(path), os.fsencode(path):
        assert rjson.dump_path(obj, name, atomic=atomic, fsync=True) == len(rjson.dumps_bytes(obj))
        assert rjson.load_path(name) == obj
    assert alone(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_values_one_by_one(tmp_path, suffix):
    """Array and lines; the file is closed when it has been read, or the iterator is gone."""
    path = tmp_path / f"data.json{suffix}"
    open_before = os.listdir("/proc/self/fd")
    rjson.dump_path(LARGE, path)
    assert list(rjson.iterload_path(path)) == LARGE
    values = rjson.iterload_path(path)
    assert next(values) == LARGE[0]
    del values
    with rjson.Writer.open(path) as w:
        w.write_all(LARGE)
    values = rjson.iterload_path(path, framing="lines", chunk_size=1000, parse_int=str)
    assert [value["id"] for value in values] == [str(i) for i in range(len(LARGE))]
    assert list(values) == []
    assert len(os.listdir("/proc/self/fd")) == len(open_before)


def test_iterload_path_says_at_once_what_is_wrong(tmp_path):
    """A file that is not there, and wrong arguments, are told by the call."""
    with pytest.raises(FileNotFoundError):
        rjson.iterload_path(tmp_path / "none")
    (tmp_path / "file").write_text("1")
    with pytest.raises(ValueError, match="chunk_size"):
        rjson.iterload_path(tmp_path / "file", chunk_size=0)
    with pytest.raises(TypeError):
        rjson.load_path(7)


def test_an_encoder_has_it_too(path):
    """With its options."""
    encoder = rjson.Encoder(indent=2, sort_keys=True)
    encoder.dump_path({"b": 1, "a": 2}, path)
    assert path.read_text() == '{\n  "a": 2,\n  "b": 1\n}'
    rjson.dump_path({"b": 1, "a": 2}, path, indent=2, sort_keys=True)
    assert path.read_text() == '{\n  "a": 2,\n  "b": 1\n}'


# ---- what a file has beside its content


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_permissions_stay(path, mode):
    """Whatever the umask is."""
    path.write_text("old")
    path.chmod(mode)
    before = os.umask(0o077)
    try:
        rjson.dump_path(ROWS, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o022, 0o077, 0])
def test_a_new_file_has_those_of_open(path, mask):
    """0666 without the umask's bits."""
    before = os.umask(mask)
    try:
        rjson.dump_path(ROWS, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_what_is_being_written_is_nobody_elses(path):
    """The temporary file of one that may not be read has 0600."""
    path.write_text("secret")
    path.chmod(0o640)
    modes = []

    def rows():
        modes.extend(stat.S_IMODE(e.stat().st_mode) for e in os.scandir(path.parent) if e.name != path.name)
        yield 1

    rjson.dump_path(rows(), path)
    assert modes == [0o600]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_stays(path):
    """And with it the bits that a change of owner takes away."""
    path.write_text("old")
    os.chown(path, 12345, 23456)
    path.chmod(0o4750)
    rjson.dump_path(ROWS, path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o4750)


def test_user_attributes_stay(path):
    """Where the file system has them."""
    path.write_text("old")
    try:
        os.setxattr(path, "user.rjson", b"kept")
    except OSError:
        pytest.skip("no attributes on this file system")
    rjson.dump_path(ROWS, path)
    assert os.getxattr(path, "user.rjson") == b"kept"


def test_links_are_followed(tmp_path):
    """A chain of relative ones; one that points at nothing yet; the suffix is that of the name that was given."""
    (tmp_path / "store").mkdir()
    real = tmp_path / "store" / "real"
    real.write_text("old")
    (tmp_path / "one").symlink_to("store/real")
    (tmp_path / "two.gz").symlink_to("one")
    rjson.dump_path(ROWS, tmp_path / "two.gz")
    assert json.loads(gzip.decompress(real.read_bytes())) == ROWS
    assert (tmp_path / "two.gz").is_symlink()
    (tmp_path / "new").symlink_to("store/new")
    rjson.dump_path(ROWS, tmp_path / "new")
    assert rjson.load_path(tmp_path / "store" / "new") == ROWS
    assert sorted(os.listdir(tmp_path / "store")) == ["new", "real"]


def test_long_names(tmp_path):
    """Names of 255 bytes, of whatever characters and of none."""
    for name in "n" * 255, "é" * 127, os.fsdecode(b"\xff\xfe" * 100):
        path = tmp_path / name
        rjson.dump_path(ROWS, path)
        assert rjson.load_path(path) == ROWS


def test_a_relative_path(tmp_path, monkeypatch):
    """With fsync, which opens the folder."""
    monkeypatch.chdir(tmp_path)
    rjson.dump_path(ROWS, "data.json", fsync=True)
    assert rjson.load_path("data.json") == ROWS


# ---- what is no regular file


def test_a_fifo(tmp_path):
    """It is written to, and stays a FIFO."""
    path = tmp_path / "fifo.gz"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    rjson.dump_path(LARGE, path)
    reader.join()
    assert json.loads(gzip.decompress(got[0])) == LARGE
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_stdout(tmp_path, name, kind):
    """By its name: what stands there already stays."""
    program = f"import os, rjson; os.write(1, b'before'); rjson.dump_path([1], {name!r}, fsync=False); os.write(1, b'after')"
    if kind == "pipe":
        out = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout
    else:
        with open(tmp_path / "out", "wb") as file:
            subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
        out = (tmp_path / "out").read_bytes()
    assert out == b"before[1]after"


def test_dev_null():
    """It stays what it is."""
    assert rjson.dump_path(LARGE, "/dev/null") == len(rjson.dumps_bytes(LARGE))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# ---- failures


def failing(count):
    yield from range(count)
    raise KeyError("the source")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("count", [0, 10, 300_000])
def test_a_generator_that_raises(tmp_path, suffix, count):
    """The old file is there, and nothing else. The exception tells how much was written."""
    path = tmp_path / f"data.json{suffix}"
    rjson.dump_path("old", path)
    before = path.read_bytes()
    with pytest.raises(KeyError, match="the source") as caught:
        rjson.dump_path(failing(count), path)
    assert (caught.value.bytes_written > 0) == (count > 10)
    assert path.read_bytes() == before
    assert alone(path)
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dump_path([object()], path)
    assert caught.value.bytes_written == 0
    assert alone(path)


def test_a_generator_that_raises_where_nothing_was(path):
    """Nothing is there afterwards."""
    with pytest.raises(KeyError):
        rjson.dump_path(failing(10), path)
    assert os.listdir(path.parent) == []


def test_not_atomic(path):
    """A part of the new content is in the file, as many bytes as the exception says."""
    path.write_text("old")
    with pytest.raises(KeyError) as caught:
        rjson.dump_path(failing(300_000), path, atomic=False)
    text = path.read_bytes()
    assert len(text) == caught.value.bytes_written > 0
    assert rjson.dumps_bytes(list(range(300_000))).startswith(text)


def test_not_atomic_and_compressed(tmp_path):
    """The part does not look whole."""
    path = tmp_path / "data.json.gz"
    with pytest.raises(KeyError):
        rjson.dump_path(failing(300_000), path, atomic=False)
    with pytest.raises(EOFError):
        rjson.load_path(path)


FULL = """
import errno, os, resource, signal, sys
import rjson
path, suffix = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
rows = [os.urandom(20).hex() for _ in range(20_000)]
try:
    rjson.dump_path(rows, path)
except OSError as e:
    assert e.errno == errno.EFBIG, e
    assert 0 <= e.bytes_written <= len(rjson.dumps_bytes(rows)), e.bytes_written
else:
    sys.exit("it fitted")
"""


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".small.gz"])
def test_a_full_disk(tmp_path, suffix):
    """RLIMIT_FSIZE stands for it: the old content stays, and no temporary file."""
    path = tmp_path / f"data.json{suffix}"
    rjson.dump_path("old", path)
    subprocess.run([sys.executable, "-c", FULL, path, suffix], check=True)
    assert rjson.load_path(path) == "old"
    assert alone(path)


@pytest.mark.parametrize("obj", [[1], LARGE])
@pytest.mark.parametrize("compression", [None, "gz", "xz"])
def test_dev_full(obj, compression):
    """What the end of a stream meets is an error too."""
    with pytest.raises(OSError, match="No space left") as caught:
        rjson.dump_path(obj, "/dev/full", compression=compression)
    assert caught.value.errno == errno.ENOSPC
    assert 0 <= caught.value.bytes_written <= len(rjson.dumps_bytes(obj))


KILLED = """
import sys, rjson
for i in range(1000):
    rjson.dump_path([i] * 100_000, sys.argv[1], fsync=i % 2 == 0)
    print(end=".", flush=True)
"""


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_killed_at_any_moment(tmp_path, suffix):
    """The file is whole, whenever the process ends. What may stay is a temporary file."""
    path = tmp_path / f"data.json{suffix}"
    rjson.dump_path([0], path)
    seen = set()
    for _ in range(15):
        child = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE)
        child.stdout.read(random.randrange(1, 4))
        time.sleep(random.random() * 0.02)
        child.kill()
        child.wait()
        child.stdout.close()
        (value,) = set(rjson.load_path(path))
        seen.add(value)
        for name in os.listdir(tmp_path):
            assert name == path.name or name.startswith(f".{path.name}.")
    assert len(seen) > 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written(path):
    """A file without permission is not replaced; a folder without it is told, and what to do."""
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        rjson.dump_path(ROWS, path)
    assert path.read_text() == "old"
    path.chmod(0o644)
    path.parent.chmod(0o555)
    try:
        with pytest.raises(PermissionError, match="atomic=False"):
            rjson.dump_path(ROWS, path)
        rjson.dump_path(ROWS, path, atomic=False)
    finally:
        path.parent.chmod(0o755)
    assert rjson.load_path(path) == ROWS


def test_a_folder(tmp_path):
    """And a path through a file, and no folder at all: the error names the path."""
    (tmp_path / "file").write_text("x")
    for path, error in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "file/x", NotADirectoryError),
        (tmp_path / "no/x", FileNotFoundError),
    ):
        with pytest.raises(error) as caught:
            rjson.dump_path(ROWS, path)
        assert caught.value.filename == str(path)
        assert caught.value.bytes_written == 0


def test_wrong_arguments(path):
    """Nothing is written."""
    for arguments in {"compression": "gzip"}, {"level": 3}, {"compression": "gz", "level": 10}, {"chunk_size": 0}:
        with pytest.raises((ValueError, TypeError)) as caught:
            rjson.dump_path(ROWS, path, **arguments)
        assert caught.value.bytes_written == 0
    with pytest.raises(TypeError):
        rjson.dump_path(ROWS, path, nothing=1)
    assert os.listdir(path.parent) == []


def test_several_at_a_time(path):
    """Threads that write the same path: one of them wins, whole."""

    def write(i):
        for _ in range(20):
            rjson.dump_path([i] * 1000, path)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(rjson.load_path(path))) == 1
    assert alone(path)


# ---- progress


def test_progress_tells_the_bytes_of_json(tmp_path):
    """Whatever they become."""
    for suffix in SUFFIXES:
        seen = []
        count = rjson.dump_path(LARGE, tmp_path / f"x{suffix}", progress=seen.append)
        assert seen == sorted(seen)
        assert 0 < seen[-1] <= count


def test_a_bar_of_tqdm(path, capsys):
    """The real one."""
    pytest.importorskip("tqdm")
    rjson.dump_path(LARGE, path, progress=True)
    assert "B/s" in capsys.readouterr().err


def test_no_tqdm(monkeypatch, path):
    """The error says what to install; nothing was written."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match="pip install tqdm") as caught:
        rjson.dump_path(LARGE, path, progress=True)
    assert caught.value.bytes_written == 0
    assert os.listdir(path.parent) == []
    with pytest.raises(TypeError, match="progress must be callable, True or None"):
        rjson.dump_path(LARGE, path, progress=1)
