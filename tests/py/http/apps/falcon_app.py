"""The same in Falcon, for ASGI and WSGI."""

import falcon
import falcon.asgi
import falcon.media
from sources import arguments, log, source

import rjson
from rjson.integrations.falcon import event_source_response, json_response, ndjson_response

BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]
RESPONSES = {"lines": ndjson_response, "sse": event_source_response, "json": json_response}


class Fixed:
    def __init__(self, value):
        self.value = value

    def on_get(self, req, resp):
        json_response(req, resp, self.value)


class AsyncFixed(Fixed):
    async def on_get(self, req, resp):
        await json_response(req, resp, self.value)


class State:
    def on_get(self, req, resp):
        resp.media = log


class AsyncState:
    async def on_get(self, req, resp):
        resp.media = log


def respond(req, resp, form, kind):
    query = arguments(req.params)
    resp.set_headers(query.pop("headers", {}))
    rows = source(kind, req.params)
    if form == "sse":
        query["ping"] = 0.2
    return RESPONSES[form](req, resp, {"rows": rows} if form == "json" else rows, **query)


class Stream:
    def on_get(self, req, resp, form, kind):
        respond(req, resp, form, kind)

    on_head = on_get


class AsyncStream:
    async def on_get(self, req, resp, form, kind):
        await respond(req, resp, form, kind)

    on_head = on_get


def with_routes(app, fixed, state, stream):
    handler = falcon.media.JSONHandler(dumps=rjson.dumps_bytes, loads=rjson.loads)
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = handler
    app.add_route("/small", fixed({"ok": True}))
    app.add_route("/big", fixed(BIG))
    app.add_route("/state", state())
    app.add_route("/stream/{form}/{kind}", stream())
    return app


app = with_routes(falcon.asgi.App(), AsyncFixed, AsyncState, AsyncStream)
wsgi = with_routes(falcon.App(), Fixed, State, Stream)
