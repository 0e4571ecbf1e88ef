"""Gift cards among the goods of an order: made and mailed once it is paid, taken back before their price is refunded.

A unit of such a line is sent as soon as its card is made. Everything here works on an order that is locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core.money import as_document
from core.transactions import step
from orders.domain import MovedBy, OrderStatus, gift_card_sources
from orders.errors import GiftCardsOut
from orders.models import Order, OrderLine
from orders.services import parcels
from orders.services.fulfilling import complete_sending
from orders.services.moving import Cause
from payments import selectors as payment_reads
from payments import services as payments
from payments.domain import store_credit_of

if TYPE_CHECKING:
    from payments.models import Balance, Payment

_SOLD = (OrderStatus.PAID.value, OrderStatus.SHIPPED.value, OrderStatus.DELIVERED.value)
_CARRIER = "E-mail"


@step
def issue_gift_cards(*, order_id: UUID, at: datetime) -> None:
    """Make the gift cards of a paid order, one for each unit, and send them. Any number of times it is the same cards.

    Where the payment was charged back meanwhile nobody can spend them: ``block_gift_cards`` came before there were any.
    Locks the order, its cards, then the stock rows. Of an order that came from elsewhere none are made: whoever sold
    it has made them.
    """
    order: Order | None = Order.objects.filter(pk=order_id).locked().first()
    if order is None or order.status not in _SOLD or order.external_number:
        return
    lines = gift_card_lines(lines=parcels.lines_of(order=order))
    sold = [
        payments.SoldGiftCard(source=source, amount_minor=line.unit_price_minor)
        for line in lines
        for source in _sources(line)[: line.quantity - line.cancelled]
    ]
    payments.sell_gift_cards(sold=sold, currency=order.currency, recipient=order.email, at=at)
    if any(attempt.disputed_minor for attempt in payment_reads.list_means(order_id=order.pk)):
        _block(order)
    _send(order, {line.pk: line.open for line in lines if line.open}, at)


def _send(order: Order, units: Mapping[UUID, int], at: datetime) -> None:
    """Count them as sent and arrived, so that the order waits for no parcel on their behalf."""
    if not units:
        return
    sent = parcels.send_parcel(order=order, units=units, parcel=parcels.Parcel(carrier=_CARRIER), actor=None, at=at)
    sent.delivered_at = at
    sent.save(update_fields=["delivered_at", "updated_at"])
    if not parcels.is_owed(order=order):
        complete_sending(order=order, cause=Cause(actor=None, by=MovedBy.SYSTEM, reason=""), at=at)


@step
def block_gift_cards(*, order_id: UUID) -> None:
    """Let nobody spend the gift cards of an order whose payment was charged back, until staff allow it again."""
    order: Order | None = Order.objects.filter(pk=order_id, has_gift_cards=True).locked().first()
    if order is not None:
        _block(order)


def _block(order: Order) -> None:
    payments.block_gift_cards(sources=all_sources(order=order), note=f"Order {order.number} was charged back.")


@step
def all_sources(*, order: Order) -> list[str]:
    """Return what names the units of an order that became gift cards. At most one query."""
    return [source for line in gift_card_lines(lines=parcels.lines_of(order=order)) for source in _sources(line)]


def gift_card_lines(*, lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Return those of the lines whose units are gift cards."""
    return [line for line in lines if line.is_gift_card]


def _sources(line: OrderLine) -> list[str]:
    return gift_card_sources(line_id=line.pk, units=line.quantity)


@step
def units_to_give_back(*, lines: Sequence[OrderLine], before: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return line id -> units, of the lines of gift cards: all that were not cancelled or paid back.

    :param before: line id -> units that were paid back
    """
    left = {
        line.pk: line.quantity - max(line.cancelled, before.get(line.pk, 0)) for line in gift_card_lines(lines=lines)
    }
    return {line_id: units for line_id, units in left.items() if units}


@step
def give_up_cards(
    *,
    order: Order,
    payment: Payment,
    lines: Sequence[OrderLine],
    units: Mapping[UUID, int],
    before: Mapping[UUID, int],
    amount_minor: int | None,
    at: datetime,
    cancelled: Mapping[UUID, int] | None = None,
) -> None:
    """Take the gift cards of units back whose price is about to be given back; locks all cards of the order.

    Whoever holds a card can spend it until then, and nobody afterwards. What of the payment stays must be worth the
    cards that stay, whatever else is refunded.

    :param payment: locked by this transaction, as the order is
    :param lines: all of the order's
    :param units: line id -> units to give back, of whatever lines
    :param before: line id -> units that were paid back before
    :param amount_minor: how much is about to be given back; ``None``: all that is left
    :param cancelled: line id -> units that are about to be cancelled: no cards are made of them
    :raises GiftCardsOut: there are fewer unspent cards, or the amount would be paid out of cards that stay (409)
    """
    ours = gift_card_lines(lines=lines)
    cards = payments.lock_cards_of_refund(
        sources=[source for line in ours for source in _sources(line)],
        payment=payment,
        credited=store_credit_of(order.customer_id) if order.customer_id else "",
    )
    taken: dict[str, int] = {}
    stays = 0
    for line in ours:
        chosen = _choose(line, cards, units.get(line.pk, 0), before.get(line.pk, 0))
        taken |= dict.fromkeys(chosen, line.unit_price_minor)
        stays += (_out(line, cards) - len(chosen) - (cancelled or {}).get(line.pk, 0)) * line.unit_price_minor
    free = payments.left_to_give_back(payment=payment) - stays
    if stays and (amount_minor is None or amount_minor > free):
        raise GiftCardsOut(left=as_document(max(0, free), order.currency))
    payments.take_back_gift_cards(amounts=taken, at=at)


def _choose(line: OrderLine, cards: Mapping[str, Balance], units: int, before: int) -> list[str]:
    """Return the cards to take back for units of a line. Those that a refund took which failed are not taken twice."""
    wanted = units - max(0, line.quantity - _out(line, cards) - before)
    whole = [source for source in _sources(line) if _is_whole(line, cards.get(source))]
    if wanted > len(whole):
        raise GiftCardsOut(line=str(line.pk), wanted=wanted, unspent=len(whole))
    return whole[: max(0, wanted)]


def _out(line: OrderLine, cards: Mapping[str, Balance]) -> int:
    """Return for how many units of a line somebody has a card, or will have."""
    back = sum(cards[source].taken_back_at is not None for source in _sources(line) if source in cards)
    return line.quantity - line.cancelled - back


def _is_whole(line: OrderLine, card: Balance | None) -> bool:
    return card is not None and card.taken_back_at is None and card.left_minor >= line.unit_price_minor
