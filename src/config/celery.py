"""The Celery application. What runs on the clock stands in ``config.schedule``."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery
from celery.signals import before_task_publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
# Whoever starts the shop runs Django's checks. Here they would load the pages of the back office into each worker.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("nexus", amqp="config.connecting:AMQP")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@before_task_publish.connect
def _note_time(headers: dict[str, Any] | None = None, **_: object) -> None:
    """Let whoever gets the message know how long it was under way."""
    if headers is not None:
        headers["sent_at"] = time.time()
