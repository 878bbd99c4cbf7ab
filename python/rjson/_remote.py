"""Files by URL. Storage is fsspec's; that nothing shows before it is complete is seen to here.

S3 gets a multipart upload, which shows when it is completed. Other storage gets a file under a name beside the final one,
which is renamed. Both are in two steps, so that one process can write and another one publish: `seal` ends the writing and
returns what `publish` and `discard` take.
"""

from __future__ import annotations

import io
import os
from contextlib import suppress

from ._places import Place

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ._core import Encoder

    Ticket: TypeAlias = dict[str, Any]

# S3 wants 5 MiB at least, but of the last part, and takes 10,000 parts: so they grow.
_PART = 8 << 20
_GROW_EVERY = 1000
_MOST_IN_FLIGHT = 2
_READ_AHEAD = 4 << 20


def local_name(path: Any) -> str | bytes:
    """The name that a path is; of a file:// URL the name in it."""
    name: str | bytes = os.fspath(path)
    return name[len("file://") :] if isinstance(name, str) and name.startswith("file://") else name


def is_url(path: Any) -> bool:
    """Whether it is a URL, and none of a local file."""
    if not isinstance(path, str) or path.startswith("file://"):
        return False
    scheme, separator, _ = path.partition("://")
    return bool(separator) and scheme.replace("::", "").replace("+", "").replace("-", "").isalnum()


def refuse_storage_options(path: Any, storage_options: object) -> None:
    """ValueError for options of storage that a local file has no use for."""
    if storage_options:
        raise ValueError(f"storage_options are for URLs, and {path!r} is a local file")


def suffix_of(path: Any) -> Any:
    """What the suffix of a URL is looked for in: of http, not in the query behind the path."""
    if isinstance(path, str) and path.startswith(("http://", "https://")):
        return path.partition("#")[0].partition("?")[0]
    return path


def file_system(url: str, storage_options: Any) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it. ImportError: it, or the package for this protocol, is missing."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        message = f"{url!r} is a URL, which needs fsspec: pip install 'rjson[cluster]'"
        raise ImportError(message, name="fsspec") from None
    fs, path = url_to_fs(url, **(storage_options or {}))
    return fs, path


def is_s3(fs: Any) -> bool:
    """Whether it is s3fs's, whose calls there are for multipart uploads."""
    return "s3" in _protocols(fs) and callable(getattr(fs, "call_s3", None))


# ---- writing


def stage(fs: Any, path: str, attempt: str | None = None) -> Any:
    """What is to become the file of that path: it has `write()`, `seal()` and `abort()`.

    Args:
        fs, path: As `file_system` returns them.
        attempt: What tells this attempt from others, in the names of temporary files.
    """
    if _is_http(fs):
        raise io.UnsupportedOperation(f"{path!r} can be read only: HTTP has no writing")
    return _Multipart(fs, path) if is_s3(fs) else _Renamed(fs, path, attempt or os.urandom(6).hex())


def publish(fs: Any, path: str, ticket: Ticket) -> None:
    """Have the file of that path be what was sealed."""
    if "temporary" in ticket:
        if _is_local(fs):
            os.replace(ticket["temporary"], path)
        else:
            fs.mv(ticket["temporary"], path)
    elif ticket["parts"]:
        bucket, key, _ = fs.split_path(path)
        parts = {"Parts": ticket["parts"]}
        fs.call_s3("complete_multipart_upload", Bucket=bucket, Key=key, UploadId=ticket["upload"], MultipartUpload=parts)
    else:
        fs.pipe_file(path, b"")
    fs.invalidate_cache()


def discard(fs: Any, path: str, ticket: Ticket) -> None:
    """Have storage forget what was written. Nothing happens if it has forgotten already."""
    if "temporary" in ticket:
        with suppress(FileNotFoundError):
            fs.rm_file(ticket["temporary"])
    elif ticket["upload"] is not None:
        bucket, key, _ = fs.split_path(path)
        with suppress(FileNotFoundError):
            fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=ticket["upload"])


def _is_local(fs: Any) -> bool:
    return "file" in _protocols(fs)


def _is_http(fs: Any) -> bool:
    return "http" in _protocols(fs)


def _protocols(fs: Any) -> tuple[str, ...]:
    protocol = fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


class _Renamed:
    """A file under another name in the same folder."""

    def __init__(self, fs: Any, path: str, attempt: str) -> None:
        folder, slash, base = path.rpartition("/")
        self._fs, self._path = fs, path
        self._ticket = {"temporary": f"{folder}{slash}.{base}.{attempt}.tmp"}
        if _is_local(fs):
            os.makedirs(folder, exist_ok=True)
        self._file = fs.open(self._ticket["temporary"], "wb", block_size=_PART)
        self.write = self._file.write

    def seal(self) -> Ticket:
        self._file.close()
        return self._ticket

    def abort(self) -> None:
        with suppress(Exception):  # it may be what failed
            self._file.close()
        discard(self._fs, self._path, self._ticket)


class _Multipart:
    """A multipart upload to S3: a thread or two send parts while the next one is filled."""

    def __init__(self, fs: Any, path: str) -> None:
        from concurrent.futures import Future, ThreadPoolExecutor

        self._fs, self._path = fs, path
        self._bucket, self._key, _ = fs.split_path(path)
        if not self._key:
            raise ValueError(f"{path!r} names a bucket, and no object in it")
        self._pending: list[bytes] = []
        self._size = 0
        self._number = 0
        self._upload: str | None = None
        self._is_aborted = False
        self._in_flight: list[Future[Ticket]] = []
        self._parts: list[Ticket] = []
        self._threads = ThreadPoolExecutor(_MOST_IN_FLIGHT, "rjson.upload")

    def write(self, data: bytes) -> int:
        if self._is_aborted:
            raise ValueError("write to an upload that was given up")
        self._pending.append(bytes(data))
        self._size += len(data)
        if self._size >= _PART * (1 + self._number // _GROW_EVERY):
            self._send()
        return len(data)

    def _send(self) -> None:
        if self._upload is None:
            answer = self._fs.call_s3("create_multipart_upload", Bucket=self._bucket, Key=self._key)
            self._upload = answer["UploadId"]
        while len(self._in_flight) >= _MOST_IN_FLIGHT:
            self._parts.append(self._in_flight.pop(0).result())
        data, self._pending, self._size = b"".join(self._pending), [], 0
        self._number += 1
        self._in_flight.append(self._threads.submit(self._send_part, self._number, data))

    def _send_part(self, number: int, data: bytes) -> Ticket:
        answer = self._fs.call_s3(
            "upload_part", Bucket=self._bucket, Key=self._key, UploadId=self._upload, PartNumber=number, Body=data
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def seal(self) -> Ticket:
        if self._size:
            self._send()
        while self._in_flight:
            self._parts.append(self._in_flight.pop(0).result())
        self._threads.shutdown()
        return {"upload": self._upload, "parts": self._parts}

    def abort(self) -> None:
        self._is_aborted = True
        self._threads.shutdown(cancel_futures=True)  # what comes after an abort would bring the upload back
        discard(self._fs, self._path, {"upload": self._upload})


class Upload:
    """What becomes the file of a URL when it ends whole; until then, and if it does not, nothing can be seen of it.

    As a context manager it is the file to write to, and whole if no exception leaves the block.
    """

    def __init__(self, url: str, storage_options: Any, format: Any, level: int | None) -> None:
        from ._compressed import Compressed

        if format is not None:
            Compressed(io.BytesIO(), format, level).abort()  # without a codec nothing is begun
        self._fs, self._path = file_system(url, storage_options)
        if getattr(self._fs, "_intrans", False):  # the caller's transaction would have a say in when this shows
            self._fs, self._path = file_system(url, {**(storage_options or {}), "skip_instance_cache": True})
        self._stage = stage(self._fs, self._path)
        self._compressed = Compressed(self._stage, format, level) if format is not None else None
        self.file = self._compressed or self._stage

    def end(self, is_whole: bool) -> None:
        """Show it, or have it forgotten."""
        try:
            if self._compressed is not None:
                self._compressed.close() if is_whole else self._compressed.abort()
            if is_whole:
                publish(self._fs, self._path, self._stage.seal())
        except BaseException:
            self._stage.abort()
            raise
        if not is_whole:
            self._stage.abort()

    def __enter__(self) -> Any:
        return self.file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end(kind is None)


class RemotePlace(Place):
    """Where a Writer's chunks go that was opened for a URL. What went there cannot be taken back."""

    def __init__(self, url: str, encoder: Encoder, format: Any, level: int | None, storage_options: Any) -> None:
        self._upload = Upload(url, storage_options, format, level)
        super().__init__(self._upload.file, encoder, None)

    def abort(self) -> None:
        """Nothing: nobody has seen anything."""

    def close(self, is_whole: bool) -> None:
        self._upload.end(is_whole)


# ---- reading


class Download:
    """A file of a URL, to be read from its beginning to its end."""

    def __init__(self, url: str, storage_options: Any) -> None:
        fs, path = file_system(url, storage_options)
        # Of HTTP one response, as it comes; of the others a range after the other.
        self._file = fs.open(path, "rb", block_size=0 if _is_http(fs) else _READ_AHEAD)
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        return data

    read1 = read

    def close(self) -> None:
        self.closed = True
        self._file.close()

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
