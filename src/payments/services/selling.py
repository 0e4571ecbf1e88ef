"""Gift cards that are sold: what is paid for them is owed to whoever holds them, until their price is given back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from core import outbox
from core.money import Money
from core.transactions import step
from payments.domain import GIFT_CARD, SALES, AttemptStatus
from payments.models import Attempt, Balance, Payment
from payments.services.issuing import NewGiftCard, compose_gift_card, issued
from payments.services.ledger import Entry, post_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldGiftCard:
    """What one unit that was paid for becomes. ``source`` names the unit, which becomes one card, once."""

    source: str
    amount_minor: int


@step
def sell_gift_cards(*, sold: Sequence[SoldGiftCard], currency: str, recipient: str, at: datetime) -> None:
    """Make the gift cards that were paid for; those that are there already stay. Five statements for any number.

    Their money leaves the sales, and is owed to whoever holds them. The code of each is sealed into the fact by which
    it is mailed to the recipient: written in this transaction, so that no crash comes between; nothing else knows it.

    :param sold: of one thing that this transaction locked, such as an order
    """
    known = set(lock_sold_gift_cards(sources=[each.source for each in sold]))
    made = [
        compose_gift_card(
            wish=NewGiftCard(amount=Money(each.amount_minor, currency), recipient=recipient), at=at, source=each.source
        )
        for each in sold
        if each.source not in known
    ]
    if not made:
        return
    Balance.objects.bulk_create(one.card for one in made)
    post_entries(entries=[_entry("gift_card_sold", one.card, -one.card.left_minor) for one in made], at=at)
    if recipient:
        outbox.publish_many([(issued(made=one), at) for one in made])


@step
def lock_sold_gift_cards(*, sources: Collection[str]) -> dict[str, Balance]:
    """Lock the gift cards that units became, in id order, and return them by source. One statement."""
    return {card.source: card for card in Balance.objects.filter(source__in=sources, kind=GIFT_CARD).locked()}


@step
def lock_cards_of_refund(*, sources: Collection[str], payment: Payment, credited: str) -> dict[str, Balance]:
    """Lock gift cards whose price is about to be given back, and return them by source. One statement.

    What a refund of the locked payment may credit is locked with them, all in id order: the balances that paid, and
    ``credited``, an account.
    """
    paid = Attempt.objects.filter(payment=payment, balance__isnull=False).values("balance")
    asked = Q(source__in=sources, kind=GIFT_CARD) | Q(pk__in=paid) | Q(account=credited, currency=payment.currency)
    wanted = set(sources)
    return {row.source: row for row in Balance.objects.filter(asked).locked() if row.source in wanted}


@step
def take_back_gift_cards(*, amounts: Mapping[str, int], at: datetime) -> None:
    """Take their price off gift cards that this transaction locked, and let nobody spend them again. Three statements.

    Each has that much left, as the caller made sure, and is given back once. The money is that of a sale again, which
    can be refunded.

    :param amounts: source -> minor units
    """
    cards = list(Balance.objects.filter(source__in=amounts).locked())
    for card in cards:
        card.left_minor -= amounts[card.source]
        card.is_active, card.taken_back_at, card.updated_at = False, at, at
    Balance.objects.bulk_update(cards, ["left_minor", "is_active", "taken_back_at", "updated_at"])
    post_entries(entries=[_entry("gift_card_taken_back", card, amounts[card.source]) for card in cards], at=at)


@step
def block_gift_cards(*, sources: Collection[str], note: str) -> None:
    """Let nobody spend gift cards that were sold, until staff allow it again. Two statements."""
    cards = list(lock_sold_gift_cards(sources=sources).values())
    Balance.objects.filter(pk__in=[card.pk for card in cards]).update(is_active=False, note=note)


@step
def forget_recipients(*, sources: Collection[str]) -> None:
    """Keep gift cards that were sold, and forget to whom they were mailed. One statement."""
    Balance.objects.filter(source__in=sources, kind=GIFT_CARD).update(recipient="")


@step
def is_paid_by_gift_card(*, payment: Payment) -> bool:
    """Tell whether a gift card took a part of a locked payment. One query."""
    return bool(Attempt.objects.filter(payment=payment, provider=GIFT_CARD, captured_minor__gt=0).exists())


@step
def left_to_give_back(*, payment: Payment) -> int:
    """Return what was captured of a locked payment and is not promised back, in minor units. One query."""
    took = Attempt.objects.filter(payment=payment, status=AttemptStatus.CAPTURED.value, is_surplus=False)
    return sum(attempt.left_minor for attempt in took)


def _entry(kind: str, card: Balance, amount_minor: int) -> Entry:
    """Book an amount onto a card's account (below zero: what is owed to its holder), against the sales."""
    return Entry(
        kind=kind,
        reference=card.source,
        currency=card.currency,
        amounts={card.account: amount_minor, SALES: -amount_minor},
    )
