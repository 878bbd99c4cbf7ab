"""One file in S3: a multipart upload, which shows when it is complete and is aborted when it fails."""

import io
import json

import pytest

import rjson
from rjson.integrations.arrow import write_ndjson

pytest.importorskip("s3fs")


def rows(count):
    for i in range(count):
        yield {"id": i, "text": "x" * 1000}


def test_large_object(s3):
    """It arrives in parts of at least 5 MiB, and reads back equal by boto3 and by iterload_path."""
    count = rjson.dump_path(rows(20_000), s3.url("a/doc.json"), storage_options=s3.options)
    body = s3.read("a/doc.json")
    assert len(body) == count > 20_000_000
    assert json.loads(body) == list(rows(20_000))
    head = s3.client.head_object(Bucket=s3.name, Key="a/doc.json")
    assert head["ETag"].strip('"').endswith("-3")  # of so many parts
    for number in (1, 2):
        part = s3.client.head_object(Bucket=s3.name, Key="a/doc.json", PartNumber=number)
        assert part["ContentLength"] >= 5 << 20
    read = rjson.iterload_path(s3.url("a/doc.json"), framing="array", storage_options=s3.options)
    assert list(read) == list(rows(20_000))
    assert not s3.uploads()


def test_small_and_empty(s3):
    """What fits in one part, and a Writer without documents."""
    rjson.dump_path([1], s3.url("a.json.gz"), storage_options=s3.options)
    assert rjson.load_path(s3.url("a.json.gz"), storage_options=s3.options) == [1]
    rjson.Writer.open(s3.url("empty.jsonl"), storage_options=s3.options).close()
    assert s3.read("empty.jsonl") == b""


@pytest.mark.parametrize("name", ["doc.json", "doc.json.gz"])
def test_failure_aborts_the_upload(s3, name):
    """Neither an object nor a multipart upload is left, after parts were out and before."""

    def failing(count):
        for i in range(count):
            yield {"id": i, "text": str(i * 7919) * 300}
        raise RuntimeError("the source failed")

    for count in (10, 12_000):
        with pytest.raises(RuntimeError, match="the source failed"):
            rjson.dump_path(failing(count), s3.url(name), storage_options=s3.options)
        with (
            pytest.raises(RuntimeError, match="the source failed"),
            rjson.Writer.open(s3.url(name), storage_options=s3.options) as writer,
        ):
            writer.write_all(failing(count))
        assert s3.list() == []
        assert s3.uploads() == []


def test_arrow(s3):
    """Tables, data sets and other libraries' frames go the same way: in parts, shown when complete, aborted when they fail."""
    pyarrow, dataset = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.dataset")
    pyarrow_json = pytest.importorskip("pyarrow.json")
    table = pyarrow.table({"n": range(300_000), "text": ["x" * 50] * 300_000})
    for name, data in {
        "table": table,
        "dataset": dataset.dataset(table),
        "polars": pytest.importorskip("polars").from_arrow(table),
        "duckdb": pytest.importorskip("duckdb").from_arrow(table),
    }.items():
        count = write_ndjson(data, s3.url(f"{name}.jsonl"), storage_options=s3.options)
        body = s3.read(f"{name}.jsonl")
        assert len(body) == count > 20_000_000
        assert pyarrow_json.read_json(io.BytesIO(body)) == table
    broken = pyarrow.concat_tables([table, table]).append_column("f", pyarrow.array([1.0] * 599_999 + [float("inf")]))
    with pytest.raises(rjson.EncodeError, match=r"row 599999"):
        write_ndjson(broken, s3.url("broken.jsonl"), storage_options=s3.options)
    assert s3.list() == ["dataset.jsonl", "duckdb.jsonl", "polars.jsonl", "table.jsonl"]
    assert s3.uploads() == []


def test_no_such_bucket(s3):
    """The store's own error comes out, and a local disk gets nothing."""
    with pytest.raises(FileNotFoundError):
        rjson.dump_path([1], "s3://no-such-bucket/a", storage_options=s3.options)
