"""Server-sent events (text/event-stream; HTML, section 9.2.5) as lines of JSON, which iterload reads then."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_MARK = b"\xef\xbb\xbf"  # of byte order, which may come first


class EventLines:
    """Makes a line of each event's data. Comments, other fields, events without data and one that was cut are left out.

    Args:
        max_bytes: Of longer data, only so much is passed on that whoever reads the lines finds it too long; None: all.
    """

    def __init__(self, max_bytes: int | None) -> None:
        self._max_bytes = max_bytes
        self._held = b""  # the beginning of a line
        self._is_ignored = False  # that line is none of data, and its beginning is forgotten
        self._data: list[bytes] = []  # of the event whose end has not come
        self._size = 0
        self._is_cut = False  # that event is too long: its line is out, but for its end

    def lines(self, part: Any) -> bytes:
        """The data of the events that end in a part of the text, a line each."""
        lines = self._split(part.encode() if isinstance(part, str) else bytes(part))
        out = [data for line in lines for data in self._take(line)]
        self._forget()
        return b"".join(out + self._cut())

    def _split(self, part: bytes) -> list[bytes]:
        """The lines that end in it: with LF, CR, or both. Whether LF comes behind a CR at the end is not known yet."""
        text, behind = self._held + part, b""
        if b"\r" in text:
            if text.endswith(b"\r"):
                text, behind = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._held = rest + behind
        return lines

    def _take(self, line: bytes) -> list[bytes]:
        if self._is_ignored:
            self._is_ignored = False
            return []
        line = line.removeprefix(_MARK)
        if line.startswith(b"data:") and not self._is_cut:
            data = line[5:].removeprefix(b" ")
            self._data.append(data)
            self._size += len(data) + 1
        if line or not (self._data or self._is_cut):
            return []
        out = [b" ".join(self._data), b"\n"]  # a line break is white space in JSON, where it may be at all
        self._data, self._size, self._is_cut = [], 0, False
        return out

    def _forget(self) -> None:
        """Keeps of a line that has not ended only what may be data."""
        line = self._held.removesuffix(b"\r").removeprefix(_MARK)
        may_be_data = line.startswith(b"data:") or b"data:".startswith(line) or _MARK.startswith(line)
        if line and (self._is_ignored or not may_be_data):
            self._drop_held()

    def _drop_held(self) -> None:
        self._is_ignored = True
        self._held = b"\r" if self._held.endswith(b"\r") else b""

    def _cut(self) -> list[bytes]:
        """What there is of an event that is too long; no more of it is kept."""
        held = self._held.removeprefix(_MARK)[5:].removeprefix(b" ")
        if self._max_bytes is None or self._size + len(held) <= self._max_bytes + 1:
            return []
        out = [] if self._is_cut else [b" ".join([*self._data, held])]
        self._data, self._size, self._is_cut = [], 0, True
        if held:
            self._drop_held()
        return out


def event_reader(read: Callable[[int], Any], max_bytes: int | None) -> Callable[[int], Any]:
    """What reads lines of JSON where `read` reads events."""
    events = EventLines(max_bytes)

    def read_lines(size: int) -> Any:
        while part := read(size):
            if lines := events.lines(part):
                return lines
        return part

    return read_lines
