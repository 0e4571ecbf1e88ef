"""Background tasks, as metrics: how many, how long, and how long their messages were under way."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import task_postrun, task_prerun

from core import tally

# Task id -> when it began. A worker that is killed takes its own with it.
_began: dict[str, float] = {}


def watch() -> None:
    """Note each task that runs in this process from now on."""
    task_prerun.connect(_begin, weak=False, dispatch_uid="nexus.metrics")
    task_postrun.connect(_end, weak=False, dispatch_uid="nexus.metrics")


def _begin(task_id: str, task: Any, **_: object) -> None:
    _began[task_id] = time.perf_counter()
    sent_at, delivered = task.request.get("sent_at"), task.request.delivery_info or {}
    if sent_at:
        tally.observe("queue_wait", max(0.0, time.time() - sent_at), delivered.get("routing_key") or "celery")


def _end(task_id: str, task: Any, state: str | None = None, **_: object) -> None:
    began = _began.pop(task_id, None)
    if began is not None:
        tally.observe("task", time.perf_counter() - began, task.name)
    tally.count("tasks", task.name, (state or "unknown").lower())
