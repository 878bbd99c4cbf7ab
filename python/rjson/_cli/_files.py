"""Files by name: compressed ones by suffix, standard input and output, files that are replaced when all is written."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, suppress

from rjson._paths import open_to_read, replacing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any


def open_source(name: str) -> Any:
    """What can be read: descriptor 0 for "-", a file, or one that decompresses."""
    return 0 if name == "-" else open_to_read(name)


def close(file: Any) -> None:
    """Close what open_source gave."""
    if not isinstance(file, int):
        file.close()


def as_file(file: Any, mode: str) -> Any:
    """A file object for what open_source and target give; a descriptor stays open."""
    return open(file, mode, closefd=False) if isinstance(file, int) else file


def target(name: str | None) -> AbstractContextManager[Any]:
    """What can be written: descriptor 1 for None or "-", else a file, which is replaced if nothing fails."""
    return nullcontext(1) if name is None or name == "-" else replacing(name)


# ---- progress


class Bar:
    """A progress bar of tqdm, if it would be seen: bytes read, their rate, and how long it will take.

    Args:
        name: What it shows.
        source: The file that is read. None: bytes written are told, of nobody knows how many.
        wanted: False: none.
    """

    def __init__(self, name: str, source: Any, wanted: bool) -> None:
        self._bar: Any = None
        self._source = source
        self._is_packed = not isinstance(source, (int, type(None))) and type(source).__module__ not in ("io", "_io")
        if not wanted or not sys.stderr or not sys.stderr.isatty() or os.isatty(1):
            return
        with suppress(ImportError, OSError):
            size = 0
            if source is not None:
                size = os.fstat(source if isinstance(source, int) else source.fileno()).st_size
            if 0 < size < _SHOWN_FROM:
                return
            self._bar = _progress_bar(total=size or None, desc=name, delay=_DELAY, leave=False)

    @property
    def callback(self) -> Callable[[int], object] | None:
        """What `progress` is to be."""
        return None if self._bar is None else self._tell

    def _tell(self, count: int) -> None:
        if self._is_packed:
            count = os.lseek(self._source.fileno(), 0, os.SEEK_CUR)  # of the compressed file
        self._bar(count)

    def close(self) -> None:
        """Take it off the screen."""
        if self._bar is not None:
            self._bar.close()


def _progress_bar(**settings: Any) -> Any:
    from rjson._progress import Bar as Shown

    return Shown(**settings)


# What takes less than about a second is done before anybody looks.
_SHOWN_FROM, _DELAY = 1 << 28, 1
