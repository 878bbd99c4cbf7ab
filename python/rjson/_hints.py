"""What a value seems to be, and what to call instead, for error messages."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard


def is_descriptor(value: Any) -> TypeGuard[int]:
    """A bool is an int, and no descriptor."""
    return isinstance(value, int) and not isinstance(value, bool)


def instead(value: Any, **calls: str) -> str:
    """What to do with `value`, as the end of a message: the first of `calls` whose kind it is; else nothing.

    Kinds: `text` (str, bytes), `path` (text, and objects like `pathlib.Path`), `fd`, `socket`, `file` (it has `read()`).
    """
    is_text = isinstance(value, (str, bytes, bytearray))
    kinds = {
        "text": is_text,
        "path": is_text or isinstance(value, os.PathLike),
        "fd": isinstance(value, int),
        "socket": callable(getattr(value, "sendall", None)),
        "file": callable(getattr(value, "read", None)),
    }
    return next((f" ({call})" for kind, call in calls.items() if kinds[kind]), "")
