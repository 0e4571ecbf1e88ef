"""The worker of ``make run``: the tasks, in threads, and the clock, in one more.

One process, because memory is a laptop's scarce good. In production they are ``celery -A config worker`` and ``beat``.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings

import structlog
from celery.beat import Service
from celery.exceptions import SecurityWarning
from celery.signals import worker_ready
from django.conf import settings
from setproctitle import setproctitle

from config.celery import app
from config.settings import processes

log = structlog.get_logger("nexus.clock")

ARGUMENTS = ["--pool=threads", "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]


def work() -> None:
    """Run what is due until told to stop."""
    warnings.filterwarnings("ignore", category=SecurityWarning)  # as root, in containers: it is what it is
    logging.getLogger("celery.beat").setLevel(logging.WARNING)
    worker_ready.connect(_name, weak=False)
    threading.Thread(target=_tick, name="clock", daemon=True).start()
    # RabbitMQ lets no two of one name in, nor one whose last life it has not noticed the end of.
    name = f"--hostname=nexus-{os.getpid()}@%h"
    app.worker_main(["--quiet", "worker", f"--concurrency={processes.WORKER_THREADS}", name, *ARGUMENTS])


def _name(**_: object) -> None:
    setproctitle(processes.title("worker"))  # Celery gives itself another one at the start


def _tick() -> None:
    """Be the clock. Without it the worker is of no use: both end, and are started again."""
    try:
        Service(app, schedule_filename=str(settings.DATA / "clock")).start()
    except Exception:
        log.exception("the clock stops")  # now: the process ends before its thread would be told of
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
