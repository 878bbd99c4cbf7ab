"""progress=True: a bar of tqdm."""

from __future__ import annotations

from typing import Any

from ._codecs import first_of
from ._targets import Request, dump_to

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


def dump_with_bar(request: Request, target: Any) -> int:
    """dump_to, with a bar. None is left on the screen if it fails at once."""
    with Bar() as bar:
        request.progress = bar
        count = dump_to(request, target)
        bar(count)
    return count
