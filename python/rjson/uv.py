"""rjson.uv: documents to libuv streams.

`rjson.dump_to(obj, stream)` writes to one, waiting without the GIL; `await rjson.aio.dump(obj, stream)` does on asyncio and
uvloop, where nothing in Python happens per chunk.

The libuv here is the system's, on loops of its own. It shares nothing with the one inside uvloop.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_flags = sys.getdlopenflags()
try:
    # Never with global symbols: they would come in front of uvloop's.
    sys.setdlopenflags(os.RTLD_LOCAL | os.RTLD_NOW)
    from . import _uv
except ImportError as e:
    raise ImportError(
        "rjson.uv needs libuv, which this rjson was built without or does not find: install it (Debian, Ubuntu: "
        "apt install libuv1-dev pkg-config; Fedora: dnf install libuv-devel) and reinstall rjson from source "
        f"(pip install --no-binary rjson --force-reinstall rjson). The cause: {e}"
    ) from e
finally:
    sys.setdlopenflags(_flags)

libuv_version: str = _uv.libuv_version

__all__ = ["Stream", "libuv_version"]


def _descriptor(target: Any) -> int:
    """The descriptor of what a Stream is made of; TypeError or ValueError if there is none that may be written to."""
    if isinstance(target, int) and not isinstance(target, bool):
        return target
    get_extra_info = getattr(target, "get_extra_info", None)
    if callable(get_extra_info):  # asyncio's and uvloop's transports, and their StreamWriters
        return _transport_descriptor(target, get_extra_info)
    if not isinstance(target, socket.socket):
        raise TypeError(
            "target must be a file descriptor, a stream socket, or a transport or StreamWriter on one, "
            f"not {type(target).__name__}: {target!r}"
        )
    if target.type != socket.SOCK_STREAM:
        raise ValueError(f"target must be a stream socket, not {target!r}")
    cls: Any = type(target)
    if cls.send is not socket.socket.send or cls.fileno is not socket.socket.fileno:
        raise ValueError(f"target must be a plain socket (a TLS socket's descriptor takes no plaintext), not {target!r}")
    return target.fileno()


def _transport_descriptor(target: Any, get_extra_info: Any) -> int:
    sock = get_extra_info("socket")
    if sock is None or get_extra_info("ssl_object") is not None:
        raise ValueError(f"target must be a transport on a plain socket, not {target!r}")
    transport = getattr(target, "transport", target)
    if transport.get_write_buffer_size() > 0:
        raise ValueError(f"target has data in its own buffer: await its drain() first: {target!r}")
    return int(sock.fileno())


class Stream(_uv.Stream):
    """A libuv stream on a socket, pipe or terminal.

    It has a copy of the descriptor (as of `os.dup`), so the original can be closed at any time, and closing the Stream leaves
    the original open. While documents are written nobody else should write there. O_NONBLOCK, which all copies of a descriptor
    share, is set only while something is on its way.

    Write to it with `rjson.dump_to(obj, stream)`, or with `await rjson.aio.dump(obj, stream)` and `rjson.aio.Writer(stream)` on
    asyncio and uvloop; one document at a time. To be used by one thread at a time, and in the process that made it.

    Args:
        target: A file descriptor, a stream socket, or an asyncio or uvloop transport or StreamWriter on a plain socket.

    Raises:
        ValueError: It is of a kind that libuv has no stream for (files), or one whose plain bytes are not what is sent (TLS).

    >>> ours, theirs = socket.socketpair()
    >>> with Stream(ours) as stream:
    ...     import rjson
    ...     rjson.dump_to([1, 2, 3], stream)
    7
    >>> theirs.recv(100)
    b'[1,2,3]'
    >>> ours.close(), theirs.close()
    (None, None)
    """

    __slots__ = ("__weakref__",)

    def __new__(cls, target: Any) -> Self:
        fd = _descriptor(target)
        if fd < 0:
            raise ValueError(f"target is closed: {target!r}")
        return super().__new__(cls, fd)

    def __repr__(self) -> str:
        return f"<rjson.uv.Stream {'closed' if self.closed else f'fd={self.fileno()}'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
