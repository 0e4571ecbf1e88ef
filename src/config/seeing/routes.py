"""Which of the shop's addresses a request was for: by its pattern, since there are as many addresses as products."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.middleware import Handler

UNKNOWN = "unmatched"
_NOTED = "nexus.route"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# What ``config.express`` answers by itself.
_SHORT = re.compile(r"/api/v1/products(/[A-Za-z0-9_-]{1,150})?/?")
_SHORT_LIST, _SHORT_DETAIL = "api/v1/products", "api/v1/products/<str:key>"


class RouteNoted:
    """Leave the pattern of the address with the request, for whoever stands around Django."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Note it, once it is found."""
        if request.resolver_match is not None:
            request.META[_NOTED] = request.resolver_match.route


def route_of(environ: Mapping[str, Any]) -> str:
    """Return the pattern of an answered request; strange addresses share one name."""
    noted: str | None = environ.get(_NOTED)
    if noted is not None:
        return noted
    path = environ.get("PATH_INFO", "")
    match = _SHORT.fullmatch(path)
    if match is not None:
        return _SHORT_LIST if match[1] is None else _SHORT_DETAIL
    return "static" if path.startswith(settings.STATIC_URL) else UNKNOWN


def method_of(environ: Mapping[str, Any]) -> str:
    """Return the method; strange ones share one name."""
    method: str = environ.get("REQUEST_METHOD", "")
    return method if method in _METHODS else "other"
