"""to_ndjson and read_ndjson on clusters of real processes, with a server that speaks S3."""

import doctest
import hashlib
import json
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import tasks

import rjson.integrations
from rjson import EncodeError

distributed = pytest.importorskip("distributed")
pytest.importorskip("s3fs")
pytest.importorskip("moto")

import dask  # noqa: E402
import dask.bag as db  # noqa: E402

from rjson.integrations._parts import begin, finish, new_writing, write_partition  # noqa: E402
from rjson.integrations.dask import read_ndjson, to_ndjson  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("default"),  # what these packages say of each other is theirs
    pytest.mark.usefixtures("cluster"),
]


@pytest.fixture(scope="module")
def cluster():
    """Two workers, a process each."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def expect(s3, manifest, folder, rows):
    """The manifest says what is there, and what is there is these rows, by boto3 and the json module."""
    stored = json.loads(s3.read(f"{folder}/_manifest.json"))
    assert stored == manifest
    found = []
    for part in manifest["parts"]:
        body = s3.read(f"{folder}/{part['path']}")
        assert part["bytes"] == len(body)
        assert part["sha256"] == hashlib.sha256(body).hexdigest()
        lines = body.decode().splitlines()
        assert part["rows"] == len(lines)
        found += map(json.loads, lines)
    assert manifest["rows"] == len(found)
    assert found == rows
    assert s3.list() == sorted([f"{folder}/_manifest.json", *(f"{folder}/{part['path']}" for part in manifest["parts"])])
    assert s3.uploads() == []


def test_bag_to_s3_read_by_others(s3, endpoint, tmp_path):
    """What DuckDB, PyArrow, polars and read_ndjson read is what was written."""
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    pyarrow_json = pytest.importorskip("pyarrow.json")
    bag = db.range(5000, npartitions=4).map(tasks.row)
    manifest = to_ndjson(bag, s3.url("set/part-*.jsonl"), storage_options=s3.options)
    rows = list(tasks.rows(0, 5000))
    expect(s3, manifest, "set", rows)
    assert [part["path"] for part in manifest["parts"]] == [f"part-0000{i}.jsonl" for i in range(4)]
    for key in s3.list():
        (tmp_path / key.rpartition("/")[2]).write_bytes(s3.read(key))
    names = sorted(str(path) for path in tmp_path.glob("part-*"))
    by_duckdb = duckdb.sql(f"select * from read_ndjson('{tmp_path}/part-*.jsonl') order by id")
    assert [dict(zip(by_duckdb.columns, values)) for values in by_duckdb.fetchall()] == rows
    assert polars.concat([polars.read_ndjson(name) for name in names]).to_dicts() == rows
    assert [row for name in names for row in pyarrow_json.read_json(name).to_pylist()] == rows
    assert read_ndjson(s3.url("set/part-*.jsonl"), storage_options=s3.options, manifest=True).compute() == rows


def test_dataframe_compressed(s3):
    """Rows of pandas frames: missing values are null; files are compressed by their suffix."""
    pandas, dataframe = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    frame = pandas.DataFrame(
        {
            "n": range(100),
            "x": [None if i % 7 == 0 else i / 4 for i in range(100)],
            "text": [None if i % 3 == 0 else f"ü{i}" for i in range(100)],
            "at": pandas.to_datetime(["2026-01-01T10:00:00"] * 99 + [None]),
        }
    )
    manifest = to_ndjson(
        dataframe.from_pandas(frame, npartitions=3), s3.url("f/part-*.jsonl.gz"), storage_options=s3.options
    )
    assert manifest["rows"] == 100
    assert manifest["compression"] == "gz"
    rows = read_ndjson(s3.url("f/part-*.jsonl.gz"), storage_options=s3.options).compute()
    assert rows == json.loads(frame.to_json(orient="records", date_format="iso", date_unit="s")) or rows == [
        {**row, "at": row["at"] and row["at"].removesuffix(".000").removesuffix("Z")}
        for row in json.loads(frame.to_json(orient="records", date_format="iso"))
    ]


def test_dataframe_by_buffers_and_by_dicts(s3):
    """Arrow's buffers and, with an option that they lack, dicts: the same files; a row that fails is named the same."""
    pandas, dataframe = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    frame = pandas.DataFrame(
        {"n": range(50_000), "x": [i / 8 for i in range(50_000)], "s": [f"ü{i}" for i in range(50_000)]}
    )
    frames = dataframe.from_pandas(frame, npartitions=2)
    ways = {}
    for name, options in {"buffers": {}, "dicts": {"ensure_ascii": False}}.items():
        ways[name] = to_ndjson(frames, s3.url(f"{name}/part-*.jsonl"), storage_options=s3.options, **options)
    assert ways["buffers"]["parts"] == ways["dicts"]["parts"]
    body = s3.read("buffers/part-00000.jsonl") + s3.read("buffers/part-00001.jsonl")
    assert [json.loads(line) for line in body.splitlines()] == frame.to_dict("records")
    bad = frames.map_partitions(lambda part: part.assign(x=part.x.where(part.n != 45_000, float("inf"))), meta=frame)
    with pytest.raises(EncodeError, match=r"row 20000 of partition 1, for s3://.*/bad/part-00001\.jsonl") as e:
        to_ndjson(bad, s3.url("bad/part-*.jsonl"), storage_options=s3.options)
    assert (e.value.path, e.value.partition, e.value.row) == ("$.x", 1, 20_000)
    assert [key for key in s3.list() if key.startswith("bad")] == []
    assert s3.uploads() == []


def test_delayed_partitions(s3):
    """Lists, functions that return iterators, and tables; several framings' names come back."""
    pyarrow = pytest.importorskip("pyarrow")
    parts = [
        dask.delayed([1, 2]),
        dask.delayed(partial)(tasks.rows, 0, 3),
        dask.delayed(pyarrow.table)({"a": [1, None], "b": [[1.5], []]}),
    ]
    result = to_ndjson(parts, s3.url("d/*.json"), framing="array", storage_options=s3.options, compute=False)
    assert s3.list() == []
    manifest = result.compute()
    assert [part["rows"] for part in manifest["parts"]] == [2, 3, 2]
    expected = [1, 2, *tasks.rows(0, 3), {"a": 1, "b": [1.5]}, {"a": None, "b": []}]
    assert json.loads(s3.read("d/00000.json")) == [1, 2]
    assert read_ndjson(s3.url("d/*.json"), framing="array", storage_options=s3.options).compute() == expected
    with pytest.raises(TypeError, match="another attempt may have begun"):
        to_ndjson([dask.delayed(map)(abs, [1])], s3.url("e/*.json"), storage_options=s3.options)


def test_killed_worker(s3, cluster, tmp_path):
    """A worker is killed in the middle of a partition, parts of which were sent: another one writes it; no trace is left."""
    flag = str(tmp_path / "flag")
    bag = db.range(20_000, npartitions=2).map(tasks.killed_once, at=9_000, flag=flag)
    seen = []

    def kill():
        while not os.path.exists(flag + ".pid") or not os.path.getsize(flag + ".pid"):
            time.sleep(0.02)
        seen.extend([s3.list(), s3.uploads()])
        os.kill(int(Path(flag + ".pid").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    manifest = to_ndjson(bag, s3.url("k/part-*.jsonl"), storage_options=s3.options)
    killer.join()
    keys, uploads = seen
    assert [key for key in keys if "part-" in key] == []
    assert len(uploads) >= 1
    assert sum(part["bytes"] for part in manifest["parts"]) > 40_000_000
    expect(s3, manifest, "k", [tasks.killed_once(i, -1, flag) for i in range(20_000)])


def test_retried_task(s3, cluster, tmp_path):
    """A task that fails at first and is retried leaves one part, not two."""
    bag = db.range(3000, npartitions=3).map(tasks.fails_once, at=1500, flag=str(tmp_path / "flag"))
    result = to_ndjson(bag, s3.url("r/part-*.jsonl"), storage_options=s3.options, compute=False)
    manifest = cluster.compute(result, retries=2).result()
    expect(s3, manifest, "r", list(tasks.rows(0, 3000)))


@pytest.mark.parametrize("is_local", [False, True])
def test_duplicated_task(s3, cluster, tmp_path, is_local):
    """Two workers write the same partition at the same time, parts of both are out: one is taken, of the other nothing stays.

    A duplicate that ends when all is done takes itself away.
    """
    there = tmp_path / "there"
    there.mkdir()
    folder = f"{tmp_path}/set" if is_local else s3.url("d")
    job = new_writing(
        f"{folder}/part-*.jsonl",
        "lines",
        None,
        None,
        {} if is_local else s3.options,
        overwrite=False,
        manifest=True,
        options={},
    )
    begin(job)
    rows = partial(tasks.meeting, str(there), 10_000)
    futures = [
        cluster.submit(write_partition, rows, 0, job, workers=[worker], pure=False)
        for worker in cluster.scheduler_info()["workers"]
    ]
    entries = cluster.gather(futures)
    assert len(os.listdir(there)) == 2
    assert len({json.dumps(entry["ticket"]) for entry in entries}) == 2
    assert len({(entry["rows"], entry["sha256"]) for entry in entries}) == 1
    manifest = finish(entries[1:], job)
    with pytest.raises(RuntimeError, match="has given it up, or has it already"):
        cluster.submit(write_partition, rows, 0, job, pure=False).result()
    wanted = [{**tasks.row(i), "pad": "x" * 2000} for i in range(10_000)]
    if is_local:
        assert sorted(os.listdir(folder)) == ["_manifest.json", "part-00000.jsonl"]
        assert [json.loads(line) for line in Path(folder, "part-00000.jsonl").read_text().splitlines()] == wanted
    else:
        expect(s3, manifest, "d", wanted)


def test_bad_row_shows_nothing(s3):
    """The error names row, partition, file and place; no object, no upload and no marker is left."""
    bag = db.range(4000, npartitions=4).map(tasks.bad, at=2345)
    with pytest.raises(EncodeError, match=r"at \$\.value.*row 345 of partition 2, for s3://.*/bad/part-00002\.jsonl") as e:
        to_ndjson(bag, s3.url("bad/part-*.jsonl"), storage_options=s3.options)
    assert (e.value.path, e.value.partition, e.value.row) == ("$.value", 2, 345)
    assert s3.list() == []
    assert s3.uploads() == []


def busy(dask_worker):
    return bool(dask_worker.state.executing)


def test_straggler_leaves_nothing(s3, cluster, tmp_path):
    """A partition that ends after another one failed takes its own upload away."""
    parts = [dask.delayed(partial)(rows, str(tmp_path)) for rows in (tasks.straggling, tasks.failing)]
    with pytest.raises(EncodeError):
        to_ndjson(parts, s3.url("s/part-*.jsonl"), storage_options=s3.options)
    (tmp_path / "go").touch()
    deadline = time.monotonic() + 20
    while any(cluster.run(busy).values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert s3.list() == []
    assert s3.uploads() == []


def test_overwrite(s3):
    """What is there is an error, unless it is to be replaced: then its surplus parts go."""
    url = s3.url("o/part-*.jsonl")
    to_ndjson(db.range(40, npartitions=4).map(tasks.row), url, storage_options=s3.options)
    bag = db.range(10, npartitions=2).map(tasks.row)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        to_ndjson(bag, url, storage_options=s3.options)
    manifest = to_ndjson(bag, url, storage_options=s3.options, overwrite=True)
    expect(s3, manifest, "o", list(tasks.rows(0, 10)))


def test_cut_part_is_seen(s3):
    """A file that has lost rows since is an error of read_ndjson, by the manifest."""
    url = s3.url("c/part-*.jsonl")
    to_ndjson(db.range(10, npartitions=1).map(tasks.row), url, storage_options=s3.options)
    body = s3.read("c/part-00000.jsonl")
    s3.client.put_object(Bucket=s3.name, Key="c/part-00000.jsonl", Body=b"".join(body.splitlines(True)[:7]))
    with pytest.raises(ValueError, match="has 7 rows, and 10 by the manifest"):
        read_ndjson(url, storage_options=s3.options).compute()
    with pytest.raises(FileNotFoundError, match=r"_manifest\.json"):
        read_ndjson(s3.url("no/part-*.jsonl"), manifest=True, storage_options=s3.options)


def test_local_folder(tmp_path, cluster):
    """On a file system parts are renamed; a failure and a killed attempt's file leave nothing behind."""
    path = f"{tmp_path}/set/part-*.jsonl.gz"
    with pytest.raises(EncodeError, match="row 5 of partition 1"):
        to_ndjson(db.range(20, npartitions=2).map(tasks.bad, at=15), path)
    assert os.listdir(tmp_path / "set") == []
    manifest = to_ndjson(db.range(20, npartitions=2).map(tasks.row), path)
    assert sorted(os.listdir(tmp_path / "set")) == ["_manifest.json", "part-00000.jsonl.gz", "part-00001.jsonl.gz"]
    assert read_ndjson(path).compute() == list(tasks.rows(0, 20))
    assert manifest["rows"] == 20


def test_docstrings():
    """The examples of the module, without a cluster."""
    with dask.config.set(scheduler="sync"):
        result = doctest.testmod(rjson.integrations.dask)
    assert (result.attempted > 0, result.failed) == (True, 0)


def test_arguments_are_checked_here(tmp_path):
    """Wrong paths, options and collections are errors before anything runs."""
    bag = db.range(2, npartitions=1)
    for path in ("part.jsonl", "p*rt-*.jsonl", "a*/part-*.jsonl"):
        with pytest.raises(ValueError, match=r'one "\*"'):
            to_ndjson(bag, path)
    with pytest.raises(TypeError, match="nonsense"):
        to_ndjson(bag, f"{tmp_path}/*.jsonl", nonsense=1)
    with pytest.raises(TypeError, match="takes a bag"):
        to_ndjson([1], f"{tmp_path}/*.jsonl")
    assert os.listdir(tmp_path) == []
