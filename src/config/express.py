"""The short way of public reads: from WSGI to their one statement and back, past everything that they do not need.

Whoever signs in, whatever is refused, moved or odd goes the long way through Django, which answers the same to all that
the short way answers, and explains the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import DataError

from config.edge import Application
from core.api.public import PublicAnswer, PublicRequest
from core.errors import DomainError
from core.lines import on_line
from core.middleware import request_id_of, secure
from products.api.reading import read_detail, read_list

log = structlog.get_logger(__name__)

_PATH = re.compile(r"/api/v1/products(?:/([A-Za-z0-9_-]{1,150}))?/?")
_STATUS = {200: "200 OK", 304: "304 Not Modified"}


class Express:
    """Answers public reads by itself, and hands everything else on."""

    def __init__(self, application: Application) -> None:
        self.long_way = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = _answer(environ)
        if answer is None:
            return self.long_way(environ, start_response)
        headers = dict(answer.headers)
        secure(headers, environ)
        headers["X-Request-ID"] = request_id_of(environ)
        start_response(_STATUS[answer.status], list(headers.items()))
        return [answer.body]


def _answer(environ: dict[str, Any]) -> PublicAnswer | None:
    """Return the answer, or ``None`` where the long way has to give it, or to explain why there is none."""
    match = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    if match is None or not _is_plain(environ):
        return None
    request, key = PublicRequest(environ), match[1]
    try:
        with on_line():
            return read_list(request) if key is None else read_detail(request, key)
    except (DomainError, SuspiciousOperation, DataError):
        return None
    except Exception:
        log.exception("the short way failed", path=environ["PATH_INFO"])
        return None


def _is_plain(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"  # every HEAD is logged
        and "HTTP_AUTHORIZATION" not in environ
        and ";" not in environ.get("CONTENT_TYPE", "")  # it may name the charset of the query
        and not environ.get("SCRIPT_NAME")
    )
