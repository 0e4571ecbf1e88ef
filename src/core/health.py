"""Is the process alive, and may it get requests? For orchestrators and load balancers: no sign-in, no secrets."""

from __future__ import annotations

from functools import cache as remembered
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import structlog
from celery import current_app
from django.apps import apps
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from core.draining import is_draining

log = structlog.get_logger(__name__)

_SECONDS_TO_WAIT = 1
_NEVER_KEPT = {"Cache-Control": "no-store"}


@require_safe
def healthz(_: HttpRequest) -> JsonResponse:
    """Liveness: the process answers. It asks nobody, so that a database that is away restarts nothing."""
    return JsonResponse({"status": "ok"}, headers=_NEVER_KEPT)


@require_safe
def readyz(_: HttpRequest) -> JsonResponse:
    """Readiness: 200 when the database answers and its migrations are applied, else 503, as before it leaves.

    Broker and cache are reported, but a shop sells without them: the outbox remembers what is owed.
    """
    database = database_state()
    needed = {"database": database, "migrations": migrations_state() if database == "ok" else "unknown"}
    is_ready = all(state == "ok" for state in needed.values()) and not is_draining()
    status = "ok" if is_ready else "leaving" if is_draining() else "unavailable"
    body = {"status": status, **needed, "broker": broker_state(), "cache": cache_state()}
    return JsonResponse(body, status=200 if is_ready else 503, headers=_NEVER_KEPT)


def database_state() -> str:
    """Whether it answers: ``ok`` or ``away``."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "away"
    return "ok"


def migrations_state() -> str:
    """Whether the database is as this version wants it: ``ok`` or ``behind``. One query; no migration is loaded."""
    return "ok" if _wanted_migrations() <= MigrationRecorder(connection).applied_migrations().keys() else "behind"


@remembered
def _wanted_migrations() -> frozenset[tuple[str, str]]:
    """Return the migrations that came with this version: (app, name)."""
    packages = {app.label: MigrationLoader.migrations_module(app.label)[0] for app in apps.get_app_configs()}
    return frozenset(
        (label, module.name)
        for label, package in packages.items()
        if package and find_spec(package)
        for module in iter_modules(import_module(package).__path__)
        if not module.ispkg and module.name[0] not in "_~"
    )


def broker_state() -> str:
    """Whether it answers: ``ok`` or ``away``. It is waited for a second."""
    try:
        with current_app.connection_for_write(connect_timeout=_SECONDS_TO_WAIT) as broker:
            broker.ensure_connection(max_retries=1, timeout=_SECONDS_TO_WAIT, interval_start=0)
    except Exception as error:  # noqa: BLE001 - whatever the broker's library raises
        log.warning("broker does not answer", error=str(error))
        return "away"
    return "ok"


def cache_state() -> str:
    """Whether it answers: ``ok`` or ``away``."""
    try:
        cache.get("readyz")
    except Exception as error:  # noqa: BLE001 - whatever the cache's library raises
        log.warning("cache does not answer", error=str(error))
        return "away"
    return "ok"
