"""The gateway for whoever runs in the same process: ``httpx.WSGITransport(app=application)``.

The project's own WSGI application would do, but that it closes the thread's database connection before and after each
request, in the middle of the caller's.
"""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern

from core.api.views import not_found
from core.middleware import request_id_of

_addresses = URLResolver(RegexPattern("^/sandbox/"), "sandbox.api.urls")


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer past middleware, and the signals by which Django begins and ends a request of its own."""
    request = WSGIRequest(environ)
    request.request_id = request_id_of(environ)  # type: ignore[attr-defined]
    response = _answer(request)
    if hasattr(response, "render"):
        response.render()
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [b"".join(response)]


def _answer(request: WSGIRequest) -> Any:
    try:
        view, args, kwargs = _addresses.resolve(request.path_info)
    except Resolver404:
        return not_found(request)
    return view(request, *args, **kwargs)
