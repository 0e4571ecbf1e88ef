"""What happens around every request: its id, its address without a trailing slash, headers, and sessions where needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from core.ids import new_id

Handler = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("nexus.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_UNSLASHED = ("/api/", "/graphql")


class RequestScope:
    """Name the request (``X-Request-ID``, taken over if well formed), log it, and drop the trailing slash of API paths."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=request_id)
        path = request.path_info
        if path.endswith("/") and path.startswith(_UNSLASHED):
            request.path_info = path.rstrip("/")
        if path.startswith("/api/auth/"):
            request.path_info = "/api/v1" + request.path_info[4:]

        started = perf_counter()
        try:
            response = self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        response.headers["X-Request-ID"] = request_id
        if response.status_code >= 400 or request.method != "GET":
            log.info(
                "request",
                request_id=request_id,
                method=request.method,
                path=path,
                status=response.status_code,
                ms=round((perf_counter() - started) * 1000, 1),
            )
        return response


class SecurityHeaders:
    """Headers that hold for every answer. Pages that need scripts carry a policy of their own."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        return response


class AdminOnly:
    """Run the session middleware only below ``settings.SESSION_PATHS``: the API has no session to load."""

    def __init__(self, get_response: Handler) -> None:
        self.plain = get_response
        chain = get_response
        for name in reversed(settings.SESSION_MIDDLEWARE):
            chain = import_string(name)(chain)
        self.with_session = chain
        self.paths: tuple[str, ...] = settings.SESSION_PATHS

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = self.with_session if request.path_info.startswith(self.paths) else self.plain
        return chain(request)
