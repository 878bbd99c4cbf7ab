from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, final

from typing_extensions import Self, Unpack

from ._options import DecodeOptions, Framing, OnError, Options, Progress, WriteFraming

__version__: str
isa: str

class EncodeError(TypeError, ValueError):
    """An object that cannot be encoded.

    Attributes:
        path: Where it is, as in `$.users[3].name`.
        reason: What is wrong, without the place.
        bytes_written: What the target had accepted by then.
    """

    path: str
    reason: str
    bytes_written: int

@final
class Raw:
    """JSON that is encoded already: written as it is, in place of the object.

    Args:
        json: One JSON value, as bytes (or any buffer) in UTF-8, or as str.
        check: Make sure that it is one, as strictly as `loads`. Otherwise it is not parsed.

    Raises:
        DecodeError: It was checked, and is none.
        ValueError: It is empty or not UTF-8.
        TypeError: It is something else.
    """

    def __new__(cls, json: bytes | bytearray | memoryview | str, /, *, check: bool = False) -> Raw: ...
    @property
    def json(self) -> bytes: ...
    def __hash__(self) -> int: ...

PUMP_DONE: int
PUMP_FULL: int
PUMP_SLICE: int
PUMP_FLUSH: int
PUMP_SOURCE: int
PUMP_TASK: int
FLUSH_NEVER: int
FLUSH_ITEMS: int
FLUSH_AWAITS: int

@final
class Pump:
    def __new__(
        cls,
        encoder: Encoder,
        chunk_size: int,
        slice_us: int,
        http_chunked: bool,
        flush_point: int,
        framing: WriteFraming = "concat",
        event_type: type = ...,
        shared: bool = False,
    ) -> Pump: ...
    @property
    def slice_seconds(self) -> float: ...
    @property
    def yielded(self) -> Any: ...
    @property
    def held(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def bytes_written(self) -> int: ...
    @property
    def state(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def is_broken(self) -> bool: ...
    @property
    def documents(self) -> int: ...
    @property
    def produced(self) -> int: ...
    @property
    def is_busy(self) -> bool: ...
    flush_point: int
    def begin(self, obj: Any, head: bytes | None = None, only: bool = False, /) -> None: ...
    def begin_raw(self, data: bytes, piece: int = 0, /) -> None: ...
    def begin_part(self, obj: Any, head: bytes, /) -> None: ...
    def abandon(self) -> int: ...
    def take_back(self) -> bool: ...
    def begin_all(self, documents: Any, /) -> None: ...
    def run(self, out: Any, /) -> int: ...
    def run_outside(self) -> int: ...
    def send_whole(self, out: Any, last: bool, /) -> int | None: ...
    def resume(self, value: Any, /) -> int: ...
    def throw(self, exception: BaseException, /) -> int: ...
    def flush(self, out: Any, last: bool = False, /) -> bytes | memoryview | None: ...
    def flush_documents(self) -> bytes | memoryview | None: ...
    def refuse(self, partly: bool, /) -> None: ...
    def steal(self) -> bytes | None: ...
    def steal_documents(self) -> bytes | None: ...
    def stop(self) -> None: ...
    def end(self) -> bool: ...
    def new_slice(self) -> None: ...
    def trim(self) -> None: ...
    def finish(self) -> tuple[Any, list[Any]]: ...
    def close(self) -> None: ...

class WriterBase:
    _is_plain: bool
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def _attach(self, pump: Pump, /) -> None: ...
    def _acquire(self) -> None: ...
    def _release(self) -> None: ...
    def write(
        self,
        obj: Any,
        /,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> int:
        """Write one document; or inside of `object()` and `array()`, one value.

        Args:
            obj: What `rjson.dumps` takes.
            event, id, retry, comment: With framing "sse": see `rjson.Event`.

        Returns:
            How many bytes it has, with its framing.

        Raises:
            EncodeError: Something in it cannot be encoded. The writer goes on as if it had not been, unless a part of it is
                in a pipe or connection already.
            OSError, TimeoutError: The target failed. Every later call raises ConnectionAbortedError from it.
            ValueError: The writer is closed; or it has another framing, and an event's fields are given.
        """

# chunk_size, timeout, progress, overlap, verbatim: what every way to write has in common; see rjson._targets.Request.
_How = tuple[int, float | None, Progress, bool | None, bool]

class _Fills:
    """What fills a target: its object is what it makes bytes of."""

    def _dump_fd(
        self,
        *,
        obj: Any,
        fd: int,
        label: object,
        how: _How,
        fileno: Callable[[], int] | None,
        characters: bool,
    ) -> int: ...
    def _dump_write(
        self,
        *,
        obj: Any,
        write: Callable[[Any], object],
        label: object,
        how: _How,
        fileno: Callable[[], int] | None,
        mode: Literal["bytes", "text", "either"],
        answers: Literal["count", "raw", "ignored"],
        characters: bool,
        would_block: type[BaseException] | tuple[type[BaseException], ...],
    ) -> int: ...

class Encoder(_Fills):
    def __new__(cls, **options: Unpack[Options]) -> Self: ...
    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def _breaks_lines(self) -> bool: ...
    @property
    def default(self) -> Callable[[Any], Any] | None: ...
    @property
    def max_depth(self) -> int: ...
    def dumps(self, obj: Any, /) -> str:
        """Encode `obj` to a JSON str."""
    def dumps_bytes(self, obj: Any, /) -> bytes:
        """Encode `obj` to JSON bytes, UTF-8."""
    def _dump_sink(
        self,
        *,
        obj: Any,
        sink: Any,
        label: object,
        how: _How,
    ) -> int: ...

def dumps(
    obj: Any,
    /,
    **options: Unpack[Options],
) -> str:
    """Encode `obj` to JSON, as a str.

    Args:
        obj: Anything that JSON has a name for, an iterator (an array), or one of the types that python/README.md lists.
        **options: Those of Encoder.

    Raises:
        EncodeError: Something cannot be encoded; `.path` says where.
        RecursionError: It nests deeper than `max_depth`.
    """

def dumps_bytes(
    obj: Any,
    /,
    **options: Unpack[Options],
) -> bytes:
    """Encode `obj` to JSON, as bytes in UTF-8.

    Args:
        obj: Anything that JSON has a name for, an iterator (an array), or one of the types that python/README.md lists.
        **options: Those of Encoder.

    Raises:
        EncodeError: Something cannot be encoded; `.path` says where.
        RecursionError: It nests deeper than `max_depth`.
    """

def loads(s: str | bytes | bytearray | memoryview, /, **options: Unpack[DecodeOptions]) -> Any:
    """The value that a JSON text is (RFC 8259).

    Args:
        s: str, or bytes, bytearray, memoryview or another buffer, in UTF-8.
        object_hook: Called with each dict; its result takes the dict's place.
        object_pairs_hook: Called with each object as a list of (key, value); goes before object_hook.
        array_hook: Called with each list; its result takes the list's place.
        parse_float, parse_int: Called with the text of each number with or without a point or exponent.
        parse_constant: Called with 'NaN', 'Infinity' or '-Infinity'.
        allow_nan: Whether these are read without it. JSON has none of them, so the default is False.
        duplicates: 'last' (the default): if a key repeats, the last value wins. 'error': it is refused.
        strict: False: strings may have control characters in them.
        max_depth: How deeply arrays and objects may nest (1000). More is safe here, where nothing recurses,
            but not for repr(), ==, copy.deepcopy() and pickle of the result.

    Raises:
        DecodeError: The text is not JSON, nests too deeply, or has an integer of more digits than
            sys.get_int_max_str_digits(); says what is wrong, where, and what is there.
    """

@final
class Decoder:
    def __new__(cls, **options: Unpack[DecodeOptions]) -> Decoder: ...
    def loads(self, s: str | bytes | bytearray | memoryview, /) -> Any: ...

@final
class Feeder:
    def __new__(
        cls,
        decoder: Decoder,
        framing: Framing,
        /,
        *,
        max_bytes: int | None = None,
        on_error: OnError = "raise",
        end: bool = False,
    ) -> Feeder: ...
    @property
    def is_over(self) -> bool: ...
    def feed(self, part: str | bytes | bytearray | memoryview, /) -> bool: ...
    def take(self) -> list[Any]: ...

@final
class Values(Iterator[Any]):
    def __new__(cls, feeder: Feeder, read: Callable[[int], Any], chunk_size: int, /) -> Values: ...
    def __next__(self) -> Any: ...

@final
class ArrowWriter(_Fills):
    def __new__(
        cls,
        as_array: bool,
        omit_nulls: bool,
        nan_as_null: bool,
        utc_z: bool,
        columns: tuple[str, ...] | None,
        zones: Callable[[str], bytes],
    ) -> ArrowWriter: ...

@final
class Transcoder(_Fills):
    def __new__(
        cls,
        indent: str | None,
        item: str | None,
        key: str | None,
        ascii: bool,
        framing_in: str,
        framing_out: str,
        max_depth: int,
    ) -> Transcoder: ...
    def check(self, source: int | Callable[[], Any], progress: Callable[[int], object] | None = None, /) -> None: ...
