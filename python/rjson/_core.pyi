from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from typing_extensions import Self, Unpack

from ._options import DecodeOptions, Framing, OnError, Options, Progress, WriteFraming

__version__: str
isa: str

class EncodeError(TypeError, ValueError):
    path: str
    reason: str
    bytes_written: int

class Raw:
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
    def send_whole(self, out: Any, last: bool, /) -> int | None: ...
    def resume(self, value: Any, /) -> int: ...
    def throw(self, exception: BaseException, /) -> int: ...
    def flush(self, out: Any, last: bool = False, /) -> bytes | memoryview | None: ...
    def refuse(self, partly: bool, /) -> None: ...
    def steal(self) -> bytes | None: ...
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
    ) -> int: ...

# chunk_size, timeout, progress, overlap, verbatim: what every way to write has in common; see rjson._targets.Request.
How = tuple[int, float | None, Progress, bool | None, bool]

class _Fills:
    """What fills a target: its object is what it makes bytes of."""

    def _dump_fd(
        self,
        *,
        obj: Any,
        fd: int,
        label: object,
        how: How,
        fileno: Callable[[], int] | None,
        characters: bool,
    ) -> int: ...
    def _dump_write(
        self,
        *,
        obj: Any,
        write: Callable[[Any], object],
        label: object,
        how: How,
        fileno: Callable[[], int] | None,
        mode: Literal["bytes", "text", "either"],
        answers: Literal["count", "raw", "ignored"],
        characters: bool,
        would_block: type[BaseException] | tuple[type[BaseException], ...],
    ) -> int: ...

class Encoder(_Fills):
    def __new__(cls, **options: Unpack[Options]) -> Encoder: ...
    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def _breaks_lines(self) -> bool: ...
    @property
    def default(self) -> Callable[[Any], Any] | None: ...
    @property
    def max_depth(self) -> int: ...
    def dumps(self, obj: Any, /) -> str: ...
    def dumps_bytes(self, obj: Any, /) -> bytes: ...
    def _dump_sink(
        self,
        *,
        obj: Any,
        sink: Any,
        label: object,
        how: How,
    ) -> int: ...

def dumps(
    obj: Any,
    /,
    **options: Unpack[Options],
) -> str: ...
def dumps_bytes(
    obj: Any,
    /,
    **options: Unpack[Options],
) -> bytes: ...
def loads(s: str | bytes | bytearray | memoryview, /, **options: Unpack[DecodeOptions]) -> Any: ...

class Decoder:
    def __new__(cls, **options: Unpack[DecodeOptions]) -> Decoder: ...
    def loads(self, s: str | bytes | bytearray | memoryview, /) -> Any: ...

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

class Values(Iterator[Any]):
    def __new__(cls, feeder: Feeder, read: Callable[[int], Any], chunk_size: int, /) -> Values: ...
    def __next__(self) -> Any: ...

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
    def check(self, source: int | Callable[[], Any], /) -> None: ...
