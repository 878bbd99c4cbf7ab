"""What iterload reads from: files, sockets, HTTP responses, and iterators of parts."""

from __future__ import annotations

from ._hints import instead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


def reader(source: Any) -> Callable[[int], Any]:
    """What reads up to so many bytes or characters, and gives what there is without waiting for all of them."""
    if hasattr(source, "iter_bytes"):  # httpx: its read() takes no size
        return Parts(source.iter_bytes())
    for name in ("read1", "read", "recv"):
        if hasattr(source, name):
            return whole(source, getattr(source, name))
    by_name = "rjson.iterload_path(path) reads a file by its name"
    hint = instead(source, text=f"{by_name}, rjson.loads(text) what is in memory", path=by_name)
    if hasattr(source, "__iter__") and not hint and not isinstance(source, (memoryview, dict)):
        return Parts(iter(source))
    if hasattr(source, "__aiter__"):
        hint = " (rjson.aio.iterload reads from it)"
    raise TypeError(
        f"iterload() takes a file, a socket or an iterator of bytes, not {type(source).__name__}: {source!r:.200}{hint}"
    )


class Parts:
    """Reads from an iterator of bytes or str, in parts as it gives them.

    One that failed, as a generator does for good, is not taken for one that has ended: the same exception is raised again.
    """

    def __init__(self, parts: Iterator[Any]) -> None:
        self._parts = parts
        self._failure: BaseException | None = None

    def __call__(self, _size: int) -> Any:
        while True:
            try:
                part = next(self._parts)
            except StopIteration:
                if self._failure is not None:
                    raise self._failure from None
                return b""
            except BaseException as e:
                self._failure = e
                raise
            self._failure = None
            if part is None or len(part) > 0:  # an empty part is not the end
                return part


def whole(source: Any, read: Callable[..., Any]) -> Callable[..., Any]:
    """`read`, or where the source tells how much is left, a `read` that does not take a body that was cut for the whole.

    The part that is the end is an empty one, or with `read()` everything.
    """
    left = _left(source)
    if left is None:
        return read

    def read_whole(*size: int) -> Any:
        part = read(*size)
        is_end = part is not None and (len(part) == 0 or not size)
        if is_end and (count := left()) > 0:
            from http.client import IncompleteRead

            raise IncompleteRead(b"", count)
        return part

    return read_whole


def _left(source: Any) -> Callable[[], int] | None:
    """What tells how many bytes of the body a response has not had, also one inside a TextIOWrapper or BufferedReader."""
    while source is not None:
        if hasattr(source, "length_remaining"):  # urllib3
            return lambda: source.length_remaining or 0
        if hasattr(source, "chunked") and hasattr(source, "length"):  # http.client
            return lambda: source.length or 0
        source = getattr(source, "buffer", None) or getattr(source, "raw", None)
    return None
