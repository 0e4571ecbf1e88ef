"""The quote of a cart: what is wanted, as it is offered, with its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pricing.domain.destinations import Destination
from pricing.domain.engine import LinePrice, Priced
from pricing.domain.facts import CartFacts, LineFacts
from pricing.domain.taxes import VOUCHER
from products.domain import Label, Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for a price, where it goes, and what they wish beside the goods.

    ``buyer`` is the key by which promotions know a customer or an e-mail, empty for who is not known yet. Without a
    destination the market's home is taken. ``shipping_method`` is a code, empty for the cheapest.

    ``by_rules`` is off for what was agreed elsewhere, whole: no promotion, shipping or tax is worked out. ``again``
    is set when an order is priced anew: the promotions that it used, which it does not lose for having used them.
    """

    at: datetime
    group_id: UUID | None = None
    buyer: str = ""
    destination: Destination | None = None
    vat_id: str = ""
    codes: tuple[str, ...] = ()
    shipping_method: str = ""
    ships_free: bool = False
    by_rules: bool = True
    again: frozenset[UUID] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """One variant as it would be bought now. ``free`` units could be had."""

    offer: Offer
    quantity: int
    unit_price_minor: int
    free: int
    price: LinePrice = field(default_factory=LinePrice)

    @property
    def line_total_minor(self) -> int:
        return self.unit_price_minor * self.quantity

    @property
    def is_short(self) -> bool:
        return self.quantity > self.free


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of a cart. ``gone`` are variants that are not sold (any more) in this market.

    ``gone`` has what each was called; ``None`` for what never was.
    """

    lines: tuple[QuoteLine, ...]
    gone: Mapping[UUID, Label | None]
    facts: CartFacts
    priced: Priced

    @property
    def currency(self) -> str:
        return self.facts.currency

    @property
    def subtotal_minor(self) -> int:
        return self.priced.subtotal_minor

    @property
    def discount_minor(self) -> int:
        return self.priced.discount_minor

    @property
    def shipping_minor(self) -> int:
        return self.priced.shipping_minor

    @property
    def tax_minor(self) -> int:
        return self.priced.tax_minor

    @property
    def total_minor(self) -> int:
        return self.priced.total_minor

    @property
    def units(self) -> dict[UUID, int]:
        """Variant id -> units, of what is sold."""
        return {line.offer.variant_id: line.quantity for line in self.lines}


def line_facts(offer: Offer, quantity: int, agreed_minor: int | None, kept_minor: int | None = None) -> LineFacts:
    """Return what the price of a line depends on.

    :param agreed_minor: the unit price that was agreed and stands in place of the offer's; no promotion changes it
    :param kept_minor: the unit price that an order has it for already; promotions are tried on it
    """
    unit_minor, listed = offer.price_for(quantity)
    given = agreed_minor if agreed_minor is not None else kept_minor
    return LineFacts(
        variant_id=offer.variant_id,
        product_id=offer.product_id,
        sku=offer.sku,
        quantity=quantity,
        base_minor=offer.base_price_minor,
        unit_minor=unit_minor if given is None else given,
        list_name=listed.name if listed and given is None else "",
        is_agreed=agreed_minor is not None,
        category_ids=offer.category_ids,
        tags=offer.tags,
        tax_class=VOUCHER if offer.is_gift_card else offer.tax_class,
        weight_grams=offer.weight_grams or 0,
        needs_shipping=offer.needs_shipping and not offer.is_gift_card,
        is_gift_card=offer.is_gift_card,
    )


def compose_quote(
    *,
    wanted: Mapping[UUID, int],
    offers: Mapping[UUID, Offer],
    free: Mapping[UUID, int],
    labels: Mapping[UUID, Label],
    facts: CartFacts,
    priced: Priced,
) -> Quote:
    """Put the quote together, in the order of ``wanted`` (variant id -> units), which is that of the facts' lines.

    :param labels: variant id -> what it was called, for those that have no offer
    """
    lines = tuple(
        QuoteLine(
            offer=offers[line.variant_id],
            quantity=line.quantity,
            unit_price_minor=line.unit_minor,
            free=max(free.get(line.variant_id, 0), 0),
            price=price,
        )
        for line, price in zip(facts.lines, priced.lines, strict=True)
    )
    gone = {variant: labels.get(variant) for variant in wanted if variant not in offers}
    return Quote(lines=lines, gone=gone, facts=facts, priced=priced)
