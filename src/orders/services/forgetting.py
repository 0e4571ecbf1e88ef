"""Orders of people who asked to be forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from accounts import selectors as account_reads
from core import media
from core.transactions import command, step
from orders.models import Order, Return, ReturnPicture, Withdrawal
from orders.services.drafts import forget_drafts
from orders.services.gift_cards import all_sources
from payments import services as payments

log = structlog.get_logger(__name__)

# No request takes that long; the clock comes round twice meanwhile.
_LATE = timedelta(hours=2)
_KEPT = ("country", "region")
_SCRUBBED = ("email", "email_key", "note", "vat_id", "shipping_address", "billing_address")


@step
def scrub_customer(*, user_id: UUID) -> None:
    """Keep the orders of a person and remove the person from them: e-mail, names, address lines, VAT id, notes.

    So it is with their returns, without their pictures, with their withdrawals, and with gift cards that they bought.
    """
    for order in Order.objects.filter(customer_id=user_id).locked():
        order.email, order.note, order.vat_id = "", "", ""
        order.shipping_address = _scrubbed(order.shipping_address)
        order.billing_address = _scrubbed(order.billing_address)
        order.save(update_fields=[*_SCRUBBED, "updated_at"])
        if order.has_gift_cards:
            payments.forget_recipients(sources=all_sources(order=order))
    forget_drafts(user_id=user_id)
    _forget_returns(user_id)


def scrub_erased(*, now: datetime) -> int:
    """Scrub once more what was written of people while they were erased, and return how many they were.

    Whoever was let in a moment before may place an order a moment after. Not a command: each person is one, and one
    that fails holds up no other.
    """
    return sum(_try_to_scrub(user_id) for user_id, _ in account_reads.erased_since(at=now - _LATE))


def _try_to_scrub(user_id: UUID) -> bool:
    try:
        _scrub(user_id=user_id)
    except Exception:
        log.exception("orders of an erased account are not scrubbed", user_id=str(user_id))
        return False
    return True


@command
def _scrub(*, user_id: UUID) -> None:
    scrub_customer(user_id=user_id)


def _forget_returns(user_id: UUID) -> None:
    pictures = ReturnPicture.objects.filter(back__order__customer_id=user_id)
    media.forget_files(list(pictures.values_list("file", flat=True)))
    pictures.delete()
    Return.objects.filter(order__customer_id=user_id).update(note="")
    Withdrawal.objects.filter(order__customer_id=user_id).update(name="", email="", statement="")


def _scrubbed(address: dict[str, str] | None) -> dict[str, str] | None:
    return address and {name: value if name in _KEPT else "" for name, value in address.items()}
