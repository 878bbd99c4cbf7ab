"""What a text that is no JSON raises. Apart from the rest, since it needs the json package, which rjson does without."""

import json

_BEFORE, _AFTER = 20, 20


def _excerpt(doc: str, pos: int) -> str:
    begin, end = max(pos - _BEFORE, 0), min(pos + _AFTER, len(doc))
    return f"{'...' if begin else ''}{doc[begin:end]}{'...' if end < len(doc) else ''}"


class DecodeError(json.JSONDecodeError):
    """A text that is not JSON (RFC 8259).

    Attributes:
        msg: What is wrong.
        doc: The text; of one that arrives in parts, what there was of it.
        pos: Where, in characters from the beginning.
        lineno: The line of it, from 1 on.
        colno: The column of it, from 1 on.
        excerpt: What is there, with up to 20 characters on both sides.
        offset: Where, in bytes from the beginning; None where the text was not read as bytes.
        record: What an error record of the sender says (`iterload` with `end=True`), else None.
    """

    offset: int | None = None
    record: object = None
    near: tuple[str, str] = ("", "")  # with `offset`: what there is of the text before and behind the place

    def __init__(self, msg: str, doc: str, pos: int) -> None:
        super().__init__(msg, doc, pos)
        self._index = pos  # in `doc`; `pos` may come to count from the beginning of what `doc` is a part of
        self.excerpt: str = _excerpt(doc, pos)

    def __str__(self) -> str:
        said = "" if self.record is None else f" ({self.record!r:.200})"
        return f"{self.msg}{said}: line {self.lineno} column {self.colno} (char {self.pos}), near {self.excerpt!r}"


def at(msg: str, before: bytes, after: bytes, pos: int, lineno: int, colno: int, offset: int) -> DecodeError:
    """The error of a text of which only so much is there, on both sides of the place."""
    near = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
    error = DecodeError(msg, "".join(near), len(near[0]))
    error.near = near
    error.pos, error.lineno, error.colno, error.offset = pos, lineno, colno, offset
    return error
