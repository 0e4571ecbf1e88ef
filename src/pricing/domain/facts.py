"""What the price of a cart depends on, all of it: whoever has the facts can price the cart again and gets the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from uuid import UUID

from pricing.domain.shipping import MethodFacts
from pricing.domain.taxes import TaxRules
from promotions.domain import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """One line: what it is, and what a unit of it costs before anything is taken off.

    ``unit_minor`` is ``base_minor``, or the price of the list ``list_name``, or what an order has it for already, or
    what was agreed: then no promotion is about it. Nor is any about a gift card, which bears no tax either.
    """

    variant_id: UUID
    product_id: UUID
    sku: str
    quantity: int
    base_minor: int
    unit_minor: int
    list_name: str = ""
    is_agreed: bool = False
    category_ids: frozenset[UUID] = frozenset()
    tags: frozenset[str] = frozenset()
    tax_class: str = "standard"
    weight_grams: int = 0
    needs_shipping: bool = True
    is_gift_card: bool = False

    @property
    def total_minor(self) -> int:
        return self.unit_minor * self.quantity

    @property
    def keys(self) -> Iterator[UUID | str]:
        """All that a promotion may name to be about it."""
        return chain((self.variant_id, self.product_id), self.category_ids, self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingFacts:
    """How it can go there. ``is_offered`` tells whether the shop ships by methods at all; else it costs nothing.

    ``chosen`` is a method's code, empty for the cheapest. ``is_free`` is what the shop sends at its own cost.
    """

    is_offered: bool = False
    methods: tuple[MethodFacts, ...] = ()
    chosen: str = ""
    is_free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CartFacts:
    """A cart, and the rules that were in force for it. ``rules`` are tried in their order."""

    currency: str
    lines: tuple[LineFacts, ...]
    rules: tuple[Rule, ...] = ()
    group_id: UUID | None = None
    is_first_order: bool = False
    shipping: ShippingFacts = field(default_factory=ShippingFacts)
    tax: TaxRules | None = None
