"""The same in FastAPI: what endpoints return and yield goes through response_class."""

from fastapi import FastAPI, Request
from sources import arguments, log, source
from starlette_app import BIG

from rjson.integrations.starlette import EventSourceResponse, JSONResponse, NDJSONResponse

app = FastAPI()


@app.get("/small", response_class=JSONResponse)
async def small():
    return {"ok": True}


@app.get("/big")
def big():
    return JSONResponse(BIG)


@app.get("/state", response_class=JSONResponse)
async def state():
    return log


@app.get("/stream/lines/async", response_class=NDJSONResponse)
async def lines_async(name: str, count: int, pause: float = 0, fail_at: int | None = None):
    async for row in source(
        "async", {"name": name, "count": count, "pause": pause} | ({} if fail_at is None else {"fail_at": fail_at})
    ):
        yield row


@app.get("/stream/lines/sync", response_class=NDJSONResponse)
def lines_sync(name: str, count: int, pause: float = 0, fail_at: int | None = None):
    yield from source(
        "sync", {"name": name, "count": count, "pause": pause} | ({} if fail_at is None else {"fail_at": fail_at})
    )


@app.get("/stream/{form}/{kind}")
async def stream(request: Request, form: str, kind: str):
    query = dict(request.query_params)
    rows = source(kind, query)
    if form == "sse":
        return EventSourceResponse(rows, ping=0.2, **arguments(query))
    return JSONResponse({"rows": rows}, **arguments(query))
