"""``/metrics``: what was counted, and what the database tells, for whoever bears ``METRICS_TOKEN``.

To everybody else there is no such address. A token, and not a network: behind a proxy or a cloud's router all askers
come from the same one, and the figures of a shop are nobody else's business.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator
from time import monotonic

import structlog
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from config.schedule import EVERY_SECONDS
from config.seeing.figures import Figures, read_figures
from config.seeing.meters import GAUGES
from config.version import VERSION
from core.api.problems import plain_problem
from core.errors import NotFound
from core.inspections import AUDIT, BACKUP, BOOKS

log = structlog.get_logger(__name__)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show them to the bearer of the token."""
    if not is_allowed(request.META.get("HTTP_AUTHORIZATION", "")):
        return plain_problem(request, NotFound())
    return HttpResponse(exposed(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def is_allowed(authorization: str) -> bool:
    """Tell whether a header bears the token."""
    scheme, _, token = authorization.partition(" ")
    told, wanted = token.strip().encode(errors="replace"), settings.METRICS_TOKEN.encode()
    return bool(wanted) and scheme.lower() == "bearer" and hmac.compare_digest(told, wanted)


def exposed() -> bytes:
    """Return all figures in Prometheus' text format: the sums over the processes of this machine, and the gauges."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(settings.METRICS_FOLDER))  # type: ignore[no-untyped-call]
    registry.register(_gauges)
    return generate_latest(registry)


class _Gauges(Collector):
    """Asks the database at most once in ``METRICS_CACHE_SECONDS``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.good_until = 0.0
        self.figures: Figures | None = None

    def describe(self) -> list[Metric]:
        """Nothing ahead: to be registered asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return the gauges; only whether the database answers, where it does not."""
        with self.lock:
            if monotonic() >= self.good_until:
                self.figures = _read()
                self.good_until = monotonic() + settings.METRICS_CACHE_SECONDS
            figures = self.figures
        yield _gauge("info", {(VERSION,): 1.0})
        yield _gauge("database_up", {(): float(figures is not None)})
        if figures is not None:
            for name, values in _values(figures).items():
                yield _gauge(name, values)


def _read() -> Figures | None:
    try:
        return read_figures()
    except (Error, PoolTimeout):
        log.warning("the database does not tell its figures", exc_info=True)
        return None


def _values(figures: Figures) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        "outbox_owed": {(): figures.owed},
        "outbox_lag": {(): figures.lag_seconds},
        "outbox_dead": {(): figures.dead},
        "queue_age": {(queue,): age for queue, age in figures.queue_ages(EVERY_SECONDS).items()},
        "heartbeat": {(queue,): silent for queue, (silent, _) in figures.heartbeats.items()},
        "mails_waiting": {(): figures.mails_waiting},
        "payments_unresolved": {(status,): many for status, many in ({"unknown": 0} | figures.unresolved).items()},
        "payments_unknown_age": {(): figures.unknown_seconds},
        "refunds_unresolved": {(): figures.refunds_unresolved},
        "dead_letters": {(): figures.dead_letters},
        **_inspections(figures.inspections),
    }


def _inspections(known: dict[str, tuple[float, int]]) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what the shop found out about itself; of backups, where it has or should have some."""
    values: dict[str, dict[tuple[str, ...], float]] = {}
    for name in (BOOKS, AUDIT):
        good_at, found = known.get(name, (0.0, 0))
        values |= {name: {(): found}, f"{name}_at": {(): good_at}}
    if settings.BACKUP_FOLLOWS or BACKUP in known:
        values["backup_at"] = {(): known.get(BACKUP, (0.0, 0))[0]}
    return values


def _gauge(name: str, values: dict[tuple[str, ...], float]) -> GaugeMetricFamily:
    meter = GAUGES[name]
    family = GaugeMetricFamily(meter.name, meter.told, labels=meter.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


_gauges = _Gauges()
