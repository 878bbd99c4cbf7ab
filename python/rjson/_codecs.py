"""Compression formats: for each, the fastest codec that is installed.

Codecs release the GIL while they work. A compressor here has `compress(data)`; `flush_point()`, after which all that went in
can be read; and `finish()`. A decompressor has the shape of the standard library's: `decompress(data, limit)`, `eof`,
`unused_data`.
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Compressor(Protocol):
        """One stream."""

        def compress(self, data: bytes, /) -> bytes: ...
        def flush_point(self) -> bytes: ...
        def finish(self) -> bytes: ...


# More threads than these take more memory than they save time.
_MOST_THREADS = 4
SUFFIXES = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".zst": "zst", ".lz4": "lz4"}


def format_of(path: str | bytes, compression: str | None) -> str | None:
    """The format that `compression` names, or the path's suffix if that is "infer". None: not compressed."""
    if compression == "infer":
        return SUFFIXES.get(os.path.splitext(os.fsdecode(path))[1].lower())
    if compression is not None:
        check_format(compression)
    return compression


def check_format(name: Any) -> None:
    """ValueError for a name that is none."""
    if name not in _FORMATS:
        raise ValueError(f"there is no compression {name!r}: it must be one of {', '.join(map(repr, _FORMATS))}")


def new_compressor(name: str, level: int | None, is_long: bool) -> Compressor:
    """A compressor; with threads of its own for what is long, if it can. ImportError: none is installed."""
    low, high = _LEVELS[name]
    if level is not None and (isinstance(level, bool) or not isinstance(level, int) or not low <= level <= high):
        raise ValueError(f"level must be None or an int from {low} to {high} for {name!r}, not {level!r}")
    return _FORMATS[name][0](level, is_long)


def new_decompressor(name: str) -> Callable[[], Any]:
    """What makes a decompressor for a stream. ImportError: none is installed."""
    return _FORMATS[name][1]()


def is_damage(error: BaseException) -> bool:
    """Whether a decompressor raised it about its data: each module has a class of its own."""
    return isinstance(error, (OSError, ValueError, RuntimeError)) or type(error).__name__ in _DAMAGE


# Of zlib and zlib-ng, isal, lzma, compression.zstd and zstandard.
_DAMAGE = {"error", "IsalError", "LZMAError", "ZstdError"}


def first_of(modules: tuple[str, ...], missing: str) -> Any:
    """The first of these modules that there is. ImportError with the message `missing`."""
    for name in modules:
        try:
            return import_module(name)
        except ImportError:
            pass
    raise ImportError(missing, name=modules[-1])


# ---- gz


class _Gz:
    def __init__(self, zlib: Any, level: int) -> None:
        self._stream = zlib.compressobj(level, 8, 31)  # 16 + 15: with the header and trailer of gzip
        self._flush = zlib.Z_SYNC_FLUSH
        self.compress = self._stream.compress

    def flush_point(self) -> bytes:
        data: bytes = self._stream.flush(self._flush)
        return data

    def finish(self) -> bytes:
        data: bytes = self._stream.flush()
        return data


_ISAL, _ZLIB_NG = "isal.isal_zlib", "zlib_ng.zlib_ng"


def _gz(level: int | None, _is_long: bool) -> Compressor:
    # isal has levels 0 to 3, of which 0 compresses: for who asks for little time. More is asked of a zlib.
    modules = (_ISAL, _ZLIB_NG, "zlib") if level is None or 1 <= level <= 3 else (_ZLIB_NG, "zlib")
    zlib = first_of(modules, "gz needs Python's zlib")
    if level is None:
        level = 2 if zlib.__name__ == _ISAL else 6
    return _Gz(zlib, level)


class _Gunzip:
    """decompressobj() of a zlib keeps what it did not use outside; here it is inside."""

    def __init__(self, zlib: Any) -> None:
        self._stream = zlib.decompressobj(31)

    def decompress(self, data: bytes, limit: int) -> bytes:
        before = self._stream.unconsumed_tail
        out: bytes = self._stream.decompress(before + data if before else data, limit)
        return out

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        data: bytes = self._stream.unused_data
        return data


def _ungz() -> Callable[[], Any]:
    zlib = first_of((_ISAL, _ZLIB_NG, "zlib"), "gz needs Python's zlib")
    return lambda: _Gunzip(zlib)


# ---- bz2 and xz


class _Restarted:
    """A format that has no flush points: there the stream ends, and the next one begins.

    Its header leaves at once, so that what is cut there does not look whole.
    """

    def __init__(self, new: Callable[[], Any], header: bytes) -> None:
        self._new = new
        self._header = header
        self._stream = new()
        self._left = len(header)  # of the header, bytes that have to come out, or to be left out if they are out already
        self._is_new, self._is_out = True, False

    def compress(self, data: bytes) -> bytes:
        self._is_new = self._is_new and not data
        return self._without_header(self._stream.compress(data))

    def flush_point(self) -> bytes:
        if self._is_new:
            return b""
        end = self._without_header(self._stream.flush())
        self._stream = self._new()
        self._left, self._is_new, self._is_out = len(self._header), True, True
        return end + self._header

    def finish(self) -> bytes:
        return self._without_header(self._stream.flush())

    def _without_header(self, data: bytes) -> bytes:
        if not self._is_out:
            return data
        skipped = min(self._left, len(data))
        self._left -= skipped
        return data[skipped:]


def _bz2(level: int | None, _is_long: bool) -> Compressor:
    bz2 = first_of(("bz2",), "bz2 needs a Python that was built with it")
    level = 9 if level is None else level
    return _Restarted(lambda: bz2.BZ2Compressor(level), b"BZh%d" % level)


def _unbz2() -> Callable[[], Any]:
    new: Callable[[], Any] = first_of(("bz2",), "bz2 needs a Python that was built with it").BZ2Decompressor
    return new


def _xz(level: int | None, _is_long: bool) -> Compressor:
    lzma = first_of(("lzma",), "xz needs a Python that was built with lzma")
    return _Restarted(lambda: lzma.LZMACompressor(preset=level), lzma.LZMACompressor(preset=0).compress(b""))


def _unxz() -> Callable[[], Any]:
    new: Callable[[], Any] = first_of(("lzma",), "xz needs a Python that was built with lzma").LZMADecompressor
    return new


# ---- zst

_ZSTD = ("compression.zstd", "backports.zstd", "zstandard")
_NO_ZSTD = "zst needs a module that Python has from 3.14 on: pip install backports.zstd, or rjson[fast]"


class _Zst:
    """Of compression.zstd."""

    def __init__(self, zstd: Any, level: int | None, threads: int) -> None:
        names = zstd.CompressionParameter
        options = {names.checksum_flag: 1}
        if level is not None:
            options[names.compression_level] = level
        if threads and names.nb_workers.bounds()[1]:
            options[names.nb_workers] = threads
        self._stream = zstd.ZstdCompressor(options=options)
        self.compress = self._stream.compress

    def flush_point(self) -> bytes:
        data: bytes = self._stream.flush(self._stream.FLUSH_BLOCK)
        return data

    def finish(self) -> bytes:
        data: bytes = self._stream.flush(self._stream.FLUSH_FRAME)
        return data


class _Zstandard:
    """Of the package zstandard."""

    def __init__(self, zstd: Any, level: int | None, threads: int) -> None:
        self._flush = zstd.COMPRESSOBJ_FLUSH_BLOCK
        level = 3 if level is None else level
        self._stream = zstd.ZstdCompressor(level=level, threads=threads, write_checksum=True).compressobj()
        self.compress = self._stream.compress

    def flush_point(self) -> bytes:
        data: bytes = self._stream.flush(self._flush)
        return data

    def finish(self) -> bytes:
        data: bytes = self._stream.flush()
        return data


class _Unzstandard:
    """Its decompressor has no limit, and a little input may become much output: it gets a little more at a time."""

    _PIECE = 1024

    def __init__(self, zstd: Any) -> None:
        self._stream = zstd.ZstdDecompressor().decompressobj()
        self._input = self._output = b""

    def decompress(self, data: bytes, limit: int) -> bytes:
        data, parts, size, at = self._input + data, [self._output], len(self._output), 0
        while at < len(data) and size < limit and not self._stream.eof:
            parts.append(self._stream.decompress(data[at : at + self._PIECE]))
            size += len(parts[-1])
            at += self._PIECE
        out = b"".join(parts)
        self._input, self._output = data[at:], out[limit:]
        return out[:limit]

    @property
    def eof(self) -> bool:
        return self._stream.eof and not self._output

    @property
    def unused_data(self) -> bytes:
        data: bytes = self._stream.unused_data
        return data + self._input


def _zst(level: int | None, is_long: bool) -> Compressor:
    zstd = first_of(_ZSTD, _NO_ZSTD)
    cores = os.cpu_count() or 1
    threads = min(cores, _MOST_THREADS) if is_long and cores > 1 else 0
    new = _Zstandard if zstd.__name__ == "zstandard" else _Zst
    return new(zstd, level, threads)


def _unzst() -> Callable[[], Any]:
    zstd = first_of(_ZSTD, _NO_ZSTD)
    if zstd.__name__ == "zstandard":
        return lambda: _Unzstandard(zstd)
    new: Callable[[], Any] = zstd.ZstdDecompressor
    return new


# ---- lz4

_NO_LZ4 = "lz4 needs a module: pip install lz4"


class _Lz4:
    def __init__(self, frame: Any, level: int) -> None:
        # Blocks leave as they are complete: every write is a flush point.
        self._stream = frame.LZ4FrameCompressor(
            compression_level=level, auto_flush=True, content_checksum=True, block_size=frame.BLOCKSIZE_MAX256KB
        )
        self._header: bytes = self._stream.begin()

    def compress(self, data: bytes) -> bytes:
        header, self._header = self._header, b""
        out: bytes = self._stream.compress(data)
        return header + out

    def flush_point(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        out: bytes = self._stream.flush()
        return self._header + out


def _lz4(level: int | None, _is_long: bool) -> Compressor:
    return _Lz4(first_of(("lz4.frame",), _NO_LZ4), 0 if level is None else level)


def _unlz4() -> Callable[[], Any]:
    new: Callable[[], Any] = first_of(("lz4.frame",), _NO_LZ4).LZ4FrameDecompressor
    return new


_FORMATS: dict[str, tuple[Callable[[int | None, bool], Compressor], Callable[[], Callable[[], Any]]]] = {
    "gz": (_gz, _ungz),
    "bz2": (_bz2, _unbz2),
    "xz": (_xz, _unxz),
    "zst": (_zst, _unzst),
    "lz4": (_lz4, _unlz4),
}
_LEVELS = {"gz": (0, 9), "bz2": (1, 9), "xz": (0, 9), "zst": (-7, 22), "lz4": (-10, 16)}
