"""iterload: what it reads from. Files, pipes and sockets are in test_iterload.py."""

import http.client
import io
import json
import socket
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

import rjson
import rjson.aio

VALUES = [{"id": i, "text": "é中😀" * (i % 4)} for i in range(200)]
TEXT = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in VALUES)


def parts(text, size):
    return [text[i : i + size] for i in range(0, len(text), size)]


# ---- iterators of parts


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("framing", ["auto", "lines"])
def test_iterators(size, framing):
    """Of bytes and of str, cut anywhere; lists too. Empty parts are not the end."""
    for text in (TEXT, TEXT.encode()):
        pieces = parts(text, size)
        with_empty = [piece for pair in zip(pieces, [text[:0]] * len(pieces), strict=True) for piece in pair]
        for source in (pieces, iter(pieces), (piece for piece in with_empty), tuple(with_empty)):
            assert list(rjson.iterload(source, framing=framing)) == VALUES
    assert list(rjson.iterload([], framing=framing)) == []


def test_values_come_as_the_parts_do():
    asked = []

    def source():
        for piece in (b"1\n2\n", b"3", b"\n"):
            asked.append(piece)
            yield piece

    values = rjson.iterload(source())
    assert asked == []
    assert [next(values), next(values)] == [1, 2]
    assert asked == [b"1\n2\n"]
    assert list(values) == [3]


def test_a_generator_that_failed_has_not_ended():
    """Who asks again is not told that this was all."""

    def source():
        yield b"1\n2\n"
        raise ConnectionResetError("gone")

    values = rjson.iterload(source(), framing="lines")
    assert [next(values), next(values)] == [1, 2]
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            next(values)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("rows.json", r"iterload_path\(path\) .* rjson.loads\(text\)"),
        (Path("rows.json"), r"iterload_path\(path\)"),
        (b"[1]", r"rjson.loads\(text\)"),
        (memoryview(b"[1]"), "not memoryview"),
        ({"a": 1}, "not dict"),
        (5, "not int: 5"),
    ],
)
def test_what_is_no_source(source, hint):
    """The error says what to write instead."""
    with pytest.raises(TypeError, match=f"iterload.. takes a file, .*{hint}"):
        rjson.iterload(source)


async def test_async_iterators():
    """Of bytes and of str, cut anywhere."""

    async def give(pieces):
        for piece in pieces:
            yield piece
            yield piece[:0]

    for size in (1, 7, 1000, 10**6):
        for text in (TEXT, TEXT.encode()):
            for framing in ("auto", "lines"):
                values = rjson.aio.iterload(give(parts(text, size)), framing=framing)
                assert [value async for value in values] == VALUES
    with pytest.raises(TypeError, match=r"takes a file, .*not async_generator.*rjson.aio.iterload"):
        rjson.iterload(give([]))
    with pytest.raises(TypeError, match=r"async iterator of bytes, not list: .*rjson.iterload"):
        rjson.aio.iterload([b"1"])


async def test_an_async_generator_that_failed_has_not_ended():
    async def source():
        yield b"1\n2\n"
        raise ConnectionResetError("gone")

    values = rjson.aio.iterload(source(), framing="lines")
    assert [await anext(values), await anext(values)] == [1, 2]
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            await anext(values)


async def test_an_async_generator_that_was_cancelled_has_not_ended():
    import asyncio

    async def source():
        yield b"1\n"
        await asyncio.sleep(60)
        yield b"2\n"

    values = rjson.aio.iterload(source(), framing="lines")
    assert await anext(values) == 1
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(values), 0.01)
    with pytest.raises(RuntimeError, match="was cancelled"):
        await anext(values)


# ---- responses that are cut


@contextmanager
def server(response):
    """Answers one request with these bytes, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            try:
                connection, _ = listening.accept()
            except OSError:  # nobody came: the test was skipped
                return
            with connection:
                while not connection.recv(65536).endswith(b"\r\n\r\n"):
                    pass
                connection.sendall(response)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def by_http_client(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    return connection.getresponse()


def by_urllib(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30)


def by_urllib3(port):
    urllib3 = pytest.importorskip("urllib3")
    url = f"http://127.0.0.1:{port}/"
    return urllib3.PoolManager().request("GET", url, preload_content=False, enforce_content_length=False, timeout=30)


def as_text(port):
    return io.TextIOWrapper(by_urllib(port), "utf-8")


def as_buffered(port):
    return io.BufferedReader(by_http_client(port))


@pytest.mark.parametrize("by", [by_http_client, by_urllib, by_urllib3, as_text, as_buffered])
@pytest.mark.parametrize("framing", ["lines", "auto"])
def test_a_body_that_is_cut_is_not_taken_for_the_whole(by, framing):
    """Less than its Content-Length: what has arrived comes out, then an IncompleteRead, however often one asks."""
    body = TEXT.encode()
    cut = body[: body.index(b"\n", len(body) // 2) + 1]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    with server(head + cut) as port:
        values, got = rjson.iterload(by(port), framing=framing), []
        with pytest.raises(http.client.IncompleteRead) as e:
            for value in values:
                got.append(value)
        assert got == VALUES[: len(got)]
        assert len(got) == cut.count(b"\n")
        assert e.value.expected == len(body) - len(cut)
        with pytest.raises(http.client.IncompleteRead):
            next(values)
    with server(head + body) as port:
        assert list(rjson.iterload(by(port), framing=framing)) == VALUES


@pytest.mark.parametrize("by", [by_http_client, by_urllib, by_urllib3, as_text, as_buffered])
def test_load_and_reformat_tell_too(by):
    """A number that was cut is a number, and lines that were cut are lines."""
    broken = pytest.importorskip("urllib3").exceptions.ProtocolError if by is by_urllib3 else http.client.IncompleteRead
    cut = pytest.raises((http.client.IncompleteRead, broken))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    with server(head % 5 + b"123") as port, cut:
        rjson.load(by(port))
    with server(head % 9 + b"1\n2\n3\n") as port, cut:
        rjson.reformat(by(port), io.BytesIO())
    with server(head % 5 + b"12345") as port:
        assert rjson.load(by(port)) == 12345


@pytest.mark.parametrize("by", [by_http_client, by_urllib, by_urllib3, as_text, as_buffered])
def test_responses_without_a_length(by):
    """They end where the connection or the chunks do."""
    body = TEXT.encode()
    with server(b"HTTP/1.0 200 OK\r\n\r\n" + body) as port:
        assert list(rjson.iterload(by(port))) == VALUES
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with server(head + chunk + b"0\r\n\r\n") as port:
        assert list(rjson.iterload(by(port))) == VALUES


def test_httpx():
    """A response is read by its iter_bytes, or aiter_bytes; a client of the standard library reads the same."""
    httpx = pytest.importorskip("httpx")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TEXT.encode())
    with server(head + TEXT.encode()) as port, httpx.stream("GET", f"http://127.0.0.1:{port}/") as response:
        assert list(rjson.iterload(response, framing="lines")) == VALUES
    with server(head + TEXT.encode()[:-5]) as port, httpx.stream("GET", f"http://127.0.0.1:{port}/") as response:
        values = rjson.iterload(response, framing="lines")
        with pytest.raises(httpx.RemoteProtocolError):
            list(values)


async def test_httpx_async():
    httpx = pytest.importorskip("httpx")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TEXT.encode())
    with server(head + TEXT.encode()) as port:
        async with httpx.AsyncClient() as client, client.stream("GET", f"http://127.0.0.1:{port}/") as response:
            assert [value async for value in rjson.aio.iterload(response, framing="lines")] == VALUES


def test_requests():
    """A response is an iterator of bytes; `iter_content` says how large these are."""
    requests = pytest.importorskip("requests")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TEXT.encode())
    for take in (lambda response: response, lambda response: response.iter_content(1000)):
        with server(head + TEXT.encode()) as port, requests.get(f"http://127.0.0.1:{port}/", stream=True) as response:
            assert list(rjson.iterload(take(response), framing="lines")) == VALUES
