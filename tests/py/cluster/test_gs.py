"""Google's object store, as an emulator speaks its protocol: files under another name, which are renamed."""

import json
import os

import pytest

import rjson
from rjson.integrations.arrow import write_ndjson

os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # asks for the kind of bucket by gRPC, before the import
gcsfs = pytest.importorskip("gcsfs")
emulator = pytest.importorskip("gcp_storage_emulator.server")

pytestmark = pytest.mark.filterwarnings("default")  # what these packages say of each other is theirs


@pytest.fixture
def gs(monkeypatch):
    """The options for a server with a bucket "b"; it has no move, which gcsfs asks for six times before it copies."""
    monkeypatch.setattr(gcsfs.retry, "is_retriable", lambda error: False)
    server = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket="b")
    server.start()
    url = f"http://127.0.0.1:{server._api._httpd.server_port}"
    yield {"endpoint_url": url, "token": "anon", "project": "p"}
    server.stop()


def rows(count):
    for i in range(count):
        yield {"id": i, "text": "x" * 1000}


def failing(count):
    yield from rows(count)
    raise RuntimeError("the source failed")


def test_whole_or_not_there(gs):
    """By dump_path, Writer and from Arrow: in several requests, read back equal; what fails leaves no object."""
    pyarrow = pytest.importorskip("pyarrow")
    fs = gcsfs.GCSFileSystem(**gs)
    rjson.dump_path(rows(20_000), "gs://b/d/doc.json", storage_options=gs)
    assert json.loads(fs.cat("b/d/doc.json")) == list(rows(20_000))
    assert list(rjson.iterload_path("gs://b/d/doc.json", framing="array", storage_options=gs)) == list(rows(20_000))
    table = pyarrow.table({"f": [1.0] * 9 + [float("nan")]})
    write_ndjson(table.slice(0, 9), "gs://b/d/rows.jsonl.gz", storage_options=gs)
    assert list(rjson.iterload_path("gs://b/d/rows.jsonl.gz", framing="lines", storage_options=gs)) == [{"f": 1.0}] * 9
    for count in (10, 20_000):
        with pytest.raises(RuntimeError, match="the source failed"):
            rjson.dump_path(failing(count), "gs://b/d/bad.json", storage_options=gs)
        with (
            pytest.raises(RuntimeError, match="the source failed"),
            rjson.Writer.open("gs://b/d/bad.jsonl", storage_options=gs) as writer,
        ):
            writer.write_all(failing(count))
    with pytest.raises(rjson.EncodeError):
        write_ndjson(table, "gs://b/d/bad.jsonl", storage_options=gs)
    fs.invalidate_cache()
    assert fs.find("b") == ["b/d/doc.json", "b/d/rows.jsonl.gz"]
