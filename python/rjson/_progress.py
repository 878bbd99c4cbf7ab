"""progress=: who is told how far it is, and the bar of tqdm that True stands for."""

from __future__ import annotations

from ._codecs import first_of
from ._targets import Request, dump_to

TYPE_CHECKING = False  # see _encoder.py
if TYPE_CHECKING:
    from typing import Any

_NO_TQDM = "progress=True needs a module: pip install tqdm. A callable works without: it is called with the bytes so far"


class Bar:
    """A bar that is told how many bytes there are so far. A context manager, which takes care of its end.

    Args:
        **settings: More of tqdm's.

    Raises:
        ImportError: tqdm is not installed.
    """

    def __init__(self, **settings: Any) -> None:
        tqdm = first_of(("tqdm",), _NO_TQDM)
        self._bar = tqdm.tqdm(unit="B", unit_scale=True, **settings)

    def __call__(self, count: int) -> None:
        self._bar.update(count - self._bar.n)

    def close(self) -> None:
        """Show where it got to."""
        self._bar.close()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Teller:
    """Tells a `progress` argument how many bytes there are so far, whenever there are more.

    Args:
        progress: A callable, or True, which is a bar.

    Raises:
        ImportError: True, and tqdm is not installed.
        TypeError: It is something else.
    """

    def __init__(self, progress: Any) -> None:
        self._bar = Bar() if progress is True else None
        self._tell = self._bar or progress
        if not callable(self._tell):
            raise TypeError(f"progress must be callable, True or None, not {type(progress).__name__}")
        self._last = 0

    def __call__(self, count: int) -> None:
        if count != self._last:
            self._last = count
            self._tell(count)

    def close(self) -> None:
        """Nothing more will be told."""
        if self._bar is not None:
            self._bar.close()


def teller_for(progress: Any) -> Teller | None:
    """None: nobody is to be told."""
    return None if progress is None else Teller(progress)


def dump_with_bar(request: Request, target: Any) -> int:
    """dump_to, with a bar. None is left on the screen if it fails at once."""
    with Bar() as bar:
        request.progress = bar
        count = dump_to(request, target)
        bar(count)
    return count
