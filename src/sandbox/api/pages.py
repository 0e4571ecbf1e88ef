"""The gateway's pages for shoppers: paying, and the challenge of 3-D Secure. They need no script and no cookie.

A form carries a signed token for its charge and page, so that only a page of ours can have sent it.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core import money
from core.api.html import html_page
from sandbox import services
from sandbox.api.serializers import read_id
from sandbox.domain import Card, is_finished, origin_of
from sandbox.errors import ChargeNotFound

if TYPE_CHECKING:
    from sandbox.models import Charge

#: Does what the form asks for; ``None`` where it asks for nothing that is offered.
Act: TypeAlias = "Callable[[HttpRequest, UUID], Charge | None]"

_page_method = require_http_methods(["GET", "HEAD", "POST"])
_TOKEN_SECONDS = 3600
_SEE_OTHER = HTTPStatus.SEE_OTHER


@_page_method
def pay(request: HttpRequest, *, charge_id: str) -> HttpResponse:
    """Ask which test card pays, and go on to the shop, or to the challenge."""
    return _answer(request, charge_id, "pay", _choose_card)


@_page_method
def challenge(request: HttpRequest, *, charge_id: str) -> HttpResponse:
    """Ask whether it is really the card's holder, and go on to the shop."""
    return _answer(request, charge_id, "challenge", _decide)


def _choose_card(request: HttpRequest, charge_id: UUID) -> Charge | None:
    card = request.POST.get("card", "")
    if card not in [known.value for known in Card]:
        return None
    keeps = request.POST.get("keep") == "yes"
    return services.pay(charge_id=charge_id, card=Card(card), keeps=keeps, at=timezone.now())


def _decide(request: HttpRequest, charge_id: UUID) -> Charge | None:
    decision = request.POST.get("decision", "")
    if decision not in ("approve", "refuse"):
        return None
    return services.authenticate(charge_id=charge_id, is_approved=decision == "approve", at=timezone.now())


def _answer(request: HttpRequest, charge_id: str, page: str, act: Act) -> HttpResponse:
    try:
        pk = read_id(charge_id, "ch")
        charge = services.look_up(charge_id=pk, at=timezone.now())
        if request.method != "POST":
            return _show(request, page, charge)
        if not _is_ours(request, page, charge_id):
            return _refuse(request, "expired", HTTPStatus.FORBIDDEN)
        decided = act(request, pk)
    except ChargeNotFound:
        return _refuse(request, "unknown", HTTPStatus.NOT_FOUND)
    if decided is None:
        return _show(request, page, charge, HTTPStatus.BAD_REQUEST)
    return _go_on(decided)


def _show(request: HttpRequest, page: str, charge: Charge, status: int = HTTPStatus.OK) -> HttpResponse:
    """Show the page on which the charge waits, and no page of a charge that is finished."""
    if is_finished(charge.status):
        return _refuse(request, "finished", HTTPStatus.CONFLICT)
    waits_on = "challenge" if charge.card else "pay"
    if page != waits_on:
        return HttpResponseRedirect(f"/sandbox/{waits_on}/{charge.public_id}")
    context = {
        "amount": money.to_text(charge.amount_minor, charge.currency),
        "currency": charge.currency,
        "reference": charge.reference,
        "return_url": charge.return_url,
        "may_keep": charge.saves,
        "token": signing.dumps([charge.public_id, page], salt=__name__),
        "is_wrong": status == HTTPStatus.BAD_REQUEST,
    }
    response = html_page(request, f"sandbox/{page}.html", context, status)
    # The form's answer leads to the shop, and browsers ask the form's policy about that, too.
    policy = response.headers["Content-Security-Policy"]
    allowed = policy.replace("form-action 'self'", f"form-action 'self' {origin_of(charge.return_url)}")
    response.headers["Content-Security-Policy"] = allowed
    return response


def _go_on(charge: Charge) -> HttpResponse:
    is_challenged = not is_finished(charge.status)
    where = f"/sandbox/challenge/{charge.public_id}" if is_challenged else charge.return_url
    return HttpResponseRedirect(where, status=_SEE_OTHER)


def _refuse(request: HttpRequest, state: str, status: int) -> HttpResponse:
    return html_page(request, "sandbox/refused.html", {"state": state}, status)


def _is_ours(request: HttpRequest, page: str, charge_id: str) -> bool:
    try:
        said = signing.loads(request.POST.get("token", ""), salt=__name__, max_age=_TOKEN_SECONDS)
    except signing.BadSignature:
        return False
    return bool(said == [charge_id, page])
