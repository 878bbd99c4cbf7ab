"""Stream."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from .. import _uv
from .._hints import is_descriptor

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


def descriptor(target: Any) -> int:
    """The descriptor of what a Stream is made of; TypeError or ValueError if there is none that may be written to."""
    fd = _descriptor(target)
    if fd < 0:
        raise ValueError(f"target is closed: {target!r}")
    return fd


def _descriptor(target: Any) -> int:
    if is_descriptor(target):
        return target
    if isinstance(target, Stream):
        return target.fileno()
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

    It has a copy of the descriptor (as of `os.dup`), so the original can be closed at any time, and closing the Stream
    leaves the original open. While documents are written nobody else should write there. O_NONBLOCK, which all copies of a
    descriptor share, is set only while something is on its way.

    Write to it with `rjson.dump_to(obj, stream)`, or with `await rjson.aio.dump(obj, stream)` and
    `rjson.aio.Writer(stream)` on asyncio and uvloop; one document at a time. To be used by one thread at a time, and in the
    process that made it.

    Args:
        target: A file descriptor, a stream socket, or an asyncio or uvloop transport or StreamWriter on a plain socket.

    Raises:
        ValueError: It is of a kind that libuv has no stream for (files), or it does not take plain bytes (TLS).

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
        return super().__new__(cls, descriptor(target))

    def __repr__(self) -> str:
        return f"<rjson.uv.Stream {'closed' if self.closed else f'fd={self.fileno()}'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
