"""Responses of rjson.integrations on real servers: rows arrive, failures show, sources are closed, clients read what was meant."""

import http.client
import io
import itertools
import json
import socket
import subprocess
import time
from importlib.util import find_spec

import pytest
from servers import CURL, SERVERS, running

import rjson
from helpers import UNDER_ASAN

httpx = pytest.importorskip("httpx")

if UNDER_ASAN:
    pytest.skip("servers are other people's code", allow_module_level=True)

numbers = itertools.count()


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.name)
def server(request, tmp_path_factory):
    """A server, with `port`."""
    for module in request.param.needs:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    with running(request.param, tmp_path_factory.mktemp("server")) as port:
        yield request.param, port


@pytest.fixture(params=["async", "sync"])
def kind(request, server):
    """Of source, where the server takes it."""
    if request.param not in server[0].kinds:
        pytest.skip("WSGI has no asynchronous sources")
    return request.param


def name():
    return f"source-{next(numbers)}"


def url(port, path, **query):
    return str(httpx.URL(f"http://127.0.0.1:{port}{path}", params=query))


def until_closed(port, source):
    """Wait until a source was closed; AssertionError if it is still open after some seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if source in httpx.get(url(port, "/state")).json():
            return
        time.sleep(0.05)
    raise AssertionError(f"{source} is still open")


def test_small_documents_are_whole(server):
    """They have a length, and the media type."""
    response = httpx.get(url(server[1], "/small"))
    assert (response.status_code, response.json()) == (200, {"ok": True})
    assert response.headers["content-length"] == "11"
    assert response.headers["content-type"].startswith("application/json")


def test_large_documents(server):
    """They are streamed, and all there."""
    response = httpx.get(url(server[1], "/big"))
    assert response.json()[-1] == {"id": 99_999, "name": "row 99999"}
    assert "content-length" not in response.headers


def test_rows(server, kind):
    """As NDJSON, with the headers that keep proxies from holding them back, and closed."""
    source = name()
    response = httpx.get(url(server[1], f"/stream/lines/{kind}", name=source, count=20_000))
    assert [row["id"] for row in map(json.loads, response.text.splitlines())] == list(range(20_000))
    assert response.headers["content-type"].startswith("application/x-ndjson")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    until_closed(server[1], source)


def test_slow_rows_arrive_one_by_one(server, kind):
    """The first is read while the source makes the others."""
    source = name()
    with httpx.stream(
        "GET", url(server[1], f"/stream/lines/{kind}", name=source, count=4, pause=0.4, flush="item"), timeout=30
    ) as response:
        lines = response.iter_lines()
        assert json.loads(next(lines))["id"] == 0
        assert source not in httpx.get(url(server[1], "/state")).json()
        assert [json.loads(line)["id"] for line in lines] == [1, 2, 3]


def test_querysets(server, kind):
    """Are read by the iterator that suits the view."""
    if "django" not in server[0].name:
        pytest.skip("of Django")
    response = httpx.get(url(server[1], f"/queryset/{kind}"))
    assert [row["id"] for row in map(json.loads, response.text.splitlines())] == list(range(5000))


def test_openapi_tells_the_media_type(server):
    if "fastapi" not in server[0].name:
        pytest.skip("of FastAPI")
    paths = httpx.get(url(server[1], "/openapi.json")).json()["paths"]
    assert list(paths["/small"]["get"]["responses"]["200"]["content"]) == ["application/json"]
    assert list(paths["/stream/lines/async"]["get"]["responses"]["200"]["content"]) == ["application/x-ndjson"]


def test_rows_inside_of_a_document(server, kind):
    """A source at depth is an array."""
    response = httpx.get(url(server[1], f"/stream/json/{kind}", name=name(), count=3000))
    assert len(response.json()["rows"]) == 3000


def test_an_early_failure_is_a_500(server, kind):
    """Nothing was sent by then, so that the framework answers."""
    source = name()
    response = httpx.get(url(server[1], f"/stream/lines/{kind}", name=source, count=5, fail_at=2))
    assert response.status_code == 500
    until_closed(server[1], source)


def test_a_later_failure_is_seen_by_clients(server, kind):
    """httpx and http.client raise, curl exits with an error: none takes the part for the whole."""
    source = name()
    path = url(server[1], f"/stream/lines/{kind}", name=source, count=100_000, fail_at=50_000)
    with pytest.raises(httpx.TransportError):
        httpx.get(path)
    connection = http.client.HTTPConnection("127.0.0.1", server[1])
    connection.request("GET", path.split(str(server[1]), 1)[1])
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        connection.getresponse().read()
    connection.close()
    if CURL:
        assert subprocess.run([CURL, "-s", "-o", "/dev/null", path]).returncode != 0
    until_closed(server[1], source)


def test_a_client_that_leaves_ends_the_source(server, kind):
    """Also one that waits."""
    source = name()
    path = url(server[1], f"/stream/lines/{kind}", name=source, count=100_000, pause=0.05, flush="item")
    with httpx.stream("GET", path) as response:
        next(response.iter_bytes())
    until_closed(server[1], source)


def test_a_client_that_leaves_before_the_first_row(server):
    """Where the server tells: under ASGI and aiohttp the source ends then."""
    if "async" not in server[0].kinds:
        pytest.skip("WSGI does not tell")
    source = name()
    path = url(server[1], "/stream/json/async", name=source, count=2, pause=30, flush="item")
    sock = socket.create_connection(("127.0.0.1", server[1]))
    sock.sendall(f"GET {path.split(str(server[1]), 1)[1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(0.5)
    sock.close()
    until_closed(server[1], source)


def test_compression(server, kind):
    """For clients that ask for it, readable row by row; others get the rows as they are."""
    path = url(server[1], f"/stream/json/{kind}", name=name(), count=20_000, compression="gzip", vary="Origin")
    response = httpx.get(path)
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()["rows"]) == 20_000
    plain = httpx.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.headers.get("content-encoding", "identity") == "identity"
    assert plain.json() == response.json()
    for reply in (response, plain):
        assert sorted(reply.headers["vary"].lower().replace(" ", "").split(",")) == ["accept-encoding", "origin"]


def test_head(server, kind):
    """The headers of a GET, no body, and a connection that goes on."""
    path = url(server[1], f"/stream/sse/{kind}", name=name(), count=3, compression="gzip", vary="Origin")
    with httpx.Client() as client:
        reply = client.head(path)
        if reply.status_code == 405:
            pytest.skip("its routes for GET do not answer HEAD")
        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-cache"
        assert reply.headers.get("content-length") is None
        assert "accept-encoding" in reply.headers["vary"].lower()
        assert "origin" in reply.headers["vary"].lower()
        assert client.get(url(server[1], "/small")).json() == {"ok": True}


def test_last_records(server, kind):
    """iterload(end=True) accepts a stream that was complete, and raises for one that failed."""
    if "fastapi" in server[0].name:
        pytest.skip("response_class= takes no arguments")
    path = url(server[1], f"/stream/lines/{kind}", name=name(), count=3, end=1)
    assert [row["id"] for row in rjson.iterload(io.BytesIO(httpx.get(path).content), framing="lines", end=True)] == [0, 1, 2]


@pytest.mark.parametrize("failure", ["fail_at", "bad_at"])
def test_last_records_of_a_failure(server, kind, failure):
    """Behind every row before it, whether the source failed or a row cannot be encoded; and iterload(end=True) raises."""
    if "fastapi" in server[0].name:
        pytest.skip("response_class= takes no arguments")
    path = url(server[1], f"/stream/lines/{kind}", name=name(), count=100_000, end=1, **{failure: 50_000})
    received = b""
    try:
        with httpx.stream("GET", path) as response:
            for part in response.iter_bytes():
                received += part
    except httpx.TransportError:
        pass
    count = 0
    with pytest.raises(rjson.DecodeError):
        for _ in rjson.iterload(io.BytesIO(received), framing="lines", end=True):
            count += 1
    assert count == 50_000
    assert received.endswith(b'\n{"$error":"the source failed"}\n')


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_failure_that_ends_as_a_whole_response_does(server, kind, coding):
    """Every row and the record are there for a client that throws away a response that is cut; and the server goes on."""
    if "fastapi" in server[0].name:
        pytest.skip("response_class= takes no arguments")
    query = {"end": 1, "after_error": "end", "fail_at": 5_000, "compression": "gzip"}
    path = url(server[1], f"/stream/lines/{kind}", name=name(), count=100_000, **query)
    with httpx.Client(headers={"Accept-Encoding": coding}) as client:
        text = client.get(path).text
        assert client.get(url(server[1], "/small")).json() == {"ok": True}
    rows = rjson.iterload(io.BytesIO(text.encode()), framing="lines", end=True)
    assert [row["id"] for row in itertools.islice(rows, 5_000)] == list(range(5_000))
    with pytest.raises(rjson.DecodeError) as caught:
        next(rows)
    assert caught.value.record == "the source failed"


def test_events(server, kind):
    """Each is one, with pings while the source is silent, where there is an event loop."""
    with httpx.stream("GET", url(server[1], f"/stream/sse/{kind}", name=name(), count=3, pause=0.7), timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        text = "".join(response.iter_text())
    data = [line for line in text.split("\n") if line.startswith("data: ")]
    assert [json.loads(line[6:])["id"] for line in data] == [0, 1, 2]
    if kind == "async" or ("async" in server[0].kinds and not server[0].name.startswith("django")):
        assert ": ping\n\n" in text
