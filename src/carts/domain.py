"""Words, shapes and rules of carts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from pricing.domain import NOT_DELIVERED, UNKNOWN_METHOD, Asking, Destination, Quote, QuoteLine
from products.domain import Label
from promotions.domain import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class CartState(Enum):
    """Open, turned into an order, or merged into another cart."""

    OPEN = "open"
    ORDERED = "ordered"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose cart: a customer's, or a guest's who shows the token. The customer comes first.

    ``group_id`` is the customer's group, which has prices of its own.
    """

    user_id: UUID | None = None
    token: str | None = None
    group_id: UUID | None = None

    @property
    def is_nobody(self) -> bool:
        return self.user_id is None and self.token is None

    @property
    def token_digest(self) -> str | None:
        return digest_of(self.token) if self.token else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is wished beside the goods: a code, a shipping method's code, and where it goes, as far as prices care.

    Empty is what is not known, or not wished.
    """

    coupon: str = ""
    shipping_method: str = ""
    country: str = ""
    region: str = ""
    postal_code: str = ""
    vat_id: str = ""

    @property
    def destination(self) -> Destination | None:
        if not self.country:
            return None
        return Destination(country=self.country, region=self.region, postal_code=self.postal_code)

    def asked_by(self, *, group_id: UUID | None, buyer: str, at: datetime) -> Asking:
        """Return how a price is asked for on these terms."""
        return Asking(
            at=at,
            group_id=group_id,
            buyer=buyer,
            destination=self.destination,
            vat_id=self.vat_id,
            codes=(self.coupon,) if self.coupon else (),
            shipping_method=self.shipping_method,
        )


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
    item_id: UUID | None = None
    variant_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """A cart as it is shown: priced at this moment, with what changed since."""

    cart_id: UUID | None
    token: str | None
    quote: Quote
    lines: tuple[CartLine, ...]
    warnings: tuple[Warning, ...]
    terms: Terms


def digest_of(token: str) -> str:
    """Return what is kept of a guest's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def compose(*, cart_id: UUID | None, token: str | None, quote: Quote, items: Iterable[Item], terms: Terms) -> CartView:
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
    warnings += _unfulfilled(quote, terms)
    return CartView(
        cart_id=cart_id, token=token, quote=quote, lines=tuple(lines), warnings=tuple(warnings), terms=terms
    )


def refused_coupon(quote: Quote) -> str | None:
    """Return why a code that was entered does not apply (a ``promotions.domain.Reason``); ``None`` where all do."""
    refused = (each.outcome.reason for each in quote.priced.tried if each.rule.code)
    return next((reason.value for reason in refused if reason is not None), None)


def _unfulfilled(quote: Quote, terms: Terms) -> list[Warning]:
    found = []
    if quote.lines and (refused := refused_coupon(quote)):
        found.append(Warning(code="coupon_not_applied", message=f"{terms.coupon}: {_COUPON_WORDS[refused]}"))
    if quote.priced.refusal:
        found.append(Warning(code=quote.priced.refusal, message=_SHIPPING_WORDS[quote.priced.refusal]))
    return found


# Why a coupon does not apply, in words for shoppers.
_COUPON_WORDS = {
    Reason.NOTHING_MATCHES.value: "nothing in the cart is part of this offer.",
    Reason.BELOW_MINIMUM_SPEND.value: "the cart is below the minimum spend of this offer.",
    Reason.BELOW_MINIMUM_QUANTITY.value: "there are too few items for this offer.",
    Reason.NOT_FIRST_ORDER.value: "this is for first orders of signed-in customers.",
    Reason.OTHER_GROUP.value: "this is for other customers.",
    Reason.OTHER_MARKET.value: "this does not hold in this market.",
    Reason.NOT_STARTED.value: "this offer has not begun.",
    Reason.ENDED.value: "this offer is over.",
    Reason.USED_UP.value: "this coupon is used up.",
    Reason.USED_BEFORE.value: "you have used this coupon before.",
    Reason.UNKNOWN_CODE.value: "there is no such coupon.",
    Reason.EXCLUDED.value: "this does not go together with another offer.",
    Reason.NOTHING_LEFT.value: "there is nothing left to take off.",
}
_SHIPPING_WORDS = {
    NOT_DELIVERED: "This cannot be delivered there.",
    UNKNOWN_METHOD: "This shipping method cannot be had for this cart.",
}


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
