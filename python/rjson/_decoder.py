"""Reading JSON: from a file, and value by value as it arrives."""

from __future__ import annotations

from ._core import Decoder, Feeder, Values, loads
from ._events import event_reader
from ._hints import instead
from ._sources import reader, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

    from typing_extensions import Unpack

    from ._options import DecodeOptions, Framing, OnError

CHUNK_SIZE = 65536


def load(fp: IO[str] | IO[bytes], /, **options: Unpack[DecodeOptions]) -> Any:
    """The value that the JSON text in a file is.

    Args:
        fp: A file, of text or of bytes. It is read to its end.
        **options: Those of `loads`.

    Raises:
        DecodeError: The text is no JSON.
        http.client.IncompleteRead: `fp` is a response of http.client or urllib3 that ends before its Content-Length.
    """
    read = getattr(fp, "read", None)
    if not callable(read):
        text, path = "rjson.loads(text) reads a text", "rjson.load_path(path) a file by its name"
        hint = instead(fp, text=f"{text}, {path}", path=path.replace(" a file", " reads a file"))
        raise TypeError(f"load() takes a file, not {type(fp).__name__}: {fp!r:.200}{hint}")
    return loads(whole(fp, read)(), **options)


def iterload(
    fp: Any,
    /,
    *,
    framing: Framing = "auto",
    chunk_size: int = CHUNK_SIZE,
    max_bytes: int | None = None,
    on_error: OnError = "raise",
    end: bool = False,
    **options: Unpack[DecodeOptions],
) -> Iterator[Any]:
    """The values of a text one by one, as they arrive, in constant memory: a chunk, and the value that is being read.

    Args:
        fp: What to read from: a file of text or of bytes, a pipe, a socket, an HTTP response, or an iterator of bytes or
            str, whose parts may be cut anywhere.
        framing: What holds the values together. "lines": a line each (NDJSON); empty lines are left out. "sse": the data of
            server-sent events (text/event-stream), an event each; to `lineno` and `on_error` each is a line. "array": one
            array, whose items they are. "seq": JSON text sequences (RFC 7464). "concat": one after the other, with or
            without white space between them. "auto": "seq" if the text begins with the record separator, "array" if it
            begins with a bracket, else "concat", which takes lines too.
        chunk_size: How many bytes, or characters, to ask for at a time. What has arrived is used at once.
        max_bytes: How large a value may be, in UTF-8; of lines, a line. A larger one is a DecodeError as soon as that is
            seen, before the rest of it is read. None: any size, for texts from people one trusts.
        on_error: What becomes of a line that is not JSON, or too large; for framing "lines" and "sse". "raise": it ends the
            iterator. "skip": it is left out. A callable: it is left out, and `on_error(lineno, line, error)` is called in
            its place, with its number (from 1 on), its bytes (at most `max_bytes`) and a DecodeError; what that raises
            ends the iterator.
        end: Whether the sender says where the text is complete, for framing "lines", "sse", "seq" or "concat". The last
            record is then `{"$end": count}`, with the number of values before it, or `{"$error": ...}`, which is raised.
            Neither is given out.
        **options: Those of `loads`.

    Raises:
        DecodeError: The text is not what `framing` says. The values before that place have been yielded by then; `pos`,
            `lineno` and `colno` count from the beginning of the text. With `end`: the stream was cut, or its sender reports
            an error, which is in `record`.
        http.client.IncompleteRead: `fp` is a response of http.client or urllib3 that ends before its Content-Length.
        BlockingIOError: `fp` is not blocking, and has nothing now. After this, or whatever else reading or a signal's
            handler raises, the iterator goes on where it was when it is asked again.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
    feeder = Feeder(Decoder(**options), framing, max_bytes=max_bytes, on_error=on_error, end=end)
    read = reader(fp)
    return Values(feeder, event_reader(read, max_bytes) if framing == "sse" else read, chunk_size)
