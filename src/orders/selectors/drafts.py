"""Reads of orders that staff are still writing, and what they would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from accounts import selectors as account_reads
from carts.domain import CartView, Item, Terms, compose
from orders.errors import DraftNotFound
from orders.models import DraftOrder
from pricing import selectors as pricing
from promotions import selectors as promotions

if TYPE_CHECKING:
    from pricing.domain import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftQuote:
    """A draft as it would be placed now. E-mail and address are empty as long as nobody knows them."""

    draft: DraftOrder
    quote: Quote
    terms: Terms
    email: str
    address: Mapping[str, str] | None
    buyer: str

    @property
    def view(self) -> CartView:
        """What it is, as a cart is shown: with lines and what speaks against them."""
        items = [Item(None, UUID(item["variant"]), item["quantity"], None) for item in self.draft.items]
        return compose(cart_id=None, token=None, quote=self.quote, items=items, terms=self.terms)


def list_drafts(*, status: str | None = None) -> QuerySet[DraftOrder]:
    """Return the drafts of all staff with market, customer and order; order them by ``-created_at, -pk``. One query."""
    rows: QuerySet[DraftOrder] = DraftOrder.objects.select_related("market", "customer", "order")
    return rows if status is None else rows.filter(status=status)


def get_draft(*, draft_id: UUID) -> DraftOrder:
    """Return a draft with market, customer and order. One query.

    :raises DraftNotFound: there is none
    """
    draft: DraftOrder | None = list_drafts().filter(pk=draft_id).first()
    if draft is None:
        raise DraftNotFound
    return draft


def draw_draft(*, draft_id: UUID, at: datetime) -> DraftQuote:
    """Do as ``quote_draft`` does, of the draft of that id. One query more.

    :raises DraftNotFound: there is none
    """
    return quote_draft(draft=get_draft(draft_id=draft_id), at=at)


def quote_draft(*, draft: DraftOrder, at: datetime) -> DraftQuote:
    """Price a draft as if it were placed now. Prices that were agreed stand: promotions are tried on the other lines.

    Three queries, a fourth about the coupon; one more where the address is the customer's usual one.
    """
    customer = draft.customer
    email = customer.email if customer else draft.email
    address = draft.shipping_address
    if address is None and customer is not None:
        usual = account_reads.default_address(user=customer)
        address = usual.as_data().as_dict() if usual else None
    known = address or {}
    terms = Terms(
        coupon=draft.coupon,
        shipping_method=draft.shipping_method,
        country=known.get("country", ""),
        region=known.get("region", ""),
        postal_code=known.get("postal_code", ""),
        vat_id=draft.vat_id,
    )
    buyer = promotions.buyer_key(customer_id=draft.customer_id, email=email) if customer or email else ""
    quote = pricing.quote(
        wanted={UUID(item["variant"]): item["quantity"] for item in draft.items},
        market=draft.market,
        asking=terms.asked_by(group_id=customer.customer_group_id if customer else None, buyer=buyer, at=at),
        agreed_minor={
            UUID(item["variant"]): item["unit_price_minor"]
            for item in draft.items
            if item["unit_price_minor"] is not None
        },
    )
    return DraftQuote(draft=draft, quote=quote, terms=terms, email=email, address=address, buyer=buyer)
