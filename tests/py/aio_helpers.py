"""Real peers for rjson.aio: the other end of a connection, read on a thread of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from helpers import HAS_UV, tcp_pair, tls_pair

if HAS_UV:
    from rjson.uv import Stream


class Peer:
    """Reads to the end, `pause` seconds between reads; or only when told to.

    `limit`: stops reading after so many bytes, until resume() or reset().
    """

    def __init__(
        self, read: Callable[[int], bytes], *, pause: float = 0, limit: int | None = None, size: int = 65536
    ) -> None:
        self.data = bytearray()
        self.error: Exception | None = None
        self.reached_limit = threading.Event()
        self._go_on = threading.Event()
        self._read, self._pause, self._limit, self._size = read, pause, limit, size
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        wait = threading.Event()
        try:
            while True:
                if self._limit is not None and len(self.data) >= self._limit:
                    self.reached_limit.set()
                    self._go_on.wait()
                    self._limit = None
                part = self._read(self._size)
                if not part:
                    return
                self.data += part
                if self._pause:
                    wait.wait(self._pause)
        except (OSError, ValueError) as e:
            self.error = e

    def resume(self) -> None:
        self._go_on.set()

    async def result(self) -> bytes:
        """What came until the connection ended, however it did; see `error`."""
        self.resume()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, 60)
        assert not self._thread.is_alive()
        return bytes(self.data)


class Bare(asyncio.Protocol):
    """A protocol that takes no part in flow control."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport


class Slotted(asyncio.Protocol):
    """One that takes no attributes."""

    __slots__ = ()


class Stingy:
    """An object with an awaitable write() that takes less than it is given, and says so."""

    def __init__(self, sock: socket.socket, most: int = 7001) -> None:
        self.sock, self.most = sock, most

    async def write(self, data: bytes) -> int:
        part = memoryview(data)[: self.most]
        await asyncio.get_running_loop().sock_sendall(self.sock, part)
        return len(part)


PLAIN_KINDS = ["stream", "transport", "slotted", "unix"]
TRANSPORT_KINDS = [*PLAIN_KINDS, "tls", "tls-transport", "pipe", "pipe-stream"]
UV_KINDS = ["uv", "uv-unix", "uv-pipe"] if HAS_UV else []
KINDS = [*TRANSPORT_KINDS, *UV_KINDS, "socket", "blocking-socket", "timeout-socket", "tls-socket", "awaitable"]


@asynccontextmanager
async def connection(kind: str, certificate: Path | None = None, **peer_options: Any) -> AsyncIterator[tuple[Any, Peer]]:
    """A target of some kind, and its peer. Ask for the peer's result after `finish(target)`."""
    loop = asyncio.get_running_loop()
    theirs: Any
    if "pipe" in kind:
        r, w = os.pipe()
        peer = Peer(lambda n: os.read(r, n), **peer_options)
        if kind == "uv-pipe":
            target: Any = Stream(w)
            os.close(w)
        elif kind == "pipe":
            target = (await loop.connect_write_pipe(Bare, os.fdopen(w, "wb", 0)))[0]
        else:
            transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(w, "wb", 0))
            closed = loop.create_future()
            closed.set_result(None)
            protocol._get_close_waiter = lambda stream: closed  # type: ignore[attr-defined]
            target = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            yield target, peer
        finally:
            peer.resume()
            await finish(target)
            await peer.result()
            os.close(r)
        return
    if kind in ("tls", "tls-transport"):
        assert certificate
        ours, theirs, context = await _half_tls(certificate)
    elif kind == "tls-socket":
        assert certificate
        ours, theirs = await loop.run_in_executor(None, tls_pair, certificate)
        context = None
    else:
        ours, theirs = socket.socketpair() if "unix" in kind else tcp_pair()
        context = None
    ours.setblocking(kind in ("blocking-socket",))
    if kind == "timeout-socket":
        ours.settimeout(30)
    peer = Peer(theirs.recv, **peer_options)
    if kind in ("stream", "unix", "tls"):
        server_hostname = "localhost" if context else None
        _, target = await asyncio.open_connection(sock=ours, ssl=context, server_hostname=server_hostname)
    elif kind in ("transport", "slotted", "tls-transport"):
        protocol_class = Slotted if kind == "slotted" else Bare
        server_hostname = "localhost" if context else None
        target, _ = await loop.create_connection(protocol_class, sock=ours, ssl=context, server_hostname=server_hostname)
    elif kind == "awaitable":
        target = Stingy(ours)
    elif kind.startswith("uv"):
        target = Stream(ours)
        ours.close()
    else:
        target = ours
    try:
        yield target, peer
    finally:
        peer.resume()
        await finish(target)
        await peer.result()
        theirs.close()


async def _half_tls(certificate: Path) -> tuple[socket.socket, Any, ssl.SSLContext]:
    """A plain socket for a client transport, its TLS server peer (wrapped on first use), and the client's context."""
    ours, theirs = tcp_pair()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate)
    context = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))

    class Wrapped:
        def __init__(self) -> None:
            self.sock: ssl.SSLSocket | None = None

        def recv(self, n: int) -> bytes:
            if self.sock is None:
                self.sock = server_context.wrap_socket(theirs, server_side=True, suppress_ragged_eofs=False)
            data = self.sock.recv(n)
            if not data:
                self.sock.close()  # the other side waits for an answer to its goodbye
            return data

        def close(self) -> None:
            (self.sock or theirs).close()

        def setsockopt(self, *args: Any) -> None:
            (self.sock or theirs).setsockopt(*args)

    context.check_hostname = False
    return ours, Wrapped(), context


async def finish(target: Any) -> None:
    """Close a target, and wait until everything is on its way."""
    if isinstance(target, Stingy):
        target.sock.close()
    elif isinstance(target, asyncio.StreamWriter):
        if not target.transport.is_closing():
            target.close()
        with suppress(Exception):
            await target.wait_closed()
    elif isinstance(target, socket.socket):
        target.close()
    else:
        target.close()
    await asyncio.sleep(0.01)


def dechunk(data):
    """RFC 9112, section 7.1, strictly, without extensions and trailers."""
    body = b""
    while True:
        line, data = data.split(b"\r\n", 1)
        size = int(line, 16)
        assert line == b"%X" % size
        if size == 0:
            assert data == b"\r\n"
            return body
        body += data[:size]
        assert data[size : size + 2] == b"\r\n"
        data = data[size + 2 :]
