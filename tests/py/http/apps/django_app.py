"""The same in Django, for WSGI and ASGI, with its middleware for compression."""

import tempfile

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
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{tempfile.mkdtemp()}/db"}},
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
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


class Thing(models.Model):
    id = models.IntegerField(primary_key=True)

    class Meta:
        app_label = "things"


with connection.schema_editor() as editor:
    editor.create_model(Thing)
Thing.objects.bulk_create(Thing(id=i) for i in range(5000))


def queryset_sync(request):
    return NDJSONResponse(Thing.objects.values("id"), chunk_size=4096)


async def queryset_async(request):
    return await NDJSONResponse(Thing.objects.values("id"), chunk_size=4096)


urlpatterns = [
    path("queryset/sync", queryset_sync),
    path("queryset/async", queryset_async),
    path("small", small),
    path("big", big),
    path("state", state),
    path("stream/<form>/sync", stream_sync),
    path("stream/<form>/async", stream_async),
]
wsgi = get_wsgi_application()
app = get_asgi_application()
