"""Files by URL: what fsspec stores, whole or not at all."""

import gc
import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import rjson

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory():
    """fsspec's memory file system, empty before and after."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def broken(count):
    yield from range(count)
    raise RuntimeError("the source failed")


def test_dump_path_and_load_path_take_urls(memory):
    """The object holds what dump_path encoded; its size is returned."""
    assert rjson.dump_path({"a": [1, 2]}, "memory://folder/doc.json") == len(b'{"a":[1,2]}')
    assert memory.cat("/folder/doc.json") == b'{"a":[1,2]}'
    assert rjson.load_path("memory://folder/doc.json") == {"a": [1, 2]}
    assert rjson.Encoder(indent=1).dump_path([1], "memory://folder/doc.json", storage_options={}) == 6
    assert list(rjson.iterload_path("memory://folder/doc.json", framing="array")) == [1]


def test_suffix_compresses(memory):
    """As of local files, the suffix says what to compress with."""
    rjson.dump_path(range(3), "memory://a.json.gz", default=list)
    assert gzip.decompress(memory.cat("/a.json.gz")) == b"[0,1,2]"
    with rjson.Writer.open("memory://b.jsonl.gz") as writer:
        writer.write_all(range(1000))
    assert list(rjson.iterload_path("memory://b.jsonl.gz", framing="lines")) == list(range(1000))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_failure_shows_nothing(memory, suffix):
    """An exception in the middle leaves the old object, and no file beside it; a large part was out by then."""
    url = f"memory://d/doc.json{suffix}"
    rjson.dump_path("old", url)
    with pytest.raises(RuntimeError, match="the source failed") as caught:
        rjson.dump_path(broken(300_000), url)
    assert caught.value.bytes_written > 1_000_000
    with pytest.raises(RuntimeError, match="the source failed"), rjson.Writer.open(url) as writer:
        writer.write_all(broken(300_000))
    assert rjson.load_path(url) == "old"
    assert memory.ls("/d", detail=False) == [f"/d/doc.json{suffix}"]


def test_writer_shows_when_it_is_closed(memory):
    """Nothing is there before close(), and everything after it."""
    writer = rjson.Writer.open("memory://d/log.jsonl")
    writer.write({"n": 1})
    writer.flush()
    assert not memory.exists("/d/log.jsonl")
    writer.close()
    assert memory.cat("/d/log.jsonl") == b'{"n":1}\n'


def test_aborted_writer_shows_nothing(memory):
    """Not even the documents that are complete: others could not tell that some are missing."""
    writer = rjson.Writer.open("memory://d/log.jsonl")
    writer.write_all(range(100_000))
    writer.abort()
    assert not memory.exists("/d/log.jsonl")
    assert not memory.find("/")


def test_dask_takes_urls(memory):
    """A bag's partitions show when all are there, with the manifest behind them; a failure leaves nothing."""
    bag, dask = pytest.importorskip("dask.bag"), pytest.importorskip("dask")
    from rjson.integrations.dask import read_ndjson, to_ndjson

    numbers = bag.range(100, npartitions=3)
    with dask.config.set(scheduler="threads"):
        with pytest.raises(rjson.EncodeError, match=r"row 8 of partition 2"):
            to_ndjson(numbers.map(lambda n: {n} if n == 74 else n), "memory://set/part-*.jsonl.gz")
        assert memory.find("/") == []
        manifest = to_ndjson(numbers, "memory://set/part-*.jsonl.gz")
        assert read_ndjson("memory://set/part-*.jsonl.gz", manifest=True).compute() == list(range(100))
    assert memory.find("/set") == ["/set/_manifest.json", *(f"/set/part-0000{n}.jsonl.gz" for n in range(3))]
    assert rjson.loads(memory.cat("/set/_manifest.json")) == manifest
    assert manifest["rows"] == 100


def test_a_transaction_of_the_caller_is_left_alone(memory):
    """Inside of fsspec's own transaction an object shows as soon as it is complete, and once."""
    with memory.transaction:
        rjson.dump_path([1], "memory://t.json")
        assert memory.cat("/t.json") == b"[1]"
    assert memory.cat("/t.json") == b"[1]"


def test_file_urls_are_local_files(tmp_path):
    """file:// needs no fsspec; storage_options are refused there."""
    url = f"file://{tmp_path}/doc.json"
    rjson.dump_path([1], url, fsync=True)
    assert (tmp_path / "doc.json").read_bytes() == b"[1]"
    assert rjson.load_path(url) == [1]
    with rjson.Writer.open(url, append=True, if_torn="new-line") as writer:
        writer.write(2)
    assert (tmp_path / "doc.json").read_bytes() == b"[1]\n2\n"
    for call in (rjson.load_path, lambda path, **how: rjson.dump_path(1, path, **how), rjson.Writer.open):
        with pytest.raises(ValueError, match="storage_options are for URLs"):
            call(url, storage_options={"key": "x"})


def test_names_with_colons_are_files(tmp_path, monkeypatch):
    """What only looks like a URL further inside is a name, as it was."""
    monkeypatch.chdir(tmp_path)
    os.makedirs("a/b:")
    rjson.dump_path([1], "a/b://c.json")
    assert (tmp_path / "a/b:/c.json").read_bytes() == b"[1]"


@pytest.mark.parametrize("how", [{"fsync": True}, {"atomic": False}])
def test_what_only_local_files_can_do_is_refused(memory, how):
    """Objects are always whole, and durable when they show."""
    with pytest.raises(ValueError, match="is a URL"):
        rjson.dump_path(1, "memory://a", **how)
    with pytest.raises(ValueError, match="objects at a URL are written whole"):
        rjson.Writer.open("memory://a", append=True)
    assert not memory.find("/")


def test_missing_fsspec_is_named():
    """ImportError says which extra to install."""
    code = """
import sys
sys.modules["fsspec"] = None
import rjson
for call in (rjson.load_path, rjson.iterload_path, lambda url: rjson.dump_path(1, url), rjson.Writer.open):
    try:
        call("s3://bucket/a")
    except ImportError as e:
        assert e.name == "fsspec" and "pip install 'rjson[cluster]'" in str(e), e
    else:
        raise SystemExit("no ImportError")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_local_files_import_no_fsspec(tmp_path):
    """Programs without URLs do not pay for them."""
    code = f"import sys, rjson; rjson.dump_path(1, {str(tmp_path / 'a')!r}); assert 'fsspec' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class Lines(BaseHTTPRequestHandler):
    """A body of 1000 lines, without ranges; /cut breaks off in the middle of what it announced."""

    def do_GET(self):
        body = b"".join(b'{"n":%d}\n' % i for i in range(1000))
        body = gzip.compress(body) if ".gz" in self.path else body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if "cut" in self.path else body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def http_server():
    pytest.importorskip("aiohttp")
    with HTTPServer(("127.0.0.1", 0), Lines) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # aiohttp's, of the one that was cut
def test_http_is_read_as_it_comes(http_server):
    """Also compressed, with a query behind the suffix; what is cut is an error, not an end; writing is refused."""
    expected = [{"n": i} for i in range(1000)]
    assert list(rjson.iterload_path(f"{http_server}/a.jsonl", framing="lines")) == expected
    assert list(rjson.iterload_path(f"{http_server}/a.jsonl.gz?key=1", framing="lines")) == expected
    seen = []
    with pytest.raises(Exception, match=r"(?i)payload|incomplete|not enough data"):
        for row in rjson.iterload_path(f"{http_server}/cut.jsonl", framing="lines"):
            seen.append(row)
    assert json.dumps(seen) == json.dumps(expected[: len(seen)])
    with pytest.raises(OSError, match="can be read only"):
        rjson.dump_path(1, f"{http_server}/a.json")
    gc.collect()  # here, and not in the middle of another test
