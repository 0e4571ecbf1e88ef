"""Counting what happens in this process, for Prometheus: in files that all processes of the machine share.

A request costs one observation, two increments and a look into three dictionaries (docs/observability.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from time import perf_counter
from typing import Any

from django.conf import settings
from prometheus_client import Counter, Histogram, values

from config.edge import Application
from config.seeing import listener, tasks
from config.seeing.meters import COUNTERS, HISTOGRAMS
from config.seeing.routes import method_of, route_of
from config.seeing.statements import sent_by_thread
from core import tally


class Meters:
    """Counts in the files of this process, of whatever fork of it."""

    def __init__(self) -> None:
        self.counters = {key: Counter(m.name, m.told, m.labels, registry=None) for key, m in COUNTERS.items()}
        self.histograms = {
            key: Histogram(m.name, m.told, m.labels, buckets=m.buckets, registry=None) for key, m in HISTOGRAMS.items()
        }
        self.increments: dict[tuple[str, ...], Callable[..., None]] = {}
        self.observations: dict[tuple[str, ...], Callable[[float], None]] = {}
        for key, meter in COUNTERS.items():
            for labels in meter.known:
                self._increment(key, *labels)

    def count(self, name: str, *labels: str) -> None:
        """Count one more, and what follows from it."""
        if name == "facts":
            self._count_fact(*labels)
            return
        if name == "refusals" and labels[0].startswith("inventory."):
            self._increment("stock_conflicts", *labels)()
        self._increment(name, *labels)()

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Note how long something took."""
        key = (name, *labels)
        observe = self.observations.get(key)
        if observe is None:
            observe = self.observations[key] = self.histograms[name].labels(*labels).observe
        observe(seconds)

    def note_request(self, environ: dict[str, Any], status: str, seconds: float, statements: int) -> None:
        """Note an answered request."""
        route, method = route_of(environ), method_of(environ)
        self.observe("request", seconds, route, method)
        self._increment("requests", route, method, status)()
        if statements:
            self._increment("statements", route)(statements)

    def _count_fact(self, fact: str, to_status: str) -> None:
        self._increment("facts", fact)()
        if fact == "orders.order_placed":
            self._increment("orders", "placed")()
        elif fact == "orders.order_moved":
            self._increment("orders", to_status)()

    def _increment(self, *key: str) -> Callable[..., None]:
        found = self.increments.get(key)
        if found is None:
            counter = self.counters[key[0]]
            found = self.increments[key] = (counter.labels(*key[1:]) if key[1:] else counter).inc
        return found


@cache
def meters() -> Meters:
    """Return those of this process."""
    settings.METRICS_FOLDER.mkdir(parents=True, exist_ok=True)
    # What the library would do as it is loaded, if somebody had set the variable before.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_FOLDER)
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    return Meters()


def switch_on() -> None:
    """Count from now on."""
    tally.keep_in(meters())
    tasks.watch()
    listener.listen_beside_worker()


class Metered:
    """Notes each request that a web process answers, the short way or the long."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.note = meters().note_request

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status = "500"

        def start(line: str, *rest: Any) -> Any:
            nonlocal status
            status = line[:3]
            return start_response(line, *rest)

        sent, started = sent_by_thread(), perf_counter()
        try:
            return self.application(environ, start)
        finally:
            self.note(environ, status, perf_counter() - started, sent_by_thread() - sent)
