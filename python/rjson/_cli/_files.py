"""Files by name: compressed ones by suffix, standard input and output, files that are replaced when all is written."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress

from ._errors import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


def open_source(name: str) -> Any:
    """What can be read: descriptor 0 for "-", a file, or one that decompresses."""
    if name == "-":
        return 0
    suffix = os.path.splitext(name)[1]
    return _CODECS[suffix](name, "rb") if suffix in _CODECS else open(name, "rb")


def close(file: Any) -> None:
    """Close what open_source gave."""
    if not isinstance(file, int):
        file.close()


def as_file(file: Any, mode: str) -> Any:
    """A file object for what open_source and target give; a descriptor stays open."""
    return open(file, mode, closefd=False) if isinstance(file, int) else file


@contextmanager
def target(name: str | None) -> Iterator[Any]:
    """What can be written: descriptor 1 for None or "-", else a file, which is replaced if nothing fails."""
    if name is None or name == "-":
        yield 1
        return
    path = os.path.realpath(name)  # what a symbolic link points at is replaced, not the link
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe, or /dev/null
        with open(path, "wb") as file:
            yield file
        return
    temporary, raw = _beside(path)
    try:
        codec = _CODECS.get(os.path.splitext(name)[1])
        if codec:
            raw.close()
            raw = codec(temporary, "wb")
        with raw:
            yield raw
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _beside(path: str) -> tuple[str, Any]:
    """A new file in the same folder, with the permissions and, where that is allowed, the owner of the old one."""
    import tempfile

    fd, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)[:100]}.", dir=os.path.dirname(path))
    try:
        old = os.stat(path)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(fd, 0o666 & ~mask)
    else:
        with suppress(OSError):
            os.fchown(fd, old.st_uid, old.st_gid)
        os.fchmod(fd, old.st_mode & 0o7777)
    return temporary, open(fd, "wb")


# ---- compression


def _open_gz(name: str, mode: str) -> Any:
    for module in ("isal.igzip", "zlib_ng.gzip_ng", "gzip"):
        with suppress(ImportError):
            return _named(module).open(name, mode)
    raise AssertionError


def _open_bz2(name: str, mode: str) -> Any:
    import bz2

    return bz2.open(name, mode)


def _open_xz(name: str, mode: str) -> Any:
    import lzma

    return lzma.open(name, mode)


def _open_zst(name: str, mode: str) -> Any:
    for module in ("compression.zstd", "backports.zstd", "zstandard"):
        with suppress(ImportError):
            return _named(module).open(name, mode)
    raise Message(f"{name}: zstd needs a module of Python 3.14, or: pip install zstandard")


def _open_lz4(name: str, mode: str) -> Any:
    with suppress(ImportError):
        return _named("lz4.frame").open(name, mode)
    raise Message(f"{name}: lz4 needs a module: pip install lz4")


def _named(module: str) -> Any:
    from importlib import import_module

    return import_module(module)


_CODECS: dict[str, Callable[[str, str], Any]] = {
    ".gz": _open_gz,
    ".bz2": _open_bz2,
    ".xz": _open_xz,
    ".zst": _open_zst,
    ".lz4": _open_lz4,
}


# ---- progress


class Bar:
    """A progress bar of tqdm, if it would be seen: bytes read, their rate, and how long it will take."""

    def __init__(self, name: str, source: Any, wanted: bool) -> None:
        self._bar: Any = None
        self._source = source
        if not wanted or not sys.stderr or not sys.stderr.isatty() or os.isatty(1):
            return
        with suppress(ImportError, OSError):
            size = os.fstat(source if isinstance(source, int) else source.fileno()).st_size
            if 0 < size < _SHOWN_FROM:
                return
            self._bar = _named("tqdm").tqdm(
                total=size or None, unit="B", unit_scale=True, desc=name, delay=_DELAY, leave=False
            )

    @property
    def callback(self) -> Callable[[int], object] | None:
        """What reformat's `progress` is to be."""
        return None if self._bar is None else self._tell

    def _tell(self, count: int) -> None:
        if not isinstance(self._source, int) and type(self._source).__module__ not in ("io", "_io"):
            count = os.lseek(self._source.fileno(), 0, os.SEEK_CUR)  # of the compressed file
        self._bar.update(count - self._bar.n)

    def close(self) -> None:
        """Take it off the screen."""
        if self._bar is not None:
            self._bar.close()


# What takes less than about a second is done before anybody looks.
_SHOWN_FROM, _DELAY = 1 << 28, 1
