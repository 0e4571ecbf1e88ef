"""The page that an unsubscribe link opens. It needs no sign-in and no script; looking at it changes nothing."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from core.api.html import html_page
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
    context = {"state": state, "kind": kind.replace("_", " ")}
    return html_page(request, "notifications/unsubscribe.html", context, status)
