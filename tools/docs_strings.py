"""An extension of griffe: docstrings are text for help(); here they become Markdown."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^>>> .*?(?=^\s*$|\Z)", re.MULTILINE | re.DOTALL)
_POWER = re.compile(r"(```.*?```|`[^`]*`)|(?<=\d)\*\*(?=\d)", re.DOTALL)


class Docstrings(Extension):
    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Examples (`>>>`) are code blocks, and 2**53 is not the beginning of bold text."""
        if obj.docstring:
            text = _EXAMPLE.sub(lambda block: f"```pycon\n{block[0].rstrip()}\n```\n", obj.docstring.value)
            obj.docstring.value = _POWER.sub(lambda found: found[1] or r"\*\*", text)
