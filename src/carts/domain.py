"""Words, shapes and rules of carts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from pricing.domain import Quote, QuoteLine
from products.domain import Label

if TYPE_CHECKING:
    from collections.abc import Iterable


class CartState(Enum):
    """Open, turned into an order, or merged into another cart."""

    OPEN = "open"
    ORDERED = "ordered"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose cart: a customer's, or a guest's who shows the token. The customer comes first."""

    user_id: UUID | None = None
    token: str | None = None

    @property
    def token_digest(self) -> str | None:
        return digest_of(self.token) if self.token else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Something to put into a cart: a variant by id or by SKU, and how many."""

    variant_id: UUID | None = None
    sku: str | None = None
    quantity: int


class Item(NamedTuple):
    """What is kept of a line. In a cart that the client keeps, there is no id and no price that was seen."""

    item_id: UUID | None
    variant_id: UUID
    quantity: int
    seen_price_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One line as it is shown: what is in the cart, priced now; ``priced`` is ``None`` for what is no longer sold.

    ``label`` says what that was called.
    """

    item_id: UUID | None
    variant_id: UUID
    quantity: int
    priced: QuoteLine | None
    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - the contract's word
    """Something about the cart that the shopper should know, in plain words."""

    code: str
    message: str
    item_id: UUID | None
    variant_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """A cart as it is shown: priced at this moment, with what changed since."""

    cart_id: UUID | None
    token: str | None
    quote: Quote
    lines: tuple[CartLine, ...]
    warnings: tuple[Warning, ...]


def digest_of(token: str) -> str:
    """Return what is kept of a guest's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def compose(*, cart_id: UUID | None, token: str | None, quote: Quote, items: Iterable[Item]) -> CartView:
    """Put a cart together from its items and the quote of them."""
    priced = {line.offer.variant_id: line for line in quote.lines}
    lines, warnings = [], []
    for item_id, variant_id, quantity, seen_minor in items:
        line = priced.get(variant_id)
        label = quote.gone.get(variant_id)
        lines.append(CartLine(item_id=item_id, variant_id=variant_id, quantity=quantity, priced=line, label=label))
        warnings += [
            Warning(code=code, message=message, item_id=item_id, variant_id=variant_id)
            for code, message in _changes(line, label, seen_minor)
        ]
    return CartView(cart_id=cart_id, token=token, quote=quote, lines=tuple(lines), warnings=tuple(warnings))


def _changes(line: QuoteLine | None, label: Label | None, seen_minor: int | None) -> list[tuple[str, str]]:
    if line is None:
        return [("not_for_sale", f"{label.name if label else 'This'} is no longer sold; it is not part of the total.")]
    found = []
    if line.free == 0:
        found.append(("out_of_stock", f"{line.offer.name} is sold out."))
    elif line.is_short:
        found.append(("low_stock", f"Only {line.free} of {line.offer.name} are left."))
    if seen_minor is not None and seen_minor != line.unit_price_minor:
        direction = "risen" if line.unit_price_minor > seen_minor else "fallen"
        found.append(("price_changed", f"The price of {line.offer.name} has {direction} since you put it in."))
    return found
