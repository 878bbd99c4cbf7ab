"""The same in Litestar."""

from litestar import Litestar, Request, get
from sources import arguments, log, source

from rjson.integrations.litestar import EventSourceResponse, JSONResponse, NDJSONResponse

BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]


@get("/small")
async def small() -> JSONResponse:
    return JSONResponse({"ok": True})


@get("/big")
async def big() -> JSONResponse:
    return JSONResponse(BIG)


@get("/state")
async def state() -> JSONResponse:
    return JSONResponse(list(log))


@get("/stream/{form:str}/{kind:str}")
async def stream(request: Request, form: str, kind: str) -> JSONResponse:
    query = dict(request.query_params)
    rows = source(kind, query)
    if form == "lines":
        return NDJSONResponse(rows, **arguments(query))
    if form == "sse":
        return EventSourceResponse(rows, ping=0.2, **arguments(query))
    return JSONResponse({"rows": rows}, **arguments(query))


app = Litestar([small, big, state, stream])
