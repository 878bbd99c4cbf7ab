"""rjson.integrations.ray on Ray Data, with processes of its own and a server that speaks S3."""

import hashlib
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
import tasks

from rjson import EncodeError

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")
pa = pytest.importorskip("pyarrow")

from rjson.integrations.ray import NDJSONSink, write_ndjson  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("default"),  # what these packages say of each other is theirs
    pytest.mark.usefixtures("cluster"),
]


@pytest.fixture(scope="module")
def cluster():
    """Two CPUs' worth of workers, which find the modules that this process finds."""
    old = os.environ.get("PYTHONPATH")
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[3] / "python")]
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, *([old] if old else [])])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()
    if old is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = old


def expect(manifest, rows, folder):
    """What is there is what the manifest says, nothing else, and these rows, by the json module."""
    assert sorted(os.listdir(folder)) == sorted(["_manifest.json", *(part["path"] for part in manifest["parts"])])
    assert json.loads((folder / "_manifest.json").read_bytes()) == manifest
    found = []
    for part in manifest["parts"]:
        body = (folder / part["path"]).read_bytes()
        assert (part["bytes"], part["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
        found += map(json.loads, body.splitlines())
    assert manifest["rows"] == len(found)
    assert sorted(found, key=lambda row: row["id"]) == rows


def as_rows(batch):
    """Rows of numpy's columns."""
    return {
        **batch,
        "name": [f"user{i}" for i in batch["id"]],
        "price": batch["id"] / 8,
        "list": [[int(i)] for i in batch["id"]],
    }


def test_local_folder_read_by_others(tmp_path):
    """Rows come back by Ray's own reader and DuckDB; what is there is not replaced, unless it is to be; a sink is for once."""
    dataset = ray.data.range(1000, override_num_blocks=3).map_batches(as_rows)
    path = f"{tmp_path}/set/part-*.jsonl"
    rows = [{"id": i, "name": f"user{i}", "price": i / 8, "list": [i]} for i in range(1000)]
    expect(write_ndjson(dataset, path), rows, tmp_path / "set")
    read = ray.data.read_json(f"{tmp_path}/set", file_extensions=["jsonl"], lines=True)
    assert sorted(read.take_all(), key=lambda row: row["id"]) == rows
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select count(*), sum(price) from read_ndjson('{tmp_path}/set/part-*')").fetchall() == [
        (1000, 62437.5)
    ]
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_ndjson(dataset, path)
    sink = NDJSONSink(path, overwrite=True)
    ray.data.range(10, override_num_blocks=1).write_datasink(sink)
    expect(sink.manifest, [{"id": i} for i in range(10)], tmp_path / "set")
    with pytest.raises(RuntimeError, match="a sink is for one writing"):
        ray.data.range(10, override_num_blocks=1).write_datasink(sink)
    expect(sink.manifest, [{"id": i} for i in range(10)], tmp_path / "set")


def test_s3_compressed(s3):
    """Of pandas frames and tables with missing values; nothing but the parts and the manifest is left."""
    pandas = pytest.importorskip("pandas")
    table = pa.table({"id": range(5), "text": ["é", None, "", "x", "y"]})
    frame = pandas.DataFrame({"id": [5, 6], "mixed": pandas.Series([1, "a"], dtype=object)})
    dataset = ray.data.from_arrow(table).union(ray.data.from_pandas(frame))
    manifest = write_ndjson(dataset, s3.url("r/part-*.jsonl.gz"), storage_options=s3.options, omit_none=True)
    assert s3.list() == sorted(["r/_manifest.json", *(f"r/{part['path']}" for part in manifest["parts"])])
    assert s3.uploads() == []
    from rjson.integrations.dask import read_ndjson

    rows = list(read_ndjson(s3.url("r/part-*.jsonl.gz"), storage_options=s3.options, manifest=True))
    wanted = [{k: v for k, v in row.items() if v is not None} for row in table.to_pylist()]
    assert sorted(rows, key=lambda row: row["id"]) == [*wanted, {"id": 5, "mixed": 1}, {"id": 6, "mixed": "a"}]


def kill_once(row, flag):
    """A row; the worker that comes to row 700 first kills itself, in the middle of its part."""
    if row["id"] == 700 and tasks.once(flag):
        os.kill(os.getpid(), signal.SIGKILL)
    return {**row, "pad": "x" * 20_000}


def test_killed_worker(s3, tmp_path):
    """Ray runs its task again; every row is there once, and no trace of the first attempt."""
    dataset = ray.data.range(1000, override_num_blocks=2).map(kill_once, fn_args=[str(tmp_path / "flag")])
    manifest = write_ndjson(dataset, s3.url("k/part-*.jsonl"), storage_options=s3.options)
    assert (tmp_path / "flag").exists()
    rows = [json.loads(line) for part in manifest["parts"] for line in s3.read(f"k/{part['path']}").splitlines()]
    assert sorted(row["id"] for row in rows) == list(range(1000))
    assert s3.list() == sorted(["k/_manifest.json", *(f"k/{part['path']}" for part in manifest["parts"])])
    assert s3.uploads() == []


def bad(batch):
    return {**batch, "value": [float("inf") if i == 345 else i / 2 for i in batch["id"]]}


def test_failure_shows_nothing(s3, tmp_path):
    """The error names row, file and path; no object, upload, marker or temporary file is left."""
    dataset = ray.data.range(1000, override_num_blocks=2).map_batches(bad)
    for url, options in ((s3.url("b/part-*.jsonl"), s3.options), (f"{tmp_path}/b/part-*.jsonl", None)):
        with pytest.raises(
            ray.exceptions.RayTaskError, match=r"\$\.value.*row 345 of partition 0, for .*/b/part-00000"
        ) as e:
            write_ndjson(dataset, url, storage_options=options)
        assert isinstance(e.value.as_instanceof_cause(), EncodeError)
    assert os.listdir(tmp_path / "b") == []
    deadline = time.monotonic() + 20  # the other task may still be taking its upload away
    while s3.uploads() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert s3.list() == []
    assert s3.uploads() == []


def test_the_manual():
    """Its example does what it says."""
    page = (Path(__file__).parents[3] / "docs/cluster.md").read_text()
    (code,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    exec(code, {})


def test_arguments_are_checked_here(tmp_path):
    """Before anything runs."""
    for arguments in ({"path": "part.jsonl"}, {"path": f"{tmp_path}/*.jsonl", "framing": "csv"}):
        with pytest.raises(ValueError, match=r'one "\*"|framing'):
            NDJSONSink(**arguments)
    with pytest.raises(TypeError, match="nonsense"):
        NDJSONSink(f"{tmp_path}/*.jsonl", nonsense=1)
    assert os.listdir(tmp_path) == []
