"""The gateway for whoever runs in the same process: ``httpx.WSGITransport(app=application)``.

The project's own WSGI application would do, but that it closes the thread's database connection before and after each
request, in the middle of the caller's.
"""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler

_handler = WSGIHandler()


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer without the signals by which Django begins and ends a request of its own."""
    response = _handler.get_response(_handler.request_class(environ))
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [b"".join(response)]
