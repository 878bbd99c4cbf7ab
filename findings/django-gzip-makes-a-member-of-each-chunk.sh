#!/bin/sh
# Django 5.2.19, GZipMiddleware, asynchronous StreamingHttpResponse: each chunk becomes a gzip member of its own (RFC 1952, section 2.2, allows that).
# httpx 0.28.1 decodes the first member and drops the others: status 200, no error, one chunk of the body.
# A response with "Content-Encoding: identity" is left alone by the middleware.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check Django==5.2.19 httpx==0.28.1
"$folder/venv/bin/python" - <<'P'
import asyncio, gzip
import django, httpx
from django.conf import settings

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"], SECRET_KEY="x")
django.setup()
from django.core.asgi import get_asgi_application
from django.http import StreamingHttpResponse
from django.urls import path


async def view(request):
    async def rows():
        for i in range(3):
            yield b'{"row":%d}\n' % i

    return StreamingHttpResponse(rows(), content_type="application/x-ndjson")


urlpatterns = [path("", view)]


async def main():
    transport = httpx.ASGITransport(get_asgi_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        decoded = (await client.get("/", headers={"Accept-Encoding": "gzip"})).text
        async with client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as response:
            raw = b"".join([part async for part in response.aiter_raw()])
    print("Django", django.__version__, "httpx", httpx.__version__, "| httpx:", repr(decoded), "| gzip:", gzip.decompress(raw))
    assert decoded == '{"row":0}\n'
    assert gzip.decompress(raw) == b'{"row":0}\n{"row":1}\n{"row":2}\n'


asyncio.run(main())
P
