"""What the processes of a shop take from the environment beyond the settings that all of them share."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from config.settings.env import data_folder, env

HOST = env.str("WEB_HOST", default="") or "127.0.0.1"
PORT = env.str("PORT", default="") or "8000"
WEB_SERVER = env.str("WEB_SERVER", default="") or "granian"
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=4)
WORKER_THREADS = env.int("WORKER_THREADS", default=2)
# Files: web processes answer by TLS alone where they are named, for a proxy that is not on the same machine.
WEB_TLS_CERTIFICATE = env.str("WEB_TLS_CERTIFICATE", default="")
WEB_TLS_KEY = env.str("WEB_TLS_KEY", default="")
if bool(WEB_TLS_CERTIFICATE) != bool(WEB_TLS_KEY):
    raise ImproperlyConfigured("WEB_TLS_CERTIFICATE and WEB_TLS_KEY belong together: one of them is not set")
SECONDS_FOR_REQUESTS_TO_END = 10
# How long Gunicorn goes on answering after SIGTERM, while ``/readyz`` says that it will leave: as long as those who
# send it requests need to hear of that.
SECONDS_TO_DRAIN = env.float("WEB_DRAIN_SECONDS", default=0.0)
# Longer than a proxy keeps an idle connection to us (infra/nginx), so that it never asks on one that is being closed.
SECONDS_TO_KEEP_ALIVE = 5
# The processes of a worker of its own (``manage.py worker``).
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=2)
# Which queues it takes work from (``config.queues``); none named: all.
WORKER_QUEUES = env.list("WORKER_QUEUES", default=[])


def title(name: str) -> str:
    """What ``ps`` shows for one of our processes: several shops may run on one machine."""
    return f"nexus {name} {data_folder()}"
