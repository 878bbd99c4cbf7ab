from collections.abc import Callable, Iterator
from typing import Any, Literal

__version__: str
isa: str

class EncodeError(TypeError, ValueError):
    path: str
    bytes_written: int

class Raw:
    def __new__(cls, json: bytes | bytearray | memoryview | str, /) -> Raw: ...
    @property
    def json(self) -> bytes: ...
    def __hash__(self) -> int: ...

class Chunks(Iterator[bytes]):
    def __next__(self) -> bytes: ...
    def close(self) -> None: ...

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
    def __new__(cls, encoder: Encoder, chunk_size: int, slice_us: int, http_chunked: bool, flush_point: int) -> Pump: ...
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
    def is_broken(self) -> bool: ...
    @property
    def last_byte(self) -> int: ...
    def begin(self, obj: Any, prefix: bytes = b"", suffix: bytes = b"", /) -> None: ...
    def run(self, out: Any, /) -> int: ...
    def send_whole(self, out: Any, last: bool, /) -> int | None: ...
    def resume(self, value: Any, /) -> int: ...
    def throw(self, exception: BaseException, /) -> int: ...
    def flush(self, out: Any, last: bool = False, /) -> bytes | memoryview | None: ...
    def refuse(self, partly: bool, /) -> None: ...
    def append(self, data: bytes, /) -> bool: ...
    def new_slice(self) -> None: ...
    def trim(self) -> None: ...
    def finish(self) -> tuple[Any, list[Any]]: ...

class Encoder:
    def __new__(
        cls, *, default: Callable[[Any], Any] | None = None, allow_nan: bool = False, max_depth: int = 100_000
    ) -> Encoder: ...
    @property
    def default(self) -> Callable[[Any], Any] | None: ...
    @property
    def max_depth(self) -> int: ...
    def dumps(self, obj: Any, /) -> str: ...
    def dumps_bytes(self, obj: Any, /) -> bytes: ...
    def iterencode(self, obj: Any, /, *, chunk_size: int = 65536) -> Chunks: ...
    def _dump_fd(
        self,
        *,
        obj: Any,
        fd: int,
        label: object,
        chunk_size: int,
        timeout: float | None,
        progress: Callable[[int], object] | None,
        fileno: Callable[[], int] | None,
        overlap: bool | None,
        characters: bool,
    ) -> int: ...
    def _dump_sink(
        self,
        *,
        obj: Any,
        sink: Any,
        label: object,
        timeout: float | None,
        progress: Callable[[int], object] | None,
    ) -> int: ...
    def _dump_write(
        self,
        *,
        obj: Any,
        write: Callable[[Any], object],
        label: object,
        chunk_size: int,
        timeout: float | None,
        progress: Callable[[int], object] | None,
        fileno: Callable[[], int] | None,
        mode: Literal["bytes", "text", "either"],
        none_is_nothing: bool,
        characters: bool,
        would_block: type[BaseException] | tuple[type[BaseException], ...],
    ) -> int: ...

def dumps(
    obj: Any,
    /,
    *,
    default: Callable[[Any], Any] | None = None,
    allow_nan: bool = False,
    max_depth: int = 100_000,
) -> str: ...
def dumps_bytes(
    obj: Any,
    /,
    *,
    default: Callable[[Any], Any] | None = None,
    allow_nan: bool = False,
    max_depth: int = 100_000,
) -> bytes: ...
