"""``/dev/mail/``: every mail that the development shop sent. Absent unless ``settings.DEV_PAGES``.

The HTML of a mail is shown in a sandboxed frame from an address of its own, under a policy that runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from secrets import token_urlsafe
from typing import Any

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from notifications import mailbox

_FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
Page = Callable[..., HttpResponse]


def _development_only(page: Page) -> Page:
    @wraps(page)
    def show(request: HttpRequest, **parts: Any) -> HttpResponse:
        if not settings.DEV_PAGES:
            raise Http404
        response = page(request, **parts)
        response.headers["Cache-Control"] = "no-store"
        return response

    return require_safe(show)


@_development_only
def mail_list(request: HttpRequest) -> HttpResponse:
    """List the newest hundred; ``?to=`` keeps those to one address. JSON for whoever asks for it."""
    to = request.GET.get("to", "")
    mails = mailbox.list_mails(to=to)
    if request.path_info.endswith(".json") or "application/json" in request.META.get("HTTP_ACCEPT", ""):
        return _json({"count": len(mails), "results": [mail.as_document() for mail in mails]})
    return _page(request, "list", {"mails": [mail.as_document() for mail in mails], "to": to})


@_development_only
def mail_detail(request: HttpRequest, *, name: str) -> HttpResponse:
    """Show one mail: headers, links, text, and the HTML in its frame. JSON for whoever asks for it."""
    mail = _mail(name)
    if request.path_info.endswith(".json") or "application/json" in request.META.get("HTTP_ACCEPT", ""):
        return _json(mail.as_document())
    return _page(request, "detail", {"mail": mail.as_document(), "headers": mail.headers})


@_development_only
def mail_html(_request: HttpRequest, *, name: str) -> HttpResponse:
    """Return the HTML part as it was sent, for the frame."""
    response = HttpResponse(_mail(name).html)
    response.headers["Content-Security-Policy"] = _FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _mail(name: str) -> mailbox.StoredMail:
    mail = mailbox.find_mail(name=name)
    if mail is None:
        raise Http404
    return mail


def _json(document: dict[str, Any]) -> HttpResponse:
    return HttpResponse(orjson.dumps(document, option=orjson.OPT_UTC_Z), content_type="application/json")


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    nonce = token_urlsafe(16)
    response = render(request, f"notifications/dev_mail/{name}.html", context | {"nonce": nonce})
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; frame-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return response
