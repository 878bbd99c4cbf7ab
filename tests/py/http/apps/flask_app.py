"""The same in Flask."""

from flask import Flask, request
from sources import arguments, log, source

from rjson.integrations.flask import RJSONProvider, event_source_response, json_response, ndjson_response

app = Flask(__name__)
app.json = RJSONProvider(app)
BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]


@app.get("/small")
def small():
    return json_response({"ok": True})


@app.get("/big")
def big():
    return json_response(BIG)


@app.get("/state")
def state():
    return list(log)


@app.get("/stream/<form>/<kind>")
def stream(form, kind):
    query = dict(request.args)
    rows = source("sync", query)
    if form == "lines":
        return ndjson_response(rows, **arguments(query))
    if form == "sse":
        return event_source_response(rows, **arguments(query))
    return json_response({"rows": rows}, **arguments(query))
