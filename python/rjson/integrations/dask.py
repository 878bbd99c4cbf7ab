"""Collections of dask as files of JSON, a file per partition: complete or not there.

Each worker streams its partition to a file that nobody sees yet. When all partitions are written, one task makes the files
visible and writes a manifest last. A task that is retried, or runs twice, writes another attempt; one of them is taken.

>>> import os, tempfile
>>> import dask.bag
>>> path = os.path.join(tempfile.mkdtemp(), "part-*.jsonl")
>>> written = to_ndjson(dask.bag.from_sequence(range(4), npartitions=2), path)
>>> written["rows"], [part["path"] for part in written["parts"]]
(4, ['part-00000.jsonl', 'part-00001.jsonl'])
>>> read_ndjson(path).sum().compute(scheduler="sync")
6
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rjson._options import Compression, DecodeOptions, Options, WriteFraming

from ._parts import Documents, Job, abandon, begin, finish, manifest_of, new_job, new_writing, write_partition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Unpack

__all__ = ["read_ndjson", "to_ndjson"]


def to_ndjson(
    collection: Any,
    path: str | os.PathLike[str],
    *,
    framing: WriteFraming = "lines",
    compression: Compression = "infer",
    level: int | None = None,
    overwrite: bool = False,
    manifest: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    compute: bool = True,
    **options: Unpack[Options],
) -> Any:
    """Write a collection of dask as JSON, a file per partition, each streamed on its worker in constant memory.

    Nothing shows under the names of the parts before all partitions are written: S3's multipart uploads are completed then,
    files elsewhere renamed. What the folder has besides meanwhile begins with "_" or ".". The manifest,
    `_manifest.json`, comes last: a data set with one is complete. A folder has one data set, and one writer at a time.

    Args:
        collection: A bag, whose items are the documents; a dataframe, whose rows are: objects, without the index, missing
            values as null; or delayed objects, a partition each: iterables, dataframes of pandas, tables of pyarrow, or
            functions without arguments that return one of these. An attempt begins its partition from the front, so an
            iterator is only taken if it is a generator that has not begun.
        path: A URL, or a file's name that all workers reach, with one "*" for the number of the partition in its last part:
            "s3://bucket/path/part-*.jsonl.zst".
        framing: As for `rjson.Writer`.
        compression, level: As for `rjson.dump_path`.
        overwrite: Whether a data set may be there. Its manifest goes first, and at the end those of its parts that the new
            one has not. Also what earlier, unfinished writers left goes.
        manifest: Whether to write one.
        storage_options: What fsspec's file system takes.
        compute: False: return a `dask.delayed` object that writes when it is computed. When that fails, nothing shows, but
            uploads and temporary files may stay until the next writer with `overwrite=True`.
        **options: Those of `rjson.Encoder`.

    Returns:
        What the manifest says: "rows", "bytes", "framing", "compression", and "parts" with "path", "rows", "bytes" and
        "sha256" of each file.

    Raises:
        FileExistsError: Something is there, finished or not, and `overwrite` is False. This is looked at once, in this call.
        EncodeError: A row cannot be encoded; the message names the row, its partition and the file.
        ValueError: `path` has not one "*".
        ImportError: fsspec, what it needs for this URL, or a codec is missing.

    Whatever else sources, storage or dask raise comes out too; nothing of the new data set shows then.
    """
    from dask.delayed import delayed

    job = new_writing(
        path, framing, compression, level, storage_options, overwrite=overwrite, manifest=manifest, options=dict(options)
    )
    job.is_lazy = not compute
    result = delayed(finish, pure=False)(_partitions(collection, job), job)
    if not compute:
        return result
    try:
        begin(job)
        return result.compute()
    except BaseException:
        abandon(job)
        raise


def read_ndjson(
    path: str | os.PathLike[str],
    *,
    framing: WriteFraming = "lines",
    compression: Compression = "infer",
    manifest: bool | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Unpack[DecodeOptions],
) -> Any:
    """A bag of the documents in such files, a partition per file, read as they are asked for.

    Args:
        path: As for `to_ndjson`.
        framing, compression, storage_options: As they were written.
        manifest: True: there has to be one. False: whatever matches `path` is read. None: the manifest counts if there is
            one. What it says is then compared: a file with fewer or more rows is a ValueError at its end.
        **options: Those of `rjson.loads`.

    Raises:
        FileNotFoundError: There is no manifest, or nothing to read.
    """
    import dask.bag
    import dask.bag.core

    job = new_job(path, framing, compression, None, storage_options)
    parts = manifest_of(job, manifest)
    items = dask.bag.from_sequence(parts, npartitions=len(parts))
    # Partitions of others' tasks are lists; where tasks become one, dask leaves this step out.
    return items.map_partitions(Documents, job, dict(options)).map_partitions(dask.bag.core.reify)


def _partitions(collection: Any, job: Job) -> list[Any]:
    """A delayed entry of the manifest for each partition."""
    from dask.delayed import Delayed, delayed

    if type(collection).__module__.startswith("dask.bag"):
        return _bag_partitions(collection, job)
    if isinstance(collection, Delayed):
        collection = [collection]
    parts = collection.to_delayed() if hasattr(collection, "to_delayed") else list(collection)
    if not all(isinstance(part, Delayed) for part in parts):
        raise TypeError(f"to_ndjson() takes a bag, a dataframe or delayed objects, not {type(collection).__name__}")
    write = delayed(write_partition, pure=False)
    return [write(part, number, job) for number, part in enumerate(parts)]


def _bag_partitions(bag: Any, job: Job) -> list[Any]:
    """The same. A task depends on its partition alone: dask makes the bag's own tasks and this one a single task then, in
    which items are produced as they are written."""
    from dask.bag import Bag
    from dask.highlevelgraph import HighLevelGraph

    name = f"to_ndjson-{job.run}"
    tasks: dict[Any, Any] = {
        (name, number): (_write_items, (bag.name, number), number, job) for number in range(bag.npartitions)
    }
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[bag])
    written: list[Any] = Bag(graph, name, bag.npartitions).to_delayed()
    return written


def _write_items(items: Any, number: int, job: Job) -> dict[str, Any]:
    return write_partition(iter(items), number, job, is_fresh=True)
