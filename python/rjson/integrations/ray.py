"""Data sets of Ray Data as files of JSON, a file per write task: complete or not there.

The same as `rjson.integrations.dask` has for dask: each task streams its blocks to a file that nobody sees yet, straight
from Arrow's buffers where that gives the same bytes. When all are written, the driver makes the files visible and writes a
manifest last. A task that is retried, or runs twice, writes another attempt; one of them is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ray.data import Datasink

from rjson._options import Compression, Options, WriteFraming

from ._parts import abandon, begin, finish, new_writing, write_blocks

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from typing import Any

    from typing_extensions import Unpack

__all__ = ["NDJSONSink", "write_ndjson"]


class NDJSONSink(Datasink):
    """Where `Dataset.write_datasink` writes rows as JSON, each task a file, in the memory of a block.

    Nothing shows under the names of the parts before all are written: S3's multipart uploads are completed then, files
    elsewhere renamed. `_manifest.json` comes last: a data set with one is complete. If the writing fails, uploads are
    aborted and files removed. A folder has one data set, and one writer at a time; a sink is for one writing.

    Args:
        path: A URL, or a file's name that all nodes reach, with one "*" for the number of the task in its last part:
            "s3://bucket/path/part-*.jsonl.zst".
        framing: As for `rjson.Writer`. Only "lines" goes through Arrow's buffers.
        compression, level: As for `rjson.dump_path`.
        overwrite: Whether a data set may be there. Its manifest goes first, and at the end those of its parts that the new
            one has not. Also what earlier, unfinished writers left goes.
        manifest: Whether to write one.
        storage_options: What fsspec's file system takes.
        **options: Those of `rjson.Encoder`.

    Raises:
        FileExistsError: Something is there, finished or not, and `overwrite` is False. This is looked at once, in this call.
        ValueError: `path` has not one "*".
        ImportError: fsspec, what it needs for this URL, or a codec is missing.

    A row that cannot be encoded is an EncodeError in Ray's RayTaskError, which names the row, its task and the file.
    """

    manifest: dict[str, Any] | None = None
    """What the manifest says, when all is written: "rows", "bytes", "framing", "compression", and "parts" with "path",
    "rows", "bytes" and "sha256" of each file."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        framing: WriteFraming = "lines",
        compression: Compression = "infer",
        level: int | None = None,
        overwrite: bool = False,
        manifest: bool = True,
        storage_options: Mapping[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._job = new_writing(
            path, framing, compression, level, storage_options, overwrite=overwrite, manifest=manifest, options=dict(options)
        )
        self._is_begun = self._is_over = False

    def get_name(self) -> str:
        """What Ray calls the tasks."""
        return "NDJSON"

    def on_write_start(self, schema: Any = None) -> None:
        """Ray's: on the driver, before the first task."""
        if self._is_over:
            raise RuntimeError("a sink is for one writing, and this one has been used")
        self._is_begun = True
        begin(self._job)

    def write(self, blocks: Iterable[Any], ctx: Any) -> dict[str, Any]:
        """Ray's: the blocks of a task."""
        return write_blocks(blocks, ctx.task_idx, self._job)

    def on_write_complete(self, write_result: Any) -> None:
        """Ray's: on the driver, when all tasks are done."""
        entries = sorted(write_result.write_returns, key=lambda entry: int(entry["number"]))
        if len({entry["number"] for entry in entries}) != len(entries):
            raise RuntimeError("two tasks of the writing have one number, and would be one file")
        self.manifest = finish(entries, self._job)
        self._is_over = True

    def on_write_failed(self, error: Exception) -> None:
        """Ray's: on the driver, if anything failed."""
        if self._is_begun and not self._is_over:
            self._is_over = True
            abandon(self._job)


def write_ndjson(
    dataset: Any,
    path: str | os.PathLike[str],
    *,
    ray_remote_args: dict[str, Any] | None = None,
    concurrency: int | None = None,
    framing: WriteFraming = "lines",
    compression: Compression = "infer",
    level: int | None = None,
    overwrite: bool = False,
    manifest: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> dict[str, Any]:
    """Write a `ray.data.Dataset` as JSON: `write_datasink` to an `NDJSONSink`, whose manifest is returned.

    Args:
        dataset: Its rows are the documents.
        path, framing, compression, level, overwrite, manifest, storage_options, **options: As for `NDJSONSink`.
        ray_remote_args, concurrency: As for `Dataset.write_datasink`.
    """
    sink = NDJSONSink(
        path,
        framing=framing,
        compression=compression,
        level=level,
        overwrite=overwrite,
        manifest=manifest,
        storage_options=storage_options,
        **options,
    )
    try:
        dataset.write_datasink(sink, ray_remote_args=ray_remote_args, concurrency=concurrency)
    except BaseException as e:  # Ray leaves an interruption to us
        sink.on_write_failed(e)  # type: ignore[arg-type]
        raise
    assert sink.manifest is not None
    return sink.manifest
