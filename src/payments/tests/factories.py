"""Payments for tests, through the steps that the shop uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from core.ids import new_id
from payments import services
from payments.domain import AttemptStatus, Wish
from payments.models import Attempt, Payment
from payments.providers import Charge

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make_payment(*, amount_minor: int = 2500, currency: str = "GBP") -> Payment:
    """Return the payment of an order that payments do not know."""
    with transaction.atomic():
        return services.hold_payment(order_id=new_id(), amount_minor=amount_minor, currency=currency)


def make_attempt(payment: Payment | None = None, *, provider: str = "sandbox", **wish: Any) -> Attempt:
    """Return an attempt of which nothing was heard yet."""
    with transaction.atomic():
        held = services.lock_payment(payment_id=(payment or make_payment()).pk)
        return services.begin_attempt(
            payment=held, wish=Wish(provider=provider, **wish), triers=["a" * 64], at=NOON
        ).attempt


def charge_of(attempt: Attempt, status: AttemptStatus, **fields: Any) -> Charge:
    """Return what a provider would say of that attempt."""
    usual: dict[str, Any] = {
        "reference": f"ch_{attempt.pk.hex}",
        "key": attempt.idempotency_key,
        "amount_minor": attempt.amount_minor,
        "currency": attempt.payment.currency,
        "captured_minor": attempt.amount_minor if status is AttemptStatus.CAPTURED else 0,
    }
    return Charge(status=status, **usual | fields)


def make_captured(*, amount_minor: int = 2500) -> Attempt:
    """Return an attempt that took the whole amount. Its order is none that anybody knows."""
    attempt = make_attempt(make_payment(amount_minor=amount_minor))
    services.record_outcome(attempt_id=attempt.pk, charge=charge_of(attempt, AttemptStatus.CAPTURED), at=NOON)
    attempt.refresh_from_db()
    return attempt
