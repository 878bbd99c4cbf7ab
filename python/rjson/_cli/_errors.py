"""What went wrong, as compilers tell it: file:line:column: message, and the line."""

from __future__ import annotations

import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rjson import DecodeError

# Of a long line so much is shown on each side of the place.
_SIDE = 60


class Located(Exception):
    """An exception, and the name of the file that it is about."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name, error)
        self.name = name
        self.error = error


class Message(Exception):
    """What is to be printed as it is."""


def describe(error: BaseException) -> str | None:
    """The message; None for what is a mistake of rjson itself."""
    name = "rjson"
    if isinstance(error, Located):
        name, error = error.name, error.error
    if isinstance(error, _decode_error()):
        text, index = _line(name, error)
        pointer = "".join(c if c == "\t" else " " for c in text[:index]) + "^"
        return f"{name}:{error.lineno}:{error.colno}: {error.msg}\n{text}\n{pointer}"
    if isinstance(error, Message):
        return str(error)
    if isinstance(error, OSError):
        where = error.filename if isinstance(error.filename, str) and not error.filename.startswith("<") else name
        return f"{where}: {error.strerror or error}"
    if isinstance(error, ImportError) and error.name in _CODECS:
        return f"{name}: {error}"
    if isinstance(error, (EOFError, UnicodeError, RecursionError)):
        return f"{name}: {error}"
    return None


def _decode_error() -> type[DecodeError]:
    """It needs the json package: who met one has it."""
    module = sys.modules.get("rjson._decode_error")
    return module.DecodeError if module else _NoError  # type: ignore[return-value]


class _NoError(Exception):
    pass


# Packages that somebody has to install.
_CODECS = {"zstandard", "lz4.frame", "bz2", "lzma", "zlib"}


def _line(name: str, error: DecodeError) -> tuple[str, int]:
    """The line of the mistake, or what is near to it, and where in it that is."""
    text, index = _text_near(name, error)
    begin = max(text.rfind("\n", 0, index) + 1, index - _SIDE)
    end = text.find("\n", index)
    end = min(len(text) if end < 0 else end, index + _SIDE)
    shown = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text[begin:end])
    return shown, index - begin


def _text_near(name: str, error: DecodeError) -> tuple[str, int]:
    if error.offset is None:
        return error.doc, error.pos
    with suppress(OSError), open(name, "rb") as file:
        begin = max(error.offset - 4 * _SIDE, 0)
        file.seek(begin)
        around = file.read(8 * _SIDE)
        before = around[: error.offset - begin].decode("utf-8", "replace")
        after = around[error.offset - begin :].decode("utf-8", "replace")
        if error.near[0][-8:].endswith(before[-8:]):  # it is not compressed, and has not changed
            return before + after, len(before)
    return "".join(error.near), len(error.near[0])
