"""Orders at prices that were agreed, without a cart: what goods that come back are exchanged for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from carts.domain import Terms
from core.transactions import step
from orders.domain import MovedBy
from orders.errors import ItemsUnavailable
from orders.services.writing import Agreement, refuse_short, write_order
from pricing import selectors as pricing
from promotions import selectors as promotion_reads

if TYPE_CHECKING:
    from orders.models import Order
    from pricing.domain import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedItem:
    """Units of a variant at a price per unit that was agreed."""

    variant_id: UUID
    quantity: int
    unit_price_minor: int


@step
def place_agreed_order(*, like: Order, items: Sequence[AgreedItem], note: str, at: datetime) -> Order:
    """Place an order for the same buyer, market and addresses as another, at agreed prices, sent at the shop's cost.

    No promotion changes the prices; tax is worked out as always. Of a variant that is named twice the lower price holds
    for all. The order is pending for ``settings.DRAFT_ORDER_TTL``. Locks what placing an order from a cart locks, but
    no cart.

    :raises ItemsUnavailable: something is no longer sold (409, naming it)
    :raises OutOfStock: some line asks for more than is free (409, naming every one)
    """
    quote = quote_agreed(like=like, items=items, at=at)
    if quote.gone:
        raise ItemsUnavailable(variants=[str(variant) for variant in quote.gone])
    refuse_short(quote=quote)
    return write_order(
        agreement=Agreement(
            market=like.market,
            customer=like.customer,
            email=like.email,
            buyer=_buyer_of(like),
            shipping_address=like.shipping_address,
            billing_address=like.billing_address,
            vat_id=like.vat_id,
            note=note,
            placed_at=at,
            expires_at=at + settings.DRAFT_ORDER_TTL,
            by=MovedBy.SYSTEM,
        ),
        quote=quote,
    )


@step
def quote_agreed(*, like: Order, items: Sequence[AgreedItem], at: datetime) -> Quote:
    """Return what ``place_agreed_order`` would place, and change nothing."""
    wanted: dict[UUID, int] = {}
    agreed: dict[UUID, int] = {}
    for item in items:
        wanted[item.variant_id] = wanted.get(item.variant_id, 0) + item.quantity
        agreed[item.variant_id] = min(agreed.get(item.variant_id, item.unit_price_minor), item.unit_price_minor)
    asked = terms_of(order=like).asked_by(group_id=None, buyer=_buyer_of(like), at=at)
    asking = replace(asked, ships_free=True)
    return pricing.quote(wanted=wanted, market=like.market, asking=asking, agreed_minor=agreed)


def _buyer_of(order: Order) -> str:
    return promotion_reads.buyer_key(customer_id=order.customer_id, email=order.email)


def terms_of(*, order: Order) -> Terms:
    """Return the terms of an order that hold for another one like it: where it goes, and who owes the tax."""
    address = order.shipping_address or {}
    return Terms(
        country=address.get("country", ""),
        region=address.get("region", ""),
        postal_code=address.get("postal_code", ""),
        vat_id=order.vat_id,
    )
