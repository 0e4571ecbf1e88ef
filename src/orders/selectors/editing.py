"""What an unpaid order would cost if it were changed, and how it was changed so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from carts.domain import Terms
from orders.errors import OrderNotFound
from orders.models import Order, OrderEdit
from orders.selectors.receipts import find_receipt
from pricing import selectors as pricing
from pricing.domain import UNKNOWN_METHOD
from promotions import selectors as promotions

if TYPE_CHECKING:
    from orders.models import OrderLine
    from pricing.domain import Asking, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class EditQuote:
    """An order as it would be after a change. ``buyer`` is who its promotions are counted for then."""

    quote: Quote
    terms: Terms
    buyer: str


def quote_edit(
    *, order: Order, wanted: Mapping[UUID, int], agreed_minor: Mapping[UUID, int], terms: Terms, at: datetime
) -> EditQuote:
    """Price an order anew, as it would be with these units (variant id -> units) on these terms.

    What it has already keeps its unit price; what is new costs what it costs now. Promotions are tried anew on both,
    and those that the order used are not lost for being used up. At most eight queries.

    :param order: with its e-mail as it would be
    :param agreed_minor: variant id -> unit price that was agreed: no promotion changes it
    """
    receipt = find_receipt(order=order)
    facts = receipt.facts if receipt else None
    lines: list[OrderLine] = list(order.lines.all())
    # Of what came from elsewhere every price was agreed.
    fixed = (
        {line.variant_id for line in facts.lines if line.is_agreed} if facts else {each.variant_id for each in lines}
    )
    prices = {line.variant_id: line.unit_price_minor for line in lines}
    buyer = promotions.buyer_key(customer_id=order.customer_id, email=order.email)
    asking = replace(
        terms.asked_by(group_id=order.customer.customer_group_id if order.customer else None, buyer=buyer, at=at),
        ships_free=facts.shipping.is_free if facts else False,
        again=promotions.used_by_order(order_id=order.pk),
    )
    agreed = {variant: price for variant, price in prices.items() if variant in fixed} | dict(agreed_minor)
    quote = _quote(order, wanted, asking, agreed, prices)
    if quote.priced.refusal == UNKNOWN_METHOD and terms.shipping_method == order.shipping_method:
        # The way that nobody asked for anew does not lead there: the cheapest does.
        quote = _quote(order, wanted, replace(asking, shipping_method=""), agreed, prices)
    return EditQuote(quote=quote, terms=terms, buyer=buyer)


def _quote(
    order: Order, wanted: Mapping[UUID, int], asking: Asking, agreed: Mapping[UUID, int], kept: Mapping[UUID, int]
) -> Quote:
    return pricing.quote(wanted=wanted, market=order.market, asking=asking, agreed_minor=agreed, kept_minor=kept)


def get_edit(*, edit_id: int) -> OrderEdit:
    """Return one edit. One query.

    :raises OrderNotFound: there is none
    """
    edit: OrderEdit | None = OrderEdit.objects.filter(pk=edit_id).first()
    if edit is None:
        raise OrderNotFound
    return edit


def list_edits(*, order_id: UUID) -> list[OrderEdit]:
    """Return how staff changed an order, oldest first, with the order. Two queries.

    :raises OrderNotFound: there is no such order
    """
    if not Order.objects.filter(pk=order_id).exists():
        raise OrderNotFound
    return list(OrderEdit.objects.filter(order_id=order_id).select_related("order").order_by("pk"))
