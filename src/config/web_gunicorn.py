"""Gunicorn, the web server for ``WEB_SERVER=gunicorn``. Its workers are forks of what calls :func:`serve`."""

from __future__ import annotations

import ssl
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from config.lifelines import end_with_parent
from config.settings import processes
from config.wsgi import application
from core.draining import begin_draining


class DrainingArbiter(Arbiter):
    """Gunicorn's first process, which leaves in two steps when it is told to.

    First it says that it will (``/readyz``) and goes on answering for ``WEB_DRAIN_SECONDS``; then it closes the door
    and ends what is under way. A second SIGTERM skips the first step.
    """

    closes_at: float | None = None

    def handle_term(self) -> None:
        """Begin to leave.

        :raises StopIteration: the door is to be closed now
        """
        if self.closes_at is not None or not processes.SECONDS_TO_DRAIN:
            raise StopIteration
        begin_draining()
        self.closes_at = time.monotonic() + processes.SECONDS_TO_DRAIN

    def wait_for_signals(self, timeout: float | None = 1.0) -> list[int]:
        """Return the signals that came.

        :raises StopIteration: the door is to be closed now
        """
        if self.closes_at is None:
            return super().wait_for_signals(timeout)
        left = self.closes_at - time.monotonic()
        if left <= 0:
            raise StopIteration
        return super().wait_for_signals(min(timeout or left, left))


def _show_metrics(_worker: object) -> None:
    for name in settings.WEB_LISTENERS:
        import_string(name)()


class Gunicorn(BaseApplication):
    """Gunicorn without a command line."""

    def load_config(self) -> None:
        """Take the same settings as for Granian."""
        options = {
            "bind": f"{processes.HOST}:{processes.PORT}",
            "workers": processes.WEB_WORKERS,
            "threads": processes.WEB_THREADS,
            "worker_class": "gthread",
            "keepalive": processes.SECONDS_TO_KEEP_ALIVE,
            "graceful_timeout": processes.SECONDS_FOR_REQUESTS_TO_END,
            "loglevel": "warning",
            "proc_name": processes.title("web"),
            "post_fork": lambda _server, _worker: end_with_parent(),
            "post_worker_init": _show_metrics,
            "control_socket_disable": True,
            # Who may say that the client came by TLS.
            "forwarded_allow_ips": ",".join(map(str, settings.TRUSTED_PROXIES)),
        }
        if processes.WEB_TLS_CERTIFICATE:
            # One for all processes and connections: a proxy goes on with a session that any of them began.
            context = tls_context(processes.WEB_TLS_CERTIFICATE, processes.WEB_TLS_KEY)
            options |= {
                "certfile": processes.WEB_TLS_CERTIFICATE,
                "keyfile": processes.WEB_TLS_KEY,
                "ssl_context": lambda _config, _default: context,
            }
        for key, value in options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """Return what is loaded already."""
        return application

    def run(self) -> None:
        """Serve."""
        DrainingArbiter(self).run()


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return how connections are answered by TLS: 1.3, or 1.2 with forward secrecy.

    :raises ImproperlyConfigured: the files are no certificate with its key
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # TLS's own errors are some, too
        raise ImproperlyConfigured(f"WEB_TLS_CERTIFICATE, WEB_TLS_KEY: {error.strerror or error}") from error
    return context


def serve() -> None:
    """Answer requests until told to stop."""
    Gunicorn().run()
