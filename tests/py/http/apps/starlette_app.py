"""The routes of every application here, in Starlette."""

from sources import arguments, log, source
from starlette.applications import Starlette
from starlette.routing import Route

from rjson.integrations.starlette import EventSourceResponse, JSONResponse, NDJSONResponse

BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]


async def small(request):
    return JSONResponse({"ok": True})


async def big(request):
    return JSONResponse(BIG)


async def state(request):
    return JSONResponse(log)


async def stream(request):
    query = dict(request.query_params)
    rows = source(request.path_params["kind"], query)
    if request.path_params["form"] == "lines":
        return NDJSONResponse(rows, **arguments(query))
    if request.path_params["form"] == "sse":
        return EventSourceResponse(rows, ping=0.2, **arguments(query))
    return JSONResponse({"rows": rows}, **arguments(query))


app = Starlette(
    routes=[Route("/small", small), Route("/big", big), Route("/state", state), Route("/stream/{form}/{kind}", stream)]
)
