"""Sources of responses are ordinary Python: their timeouts, scopes and context variables hold, and a failure is theirs."""

import asyncio
import contextlib
import contextvars
import importlib
import sys
import time

import pytest

import rjson
from rjson.integrations.asgi import EventSourceResponse, JSONResponse, NDJSONResponse

current = contextvars.ContextVar("current", default="unset")


async def body_of(app, method="GET", leave_after=None):
    """What an ASGI application sends; after `leave_after` parts the client leaves, while the next one is being sent."""
    parts, left = [], asyncio.Event()

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        parts.append(message.get("body", b""))
        if leave_after is not None and len(parts) > leave_after:
            left.set()
            await asyncio.sleep(10)

    await asyncio.wait_for(app({"type": "http", "method": method, "headers": []}, receive, send), 10)
    return b"".join(parts)


async def tasks_seen(seen):
    try:
        for n in range(3):
            seen.append(asyncio.current_task())
            await asyncio.sleep(0.01)
            yield n
    finally:
        seen.append(asyncio.current_task())


async def asynchronously(rows):
    for row in rows:
        yield row


RESPONSES = [
    lambda source: NDJSONResponse(source, flush="item"),
    lambda source: NDJSONResponse(source, flush="item", end=True),
    lambda source: EventSourceResponse(source, flush="item"),
    lambda source: JSONResponse({"rows": source}, flush="item"),
    lambda source: JSONResponse({"page": {"parts": [1, {"rows": source}]}}, flush="item"),
    lambda source: NDJSONResponse([{"page": {"rows": source}}], flush="item"),
    lambda source: NDJSONResponse(asynchronously([{"page": {"rows": source}}]), flush=0.0),
]
DEPTHS = [*RESPONSES[:2], *RESPONSES[3:]]


@pytest.mark.parametrize("respond", RESPONSES)
@pytest.mark.parametrize("leave_after", [None, 2, 3])
def test_an_async_source_runs_in_one_task(respond, leave_after):
    """From its first row until it is closed, as cancel scopes need it; also when the client leaves."""
    seen = []
    asyncio.run(body_of(respond(tasks_seen(seen)), leave_after=leave_after))
    assert len(seen) >= 2
    assert len(set(seen)) == 1


@pytest.mark.parametrize("respond", RESPONSES)
def test_context_variables_of_an_async_source_last(respond):
    async def source():
        current.set("by the source")
        for _ in range(3):
            await asyncio.sleep(0.01)
            yield current.get()

    assert asyncio.run(body_of(respond(source()))).count(b"by the source") == 3


@pytest.mark.skipif(not hasattr(asyncio, "timeout"), reason="asyncio.timeout came with 3.11")
@pytest.mark.parametrize("respond", DEPTHS)
def test_a_timeout_within_a_source_is_a_timeout(respond):
    """It ends the source, and nothing else."""

    async def source():
        try:
            async with asyncio.timeout(0.2):
                while True:
                    await asyncio.sleep(0.05)
                    yield "row"
        except TimeoutError:
            yield "timed out"

    assert b'"row"' in (body := asyncio.run(body_of(respond(source()))))
    assert b'"timed out"' in body


def timeout_of(library):
    if library == "asyncio":
        return getattr(asyncio, "timeout", None)
    return pytest.importorskip("anyio").fail_after


@pytest.mark.parametrize("library", ["asyncio", "anyio"])
@pytest.mark.parametrize("respond", DEPTHS)
@pytest.mark.parametrize("rest", [3, 100])
def test_a_timeout_that_ends_while_the_client_reads_slowly(respond, library, rest):
    """The source sees it where it waits next; the response is not cut short as if it were whole."""
    timeout = timeout_of(library)
    if timeout is None:
        pytest.skip("asyncio.timeout came with 3.11")

    async def source():
        try:
            with contextlib.ExitStack() if library == "asyncio" else timeout(0.05):
                async with timeout(0.05) if library == "asyncio" else contextlib.AsyncExitStack():
                    for n in range(rest):
                        yield f"row {n}"
                    await asyncio.sleep(10)
        except TimeoutError:
            yield "timed out"
        yield "after it"

    async def main():
        parts = []

        async def send(message):
            parts.append(message.get("body", b""))
            if b'"row 1"' in parts[-1]:
                await asyncio.sleep(0.1)

        await asyncio.wait_for(respond(source())({"type": "http", "headers": []}, asyncio.Event().wait, send), 10)
        return b"".join(parts)

    body = asyncio.run(main())
    assert f'"row {rest - 1}"'.encode() in body
    assert body.index(b'"timed out"') < body.index(b'"after it"')


def test_a_source_that_cleans_up_slowly_is_waited_for():
    """A cancelled request does not cut its `finally` short."""
    log = []

    async def source():
        try:
            while True:
                await asyncio.sleep(0.01)
                yield 1
        finally:
            await asyncio.sleep(0.1)
            log.append("closed")

    async def main():
        request = asyncio.ensure_future(body_of(NDJSONResponse(source(), flush="item")))
        for _ in range(4):
            await asyncio.sleep(0.05)
            request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert log == ["closed"]

    asyncio.run(main())


@pytest.mark.parametrize("leave_after", [0.02, 0.12, 0.17])
def test_a_source_with_rows_on_hold_is_closed_when_the_client_leaves(leave_after):
    """To the end of its `finally`, though rows wait for more of them at that moment."""
    log = []

    async def source():
        try:
            while True:
                await asyncio.sleep(0.01)
                yield 1
        finally:
            await asyncio.sleep(0.1)
            log.append("closed")

    async def main():
        request = asyncio.ensure_future(body_of(NDJSONResponse(source(), flush=0.05)))
        await asyncio.sleep(leave_after)
        request.cancel()
        await asyncio.wait({request}, timeout=5)
        assert request.done()
        assert log == ["closed"]

    asyncio.run(main())


class Quote:
    """Of a stock: `close` is a price."""

    close = 1.5


def test_head_leaves_a_field_named_close_alone():
    assert asyncio.run(body_of(JSONResponse(Quote(), default=vars), "HEAD")) == b""


def test_head_leaves_a_field_named_close_alone_under_wsgi():
    from rjson.integrations.wsgi import JSONResponse

    assert JSONResponse(Quote(), default=vars)({"REQUEST_METHOD": "HEAD"}, lambda *_: None) == []


def answer_of_aiohttp(error):
    """Status, headers and text, where the source raises that for its first row."""
    web = pytest.importorskip("aiohttp.web")
    from aiohttp.test_utils import TestClient, TestServer

    from rjson.integrations.aiohttp import NDJSONResponse

    async def rows(request):
        async def source():
            raise error
            yield

        return NDJSONResponse(source(), headers={"X-Rows": "many"})

    async def main():
        app = web.Application()
        app.router.add_get("/", rows)
        async with TestClient(TestServer(app)) as client, client.get("/", allow_redirects=False) as response:
            return response.status, response.headers, await response.text()

    return asyncio.run(main())


def test_aiohttp_answers_500_when_a_source_loses_its_own_connection():
    """A ConnectionResetError of the source is not one of the client."""
    status, headers, _ = answer_of_aiohttp(ConnectionResetError("the database"))
    assert status == 500
    assert "X-Rows" not in headers


def test_aiohttp_answers_with_the_response_that_a_source_raises():
    web = pytest.importorskip("aiohttp.web")
    status, headers, text = answer_of_aiohttp(web.HTTPNotFound(text="<p>no such table", content_type="text/html"))
    assert (status, text) == (404, "<p>no such table")
    assert headers["Content-Type"].startswith("text/html")
    status, headers, _ = answer_of_aiohttp(web.HTTPFound("/elsewhere"))
    assert (status, headers["Location"]) == (302, "/elsewhere")
    assert "X-Rows" not in headers


@pytest.mark.parametrize(
    ("ping", "error"), [(0, ValueError), (-1.5, ValueError), (float("nan"), ValueError), (True, TypeError), ("1", TypeError)]
)
def test_a_ping_that_is_no_time_is_named(ping, error):
    with pytest.raises(error, match=f"ping must be .*{ping!r}"):
        EventSourceResponse([], ping=ping)


def failing(rows, record, chunk_size=512, **arguments):
    """What a WSGI application sends, and what it raises."""
    from rjson.integrations.wsgi import NDJSONResponse

    parts = NDJSONResponse(rows, error=record, chunk_size=chunk_size, **arguments)(
        {"REQUEST_METHOD": "GET"}, lambda *_: None
    )
    sent = b""
    with pytest.raises(rjson.EncodeError) as caught:
        for part in parts:
            sent += part
    return sent, caught.value


@pytest.mark.parametrize("flush", ["full", "item", 0.01])
def test_no_record_stands_behind_a_part_of_a_row(flush):
    """A line is whole or the last of all, and cut."""
    sent, _ = failing(iter([1, 2, ["x" * 2000, object()]]), True, flush=flush)
    assert sent.startswith(b'1\n2\n["xxx')
    assert b"$error" not in sent


@pytest.mark.parametrize("flush", ["full", "item", 0.01])
def test_a_record_that_cannot_be_made_does_not_hide_the_failure(flush):
    """Rows before it come out all the same."""
    rows = ["x" * 100] * 7
    sent, error = failing(iter([*rows, object()]), lambda e: object(), flush=flush)
    assert sent == b"".join(b'"%s"\n' % row.encode() for row in rows)
    assert "object" in str(error)


async def failing_on_a_loop(rows, **arguments):
    """What an ASGI application sends before it raises."""
    parts = []

    async def send(message):
        parts.append(message.get("body", b""))

    app = NDJSONResponse(rows, error=True, chunk_size=2048, **arguments)
    with pytest.raises(TypeError):
        await app({"type": "http", "method": "GET", "headers": []}, asyncio.Event().wait, send)
    return b"".join(parts)


ROW, RECORD = "x" * 100, b'{"$error":"the source failed"}\n'


@pytest.mark.parametrize("at", range(20, 40))
@pytest.mark.parametrize("flush", ["full", "item", 0.01])
def test_a_record_follows_the_last_row_wherever_chunks_end(at, flush):
    """A row that cannot be encoded is not out in part if it fits into a chunk; so there is room for the record."""
    rows = [ROW] * at + [["y" * 450, object()]]
    expected = b'"%s"\n' % ROW.encode() * at + RECORD
    assert failing(iter(rows), True, 2048, flush=flush)[0] == expected
    assert asyncio.run(failing_on_a_loop(asynchronously(rows), flush=flush)) == expected
    assert asyncio.run(failing_on_a_loop(iter(rows), flush=flush, threaded=True)) == expected
    assert asyncio.run(failing_on_a_loop(rows, flush=flush)) == expected


@pytest.mark.parametrize("flush", ["item", 0.001])
def test_a_row_that_takes_long_is_not_out_in_part(flush):
    """Slices of the event loop's time end in the middle of it, later than rows may wait for more."""

    def slow(obj):
        time.sleep(0.003)
        if type(obj) is object:
            raise TypeError
        return "slow"

    rows = [ROW] * 10 + [[1j, 1j, 1j, object()]]
    expected = b'"%s"\n' % ROW.encode() * 10 + RECORD
    assert asyncio.run(failing_on_a_loop(asynchronously(rows), flush=flush, default=slow)) == expected


def test_what_a_client_was_told_of_goes_to_the_log(caplog):
    """With after_error="end", as nobody is raised at; only then."""
    from rjson.integrations.wsgi import NDJSONResponse as Synchronous

    for after_error, count in (("cut", 0), ("end", 1)):
        options = {"error": True, "after_error": after_error, "chunk_size": 512}
        rows = ["x" * 100] * 20 + [object()]
        with contextlib.suppress(rjson.EncodeError):
            assert b"".join(Synchronous(rows, **options)({"REQUEST_METHOD": "GET"}, lambda *_: None)).endswith(RECORD)
        with contextlib.suppress(rjson.EncodeError):
            assert asyncio.run(body_of(NDJSONResponse(rows, **options))).endswith(RECORD)
        assert [record.exc_info[0] for record in caplog.records] == [rjson.EncodeError] * 2 * count


def test_a_response_does_not_end_properly_behind_a_part_of_a_row():
    """There is no record there, so nothing else would tell."""
    rows, options = [1, 2, ["x" * 2000, object()]], {"after_error": "end", "chunk_size": 512}
    failing(rows, True, **options)
    with pytest.raises(rjson.EncodeError):
        asyncio.run(body_of(NDJSONResponse(rows, error=True, **options)))


@pytest.mark.parametrize("module", ["asgi", "wsgi"])
@pytest.mark.parametrize(("arguments", "words"), [({}, "needs error="), ({"error": True, "after_error": "stop"}, "'stop'")])
def test_an_after_error_that_cannot_be_is_refused(module, arguments, words):
    with pytest.raises(ValueError, match=words):
        importlib.import_module(f"rjson.integrations.{module}").NDJSONResponse([], **{"after_error": "end", **arguments})


def test_a_source_in_a_thread_lets_the_event_loop_run():
    """However long the interpreter would have the loop wait for the thread."""
    turns = 0

    async def main():
        nonlocal turns
        app = NDJSONResponse(({"n": n} for n in range(200_000)), flush="full", chunk_size=1 << 24)
        request = asyncio.ensure_future(body_of(app))
        while not request.done():
            await asyncio.sleep(0)
            turns += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)
    try:
        asyncio.run(main())
    finally:
        sys.setswitchinterval(interval)
    assert turns > 30


@pytest.mark.parametrize("count", [3, 1000])
def test_a_one_shot_client_of_falcon_gets_what_fits_into_a_chunk(count):
    """Though it says that it has left before the responder runs."""
    falcon_asgi = pytest.importorskip("falcon.asgi")
    testing = pytest.importorskip("falcon.testing")
    from rjson.integrations.falcon import ndjson_response

    class Rows:
        async def on_get(self, req, resp):
            await ndjson_response(req, resp, asynchronously(range(count)))

    async def main():
        app = falcon_asgi.App()
        app.add_route("/", Rows())
        async with testing.ASGIConductor(app) as client:
            return await client.simulate_get("/")

    result = asyncio.run(main())
    assert result.text == "".join(f"{n}\n" for n in range(count))
    assert result.headers["content-length"] == str(len(result.text))
