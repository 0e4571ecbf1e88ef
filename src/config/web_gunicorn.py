"""Gunicorn, the web server for ``WEB_SERVER=gunicorn``. Its workers are forks of what calls :func:`serve`."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from config.lifelines import end_with_parent
from config.settings import processes
from config.wsgi import application


class Gunicorn(BaseApplication):
    """Gunicorn without a command line."""

    def load_config(self) -> None:
        """Take the same settings as for Granian."""
        options = {
            "bind": f"{processes.HOST}:{processes.PORT}",
            "workers": processes.WEB_WORKERS,
            "threads": processes.WEB_THREADS,
            "worker_class": "gthread",
            "graceful_timeout": processes.SECONDS_FOR_REQUESTS_TO_END,
            "loglevel": "warning",
            "proc_name": processes.title("web"),
            "post_fork": lambda _server, _worker: end_with_parent(),
            "control_socket_disable": True,
        }
        for key, value in options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """Return what is loaded already."""
        return application


def serve() -> None:
    """Answer requests until told to stop."""
    Gunicorn().run()
