"""Servers that end a failed stream in no way, whatever the application does: as they are, and what tells the client all the same."""

from importlib.util import find_spec

import pytest
from servers import Server, running

import rjson
from helpers import UNDER_ASAN

httpx = pytest.importorskip("httpx")
pytest.importorskip("h2")

if UNDER_ASAN:
    pytest.skip("servers are other people's code", allow_module_level=True)

# HTTP/2 without TLS ("prior knowledge", RFC 9113, section 3.3), and daphne's HTTP/1.1.
HYPERCORN = Server(
    "hypercorn h2", ("hypercorn", "starlette"), ("-m", "hypercorn", "-b", "127.0.0.1:{port}", "starlette_app:app"), ()
)
DAPHNE = Server("daphne", ("daphne", "django"), ("-m", "daphne", "-p", "{port}", "-v", "0", "django_app:app"), ())
ROWS = 5_000


@pytest.fixture(scope="module", params=[HYPERCORN, DAPHNE], ids=lambda server: server.name)
def client(request, tmp_path_factory):
    """Of the server; it waits for a second at most."""
    for module in request.param.needs:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    over_h2 = request.param is HYPERCORN
    with (
        running(request.param, tmp_path_factory.mktemp("server")) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", http1=not over_h2, http2=over_h2, timeout=1) as client,
    ):
        yield client


def received(client, **query):
    """The lines that arrive, and the exception that ends them, if one does."""
    query = {"name": "x", "count": ROWS, "flush": "item", **query}
    lines = []
    try:
        with client.stream("GET", "/stream/lines/async", params=query) as response:
            lines += response.iter_lines()
    except httpx.TransportError as e:
        return lines, e
    return lines, None


def test_what_is_complete_ends(client):
    lines, error = received(client, end=1)
    assert error is None
    assert lines[-1] == f'{{"$end":{ROWS}}}'


def test_a_failure_leaves_the_client_waiting(client):
    """Until its own timeout: without one, for ever. No reset and no end of the stream is sent."""
    lines, error = received(client, fail_at=ROWS // 2)
    assert isinstance(error, httpx.ReadTimeout)
    assert len(lines) <= ROWS // 2


def test_a_record_tells_at_once(client):
    """With `error=`, a client that looks at each row need not wait: iterload(end=True) raises at it."""
    query = {"name": "x", "count": ROWS, "flush": "item", "end": 1, "fail_at": ROWS // 2}
    with client.stream("GET", "/stream/lines/async", params=query) as response:
        rows = rjson.iterload(response, framing="lines", end=True)
        count = 0
        with pytest.raises(rjson.DecodeError) as caught:
            for _ in rows:
                count += 1
    assert caught.value.record == "the source failed"
    assert count == ROWS // 2


def test_a_failure_that_ends_as_a_whole_response_does(client):
    """With after_error="end" nobody waits."""
    lines, error = received(client, end=1, fail_at=ROWS // 2, after_error="end")
    assert error is None
    assert lines[-1] == '{"$error":"the source failed"}'
    assert len(lines) == ROWS // 2 + 1
