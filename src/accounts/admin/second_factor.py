"""The second factor in the back office: who comes in, and the page on which one sets up an authenticator app."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import segno
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import selectors, services
from accounts.errors import SecondFactorExists, SecondFactorRefused, SignInRefused

_ENROLLING = "enrolling"
_MINUTES_TO_ENROL = timedelta(minutes=15)
HOW_TO_ENROL = format_html(
    'Whoever works here signs in with an authenticator app, too. <a class="underline" href="{}">Set up yours</a>.',
    "/admin/second-factor/",
)


def may_enter(request: HttpRequest) -> bool:
    """Tell whether the session is one of active staff, with a second factor where that is needed."""
    user: Any = request.user
    return bool(user.is_active and user.is_staff and not selectors.lacks_second_factor(user))


def begin_enrolment(request: HttpRequest, email: str) -> None:
    """Let whoever has just proven the password set up an app in this session, for a quarter of an hour."""
    user = selectors.find_user(email=email)
    if user is not None:
        services.start_enrolment(user_id=user.pk, at=timezone.now())
        request.session.cycle_key()
        request.session[_ENROLLING] = [str(user.pk), (timezone.now() + _MINUTES_TO_ENROL).timestamp()]


@never_cache
@csrf_protect
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def enrolment_page(request: HttpRequest) -> HttpResponse:
    """Show the app's QR code, take its first code, and show the recovery codes once."""
    user_id = _enrolling(request)
    enrolment = None if user_id is None else services.find_enrolment(user_id=user_id)
    if user_id is None or enrolment is None:
        return HttpResponseRedirect(reverse("admin:login"))
    context = {**admin.site.each_context(request), "title": "Your authenticator app"}
    if request.method == "POST":
        try:
            codes = services.finish_enrolment(user_id=user_id, code=request.POST.get("code", ""), at=timezone.now())
        except SecondFactorRefused:
            context["refused"] = True
        except (SecondFactorExists, SignInRefused):
            return HttpResponseRedirect(reverse("admin:login"))
        else:
            request.session.flush()
            return TemplateResponse(request, "accounts/admin/second_factor.html", context | {"codes": codes})
    context |= {"secret": enrolment.secret, "picture": _picture(enrolment.uri)}
    return TemplateResponse(request, "accounts/admin/second_factor.html", context)


def _enrolling(request: HttpRequest) -> UUID | None:
    kept = request.session.get(_ENROLLING)
    return UUID(kept[0]) if kept and kept[1] > timezone.now().timestamp() else None


def _picture(uri: str) -> SafeString:
    return format_html(
        '<img src="{}" alt="QR code for your authenticator app" width="220" height="220">',
        segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#fff"),
    )
