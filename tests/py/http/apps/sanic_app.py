"""The same in Sanic."""

from sanic import Sanic
from sources import arguments, log, source

from rjson.integrations.sanic import event_source_response, json_response, ndjson_response

app = Sanic("rjson-test")
BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]


@app.get("/small")
async def small(request):
    await json_response(request, {"ok": True})


@app.get("/big")
async def big(request):
    await json_response(request, BIG)


@app.get("/state")
async def state(request):
    await json_response(request, list(log))


@app.get("/stream/<form:str>/<kind:str>")
async def stream(request, form, kind):
    query = {name: values[0] for name, values in request.args.items()}
    rows = source(kind, query)
    if form == "lines":
        await ndjson_response(request, rows, **arguments(query))
    elif form == "sse":
        await event_source_response(request, rows, ping=0.2, **arguments(query))
    else:
        await json_response(request, {"rows": rows}, **arguments(query))
