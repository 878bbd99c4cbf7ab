"""The same in aiohttp: python aiohttp_app.py PORT."""

import sys

from aiohttp import web
from sources import arguments, log, source

from rjson.integrations.aiohttp import EventSourceResponse, JSONResponse, NDJSONResponse

BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]


async def small(request):
    return JSONResponse({"ok": True})


async def big(request):
    return JSONResponse(BIG)


async def state(request):
    return JSONResponse(list(log))


async def stream(request):
    query = dict(request.query)
    form = request.match_info["form"]
    rows = source(request.match_info["kind"], query)
    if form == "lines":
        return NDJSONResponse(rows, **arguments(query))
    if form == "sse":
        return EventSourceResponse(rows, ping=0.2, **arguments(query))
    return JSONResponse({"rows": rows}, **arguments(query))


app = web.Application()
app.add_routes(
    [
        web.get("/small", small),
        web.get("/big", big),
        web.get("/state", state),
        web.get("/stream/{form}/{kind}", stream),
    ]
)
if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
