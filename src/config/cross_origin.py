"""Who may read the API's answers in a browser: the scripts of listed origins (the Fetch standard, section 3.2).

It stands before the short way of public reads, which a middleware of Django's would not see. What the API takes is in
headers and bodies, never in cookies, so that no answer ever allows credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from config.edge import Application

_PATHS = ("/api/", "/graphql")
_TAKEN = (
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    "X-Cart-Token, X-Market, X-Order-Token, X-Request-ID"
)
_SHOWN = (
    "Content-Disposition, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, X-Request-ID"
)
# Answers differ by who asks, even those that name nobody: a cache must not hand one to another origin.
_VARY = ("Vary", "Origin")
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
    ("Access-Control-Allow-Headers", _TAKEN),
    ("Access-Control-Max-Age", "7200"),
    ("Content-Length", "0"),
    _VARY,
]


class CrossOrigin:
    """Adds to the API's answers what browsers ask for, and answers what they ask beforehand."""

    def __init__(self, application: Application, origins: Collection[str]) -> None:
        self.application = application
        self.origins = frozenset(origins)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(_PATHS):
            return self.application(environ, start_response)
        origin = environ.get("HTTP_ORIGIN", "")
        added = [_VARY]
        if origin in self.origins:
            allowed = ("Access-Control-Allow-Origin", origin)
            if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
                start_response("204 No Content", [allowed, *_PREFLIGHT])
                return [b""]
            added += [allowed, ("Access-Control-Expose-Headers", _SHOWN)]

        def answer(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, *added], *error)

        return self.application(environ, answer)
