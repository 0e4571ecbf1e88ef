"""The processes of a shop one by one, as containers run them: ``manage.py web``, ``worker`` and ``beat``.

Their servers are elsewhere; ``make run`` has all of it in one process group instead (``config.supervisor``).
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import django
from celery.signals import before_task_publish, heartbeat_sent
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from config.celery import app
from config.forking import load_for_web
from config.pulse import announce, beat_pulse
from config.queues import QUEUES
from config.seeing import folder
from config.settings import processes

_SECONDS_BETWEEN_HEARTBEATS = 30
_CLOCK = Path(tempfile.gettempdir()) / "nexus-clock"
_QUIET = "--loglevel=WARNING"


def play(role: str) -> None:
    """Be one of ``ROLES`` until told to stop."""
    announce(role)
    if settings.METRICS_TOKEN:
        folder.start_afresh()
    ROLES[role]()


def _web() -> None:
    """Answer requests with Gunicorn. What all its workers need is loaded once, before they are forked."""
    gc.disable()
    django.setup()
    serve = import_string("config.web_gunicorn.serve")
    load_for_web()
    gc.freeze()
    gc.enable()
    serve()


def _worker() -> None:
    """Run tasks, in processes of their own. SIGTERM ends it after those that run; the others go back to the broker.

    :raises ImproperlyConfigured: ``WORKER_QUEUES`` names a queue that nothing is put into
    """
    heartbeat_sent.connect(beat_pulse, weak=False)
    if unknown := set(processes.WORKER_QUEUES) - set(QUEUES):
        raise ImproperlyConfigured(f"WORKER_QUEUES: {', '.join(sorted(unknown))}: there are {', '.join(QUEUES)}")
    words = ["--without-gossip", "--without-mingle", f"--heartbeat-interval={_SECONDS_BETWEEN_HEARTBEATS}", _QUIET]
    words += [f"--queues={','.join(processes.WORKER_QUEUES)}"] * bool(processes.WORKER_QUEUES)
    app.worker_main(["--quiet", "worker", f"--concurrency={processes.WORKER_PROCESSES}", *words])


def _beat() -> None:
    """Be the clock: one for the whole shop. A second one would only ask for the same work twice."""
    before_task_publish.connect(beat_pulse, weak=False)
    app.start(["--quiet", "beat", f"--schedule={_CLOCK}", "--pidfile=", _QUIET])


ROLES = {"web": _web, "worker": _worker, "beat": _beat}
