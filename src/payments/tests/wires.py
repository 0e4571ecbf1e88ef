"""What the tests of all providers at the other end of a wire do: charge, pay, tell, and look at what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from core.ids import new_id
from payments import selectors, services
from payments.models import Attempt, LedgerEntry, Posting, ProviderEvent
from payments.providers import Charge, NewCharge, Provider
from payments.tests.factories import make_attempt
from payments.tests.far_end import FarEnd, Sale


def a_charge(far: FarEnd, **more: Any) -> NewCharge:
    """Return the wish for a charge of 25.00 GBP, which the shopper has to agree to."""
    usual: dict[str, Any] = {
        "amount_minor": 2500,
        "currency": "GBP",
        "return_url": "https://shop.example/thanks",
        "capture": True,
    }
    return NewCharge(**usual | {"key": f"pay-{new_id().hex}", "method": far.method} | more)


def paid(far: FarEnd, provider: Provider, **more: Any) -> tuple[Charge, Sale]:
    """Charge, and let the shopper do the rest."""
    charge = provider.create(a_charge(far, **more))
    sale = far.sales[-1]
    far.approve(sale)
    if far.name == "paypal":
        provider.capture(reference=charge.reference, amount_minor=2500, currency="GBP", key=f"{sale.key}-capture")
    return charge, sale


def deliver(far: FarEnd, body: bytes, **headers: str) -> int:
    """Send a webhook, signed now unless told otherwise; return the status of the answer."""
    signed = far.sign(body, at=timezone.now(), secret=far.secrets[0]) | headers
    answer = Client(raise_request_exception=False).post(
        f"/api/v1/webhooks/{far.name}", body, content_type="application/json", headers=signed
    )
    return answer.status_code


def carry_out(attempt: Attempt, *, at: datetime) -> None:
    """Do what follows the first beat."""
    services.carry_out(attempt=selectors.get_attempt(attempt_id=attempt.pk), at=at)


def begin(far: FarEnd) -> tuple[Attempt, Sale]:
    """Begin to pay, as far as it goes without the shopper."""
    attempt = make_attempt(provider=far.name, method=far.method, return_url="https://shop.example/thanks")
    carry_out(attempt, at=timezone.now())
    attempt.refresh_from_db()
    return attempt, far.find(attempt.idempotency_key)


def take_in() -> None:
    """Do what the worker does with the webhooks that were kept."""
    for notice_id in ProviderEvent.objects.filter(processed_at=None).values_list("pk", flat=True):
        with transaction.atomic():
            services.take_notice(notice_id=notice_id, at=timezone.now())


def state_of(attempt: Attempt) -> dict[str, Any]:
    """Return all that is known of an attempt and its payment, and the sums of the ledger."""
    attempt.refresh_from_db()
    payment = attempt.payment
    entries = LedgerEntry.objects.filter(reference__startswith=str(attempt.pk))
    sums: dict[str, int] = {}
    for account, minor in Posting.objects.filter(entry__in=entries).values_list("account", "amount_minor"):
        sums[account] = sums.get(account, 0) + minor
    of_attempt = ("status", "captured_minor", "refunded_minor", "promised_minor", "disputed_minor", "fee_minor")
    of_payment = ("status", "captured_minor", "refunded_minor")
    return {
        "attempt": [getattr(attempt, name) for name in of_attempt],
        "payment": [getattr(payment, name) for name in of_payment],
        "ledger": {account: minor for account, minor in sorted(sums.items()) if minor},
    }
