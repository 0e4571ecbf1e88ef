"""The pages that mailed links open in a shop without a storefront. Looking at one changes nothing; its button does."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.api.serializers import EmailInput, LinkInput, NewPasswordInput
from accounts.api.throttles import ResetThrottle
from accounts.errors import LinkRefused, PasswordTooWeak, TooManyAttempts
from core.api.html import html_page

_page_method = require_http_methods(["GET", "HEAD", "POST"])


@_page_method
def verify_email(request: HttpRequest) -> HttpResponse:
    """Ask whether this is one's address, and record that it is."""
    if request.method != "POST":
        return _page(request, "verify_email", "ask", token=request.GET.get("token", ""))
    body = LinkInput(data=request.POST.dict())
    try:
        if not body.is_valid():
            raise LinkRefused
        services.verify_email(**body.validated_data, at=timezone.now())
    except LinkRefused:
        return _page(request, "verify_email", "refused", HTTPStatus.UNPROCESSABLE_ENTITY)
    return _page(request, "verify_email", "done")


@_page_method
@sensitive_post_parameters()
def reset_password(request: HttpRequest) -> HttpResponse:
    """Ask for a new password, and set it."""
    if request.method != "POST":
        return _page(request, "reset_password", "ask", token=request.GET.get("token", ""))
    body, token = NewPasswordInput(data=request.POST.dict()), request.POST.get("token", "")
    if not body.is_valid():
        state = "refused" if "token" in body.errors else "ask"
        messages = [str(message) for message in body.errors.get("password", [])]
        return _page(request, "reset_password", state, HTTPStatus.BAD_REQUEST, token=token, messages=messages)
    try:
        services.confirm_password_reset(**body.validated_data, at=timezone.now())
    except PasswordTooWeak as weak:
        messages = [error["message"] for error in weak.facts["errors"]]
        return _page(request, "reset_password", "ask", weak.status, token=token, messages=messages)
    except LinkRefused as refused:
        return _page(request, "reset_password", "refused", refused.status)
    return _page(request, "reset_password", "done")


@_page_method
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Ask for an e-mail address, and have a reset link mailed to it; every address gets the same page."""
    if request.method != "POST":
        return _page(request, "forgot_password", "ask")
    body = EmailInput(data=request.POST.dict())
    try:
        ResetThrottle().allow_request(request, None)
    except TooManyAttempts as refused:
        response = _page(request, "forgot_password", "wait", refused.status)
        response.headers["Retry-After"] = str(refused.retry_after_seconds)
        return response
    if not body.is_valid():
        return _page(request, "forgot_password", "ask", HTTPStatus.BAD_REQUEST, is_wrong=True)
    services.request_password_reset(**body.validated_data, at=timezone.now())
    return _page(request, "forgot_password", "done")


def _page(request: HttpRequest, name: str, state: str, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    return html_page(request, f"accounts/{name}.html", context | {"state": state}, status)
