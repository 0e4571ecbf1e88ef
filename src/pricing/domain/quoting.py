"""What a cart costs: one pure function from lines to a total. Promotions, shipping and tax will be further steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from products.domain import Label, Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """One variant as it would be bought now. ``free`` units could be had."""

    offer: Offer
    quantity: int
    unit_price_minor: int
    free: int

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

    currency: str
    lines: tuple[QuoteLine, ...]
    gone: Mapping[UUID, Label | None]
    discount_minor: int = 0
    shipping_minor: int = 0
    tax_minor: int = 0

    @property
    def subtotal_minor(self) -> int:
        return sum(line.line_total_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor - self.discount_minor + self.shipping_minor + self.tax_minor

    @property
    def units(self) -> dict[UUID, int]:
        """Variant id -> units, of what is sold."""
        return {line.offer.variant_id: line.quantity for line in self.lines}


def price_lines(
    *,
    wanted: Mapping[UUID, int],
    offers: Mapping[UUID, Offer],
    free: Mapping[UUID, int],
    currency: str,
    agreed_minor: Mapping[UUID, int] | None = None,
    labels: Mapping[UUID, Label] | None = None,
) -> Quote:
    """Price ``wanted`` (variant id -> units), in its order.

    :param agreed_minor: variant id -> unit price that was agreed before and stands in place of the offer's
    :param labels: variant id -> what it was called, for those that have no offer
    """
    agreed = agreed_minor or {}
    lines = tuple(
        QuoteLine(
            offer=offers[variant],
            quantity=quantity,
            unit_price_minor=agreed.get(variant, offers[variant].unit_price_minor),
            free=max(free.get(variant, 0), 0),
        )
        for variant, quantity in wanted.items()
        if variant in offers
    )
    gone = {variant: (labels or {}).get(variant) for variant in wanted if variant not in offers}
    return Quote(currency=currency, lines=lines, gone=gone)
