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
        return _describe_mistake(name, error)
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


_BLANK = " \t\r\n"


def _describe_mistake(name: str, error: DecodeError) -> str:
    text, index = _text_near(name, error)
    line, column, message = error.lineno, error.colno, error.msg
    if index == len(text) and text.strip(_BLANK):
        # Something is missing at the end. What is told is the place behind all that is there, not that behind the last
        # line break, where there is no line to show.
        message += " (the text ends here)"
        blank, text = text[len(text.rstrip(_BLANK)) :], text.rstrip(_BLANK)
        index = len(text)
        if "\n" in text or line == 1 + blank.count("\n"):  # else that line is too long to see where it begins
            line -= blank.count("\n")
            column = index - text.rfind("\n") if "\n" in text else error.pos + 1 - len(blank)
    shown, index = _line(text, index)
    pointer = "".join(c if c == "\t" else " " for c in shown[:index]) + "^"
    return f"{name}:{line}:{column}: {message}\n{shown}\n{pointer}"


def _line(text: str, index: int) -> tuple[str, int]:
    """The line of that place, or what is near to it, and where in it that is."""
    begin = max(text.rfind("\n", 0, index) + 1, index - _SIDE)
    end = text.find("\n", index)
    end = min(len(text) if end < 0 else end, index + _SIDE)
    shown = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text[begin:end])
    return shown, index - begin


def _text_near(name: str, error: DecodeError) -> tuple[str, int]:
    if error.offset is None:
        return error.doc, error._index
    with suppress(OSError), open(name, "rb") as file:
        begin = max(error.offset - 4 * _SIDE, 0)
        file.seek(begin)
        around = file.read(8 * _SIDE)
        before = around[: error.offset - begin].decode("utf-8", "replace")
        after = around[error.offset - begin :].decode("utf-8", "replace")
        if error.near[0][-8:].endswith(before[-8:]):  # it is not compressed, and has not changed
            return before + after, len(before)
    return "".join(error.near), len(error.near[0])
