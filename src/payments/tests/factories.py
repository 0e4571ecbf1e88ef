"""Payments for tests, through the steps that the shop uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts.tests.factories import make_user
from core.ids import new_id
from core.money import Money
from payments import services
from payments.domain import AttemptStatus, Wish
from payments.models import Attempt, Payment, SavedMethod
from payments.providers import Charge
from payments.services import IssuedGiftCard, NewGiftCard
from payments.services.saving import digest_of_token

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Balance

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


def make_gift_card(amount: int = 5000, *, currency: str = "GBP", **wish: Any) -> IssuedGiftCard:
    """Return a gift card and its code."""
    made = NewGiftCard(amount=Money(amount, currency), **wish)
    return services.issue_gift_card(wish=made, actor=make_user(), at=NOON)


def make_saved_method(customer: User, token: str = "", **fields: Any) -> SavedMethod:
    """Return a card that a customer keeps."""
    token = token or f"pm_{new_id().hex}"
    usual = {"provider": "sandbox", "brand": "visa", "last4": "4242", "created_at": NOON}
    return SavedMethod.objects.create(
        customer=customer, token=token, token_digest=digest_of_token(token), **usual | fields
    )


def make_store_credit(customer: User, amount: int = 500, *, note: str = "") -> Balance:
    """Return what a customer may spend in the shop, with that much more on it."""
    return services.grant_store_credit(
        customer_id=customer.pk, amount=Money(amount, "GBP"), note=note, actor=make_user(), at=NOON
    )
