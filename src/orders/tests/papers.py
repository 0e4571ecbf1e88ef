"""Random orders, and the papers that come of them, without a database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from markets.domain import TaxRounding
from orders.domain import (
    Address,
    Paper,
    PaperKind,
    Party,
    SellerData,
    compose_credit,
    compose_invoice,
    to_ubl,
)
from orders.models import Order, OrderLine
from orders.selectors import drafting
from pricing.domain import CartFacts, LineFacts, MethodFacts, ShippingFacts, ShippingKind, price_cart
from pricing.domain.taxes import VOUCHER, RateFacts, TaxRules
from promotions.domain import Benefit, Rule

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHOP = SellerData(
    name="Nexus GmbH",
    address=Address(line1="Hauptstr. 1", city="Berlin", postal_code="10115", country="DE"),
    vat_id="DE136695976",
    registration="HRB 1",
    email="shop@example.com",
)
# Not registered for VAT, so that nothing that it sells is subject to it.
SMALL = replace(SHOP, vat_id="", registration="HRA 2")
_CURRENCIES = ("EUR", "EUR", "GBP", "JPY", "KWD")
_RATES = {
    "standard": RateFacts("VAT", 190_000),
    "reduced": RateFacts("VAT", 70_000),
    "books": RateFacts("VAT", 55_000),
    "zero": RateFacts("VAT", 0),
}
_CLASSES = (*_RATES, "exempt")


def random_facts(dice: random.Random) -> CartFacts:
    """Return a cart: any currency, rates, rounding, discounts, delivery, with tax inside or on top, or reversed."""
    lines = tuple(_line(dice, number) for number in range(dice.randint(1, 8)))
    rules = tuple(_sale(dice, number) for number in range(dice.randint(0, 2)))
    steps = ((0, dice.choice([0, 395, 1234])),)
    tax_class = dice.choice(["standard", "reduced"])
    post = MethodFacts(code="post", name="Post", kind=ShippingKind.FLAT, steps=steps, tax_class=tax_class)
    return CartFacts(
        currency=dice.choice(_CURRENCIES),
        lines=lines,
        rules=rules,
        shipping=ShippingFacts(is_offered=dice.random() < 0.8, methods=(post,)),
        tax=_tax(dice),
    )


def _line(dice: random.Random, number: int) -> LineFacts:
    unit = dice.choice([dice.randint(1, 99), dice.randint(100, 9999), dice.randint(10_000, 999_999)])
    is_gift_card = dice.random() < 0.15
    return LineFacts(
        variant_id=UUID(int=number),
        product_id=UUID(int=number),
        sku=f"SKU-{number}",
        quantity=dice.randint(1, 7),
        base_minor=unit,
        unit_minor=unit,
        tax_class=VOUCHER if is_gift_card else dice.choice(_CLASSES),
        needs_shipping=not is_gift_card and dice.random() < 0.8,
        is_gift_card=is_gift_card,
    )


def _sale(dice: random.Random, number: int) -> Rule:
    return Rule(id=UUID(int=number), name="Sale", benefit=Benefit.PERCENT, percent_bp=dice.choice([333, 1000, 5000]))


def _tax(dice: random.Random) -> TaxRules | None:
    kind = dice.choice(["home", "home", "reversed", "export", "none"])
    if kind == "none":
        return None
    rates = {name: RateFacts("VAT", 0) for name in _RATES} if kind == "export" else _RATES
    return TaxRules(
        country={"home": "DE", "reversed": "FR", "export": "CH"}[kind],
        region="",
        rates=rates,
        home_rates=_RATES,
        is_included=dice.random() < 0.5,
        rounding=dice.choice([TaxRounding.LINE, TaxRounding.TOTAL]),
        is_reversed=kind == "reversed",
    )


def order_of(facts: CartFacts) -> tuple[Order, list[OrderLine]]:
    """Return the order that such a cart becomes, not written."""
    priced = price_cart(facts)
    country = facts.tax.country if facts.tax else "DE"
    order = Order(
        number="N-123-4567",
        currency=facts.currency,
        subtotal_minor=priced.subtotal_minor,
        discount_minor=priced.discount_minor,
        shipping_minor=priced.shipping_minor,
        tax_minor=priced.tax_minor,
        total_minor=priced.total_minor,
        contained_minor=priced.contained_minor,
        shipping_method=priced.method.code if priced.method else "",
        vat_id="FR 40 303265045",
        shipping_address=_address(country),
        has_gift_cards=any(line.is_gift_card for line in facts.lines),
    )
    lines = [
        OrderLine(
            order=order,
            position=position,
            sku=line.sku,
            name=f"Thing {position} <&>",
            options={"size": "L"},
            quantity=line.quantity,
            unit_price_minor=line.unit_minor,
            subtotal_minor=line.total_minor,
            discount_minor=price.discount_minor,
            tax_minor=price.tax_minor,
            contained_minor=price.contained_minor,
            tax_ppm=price.rate.ppm,
            is_gift_card=line.is_gift_card,
        )
        for position, (line, price) in enumerate(zip(facts.lines, priced.lines, strict=True), start=1)
    ]
    return order, lines


def _address(country: str) -> Any:
    return {"name": "Ada Lovelace", "line1": "1 Rue X", "city": "Y", "postal_code": "75001", "country": country}


def invoice_of(facts: CartFacts, seller: SellerData = SHOP) -> tuple[Paper, Party, Address | None]:
    """Return the invoice of such a cart, with who bought and where it went."""
    order, lines = order_of(facts)
    draft = drafting.draft_of(order=order, lines=lines, facts=facts, seller=seller)
    head = drafting.head_of(order=order, seller=seller, kind=PaperKind.INVOICE, at=NOON)
    paper = replace(compose_invoice(draft, head), number="INV-000001")
    home = seller.address.country
    return paper, drafting.buyer_of(order=order, home=home), drafting.destination_of(order=order, home=home)


def credit_of(invoice: Paper, dice: random.Random) -> Paper:
    """Return a credit note over all of an invoice, or over a random part of each of its rows."""
    gross = [row.gross for row in (*invoice.lines, *invoice.charges)]
    parts = gross if dice.random() < 0.3 else [dice.randint(0, part) for part in gross]
    if not sum(parts):
        parts = gross
    head = replace(
        invoice,
        kind=PaperKind.CREDIT_NOTE,
        number="CN-000001",
        of_number=invoice.number,
        of_date=date(2026, 5, 1),
    )
    return compose_credit(invoice, head, parts, invoice.amounts.prepaid if parts == gross else sum(parts))


def random_documents(count: int, seed: int) -> Iterator[tuple[Paper, bytes]]:
    """Return so many invoices and credit notes of random orders, by turns, each with its XML."""
    dice = random.Random(seed)
    while count > 0:
        facts = random_facts(dice)
        seller = SMALL if facts.tax is None and dice.random() < 0.5 else SHOP
        invoice, buyer, where = invoice_of(facts, seller)
        for paper in (invoice, credit_of(invoice, dice))[:count]:
            count -= 1
            yield paper, to_ubl(paper, buyer, where)
