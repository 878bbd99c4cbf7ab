"""Two workers write a data set to an S3 server; one of them is killed in the middle, and nothing of it shows.

    python examples/py/cluster.py [--rows 10000000]

Server, scheduler and workers are processes of this machine. PyArrow's own S3 client reads the result.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import dask.bag
import distributed
import fsspec
import pyarrow.compute
import pyarrow.json
from pyarrow.fs import S3FileSystem

import rjson
from rjson.integrations.dask import to_ndjson

PARTITIONS = 16
SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel("ERROR")
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


def row(i: int, fatal: int, flag: str) -> dict[str, Any]:
    """A row. The worker that makes row `fatal` first tells its pid, and waits to be killed."""
    if i == fatal and not os.path.exists(flag):
        Path(flag + ".new").write_text(str(os.getpid()))
        os.rename(flag + ".new", flag)
        time.sleep(60)
    return {"id": i, "name": f"user{i}", "ok": i % 3 == 0}


def kill_when_told(flag: str, storage: Any, seen: dict[str, Any]) -> None:
    while not os.path.exists(flag):
        time.sleep(0.01)
    seen["names"] = storage.ls("data/users", detail=False, refresh=True)
    seen["pid"] = int(Path(flag).read_text())
    os.kill(seen["pid"], signal.SIGKILL)


def write(rows: int, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest, and what was seen when the worker was killed."""
    storage = fsspec.filesystem("s3", **options)
    storage.mkdir("data")
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        flag = f"{folder}/pid"
        users = dask.bag.range(rows, npartitions=PARTITIONS).map(row, fatal=rows // 2 + rows // 40, flag=flag)
        killer = threading.Thread(target=kill_when_told, args=(flag, storage, seen), daemon=True)
        killer.start()
        manifest = to_ndjson(users, "s3://data/users/part-*.jsonl.gz", storage_options=options)
        killer.join()
    seen["uploads"] = storage.call_s3("list_multipart_uploads", Bucket="data").get("Uploads", [])
    return manifest, seen


def check(manifest: dict[str, Any], address: str) -> tuple[int, int]:
    """Rows, and the sum of their ids, as PyArrow reads them; each file is what the manifest says."""
    storage = S3FileSystem(access_key="k", secret_key="s", endpoint_override=address, scheme="http", region="us-east-1")
    with storage.open_input_file("data/users/_manifest.json") as file:
        assert rjson.loads(file.read()) == manifest
    count = total = 0
    for part in manifest["parts"]:
        with storage.open_input_file(f"data/users/{part['path']}") as file:
            body = file.read()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (part["bytes"], part["sha256"])
        table = pyarrow.json.read_json(pyarrow.CompressedInputStream(pyarrow.BufferReader(body), "gzip"))
        assert table.num_rows == part["rows"]
        count += table.num_rows
        total += pyarrow.compute.sum(table["id"]).as_py()  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    return count, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout
    try:
        address = ":".join(server.stdout.readline().split())
        options = {"key": "k", "secret": "s", "endpoint_url": f"http://{address}"}
        started = time.perf_counter()
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,  # pyright: ignore[reportArgumentType]
            distributed.Client(cluster),
        ):
            manifest, seen = write(rows, options)
        seconds = time.perf_counter() - started
        count, total = check(manifest, address)
        assert (count, total) == (rows, rows * (rows - 1) // 2)
        parts_seen = [name for name in seen["names"] if "part-" in name]
        assert not parts_seen
        assert not seen["uploads"]
        files, size = len(manifest["parts"]), manifest["bytes"]
        print(f"Two workers wrote {rows:,} rows in {files} files, {size:,} bytes, in {seconds:.1f} s.")
        print(f"Worker {seen['pid']} was killed in the middle of its partition. No file showed then; it was written again.")
        print("No multipart upload is left.")
        print(f"PyArrow read {count:,} rows, each once; sizes and checksums are the manifest's.")
    finally:
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
