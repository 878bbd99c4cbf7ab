"""Documents that are built piece by piece: brackets, keys and separators. Both writers use it."""

from __future__ import annotations

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from ._core import Encoder

PIECE_APART, PIECE_FIRST, PIECE_INNER, PIECE_LAST = range(4)  # see Pump.begin_raw

_BRACKETS = {"object": (b"{", b"}"), "array": (b"[", b"]")}


class Shape:
    """What is open of a document that is built, and what has to come before its next value."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._open: list[str] = []
        self._is_first = True  # nothing stands before the next item of the innermost level
        self._key: bytes | None = None  # it waits for its value
        self.failure: BaseException | None = None  # why the document was given up, in the middle of its levels

    @property
    def depth(self) -> int:
        """How many levels are open."""
        return len(self._open)

    def check(self) -> None:
        """ValueError if the document was given up."""
        if self.failure is not None:
            raise ValueError(f"the document was given up: {self.failure!r}") from self.failure

    def cut(self, depth: int) -> None:
        """Forget levels that could not be begun, down to so many."""
        del self._open[depth:]

    def key(self, name: str) -> None:
        """Name the value that comes next."""
        if not self._open or self._open[-1] != "object":
            raise ValueError("key() is for members of an object: use it inside of object()")
        if self._key is not None:
            raise ValueError(f"the key before it has no value yet, and here comes {name!r}")
        if not isinstance(name, str):
            raise TypeError(f"a key must be a str, not {type(name).__name__}: {name!r}")
        self._key = self._encoder.dumps(name).strip().encode("utf-8", "surrogatepass") + b":"

    def before_value(self) -> bytes:
        """The bytes before a value."""
        if self._open[-1] == "object" and self._key is None:
            raise ValueError("a member of an object needs a key: call key() first")
        head = (b"" if self._is_first else b",") + (self._key or b"")
        self._is_first, self._key = False, None
        return head

    def begin(self, kind: str) -> bytes:
        """The bytes that begin an object or array."""
        head = self.before_value() if self._open else b""
        self._open.append(kind)
        self._is_first = True
        return head + _BRACKETS[kind][0]

    def end(self) -> bytes | None:
        """Leave the innermost object or array. The bytes that end it; None if its last key has no value."""
        is_complete = self._key is None
        self._is_first, self._key = False, None
        bracket = _BRACKETS[self._open.pop()][1]
        return bracket if is_complete else None
