"""Plain pages for people who come by a link: no script, no session, nothing kept by the browser."""

from __future__ import annotations

from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def html_page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    """Render a template that extends ``core/page.html``, whose address, with the token in it, goes nowhere else."""
    nonce = token_urlsafe(16)
    response = render(request, template, context | {"nonce": nonce}, status=status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
