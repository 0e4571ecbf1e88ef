"""What a variant costs whom: its own price, and the lists that may decide in its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

STANDARD_TAX_CLASS = "standard"


class ListRow(NamedTuple):
    """One price of a list: for so many units or more. Ids are text; no market, no group: for all."""

    list_id: str
    name: str
    priority: int
    min_quantity: int
    amount_minor: int
    currency: str = ""
    market_id: str | None = None
    group_id: str | None = None


class ListedPrice(NamedTuple):
    """A price of the list that decides: for so many units or more."""

    list_id: UUID
    name: str
    min_quantity: int
    amount_minor: int


def deciding(rows: Collection[ListRow]) -> list[ListRow]:
    """Return the prices, by quantity, of the list that decides about a variant; none where no list has it.

    The highest priority decides; among equals the list that has a price for fewer units, then the lower price.

    :param rows: the variant's, of all lists that hold for whoever asks
    """
    if not rows:
        return []
    first = min(rows, key=lambda row: (-row.priority, row.min_quantity, row.amount_minor, row.list_id))
    return sorted((row for row in rows if row.list_id == first.list_id), key=lambda row: row.min_quantity)


def amount_for_one(base_minor: int, tiers: Sequence[ListRow]) -> int:
    """Return what one unit costs: the deciding list's price if it has one for a single unit, else the variant's own."""
    return tiers[0].amount_minor if tiers and tiers[0].min_quantity == 1 else base_minor


def compared(amount_minor: int, base_minor: int, compare_at_minor: int | None) -> int | None:
    """Return the price that a lower one is announced against: the given one, or the variant's own below which it is."""
    reference = base_minor if compare_at_minor is None else compare_at_minor
    return reference if reference > amount_minor else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A variant as it is sold in one market, now, to whoever asked.

    ``unit_price_minor`` is that of one unit; more may cost less (``price_for``). ``listed`` are the prices of the list
    that decides, by quantity; ``base_price_minor`` is the variant's own. ``category_ids`` are those from the root.
    """

    variant_id: UUID
    product_id: UUID
    sku: str
    name: str
    slug: str
    options: Mapping[str, str]
    unit_price_minor: int
    compare_at_minor: int | None
    currency: str
    is_available: bool
    image_url: str | None
    base_price_minor: int = 0
    tax_class: str = STANDARD_TAX_CLASS
    needs_shipping: bool = True
    is_gift_card: bool = False
    weight_grams: int | None = None
    category_ids: frozenset[UUID] = frozenset()
    tags: frozenset[str] = frozenset()
    listed: tuple[ListedPrice, ...] = ()

    def price_for(self, quantity: int) -> tuple[int, ListedPrice | None]:
        """Return what each of so many units costs, and the list's price that says so, if one does."""
        for tier in reversed(self.listed):
            if tier.min_quantity <= quantity:
                return tier.amount_minor, tier
        return self.unit_price_minor if not self.listed else self.base_price_minor, None


class Label(NamedTuple):
    """What a variant was called, sold or not."""

    product_id: UUID
    sku: str
    name: str
