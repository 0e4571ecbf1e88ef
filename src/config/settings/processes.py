"""What ``make run`` takes from the environment beyond the settings that every process shares."""

from __future__ import annotations

from config.settings.env import data_folder, env

HOST = "127.0.0.1"
PORT = env.str("PORT", default="") or "8000"
WEB_SERVER = env.str("WEB_SERVER", default="") or "granian"
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=4)
WORKER_THREADS = env.int("WORKER_THREADS", default=2)
SECONDS_FOR_REQUESTS_TO_END = 10


def title(name: str) -> str:
    """What ``ps`` shows for one of our processes: several shops may run on one machine."""
    return f"nexus {name} {data_folder()}"
