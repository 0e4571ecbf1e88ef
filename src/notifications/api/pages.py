"""The page that an unsubscribe link opens. It needs no sign-in and no script; looking at it changes nothing."""

from __future__ import annotations

from http import HTTPStatus
from secrets import token_urlsafe

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from notifications import selectors, services
from notifications.errors import BadUnsubscribeLink


@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, *, token: str) -> HttpResponse:
    """Ask for a confirmation, or take it: from the page's button, or from a mail program (RFC 8058, section 3.2)."""
    try:
        if request.method == "POST":
            return _page(request, "done", services.unsubscribe(token=token).value)
        return _page(request, "ask", selectors.read_unsubscribe_token(token=token).kind.value)
    except BadUnsubscribeLink:
        return _page(request, "invalid", "", HTTPStatus.UNPROCESSABLE_ENTITY)


def _page(request: HttpRequest, state: str, kind: str, status: int = HTTPStatus.OK) -> HttpResponse:
    nonce = token_urlsafe(16)
    context = {"state": state, "kind": kind.replace("_", " "), "nonce": nonce}
    response = render(request, "notifications/unsubscribe.html", context, status=status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
