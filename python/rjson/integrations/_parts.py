"""The tasks of the integrations with clusters: what runs on workers. Each may run twice, and on two workers at a time.

A data set that is being written has a marker in its folder. Whoever gives the writing up takes the marker away first, and
then what attempts left; an attempt that ends looks for the marker last. So one of the two sees what is left.
"""

from __future__ import annotations

import fnmatch
import hashlib
import inspect
import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast, get_args

from rjson import EncodeError, dumps_bytes, iterload_path, loads
from rjson._codecs import format_of, new_compressor
from rjson._encoder import encoder_for
from rjson._options import WriteFraming
from rjson._paths import _packing
from rjson._remote import discard, file_system, is_s3, is_url, publish, stage

from ._columns import Count, is_columnar, write_columnar, write_documents, write_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_MANIFEST = "_manifest.json"
_MARKER = "_writing-"


class Job:
    """One writing, or reading, of a data set. It goes to every worker."""

    def __init__(
        self,
        folder: str,
        prefix: str,
        suffix: str,
        framing: Any,
        format: Any,
        level: int | None,
        storage_options: dict[str, Any],
    ) -> None:
        self.folder, self.prefix, self.suffix = folder, prefix, suffix
        self.framing, self.format, self.level = framing, format, level
        self.storage_options = storage_options
        self.options: dict[str, Any] = {}
        self.overwrite = False
        self.manifest = True
        self.is_lazy = False  # nobody waits for it, who would begin it and give it up: it has no marker
        self.run = os.urandom(6).hex()

    def __dask_tokenize__(self) -> str:
        return self.run

    def storage(self) -> tuple[Any, str]:
        """fsspec's file system, and the folder in it, with a slash."""
        fs, path = file_system(self.folder, self.storage_options)
        return fs, path.rstrip("/") + "/"

    def part_name(self, number: int) -> str:
        """The file of a partition."""
        return f"{self.prefix}{number:05}{self.suffix}"

    def is_part(self, name: str) -> bool:
        """Whether a file's name may be one of a part."""
        return not name.startswith(".") and fnmatch.fnmatchcase(name, f"{self.prefix}*{self.suffix}")

    def is_attempt(self, name: str) -> bool:
        """Whether it is the temporary name of one."""
        return fnmatch.fnmatchcase(name, f".{self.prefix}*{self.suffix}.*-*.tmp")


def new_job(path: Any, framing: Any, compression: Any, level: int | None, storage_options: Any) -> Job:
    """The data set whose parts have such names. ValueError: not one "*"."""
    name = os.fspath(path)
    folder, slash, base = name.rpartition("/")
    if base.count("*") != 1 or "*" in folder:
        raise ValueError(f'path must have one "*" in its last part, for the number of the partition: {name!r}')
    if "://" not in name:
        folder, slash = os.path.abspath(folder), "/"
    prefix, suffix = base.split("*")
    return Job(folder + slash, prefix, suffix, framing, format_of(base, compression), level, dict(storage_options or {}))


def new_writing(
    path: Any,
    framing: Any,
    compression: Any,
    level: int | None,
    storage_options: Any,
    *,
    overwrite: bool,
    manifest: bool,
    options: dict[str, Any],
) -> Job:
    """A writing of it. What is wrong with the arguments, or in the way, is raised here."""
    encoder_for(options)  # type: ignore[arg-type]
    job = new_job(path, framing, compression, level, storage_options)
    if framing not in get_args(WriteFraming):
        raise ValueError(f"framing must be one of {', '.join(map(repr, get_args(WriteFraming)))}, not {framing!r}")
    if job.format is not None:
        new_compressor(job.format, level, False)
    job.options, job.overwrite, job.manifest = options, overwrite, manifest
    if not overwrite and (found := _existing(job)):
        raise FileExistsError(f"{found!r} is there: overwrite=True replaces the data set")
    return job


def _names(fs: Any, folder: str) -> list[str]:
    fs.invalidate_cache()
    try:
        return [path.rstrip("/").rpartition("/")[2] for path in fs.ls(folder, detail=False)]
    except FileNotFoundError:
        return []


def _existing(job: Job) -> str | None:
    """A file that is in the data set's way."""
    fs, folder = job.storage()
    for name in _names(fs, folder):
        if job.is_part(name) or name == _MANIFEST or name.startswith(_MARKER):
            return folder + name
    return None


# ---- writing


def begin(job: Job) -> None:
    """Say that the data set is being written; until it is complete it has no manifest."""
    fs, folder = job.storage()
    if job.overwrite:
        _remove_others(job, fs, folder)
    if not is_s3(fs):  # which has no folders, and would make a bucket
        fs.makedirs(folder, exist_ok=True)
    fs.pipe_file(folder + _MARKER + job.run, b"")


def _remove_others(job: Job, fs: Any, folder: str) -> None:
    for name in _names(fs, folder):
        is_marker = name.startswith(_MARKER) and not name.endswith(job.run)
        # An attempt may begin when all is done: its own manifest stays.
        is_old = name == _MANIFEST and loads(fs.cat_file(folder + name)).get("run") != job.run
        if is_marker or is_old:
            with suppress(FileNotFoundError):
                fs.rm_file(folder + name)


def write_partition(partition: Any, number: int, job: Job, is_fresh: bool = False) -> dict[str, Any]:
    """Write a partition of dask: see `to_ndjson`. With `is_fresh` it is an iterator that was made for this attempt."""
    return _write_part(lambda file, count: _write(partition, is_fresh, file, job, count), number, job)


def write_blocks(blocks: Iterable[Any], number: int, job: Job) -> dict[str, Any]:
    """Write frames and tables one behind the other."""
    return _write_part(lambda file, count: write_tables(blocks, file, job.framing, job.options, count), number, job)


def _write_part(fill: Callable[[Any, Count], object], number: int, job: Job) -> dict[str, Any]:
    """Write an attempt of a part, and return its entry of the manifest, with the ticket that makes it visible."""
    fs, folder = job.storage()
    path = folder + job.part_name(number)
    if job.is_lazy and job.overwrite:
        _remove_others(job, fs, folder)
    attempt = stage(fs, path, f"{job.run}-{os.urandom(4).hex()}")
    meter = _Meter(attempt.write)
    count = Count()
    try:
        with _packing(meter, job.format, job.level) as file:
            fill(file, count)
        ticket = attempt.seal()
        fs.invalidate_cache()
        if not job.is_lazy and not fs.exists(folder + _MARKER + job.run):
            raise RuntimeError("whoever had this data set written has given it up, or has it already")
    except BaseException as e:
        attempt.abort()
        place = f"row {count.rows} of partition {number}, for {fs.unstrip_protocol(path)}"
        located = _located(e, place, number, count.rows)
        if located is e:
            raise
        raise located from e
    return {"number": number, "rows": count.rows, "bytes": meter.size, "sha256": meter.digest(), "ticket": ticket}


def _located(error: BaseException, place: str, number: int, row: int) -> BaseException:
    """The error with its place: in the message, or as a note of what others raised."""
    if not isinstance(error, EncodeError):
        _note(error, place)
        return error
    new = EncodeError(f"{error} ({place})")
    new.__dict__.update(error.__dict__, partition=number, row=row)
    return new


def _note(error: BaseException, place: str) -> None:
    add_note: Callable[[str], None] | None = getattr(error, "add_note", None)  # from Python 3.11 on
    if add_note:
        add_note(f"rjson: {place}")


class _Meter:
    """Counts and sums up what becomes the file."""

    def __init__(self, write: Callable[[bytes], int]) -> None:
        self._write = write
        self._sum = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        self.size += len(data)
        return self._write(data)

    def digest(self) -> str:
        return self._sum.hexdigest()


def finish(entries: list[dict[str, Any]], job: Job) -> dict[str, Any]:
    """Make all parts visible, and write the manifest."""
    fs, folder = job.storage()
    manifest = _manifest(entries, job)
    shown: list[str] = []
    try:
        for entry in entries:
            path = folder + job.part_name(entry["number"])
            _publish(fs, path, entry)
            shown.append(path)
        if job.overwrite:
            new = {part["path"] for part in manifest["parts"]}
            _remove(fs, folder, lambda name: job.is_part(name) and name not in new)
        if job.manifest:
            attempt = stage(fs, folder + _MANIFEST, f"{job.run}-{os.urandom(4).hex()}")
            attempt.write(dumps_bytes(manifest, indent=1))
            publish(fs, folder + _MANIFEST, attempt.seal())
    except Exception:
        for path in shown:
            with suppress(Exception):
                fs.rm_file(path)
        raise
    abandon(job)
    return manifest


def _manifest(entries: list[dict[str, Any]], job: Job) -> dict[str, Any]:
    parts = [
        {"path": job.part_name(e["number"]), "rows": e["rows"], "bytes": e["bytes"], "sha256": e["sha256"]} for e in entries
    ]
    return {
        "version": 1,
        "run": job.run,
        "framing": job.framing,
        "compression": job.format,
        "rows": sum(e["rows"] for e in entries),
        "bytes": sum(e["bytes"] for e in entries),
        "parts": parts,
    }


def _publish(fs: Any, path: str, entry: dict[str, Any]) -> None:
    try:
        publish(fs, path, entry["ticket"])
    except FileNotFoundError:
        # This task ran before, and its worker died: what it had made visible is no attempt any more.
        fs.invalidate_cache()
        if fs.info(path)["size"] != entry["bytes"]:
            raise


def abandon(job: Job) -> None:
    """Take away the marker, and what attempts left that nobody took."""
    fs, folder = job.storage()
    with suppress(FileNotFoundError):
        fs.rm_file(folder + _MARKER + job.run)
    if is_s3(fs):
        _abort_uploads(job, fs, folder)
    else:
        _remove(fs, folder, job.is_attempt)


def _remove(fs: Any, folder: str, is_one: Callable[[str], bool]) -> None:
    for name in _names(fs, folder):
        if is_one(name):
            with suppress(FileNotFoundError):
                fs.rm_file(folder + name)


def _abort_uploads(job: Job, fs: Any, folder: str) -> None:
    bucket, prefix, _ = fs.split_path(folder + job.prefix)
    place: dict[str, Any] = {}
    while True:
        answer = fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **place)
        for upload in answer.get("Uploads", []):
            before, _, name = upload["Key"].rpartition("/")
            if f"{bucket}/{before}".rstrip("/") + "/" == folder and job.is_part(name):
                discard(fs, f"{bucket}/{upload['Key']}", {"upload": upload["UploadId"]})
        if not answer.get("IsTruncated"):
            return
        place = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}


# ---- documents


def _write(partition: Any, is_fresh: bool, file: Any, job: Job, count: Count) -> None:
    """Write the documents of a partition one by one."""
    if is_columnar(partition):
        write_columnar(partition, file, job.framing, job.options, count)
    elif callable(partition) and not hasattr(partition, "__iter__"):
        _write(partition(), True, file, job, count)
    else:
        write_documents(_documents(partition, is_fresh), file, job.framing, job.options, count)


def _documents(partition: Any, is_fresh: bool) -> Iterable[Any]:
    if hasattr(partition, "__next__") and not (is_fresh or _is_unbegun(partition)):
        raise TypeError(
            f"a partition is an iterator, which another attempt may have begun: {partition!r}. "
            "Have it be a list, or a function without arguments that returns the iterator"
        )
    if hasattr(partition, "__iter__"):
        return cast("Iterable[Any]", partition)
    kind = type(partition).__name__
    raise TypeError(f"a partition must be iterable, a dataframe or a table, not {kind}: {partition!r:.200}")


def _is_unbegun(iterator: Any) -> bool:
    return inspect.isgenerator(iterator) and inspect.getgeneratorstate(iterator) == inspect.GEN_CREATED


# ---- reading


def manifest_of(job: Job, wanted: bool | None) -> list[dict[str, Any]]:
    """The parts, as the manifest has them; or their paths alone."""
    fs, folder = job.storage()
    names = _names(fs, folder)
    if wanted is not False and _MANIFEST in names:
        parts: list[dict[str, Any]] = loads(fs.cat_file(folder + _MANIFEST))["parts"]
    elif wanted:
        raise FileNotFoundError(f"there is no {folder}{_MANIFEST}: the data set is not complete, or was written without")
    else:
        parts = [{"path": name} for name in sorted(names) if job.is_part(name)]
    if not parts:
        raise FileNotFoundError(f"there is no {folder}{job.prefix}*{job.suffix}")
    return parts


class Documents:
    """Those of a partition's files, read whenever it is iterated."""

    def __init__(self, parts: Iterable[dict[str, Any]], job: Job, options: dict[str, Any]) -> None:
        self._parts, self._job, self._options = list(parts), job, options

    def __iter__(self) -> Iterator[Any]:
        return _read_parts(self._parts, self._job, self._options)


def _read_parts(parts: Iterable[dict[str, Any]], job: Job, options: dict[str, Any]) -> Iterator[Any]:
    for part in parts:
        path = job.folder + part["path"]
        settings = job.storage_options if is_url(path) else None
        rows = 0
        try:
            for document in iterload_path(
                path, framing=job.framing, compression=job.format, storage_options=settings, **options
            ):
                yield document
                rows += 1
        except Exception as e:
            _note(e, f"row {rows} of {path}")
            raise
        if rows != part.get("rows", rows):
            raise ValueError(f"{path!r} has {rows} rows, and {part['rows']} by the manifest: it was cut, or written again")
