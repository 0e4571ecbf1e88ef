"""What happens around every request: its id, its address with or without slash, headers, and sessions where needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from time import perf_counter, time
from typing import Any, Protocol
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import is_valid_path
from django.utils.module_loading import import_string

from core import logs
from core.acting import acting_as, actor_of
from core.api.problems import as_domain_error, plain_problem
from core.errors import NotFound
from core.ids import new_id
from core.proxies import client_address

Handler = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("nexus.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_API = ("/api/", "/graphql")
# No script stands in a page, only in files of ours. The theme's Alpine evaluates attributes, and it writes styles.
_BACK_OFFICE = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_NO_SOURCES = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
# No page of ours uses what a phone or a laptop has beside its screen.
_PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)


# When a session of the back office began, and when it was used last, in Unix time.
_BEGAN, _SEEN = "began", "seen"
_SECONDS_BETWEEN_NOTES = 300
# What a browser forgets of this host when somebody leaves. Not cookies: those of its domain's other hosts would go.
FORGET_ALL = '"cache", "storage"'


class Headers(Protocol):
    """The headers of an answer, as Django keeps them or as a plain dictionary."""

    def get(self, key: str, default: str, /) -> str: ...

    def setdefault(self, key: str, value: str, /) -> object: ...


class RequestScope:
    """Name the request (``X-Request-ID``, taken over if well formed), log it, and find its address, slash or not.

    ``REMOTE_ADDR`` becomes that of the client where ``settings.TRUSTED_PROXIES`` stand between.

    What a plain view of the API raises becomes a problem here; DRF's views do that themselves.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.META)
        request.request_id = request_id  # type: ignore[attr-defined]
        path = request.path_info
        if settings.TRUSTED_PROXIES:
            request.META["REMOTE_ADDR"] = client_address(
                peer=request.META.get("REMOTE_ADDR", ""),
                forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
                trusted=settings.TRUSTED_PROXIES,
            )
        started = perf_counter()
        with logs.about(request_id=request_id) as known:
            if "\0" in path:
                response = plain_problem(request, NotFound())
            else:
                request.path_info = _address(path)
                response = self.get_response(request)
            response.headers["X-Request-ID"] = request_id
            if response.status_code >= 400 or request.method != "GET":
                log.info(
                    "request",
                    method=request.method,
                    path=_without_key(path),
                    status=response.status_code,
                    ms=round((perf_counter() - started) * 1000, 1),
                    **_ids_of(request, known),
                )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a refusal that a plain view of the API raised; leave pages and defects to Django."""
        problem = as_domain_error(exception) if request.path_info.startswith(_API) else None
        return None if problem is None else plain_problem(request, problem)


def _ids_of(request: HttpRequest, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the address names, and who is signed in to the back office; what was noted stands in each line."""
    match = request.resolver_match
    ids = {name: value for name, value in match.kwargs.items() if isinstance(value, UUID)} if match else {}
    if (user := getattr(request, "_cached_user", None)) is not None:  # whom Django's session middleware found
        ids["user_id"] = user.pk
    return {name: value for name, value in ids.items() if value is not None and name not in known}


def _without_key(path: str) -> str:
    """Return the address as it is logged: whoever has one below ``settings.KEY_PATHS`` has the key to what it shows."""
    start = next((start for start in settings.KEY_PATHS if path.startswith(start)), None)
    return path if start is None else f"{start}…"


def _address(path: str) -> str:
    """Return the address as the URL patterns know it: ``/api/auth`` is an alias, a slash at the end is the same."""
    if path.startswith("/api/auth/"):
        path = f"/api/v1{path[4:]}"
    if path.startswith(_API):
        return path.removesuffix("/")
    if is_valid_path(path):
        return path
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    return other if is_valid_path(other) else path


def request_id_of(environ: Mapping[str, Any]) -> str:
    """Return the name that the asker gave to the request, if it is well formed, else a new one."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id().hex


def secure(headers: Headers, environ: Mapping[str, Any]) -> None:
    """Add the headers that hold for every answer, where it has none of its own.

    :param environ: of the request, as WSGI hands it over
    """
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    is_json = "json" in headers.get("Content-Type", "")
    if is_json or not settings.DEBUG:  # the pages that explain an error to developers are full of styles and scripts
        headers.setdefault("Content-Security-Policy", _NO_SOURCES)
    if not is_json:
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", _PERMISSIONS)
    if settings.SECURE_HSTS_SECONDS and _is_encrypted(environ):
        headers.setdefault("Strict-Transport-Security", _only_encrypted())


def _is_encrypted(environ: Mapping[str, Any]) -> bool:
    """Tell whether the browser came over TLS: nobody may say so of himself in plain text (RFC 6797, section 7.2)."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        if name in environ:
            return bool(environ[name].partition(",")[0].strip() == value)
    return bool(environ["wsgi.url_scheme"] == "https")


def _only_encrypted() -> str:
    said = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
    said += ["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
    said += ["preload"] if settings.SECURE_HSTS_PRELOAD else []
    return "; ".join(said)


class SecurityHeaders:
    """Headers that hold for every answer. Pages that need scripts carry a policy of their own."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        secure(response.headers, request.META)
        return response


class BackOfficePolicy:
    """Say to the browser that scripts of the back office are files of ours, never in the page."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _BACK_OFFICE)
        return response


class SessionEnds:
    """End a session of the back office after ``settings.SESSION_IDLE_SECONDS`` without a request, and in any case after
    ``settings.SESSION_COOKIE_AGE``. The time of the last request is written every five minutes."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_in = request.user.is_authenticated
        if was_in:
            now, kept = int(time()), request.session
            began, seen = kept.setdefault(_BEGAN, now), kept.setdefault(_SEEN, now)
            if now - began > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_SECONDS:
                logout(request)
            elif now - seen > _SECONDS_BETWEEN_NOTES:
                kept[_SEEN] = now
        response = self.get_response(request)
        if was_in and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = FORGET_ALL
        return response


class StaffActions:
    """Say who acts in the back office."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if request.method in ("GET", "HEAD", "OPTIONS") or not (user.is_authenticated and user.is_staff):
            return self.get_response(request)
        with acting_as(actor_of(request, user.pk, via="admin")):
            return self.get_response(request)


class AdminOnly:
    """Run the session middleware only below ``settings.SESSION_PATHS``: the API has no session to load."""

    def __init__(self, get_response: Handler) -> None:
        self.plain = get_response
        self.checks: list[Callable[..., HttpResponseBase | None]] = []
        chain: Any = get_response
        for name in reversed(settings.SESSION_MIDDLEWARE):
            chain = import_string(name)(chain)
            if hasattr(chain, "process_view"):
                self.checks.insert(0, chain.process_view)
        self.with_session: Handler = chain
        self.paths: tuple[str, ...] = settings.SESSION_PATHS

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = self.with_session if request.path_info.startswith(self.paths) else self.plain
        return chain(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """Run what the session middleware does before a view: the check against forged requests."""
        if not request.path_info.startswith(self.paths):
            return None
        return next(filter(None, (check(request, view, args, kwargs) for check in self.checks)), None)
