"""What an order's rows say of an invoice: what was charged, by whom, to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pycountry

from core.money import digits
from orders.domain import (
    Address,
    Amounts,
    Charged,
    Draft,
    Paper,
    PaperKind,
    Party,
    SellerData,
    VatCategory,
    places_of,
    vat_category,
)
from orders.models import Order, OrderLine, Seller
from pricing.domain import EU, CartFacts
from pricing.domain.taxes import STANDARD, VOUCHER, rate_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_DELIVERY = "Delivery"
_OWN_PREFIXES = ("EL", "XI")
_ROUNDED = "Amounts are rounded to two decimals."
_VOUCHERS = "Gift cards are multi-purpose vouchers: tax is due when they are spent, and none when they are sold."
_NOTHING = Amounts(lines=0, charges=0, net=0, tax=0, gross=0, prepaid=0, rounding=0, due=0)


def seller_data(*, seller: Seller) -> SellerData:
    """Return a seller as papers show them."""
    return SellerData(
        name=seller.name,
        address=Address(
            line1=seller.line1,
            line2=seller.line2,
            city=seller.city,
            region=seller.region,
            postal_code=seller.postal_code,
            country=seller.country,
        ),
        vat_id=seller.vat_id,
        tax_number=seller.tax_number,
        registration=seller.registration,
        email=seller.email,
        iban=seller.iban,
    )


def head_of(*, order: Order, seller: SellerData, kind: PaperKind, at: datetime) -> Paper:
    """Return a paper with nothing on it yet."""
    places = places_of(order.currency)
    notes = ((_ROUNDED, places != digits(order.currency)), (_VOUCHERS, order.has_gift_cards))
    return Paper(
        kind=kind,
        number="",
        issued_on=at.date(),
        order_number=order.number,
        currency=order.currency,
        places=places,
        seller=seller,
        lines=(),
        charges=(),
        taxes=(),
        amounts=_NOTHING,
        note=" ".join(words for words, holds in notes if holds),
    )


def draft_of(*, order: Order, lines: Sequence[OrderLine], facts: CartFacts | None, seller: SellerData) -> Draft:
    """Return what was charged with an order.

    :param lines: by position
    :param facts: those of its receipt; without, its prices were agreed elsewhere
    """
    classes = [line.tax_class for line in facts.lines] if facts else list(map(_class_of, lines))
    sent = [line.needs_shipping for line in facts.lines] if facts else [True] * len(lines)
    charged = [
        Charged(
            name=title_of(line=line),
            sku=line.sku,
            quantity=line.quantity,
            price_minor=line.subtotal_minor + _taken_out(line.tax_minor),
            discount_minor=line.discount_minor,
            category=_category(order, facts, seller, line.tax_ppm, tax_class, is_sent=is_sent),
            ppm=line.tax_ppm,
        )
        for line, tax_class, is_sent in zip(lines, classes, sent, strict=True)
    ]
    if order.shipping_minor:
        charged.append(_delivery(order, lines, facts, seller))
    return Draft(
        currency=order.currency,
        charged=charged,
        paid_minor=order.total_minor,
        is_tax_included=order.contained_minor != 0,
    )


def buyer_of(*, order: Order, home: str) -> Party:
    """Return who is billed. An order from elsewhere may tell nothing but that there was one.

    :param home: the country where none is known
    """
    known = order.billing_address or order.shipping_address or {}
    vat_id = "".join(filter(str.isalnum, order.vat_id)).upper()
    return Party(
        name=known.get("name") or order.email or "Customer",
        address=_address(known, home),
        vat_id=vat_id if has_country(vat_id) else "",
    )


def has_country(vat_id: str) -> bool:
    """Tell whether a VAT id begins with its country, as an invoice wants it: by ISO 3166-1, but EL for Greece, and XI
    for Northern Ireland (EN 16931-1, BR-CO-09)."""
    prefix = vat_id[:2]
    return prefix in _OWN_PREFIXES or (len(prefix) == 2 and pycountry.countries.get(alpha_2=prefix) is not None)


def destination_of(*, order: Order, home: str) -> Address | None:
    """Return where it went, if it is known."""
    return _address(order.shipping_address, home) if order.shipping_address else None


def _address(known: Mapping[str, str], home: str) -> Address:
    parts = {name: known.get(name, "") for name in ("line1", "line2", "city", "region", "postal_code")}
    return Address(**parts, country=known.get("country") or home)


def title_of(*, line: OrderLine) -> str:
    """Return what a line is called on papers."""
    options = ", ".join(map(str, line.options.values()))
    return f"{line.name} ({options})" if options else line.name


def _class_of(line: OrderLine) -> str:
    return VOUCHER if line.is_gift_card else STANDARD


def _taken_out(tax_minor: int) -> int:
    """Tax below zero was taken out of a price that contained it."""
    return min(tax_minor, 0)


def _category(
    order: Order, facts: CartFacts | None, seller: SellerData, ppm: int, tax_class: str, *, is_sent: bool = True
) -> VatCategory:
    return vat_category(
        ppm=ppm,
        tax_class=tax_class,
        is_reversed=bool(facts and facts.tax and facts.tax.is_reversed),
        is_sent=is_sent,
        is_registered=bool(seller.vat_id),
        leaves=_leaves(order, seller),
    )


def _leaves(order: Order, seller: SellerData) -> bool:
    country = (order.shipping_address or {}).get("country") or seller.address.country
    home = seller.address.country
    return country != home and not (country in EU and home in EU)


def _delivery(order: Order, lines: Sequence[OrderLine], facts: CartFacts | None, seller: SellerData) -> Charged:
    on_top = order.tax_minor - sum(line.tax_minor for line in lines)
    inside = order.contained_minor - sum(line.contained_minor for line in lines)
    tax_class, ppm = STANDARD, 0
    if facts is not None:
        tax_class = next((m.tax_class for m in facts.shipping.methods if m.code == order.shipping_method), STANDARD)
    if facts is None or facts.tax is None:
        ppm = max((line.tax_ppm for line in lines), default=0) if on_top > 0 or inside > 0 else 0
    elif not facts.tax.is_reversed:
        ppm = rate_of(facts.tax.rates, tax_class).ppm
    return Charged(
        name=_DELIVERY,
        price_minor=order.shipping_minor + _taken_out(on_top),
        category=_category(order, facts, seller, ppm, tax_class),
        ppm=ppm,
        is_delivery=True,
    )
