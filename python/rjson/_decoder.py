"""Reading JSON: from a file, and value by value as it arrives."""

from __future__ import annotations

from ._core import Decoder, Feeder, Values, loads
from ._hints import instead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

    from typing_extensions import Unpack

    from ._options import DecodeOptions, Framing

CHUNK_SIZE = 65536


def load(fp: IO[str] | IO[bytes], /, **options: Unpack[DecodeOptions]) -> Any:
    """The value that the JSON text in a file is.

    Args:
        fp: A file, of text or of bytes. It is read to its end.
        **options: Those of `loads`.

    Raises:
        DecodeError: The text is no JSON.
    """
    read = getattr(fp, "read", None)
    if not callable(read):
        text, path = "rjson.loads(text) reads a text", "rjson.load_path(path) a file by its name"
        hint = instead(fp, text=f"{text}, {path}", path=path.replace(" a file", " reads a file"))
        raise TypeError(f"load() takes a file, not {type(fp).__name__}: {fp!r:.200}{hint}")
    return loads(read(), **options)


def iterload(
    fp: Any, /, *, framing: Framing = "auto", chunk_size: int = CHUNK_SIZE, **options: Unpack[DecodeOptions]
) -> Iterator[Any]:
    """The values of a text one by one, as they arrive, in constant memory: a chunk, and the value that is being read.

    Args:
        fp: What to read from: a file of text or of bytes, a pipe, or a socket.
        framing: What holds the values together. "lines": a line each (NDJSON). "array": one array, whose items they are.
            "seq": JSON text sequences (RFC 7464). "concat": one after the other, with or without white space between them.
            "auto": "seq" if the text begins with the record separator, "array" if it begins with a bracket, else "concat",
            which takes lines too.
        chunk_size: How many bytes, or characters, to ask for at a time. What has arrived is used at once.
        **options: Those of `loads`.

    Raises:
        DecodeError: The text is not what `framing` says. The values before that place have been yielded by then; `pos`,
            `lineno` and `colno` count from the beginning of the text.
        BlockingIOError: `fp` is not blocking, and has nothing now. After this, or whatever else reading raises, the iterator
            goes on where it was when it is asked again.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
    return Values(Feeder(Decoder(**options), framing), _reader(fp), chunk_size)


def _reader(fp: Any) -> Callable[[int], Any]:
    """What reads up to so many bytes or characters, and gives what there is without waiting for all of them."""
    for name in ("read1", "read", "recv"):
        if hasattr(fp, name):
            return getattr(fp, name)  # type: ignore[no-any-return]
    hint = instead(fp, path="rjson.iterload_path(path) reads a file by its name")
    raise TypeError(f"iterload() takes a file or a socket, not {type(fp).__name__}: {fp!r:.200}{hint}")
