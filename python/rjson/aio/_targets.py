"""Where pieces go: transports, sockets, and objects with an awaitable write(), send() or send_all()."""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import socket
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from .._hints import instead
from .._linger import reset_on_close
from . import _loops
from ._driver import TOOK_ALL, TOOK_NOTHING, TOOK_SOME, Piece, Taker
from ._resume import queued_bytes, until_resumed
from ._watchdog import Watchdog

PROGRESS = 4096  # fewer bytes than these, and not all, in `timeout` seconds are a trickle and no progress


class Target(Taker, Protocol):
    @property
    def loop(self) -> _loops.Loop: ...
    @property
    def key(self) -> int:
        """The same for every target that writes to the same place, as long as that lives."""
        ...

    def write(self, piece: Piece) -> Awaitable[None] | None:
        """Take a piece; return what has to be awaited before the next one."""

    @property
    def finish(self) -> Callable[[], Awaitable[None]] | None:
        """Waits until what was written has left, where that is not the transport's business."""

    def abort(self) -> Awaitable[None] | None:
        """See to it that the peer does not take what it got for a whole message."""


def resolve(writer: Any, timeout: float | None) -> Target:
    """The target for what a user passed as `writer`. TypeError if it is none."""
    cached = getattr(writer, "_rjson_target", None)
    if type(cached) is TransportTarget and cached.is_for(writer, timeout):
        return cached
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be None or a positive number of seconds, not {timeout!r}")
    if isinstance(writer, asyncio.StreamWriter) and _is_plain_stream_writer(writer):
        return _stream_writer_target(writer, timeout)
    if isinstance(writer, getattr(sys.modules.get("rjson._compressed"), "Compressed", ())):
        return AwaitedTarget(writer, _in_thread(writer), timeout)
    is_never = isinstance(writer, (io.IOBase, int)) or _is_datagram_transport(writer)
    if not is_never and _is_transport(writer):
        return TransportTarget(writer, None, timeout)
    if callable(getattr(type(writer), "_attach", None)):  # rjson.uv's, which is imported if there is one
        from ._uv_target import UvTarget

        return UvTarget(writer, timeout)  # pyright: ignore[reportArgumentType] - it knows what writer is not
    if isinstance(writer, socket.socket):
        return SocketTarget(writer, timeout)
    if not is_never:
        for name in ("send_all", "write", "send"):
            if callable(getattr(writer, name, None)):
                return AwaitedTarget(writer, getattr(writer, name), timeout)
    hint = instead(writer, path="rjson.dump_path(obj, path) writes to a file by its name")
    if isinstance(writer, (io.IOBase, int)):
        hint = " (rjson.dump_to writes to files and descriptors)"
    raise TypeError(
        "writer must be an asyncio.StreamWriter, a WriteTransport, a socket, or an object with an awaitable "
        f"write(), send() or send_all(), not {type(writer).__name__}: {writer!r}{hint}"
    )


def _is_plain_stream_writer(writer: asyncio.StreamWriter) -> bool:
    """Whether its methods do nothing but what asyncio's do: write to the transport, and wait for it."""
    cls = type(writer)
    if cls is not asyncio.StreamWriter and (cls.write, cls.drain) != (
        asyncio.StreamWriter.write,
        asyncio.StreamWriter.drain,
    ):
        return False
    own = vars(writer)
    return "write" not in own and "drain" not in own


def _stream_writer_target(writer: asyncio.StreamWriter, timeout: float | None) -> TransportTarget:
    """Kept with the writer: the replies of a keep-alive connection are too small to look at its transport for each."""
    target = TransportTarget(writer.transport, weakref.ref(writer), timeout)
    vars(writer)["_rjson_target"] = target
    return target


def _is_transport(obj: Any) -> bool:
    """By what it does: uvloop's transports are no subclasses of asyncio's."""
    needed = ("write", "abort", "is_closing", "get_write_buffer_size", "get_write_buffer_limits")
    return all(callable(getattr(obj, name, None)) for name in needed)


def _is_datagram_transport(obj: Any) -> bool:
    """asyncio's has inherited a write(), which is not implemented."""
    return isinstance(obj, asyncio.BaseTransport) and hasattr(obj, "sendto")


class _Undriven:
    """A target that is handed every piece."""

    __slots__ = ()
    drive = None
    finish = None


# ---- transports


def _is_plain_transport(cls: type) -> bool:
    """Whether write() does nothing but send to the socket, if nothing is queued. No TLS: that has transports of its own."""
    return f"{cls.__module__}.{cls.__name__}" in (
        "asyncio.selector_events._SelectorSocketTransport",
        "uvloop.loop.TCPTransport",
        "uvloop.loop.UnixTransport",
    )


class TransportTarget(_Undriven):
    """An asyncio or uvloop transport, at the pace of its own water marks."""

    __slots__ = ("_fd", "_timeout", "_transport", "_writer", "key", "took")
    loop: _loops.Loop = _loops.ASYNCIO

    def __init__(self, transport: Any, writer: weakref.ref[asyncio.StreamWriter] | None, timeout: float | None) -> None:
        self.took = TOOK_NOTHING
        self.key = id(transport)
        self._transport = transport
        self._writer = writer
        self._timeout = timeout
        self._fd = self._plain_fd()

    def _plain_fd(self) -> int:
        if not _is_plain_transport(type(self._transport)):
            return -1
        sock = self._transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())

    def is_for(self, writer: asyncio.StreamWriter, timeout: float | None) -> bool:
        """Whether a StreamWriter that it was made for is still the same underneath."""
        own = vars(writer)
        return writer.transport is self._transport and timeout == self._timeout and "write" not in own and "drain" not in own

    def direct_fd(self) -> int:
        transport = self._transport
        if self._fd < 0 or transport.is_closing() or transport.get_write_buffer_size() > 0:
            return -1
        if "write" in getattr(transport, "__dict__", ()):  # somebody listens in
            return -1
        try:
            transport.write(b"")  # does nothing, unless write_eof() was called or asyncio's sendfile() uses the socket
        except RuntimeError:
            return -1
        return self._fd

    def write(self, piece: Piece) -> Awaitable[None] | None:
        transport = self._transport
        self.took = TOOK_NOTHING
        if transport.is_closing():
            return self._lost()
        try:
            transport.write(piece)
        except RuntimeError as e:  # uvloop's for a connection that is gone
            if not transport.is_closing():
                raise
            raise ConnectionResetError("connection lost") from e
        self.took = TOOK_ALL
        queued = queued_bytes(transport)
        if (queued and queued > transport.get_write_buffer_limits()[1]) or transport.is_closing():
            return self._drain()
        return None

    async def _lost(self) -> None:
        """Raise the best exception that there is for a connection that is gone."""
        writer = self._writer and self._writer()
        if writer and not queued_bytes(self._transport):
            await writer.drain()  # with something queued it would wait until the user's close() is through
        raise ConnectionResetError("connection lost: the transport is closed")

    async def _drain(self) -> None:
        transport = self._transport
        watchdog = Watchdog(self._timeout, lambda: queued_bytes(transport), self.abort) if self._timeout else None
        try:
            writer = self._writer and self._writer()
            if writer:
                await writer.drain()
            else:
                await until_resumed(self._transport)
            if self._transport.is_closing():  # drain() may return as if all were well
                await self._lost()
        except OSError as e:
            if watchdog:
                watchdog.explain(e)
            raise
        finally:
            if watchdog:
                watchdog.stop()

    def abort(self) -> None:
        if not self._transport.is_closing():
            reset_on_close(self._transport.get_extra_info("socket"))
        self._transport.abort()


# ---- sockets


def _want_errors() -> tuple[type[BaseException], type[BaseException]]:
    """What a TLS socket raises when it has to wait: for writing, for reading."""
    ssl: Any = sys.modules.get("ssl")
    return (ssl.SSLWantWriteError, ssl.SSLWantReadError) if ssl else (BlockingIOError, BlockingIOError)


# Seconds between two looks at whether a socket that is waited for is still open.
_LOOK = 0.1

# Without waiting and without SIGPIPE, which Python ignores unless told otherwise; Linux can say so for one call.
_SEND_FLAGS = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)


class SocketTarget(_Undriven):
    """A stream socket that nothing else writes to."""

    def __init__(self, sock: socket.socket, timeout: float | None) -> None:
        if sock.type != socket.SOCK_STREAM:
            raise ValueError(f"writer must be a stream socket, not {sock!r}")
        if sock.fileno() < 0:
            raise ValueError(f"writer is closed: {sock!r}")
        self.loop = _loops.running()
        self.took = TOOK_NOTHING
        self.key = id(sock)
        self._sock = sock
        self._fd = sock.fileno()
        self._timeout = timeout
        self._is_plain = (type(sock).send, type(sock).fileno) == (socket.socket.send, socket.socket.fileno)
        if not self._is_plain and sock.gettimeout() != 0:
            raise ValueError(f"writer must be non-blocking, call its setblocking(False): {sock!r}")

    def direct_fd(self) -> int:
        return self._sock.fileno() if self._is_plain else -1

    def write(self, piece: Piece) -> Awaitable[None]:
        self.took = TOOK_NOTHING
        return self._send_all(piece)

    async def _send_all(self, piece: Piece) -> None:
        want_write, want_read = _want_errors()
        rest: Piece = piece
        while rest:
            self._check_open()
            try:
                rest = memoryview(rest)[self._send_now(rest) :]
                self.took = TOOK_SOME
            except (BlockingIOError, want_write):
                await self._wait(for_writing=True)
            except want_read:
                await self._wait(for_writing=False)
        self.took = TOOK_ALL

    def _send_now(self, piece: Piece) -> int:
        if not self._is_plain:
            return self._sock.send(piece)
        # Another object for the same descriptor: one without the timeout that the user's may have.
        bare = socket.socket(fileno=self._sock.fileno())
        try:
            return bare.send(piece, _SEND_FLAGS)
        finally:
            bare.detach()

    async def _wait(self, *, for_writing: bool) -> None:
        """Wait for the socket. On a copy of the descriptor: the number may be another file's by the time that this ends."""
        end = _loops.now() + self._timeout if self._timeout else float("inf")
        copy = os.dup(self._fd)
        try:
            while not await self.loop.is_ready_within(copy, for_writing, min(_LOOK, max(end - _loops.now(), 0))):
                self._check_open()
                if _loops.now() >= end:
                    raise TimeoutError("timed out: the target accepted no more")
        finally:
            os.close(copy)

    def _check_open(self) -> None:
        """No event loop tells that a descriptor which it waits for has been closed."""
        if self._sock.fileno() != self._fd:
            raise ValueError("the socket was closed while it was written to")

    def abort(self) -> None:
        """The socket is the user's to close."""
        reset_on_close(self._sock)


# ---- everything else


class AwaitedTarget(_Undriven):
    """An object with an awaitable method that takes bytes. If it answers with a number, it took only so many."""

    def __init__(self, writer: Any, send: Callable[[Piece], Any], timeout: float | None) -> None:
        self.loop = _loops.running()
        self.took = TOOK_NOTHING
        self.key = id(writer)
        self._writer = writer
        self._send = send
        self._drain: Callable[[], Any] | None = getattr(writer, "drain", None)
        self._timeout = timeout

    def direct_fd(self) -> int:
        return -1

    def write(self, piece: Piece) -> Awaitable[None]:
        self.took = TOOK_NOTHING
        return self._write_all(piece)

    async def _write_all(self, piece: Piece) -> None:
        rest: Piece = piece
        self.took = TOOK_SOME
        while rest:
            write = self._write_part(rest)
            count = await (self.loop.limit(write, self._timeout) if self._timeout else write)
            rest = memoryview(rest)[count:]
        self.took = TOOK_ALL

    async def _write_part(self, piece: Piece) -> int:
        """Write all of it, or as much as is progress."""
        taken = await self._write_some(piece)
        while taken < min(len(piece), PROGRESS):
            count = await self._write_some(memoryview(piece)[taken:])
            if count == 0:
                await self.loop.turn()
            taken += count
        return taken

    async def _write_some(self, piece: Piece) -> int:
        result = self._send(piece)
        if inspect.isawaitable(result):
            result = await result
        elif callable(self._drain):  # like a StreamWriter: write() keeps it, drain() waits
            waiting = self._drain()
            if inspect.isawaitable(waiting):
                await waiting
        if result is None:
            return len(piece)
        if not isinstance(result, int) or isinstance(result, bool) or not 0 <= result <= len(piece):
            raise TypeError(f"{self._send!r} must return None or how many of {len(piece)} bytes it took, not {result!r}")
        return result

    def abort(self) -> Awaitable[None] | None:
        """By its own abort(), or its transport's; else, for the streams of trio and anyio, by closing it without ceremony.

        Of anything else nothing is known that could be done.
        """
        transport = _transport_below(self._writer)
        if transport is not None and not transport.is_closing():
            reset_on_close(transport.get_extra_info("socket"))
        abort = getattr(self._writer, "abort", None) or (transport and transport.abort)
        if callable(abort):
            abort()
            return None
        if callable(getattr(self._writer, "aclose", None)):
            return self._close_forcefully()
        return None

    async def _close_forcefully(self) -> None:
        for name in ("trio", "anyio"):
            library: Any = sys.modules.get(name)
            if library and isinstance(self._writer, library.abc.AsyncResource):
                reset_on_close(_raw_socket(self._writer))
                await library.aclose_forcefully(self._writer)
                return


# Where the transport is: below a writer of one's own; aiohttp's responses; sanic's.
_TRANSPORT_PATHS = (("transport",), ("_payload_writer", "transport"), ("stream", "protocol", "transport"))


def _in_thread(packed: Any) -> Callable[[Piece], Any]:
    """The write() of a compressed file; an awaitable one where it may wait."""
    loop = _loops.running()

    def write(piece: Piece) -> Any:
        data = bytes(piece)  # a copy: when nobody waits for it any more, the thread may still be at it
        return packed.write(data) if packed.has_room(len(data)) else loop.in_thread(packed.write, data)

    return write


def _transport_below(writer: Any) -> Any:
    """The transport that an object's awaitable method writes to, or None where none is found."""
    for path in _TRANSPORT_PATHS:
        found = writer
        for name in path:
            found = getattr(found, name, None)
        if callable(getattr(found, "get_extra_info", None)) and _is_transport(found):
            return found
    return None


def _raw_socket(stream: Any) -> Any:
    """The socket below a stream of trio or anyio, or None."""
    anyio: Any = sys.modules.get("anyio")
    extra = getattr(stream, "extra", None)
    if anyio and callable(extra):
        return extra(anyio.abc.SocketAttribute.raw_socket, None)
    return getattr(stream, "socket", None)
