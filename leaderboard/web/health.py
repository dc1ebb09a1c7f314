"""Addresses for machines: health checks, load balancers, Prometheus. Names and numbers alone."""

from django.conf import settings
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from leaderboard.services import health, metrics
from leaderboard.services.health import work

KEPT_SECONDS = 3
"""Anybody may ask /readyz, and a look writes a file. Each process looks once in this time."""


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers; also how long the oldest evaluation has waited."""
    return JsonResponse({"status": "ok", "queue_seconds": round(work.queue_seconds())})


def readyz(request: HttpRequest) -> JsonResponse:
    """503 while requests cannot be answered: no database, missing migrations, no room for files.

    An old queue is told, but it is no reason to send visitors elsewhere.
    """
    found = vital()
    is_ready = health.worst(found) != health.Level.ERROR
    checks = {one.check: one.level for one in found}
    told: dict[str, object] = {"status": "ok" if is_ready else "not_ready", "checks": checks}
    if checks["database"] != health.Level.ERROR and checks["migrations"] != health.Level.ERROR:
        told["queue_seconds"] = round(work.queue_seconds())
    return JsonResponse(told, status=200 if is_ready else 503)


def vital() -> list[health.Finding]:
    """What the vital checks found, at most `KEPT_SECONDS` ago."""
    found: list[health.Finding] | None = caches["process"].get("vital")
    if found is None:
        found = health.examine(health.VITAL)
        caches["process"].set("vital", found, KEPT_SECONDS)
    return found


def metrics_page(request: HttpRequest) -> HttpResponse:
    """The figures for Prometheus, for a client that sends METRICS_TOKEN. All others get a 404.

    An address is no proof: behind the front every visitor would have the front's.
    """
    _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
    if not settings.METRICS_TOKEN or not constant_time_compare(token, settings.METRICS_TOKEN):
        raise Http404
    text, content_type = metrics.exposition(request.headers.get("Accept", ""))
    return HttpResponse(text, content_type=content_type)
