"""Granian, the default web server. Its workers are forks of the process that calls :func:`serve`."""

from __future__ import annotations

from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from config.lifelines import end_with_parent
from config.settings import processes
from config.wsgi import application


def serve() -> None:
    """Answer requests until told to stop."""
    server = Granian(
        "config.wsgi:application",
        address=processes.HOST,
        port=int(processes.PORT),
        interface=Interfaces.WSGI,
        workers=processes.WEB_WORKERS,
        blocking_threads=processes.WEB_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=processes.SECONDS_FOR_REQUESTS_TO_END,
        log_level=LogLevels.warning,
        process_name=processes.title("web"),
    )
    server.serve(target_loader=_loaded, wrap_loader=False)


def _loaded() -> Any:
    end_with_parent()
    return application
