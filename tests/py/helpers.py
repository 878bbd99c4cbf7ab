"""Ways to encode one object, so that every test of content runs over every path and at hostile chunk sizes."""

from __future__ import annotations

import ctypes
import importlib.util
import io
import json
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rjson

# Below the minimum, the minimum, odd ones, a page, the default.
CHUNK_SIZES = [1, 512, 513, 777, 4096, 65536]

# Without libuv there is no rjson.uv; tests of it are left out then.
HAS_UV = importlib.util.find_spec("rjson._uv") is not None

# The address sanitizer keeps what was freed, so memory cannot be measured under it.
UNDER_ASAN = "asan" in os.environ.get("LD_PRELOAD", "")
IS_DEBUG_BUILD = hasattr(sys, "gettotalrefcount")
# For programs of their own that are to say nothing else: they fork with threads, of which 3.12 and later warn, and leave
# open what others closed, of which a debug build warns.
QUIET = ["-W", "ignore:This process:DeprecationWarning", "-W", "ignore::ResourceWarning"]
# Long forms, which `make test-slow` runs.
SLOW = os.environ.get("RJSON_SLOW") == "1"


def stdlib(obj: Any, **options: Any) -> str:
    """What the standard library writes, in rjson's compact form."""
    return json.dumps(obj, ensure_ascii=False, separators=(",", ":"), **options)


def streamed(obj: Any, **options: Any) -> bytes:
    """What `dump` writes into a file in memory."""
    out = io.BytesIO()
    rjson.dump(obj, out, **options)
    return out.getvalue()


_utf8_of = ctypes.pythonapi.PyUnicode_AsUTF8AndSize
_utf8_of.restype = ctypes.c_void_p
_utf8_of.argtypes = [ctypes.py_object, ctypes.POINTER(ctypes.c_ssize_t)]


def keep_utf8(text: str) -> bytes:
    """Leaves its UTF-8 form in a str, as other encoders do, and returns it."""
    size = ctypes.c_ssize_t()
    return ctypes.string_at(_utf8_of(text, ctypes.byref(size)), size.value)


class Reader:
    """Reads a descriptor or socket to its end on another thread."""

    def __init__(self, read: Callable[[int], bytes], pause: float = 0) -> None:
        self.data = b""
        self._read = read
        self._pause = pause
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        parts = []
        wait = threading.Event()
        while part := self._read(65536):
            parts.append(part)
            if self._pause:
                wait.wait(self._pause)
        self.data = b"".join(parts)

    def result(self) -> bytes:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.data


@contextmanager
def pipe(pause: float = 0) -> Iterator[tuple[int, Reader]]:
    """A pipe's writing end, and a reader of the other; close the end, then ask for the result."""
    r, w = os.pipe()
    reader = Reader(lambda n: os.read(r, n), pause)
    try:
        yield w, reader
    finally:
        os.close(w)
        reader.result()
        os.close(r)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    return client, accepted


def tls_pair(certificate: Path) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """A server's and a client's end of a TLS connection; `certificate` is the fixture of that name."""
    client_context = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    client_context.check_hostname = False
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate)
    ours, theirs = tcp_pair()
    result: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: result.append(client_context.wrap_socket(theirs)))
    thread.start()
    server = server_context.wrap_socket(ours, server_side=True)
    thread.join()
    return server, result[0]


def _via_pipe(obj: Any, options: dict[str, Any]) -> bytes:
    with pipe() as (fd, reader):
        rjson.dump_to(obj, fd, **options)
    return reader.result()


def _via_socket(obj: Any, options: dict[str, Any]) -> bytes:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = Reader(theirs.recv)
        rjson.dump_to(obj, ours, **options)
        ours.close()
        return reader.result()


def _via_bytesio(obj: Any, options: dict[str, Any]) -> bytes:
    fp = io.BytesIO()
    count = rjson.dump(obj, fp, **options)
    assert count == len(fp.getvalue())
    return fp.getvalue()


def _via_stringio(obj: Any, options: dict[str, Any]) -> bytes:
    fp = io.StringIO()
    count = rjson.dump(obj, fp, **options)
    assert count == len(fp.getvalue())
    return fp.getvalue().encode()


def _via_iterencode(obj: Any, options: dict[str, Any]) -> bytes:
    chunks = list(rjson.iterencode(obj, **options))
    assert all(len(chunk) <= max(512, options["chunk_size"]) for chunk in chunks)
    return b"".join(chunks)


def _via_uv(obj: Any, options: dict[str, Any]) -> bytes:
    import rjson.uv

    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = Reader(theirs.recv)
        with rjson.uv.Stream(ours) as stream:
            count = rjson.dump_to(obj, stream, **options)
        ours.close()
        assert count == len(reader.result())
        return reader.result()


STREAMS = [_via_bytesio, _via_stringio, _via_iterencode, _via_pipe, _via_socket, *([_via_uv] if HAS_UV else [])]


def check_everywhere(make: Callable[[], Any], expected: str, **options: Any) -> None:
    """`make()` encodes to `expected` on every path. A function, because iterators can be used only once."""
    assert rjson.dumps(make(), **options) == expected
    assert rjson.dumps_bytes(make(), **options) == expected.encode()
    for chunk_size in CHUNK_SIZES:
        for stream in STREAMS:
            assert stream(make(), {"chunk_size": chunk_size, **options}).decode() == expected
