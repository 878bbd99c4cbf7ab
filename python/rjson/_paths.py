"""Files by their names: written whole or not at all, compressed by suffix, and read back."""

from __future__ import annotations

import io
import os
import stat
from contextlib import contextmanager, suppress

from . import _targets
from ._codecs import format_of
from ._core import loads
from ._decoder import iterload
from ._encoder import CHUNK_SIZE, encoder_for
from ._remote import Download, Upload, is_url, local_name, refuse_storage_options, suffix_of

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from typing_extensions import Unpack

    from ._options import Compression, DecodeOptions, Framing, OnError, Options, Path, Progress


def dump_path(
    obj: Any,
    path: Path,
    *,
    atomic: bool = True,
    fsync: bool = False,
    compression: Compression = "infer",
    level: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    chunk_size: int = CHUNK_SIZE,
    progress: Progress = None,
    **options: Unpack[Options],
) -> int:
    """Encode `obj` as JSON to the file of that name, which has the old content or the new one, whatever fails.

    The text goes to a temporary file in the same folder, which takes the file's place when it is complete. Symbolic links
    are followed. The file's permissions stay (access control lists and user attributes too), and its owner where that is
    allowed; a new file gets what `open` would give it. Other hard links to the file keep the old content. What is no
    regular file (a FIFO, /dev/stdout) is written to directly.

    Args:
        obj: What `dumps` takes. Iterators in it are consumed as they are written.
        path: It is made if there is none. Or a URL of what fsspec can write: s3://, gs://, memory:// and others. Nothing
            shows there before it is complete. S3 gets a multipart upload, in parts of 8 MiB or more, two on their way.
        atomic: See above. False: the file itself is written to; if that fails, a part of the new content is in it.
        fsync: Return when the file is on the disk, so that a power cut leaves one or the other too.
        compression: "infer": by the suffix of `path`: .gz, .bz2, .xz, .zst or .lz4, else none. Or the same without the dot.
        level: How much to compress; see `compressed`.
        storage_options: For URLs: what fsspec's file system takes.
        chunk_size: Bytes per write, about.
        progress: Called with the bytes of JSON so far, about once per chunk. True: a bar of tqdm.
        **options: Those of `Encoder`.

    Returns:
        How many bytes of JSON were written, before compression.

    Raises:
        EncodeError: Something cannot be encoded; `.path` and `.bytes_written` say where. Every other exception that leaves
            this function has `.bytes_written` too. The temporary file is gone then.
        OSError: The file cannot be written.
        ValueError: `atomic=False` or `fsync=True` with a URL, or `storage_options` without one.
        ImportError: The codec, fsspec or what a URL needs, or tqdm, is not installed; the message says what to install.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "numbers.json.gz")
    >>> dump_path([1, 2, 3], path)
    7
    >>> load_path(path)
    [1, 2, 3]
    """
    return encoder_for(options).dump_path(
        obj,
        path,
        atomic=atomic,
        fsync=fsync,
        compression=compression,
        level=level,
        storage_options=storage_options,
        chunk_size=chunk_size,
        progress=progress,
    )


def write_path(request: _targets.Request, path: Path, **how: Any) -> int:
    """dump_path, with what is to be written and `how` for `replacing`."""
    count = 0
    try:
        with replacing(path, **how) as file:
            count = _targets.dump_to(request, file)
    except BaseException as e:
        if count or not hasattr(e, "bytes_written"):  # all was accepted, and then it failed
            with suppress(AttributeError):  # an exception with __slots__
                e.bytes_written = count  # type: ignore[attr-defined]
        raise
    return count


def load_path(
    path: Path,
    *,
    compression: Compression = "infer",
    storage_options: Mapping[str, Any] | None = None,
    **options: Unpack[DecodeOptions],
) -> Any:
    """The value that the JSON text in the file of that name is.

    Args:
        path: The file, or a URL: what `dump_path` takes, http:// and https:// too.
        compression, storage_options: As for `dump_path`.
        **options: Those of `loads`.

    Raises:
        DecodeError: The text is no JSON.
        OSError: The file cannot be read, or what is compressed is damaged.
        EOFError: What is compressed is cut.
        ImportError: No codec for it is installed; the message says what to install.
    """
    with open_to_read(path, compression, storage_options) as file:
        return loads(file.read(), **options)


def iterload_path(
    path: Path,
    *,
    framing: Framing = "auto",
    compression: Compression = "infer",
    storage_options: Mapping[str, Any] | None = None,
    chunk_size: int = CHUNK_SIZE,
    max_bytes: int | None = None,
    on_error: OnError = "raise",
    end: bool = False,
    **options: Unpack[DecodeOptions],
) -> Iterator[Any]:
    """The values in the file of that name one by one, in constant memory. It is closed at its end, or with the iterator.

    Args:
        path: The file, or a URL, as for `load_path`.
        compression, storage_options: As for `dump_path`.
        framing, chunk_size, max_bytes, on_error, end, **options: As for `iterload`.

    Raises:
        DecodeError, OSError, EOFError, ImportError: As from `load_path`, at the value where it shows.
    """
    file = _UntilRead(open_to_read(path, compression, storage_options))
    return iterload(file, framing=framing, chunk_size=chunk_size, max_bytes=max_bytes, on_error=on_error, end=end, **options)


class _UntilRead:
    """A file that is closed when it has been read, or when nobody has it any more."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read1(self, size: int) -> bytes:
        if self._file.closed:
            return b""
        data: bytes = self._file.read1(size)
        if not data:
            self._file.close()
        return data

    def __del__(self) -> None:
        self._file.close()


def open_to_read(path: Path, compression: str | None = "infer", storage_options: Any = None) -> Any:
    """A binary file with what is in the file of that name. ImportError: there is no codec for it."""
    name: Any = local_name(path)
    format = format_of(suffix_of(name), compression)
    if is_url(name):
        file: Any = Download(name, storage_options)
    else:
        refuse_storage_options(name, storage_options)
        file = open(name, "rb") if format is None else io.FileIO(name)  # noqa: SIM115 - whoever reads it closes it
    if format is None:
        return file
    from ._compressed import decompressed

    return decompressed(file, format)


# ---- writing


@contextmanager
def replacing(
    path: Path,
    *,
    atomic: bool = True,
    fsync: bool = False,
    compression: str | None = "infer",
    level: int | None = None,
    storage_options: Any = None,
) -> Iterator[Any]:
    """A binary file, which takes the place of the one of that name at the end of the block: see `dump_path`."""
    name = os.fsdecode(local_name(path))
    format = format_of(name, compression)
    if level is not None and format is None:
        raise ValueError(f"level is for compressed files, and {name!r} is not to be one")
    if is_url(name):
        if fsync or not atomic:
            raise ValueError(f"atomic=False and fsync=True are for local files, and {name!r} is a URL")
        with Upload(name, storage_options, format, level) as file:
            yield file
        return
    refuse_storage_options(name, storage_options)
    old = _stat(name)
    inherited = _own_descriptor(name)
    if atomic and inherited is None and (old is None or stat.S_ISREG(old.st_mode)):
        with _atomic(os.path.realpath(name), old, fsync, format, level) as file:
            yield file
        return
    with io.FileIO(name if inherited is None else os.dup(inherited), "w") as raw:
        with _packing(raw, format, level) as file:
            yield file
        if fsync:
            os.fsync(raw.fileno())


def _stat(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except FileNotFoundError:
        return None


def _own_descriptor(name: str) -> int | None:
    """Of /dev/stdout and the like: a descriptor of this process, whose file or socket may be in use already."""
    name = {"/dev/stdout": "/dev/fd/1", "/dev/stderr": "/dev/fd/2"}.get(name, name)
    folder, _, number = name.rpartition("/")
    return int(number) if folder in ("/dev/fd", "/proc/self/fd") and number.isdecimal() else None


@contextmanager
def _packing(raw: Any, format: Any, level: int | None) -> Iterator[Any]:
    """The file, or a compressed one that is ended with the block."""
    if format is None:
        yield raw
        return
    from ._compressed import Compressed

    with Compressed(raw, format, level) as file:
        yield file


@contextmanager
def _atomic(path: str, old: os.stat_result | None, fsync: bool, format: Any, level: int | None) -> Iterator[Any]:
    if old is not None and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(13, os.strerror(13), path)
    fd, temporary = _beside(path, 0o666 if old is None else 0o600)
    try:
        with _file_of(fd) as raw:
            with _packing(raw, format, level) as file:
                yield file
            if old is not None:
                _keep(fd, path, old)
            if fsync:
                os.fsync(fd)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if fsync:
        _fsync_folder(os.path.dirname(path))


def _file_of(fd: int) -> io.FileIO:
    try:
        return io.FileIO(fd, "w")
    except BaseException:  # for lack of memory
        os.close(fd)
        raise


def _beside(path: str, mode: int) -> tuple[int, str]:
    """A new file in the same folder. The kernel takes the umask, or the folder's default list, off its mode."""
    folder, base = os.path.split(path)
    start = os.fsdecode(os.fsencode(base)[:200])  # names have 255 bytes at most
    while True:
        temporary = os.path.join(folder, f".{start}.{os.urandom(6).hex()}.tmp")
        try:
            return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode), temporary
        except FileExistsError:
            continue
        except OSError as e:
            e.filename = path
            if isinstance(e, PermissionError):
                e.strerror = f"{e.strerror} (no new file may be made beside it; atomic=False writes into the file itself)"
            raise


def _keep(fd: int, path: str, old: os.stat_result) -> None:
    """Give the new file what the old one has: the owner first, since the kernel takes bits away when that changes."""
    mode = stat.S_IMODE(old.st_mode)
    try:
        os.fchown(fd, old.st_uid, old.st_gid)
    except OSError:
        mode &= ~(stat.S_ISUID | stat.S_ISGID)  # these would be another user's now
        with suppress(OSError):
            os.fchown(fd, -1, old.st_gid)
    os.fchmod(fd, mode)
    with suppress(OSError, AttributeError):  # a file system, or a system, without them
        for name in os.listxattr(path):
            if name.startswith("user.") or name == "system.posix_acl_access":
                os.setxattr(fd, name, os.getxattr(path, name))


def _fsync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
