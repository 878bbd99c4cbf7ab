"""The same in Django, for WSGI and ASGI, with its middleware for compression."""

import django
from django.conf import settings
from sources import arguments, log, source

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"],
    SECRET_KEY="x",
    DEBUG=False,
    LOGGING_CONFIG=None,
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402

from rjson.integrations.django import EventSourceResponse, JsonResponse, NDJSONResponse  # noqa: E402

BIG = [{"id": i, "name": f"row {i}"} for i in range(100_000)]
RESPONSES = {"lines": NDJSONResponse, "sse": EventSourceResponse, "json": JsonResponse}


def small(request):
    return JsonResponse({"ok": True}, request=request)


def big(request):
    return JsonResponse(BIG)


def state(request):
    return JsonResponse(list(log))


def stream_sync(request, form):
    query = request.GET.dict()
    rows = source("sync", query)
    return RESPONSES[form]({"rows": rows} if form == "json" else rows, request=request, **arguments(query))


async def stream_async(request, form):
    query = request.GET.dict()
    rows = source("async", query)
    return await RESPONSES[form]({"rows": rows} if form == "json" else rows, request=request, ping=0.2, **arguments(query))


urlpatterns = [
    path("small", small),
    path("big", big),
    path("state", state),
    path("stream/<form>/sync", stream_sync),
    path("stream/<form>/async", stream_async),
]
wsgi = get_wsgi_application()
app = get_asgi_application()
