"""What a supervisor or a load balancer asks."""

from __future__ import annotations

from typing import cast

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from marketplace.kit.cache import ForgivingRedisCache
from marketplace.web.errors import DATABASE_AWAY, RETRY_AFTER_SECONDS


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nobody else."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers, is writable and migrated; Redis away is only `degraded`."""
    problem = _database_problem()
    if problem:
        return JsonResponse(
            {"ready": False, "problem": problem},
            status=503,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return JsonResponse({"ready": True, "degraded": _degraded()})


def _database_problem() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            read_only = cursor.fetchone()[0]
        executor = MigrationExecutor(connection)
    except DATABASE_AWAY:
        return "the database does not answer"
    if read_only == "on":
        return "the database is read-only"
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "migrations are missing: run manage.py migrate"
    return ""


def _degraded() -> list[str]:
    # Django types the default cache by its base class; settings name ours.
    return [] if cast("ForgivingRedisCache", cache).is_reachable() else ["redis"]
