"""Metrics on a port of their own, by the same token: of a worker, which answers no requests, and of web processes.

Whoever scrapes a pod asks by its address, which is no host of the shop's, and need not reach the shop for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from celery.signals import worker_ready
from django.conf import settings
from django.db import connection

from config.seeing.exposition import CONTENT_TYPE, exposed, is_allowed

log = structlog.get_logger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Shared(_Server):
    """Beside those of the other web processes of the machine: each tells of all."""

    allow_reuse_port = True


class _Quiet(WSGIRequestHandler):
    timeout = 10.0

    def log_message(self, *_: object) -> None:
        """Say nothing: it is asked every few seconds."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer ``GET /metrics`` for the bearer of the token; to all else there is nothing."""
    is_asked = environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].rstrip("/") == "/metrics"
    if not is_asked or not is_allowed(environ.get("HTTP_AUTHORIZATION", "")):
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    try:
        body = exposed()
    finally:
        connection.close()
    start_response("200 OK", [("Content-Type", CONTENT_TYPE)])
    return [body]


def listen_beside_worker() -> None:
    """Listen once the worker is ready, in its first process."""
    if settings.METRICS_PORT:
        worker_ready.connect(_listen, weak=False, dispatch_uid="nexus.metrics")


def listen_beside_web() -> None:
    """Listen in this web process, whichever of them it is."""
    _listen(_Shared)


def _listen(kind: type[_Server] = _Server, **_: object) -> None:
    try:
        server = make_server(settings.METRICS_HOST, settings.METRICS_PORT, application, kind, _Quiet)
    except OSError as error:
        log.error("metrics are not shown: the port cannot be listened on", error=str(error))  # noqa: TRY400
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
