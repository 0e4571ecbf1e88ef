"""Asking to send something back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from core.transactions import command, step
from orders.domain import Resolution, ReturnReason
from orders.errors import ExchangeRefused, NotReturnable
from orders.models import Order, OrderLine, Return, ReturnLine
from orders.selectors import returnable_units
from orders.services.returns.rows import Asker, announce, lock_order_of, shown
from payments.errors import NothingToCredit
from products import selectors as product_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnItem:
    """Units of an order's line that are to go back, and why; and, of an exchange, what is wanted instead."""

    line: UUID
    quantity: int
    reason: ReturnReason
    wanted_variant: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnWish:
    """What someone wants to send back (each line once), and what they want for it."""

    items: Sequence[ReturnItem]
    wanted: Resolution = Resolution.REFUND
    note: str = ""
    request_key: str = ""


@command
def request_return(*, order_id: UUID, wish: ReturnWish, asker: Asker, at: datetime) -> Return:
    """Ask to send back units that were shipped, as the customer, the guest with the token, or staff for either.

    Locks the order, so that no unit is asked for twice. The same request twice is the same return.

    :raises OrderNotFound: there is no such order, or it is not the asker's
    :raises NotReturnable: more units than were shipped and are neither back nor on their way (409, naming what is left)
    :raises ExchangeRefused: it is not said for what, or the shop does not sell that
    :raises NothingToCredit: store credit for a guest (422)
    """
    order = lock_order_of(order_id=order_id, asker=asker)
    if (earlier := _find_earlier(order, wish.request_key)) is not None:
        return shown(back=earlier)
    if wish.wanted is Resolution.STORE_CREDIT and order.customer_id is None:
        raise NothingToCredit
    if wish.wanted is Resolution.EXCHANGE:
        _check_exchange(order, wish.items)
    back = Return(
        order=order,
        wanted=wish.wanted.value,
        note=wish.note,
        actor=asker.viewer,
        requested_at=at,
        request_key=wish.request_key,
    )
    return shown(back=write_return(back=back, items=wish.items))


def _find_earlier(order: Order, request_key: str) -> Return | None:
    found: Return | None = None
    if request_key:
        found = Return.objects.filter(order=order, request_key=request_key).first()
    return found


def _check_exchange(order: Order, items: Sequence[ReturnItem]) -> None:
    wanted = {item.wanted_variant for item in items if item.wanted_variant is not None}
    if any(item.wanted_variant is None for item in items):
        raise ExchangeRefused(reason="no_variant")
    sold = product_reads.offers(variant_ids=wanted, market=order.market)
    if gone := wanted - sold.keys():
        raise ExchangeRefused(reason="not_sold", variants=sorted(map(str, gone)))
    given = {item.line for item in items}
    if any(offer.is_gift_card for offer in sold.values()) or order.lines.filter(pk__in=given, is_gift_card=True):
        raise ExchangeRefused(reason="gift_card")


@step
def write_return(*, back: Return, items: Sequence[ReturnItem]) -> Return:
    """Write a return of a locked order, and hold its units. Announces it in the state in which it is.

    :raises NotReturnable: more units than can come back
    """
    lines: dict[UUID, OrderLine] = {line.pk: line for line in back.order.lines.all()}
    left = returnable_units(order_id=back.order_id, lines=lines.values())
    short = {str(item.line): left.get(item.line, 0) for item in items if item.quantity > left.get(item.line, 0)}
    if short:
        raise NotReturnable(left=short)

    back.save(force_insert=True)
    ReturnLine.objects.bulk_create(
        ReturnLine(
            back=back,
            line=lines[item.line],
            quantity=item.quantity,
            reason=item.reason.value,
            wanted_variant_id=item.wanted_variant,
        )
        for item in items
    )
    for item in items:
        lines[item.line].returning = F("returning") + item.quantity
    OrderLine.objects.bulk_update([lines[item.line] for item in items], ["returning"])
    announce(back=back, came_from="", at=back.requested_at)
    return back
