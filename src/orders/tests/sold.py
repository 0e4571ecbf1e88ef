"""Random orders that were paid, and paid back in parts, written straight into the tables; and what a plain model of
them says of the tax."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from django.db import transaction

from core.ids import new_id
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from orders.models import OrderLine, OrderReceipt
from orders.tests.papers import NOON, order_of, random_facts
from payments.domain import CASH, RETURNS, SALES
from payments.models import Attempt, Payment, Refund
from payments.services import post_entry
from pricing.domain import price_cart
from pricing.domain.taxes import rate_of

if TYPE_CHECKING:
    from orders.models import Order
    from pricing.domain import CartFacts

# (currency, country, class, millionths, reversed) -> net, tax, credited net, credited tax
Sums = dict[tuple[str, str, str, int, bool], Counter[str]]


@dataclass
class Sold:
    """An order, when it was paid, and what went back when."""

    order: Order
    facts: CartFacts
    paid_at: datetime
    refunds: list[tuple[datetime, int]] = field(default_factory=list)


def make_sold(count: int, dice: random.Random) -> list[Sold]:
    """Write so many orders, each paid within thirty days of noon and, maybe, paid back in up to three parts."""
    stock, market = make_stock(), make_market()
    found = []
    for number in range(count):
        sold = Sold(*_written(random_facts(dice), number, stock, market), paid_at=NOON + _some(dice))
        left, at = sold.order.total_minor, sold.paid_at
        for _ in range(dice.choice([0, 0, 1, 3])):
            amount, at = dice.choice([left, dice.randint(0, left)]), at + _some(dice)
            if amount:
                sold.refunds.append((at, amount))
                left -= amount
        _book(sold)
        found.append(sold)
    return found


def _some(dice: random.Random) -> timedelta:
    return timedelta(seconds=dice.randrange(30 * 86_400))


def _written(facts: CartFacts, number: int, stock: object, market: object) -> tuple[Order, CartFacts]:
    order, lines = order_of(facts)
    order.number, order.market, order.placed_at = f"N-{number:07d}", market, NOON  # type: ignore[assignment]
    order.save()
    for line in lines:
        line.variant = stock.variant  # type: ignore[attr-defined]
        line.product_id = stock.variant.product_id  # type: ignore[attr-defined]
    OrderLine.objects.bulk_create(lines)
    OrderReceipt.objects.create(order=order, facts=msgspec.json.encode(facts).decode(), steps="[]")
    return order, facts


def _book(sold: Sold) -> None:
    order, back = sold.order, sum(amount for _, amount in sold.refunds)
    total, currency = order.total_minor, order.currency
    payment = Payment.objects.create(
        order_id=order.pk, currency=currency, amount_minor=total, captured_minor=total, refunded_minor=back
    )
    attempt = Attempt.objects.create(
        payment=payment,
        provider="sandbox",
        idempotency_key=new_id().hex,
        status="captured",
        amount_minor=total,
        captured_minor=total,
        promised_minor=back,
        refunded_minor=back,
        created_at=sold.paid_at,
    )
    with transaction.atomic():
        post_entry(
            kind="order_paid",
            reference=str(order.pk),
            currency=currency,
            amounts={CASH: total, SALES: -total},
            at=sold.paid_at,
        )
        for at, amount in sold.refunds:
            refund = Refund.objects.create(
                payment=payment,
                attempt=attempt,
                amount_minor=amount,
                status="succeeded",
                idempotency_key=new_id().hex,
                account=RETURNS,
            )
            amounts = {RETURNS: amount, "provider:sandbox": -amount}
            post_entry(kind="refund", reference=str(refund.pk), currency=currency, amounts=amounts, at=at)


def model_of(sold: Iterable[Sold], begins_at: datetime, ends_at: datetime) -> Sums:
    """Say the same as the report, order by order and rate by rate."""
    sums: Sums = {}
    for each in sold:
        rates = _rates_of(each.facts)
        if begins_at <= each.paid_at < ends_at:
            for key, (gross, tax) in rates.items():
                sums.setdefault(key, Counter()).update({"net": gross - tax, "tax": tax})
        before = 0
        for at, amount in each.refunds:
            if begins_at <= at < ends_at:
                then, now = _taken(rates, before), _taken(rates, before + amount)
                for key, (reached, reached_tax) in now.items():
                    share, tax = reached - then[key][0], reached_tax - then[key][1]
                    sums.setdefault(key, Counter()).update({"credited_net": share - tax, "credited_tax": tax})
            before += amount
    return {key: found for key, found in sums.items() if any(found.values())}


def _rates_of(facts: CartFacts) -> dict[tuple[str, str, str, int, bool], tuple[int, int]]:
    """Return what an order has at each rate, with tax, and the tax; by rate, then class."""
    priced, rules = price_cart(facts), facts.tax
    country = rules.country if rules else "GB"
    is_reversed = bool(rules and rules.is_reversed)
    parts = [
        (
            line.tax_class,
            price.rate.ppm,
            line.total_minor - price.discount_minor + price.tax_minor,
            price.contained_minor + max(price.tax_minor, 0),
        )
        for line, price in zip(facts.lines, priced.lines, strict=True)
    ]
    if priced.shipping_minor and priced.method:
        on_top = priced.tax_minor - sum(price.tax_minor for price in priced.lines)
        inside = priced.contained_minor - sum(price.contained_minor for price in priced.lines)
        tax_class = priced.method.tax_class
        ppm = 0 if is_reversed or rules is None else rate_of(rules.rates, tax_class).ppm
        parts.append((tax_class, ppm, priced.shipping_minor + on_top, inside + max(on_top, 0)))
    found: dict[tuple[str, str, str, int, bool], tuple[int, int]] = {}
    for tax_class, ppm, gross, tax in sorted(parts, key=lambda part: (part[1], part[0])):
        key = (facts.currency, country, tax_class, ppm, is_reversed)
        known = found.get(key, (0, 0))
        found[key] = (known[0] + gross, known[1] + tax)
    return found


def _taken(
    rates: dict[tuple[str, str, str, int, bool], tuple[int, int]], total: int
) -> dict[tuple[str, str, str, int, bool], tuple[int, int]]:
    """Share a running total of refunds out to the rates."""
    whole, reached, found = sum(gross for gross, _ in rates.values()), 0, {}
    for key, (gross, tax) in rates.items():
        below, reached = _rounded(total * reached, whole), reached + gross
        share = _rounded(total * reached, whole) - below
        found[key] = (share, _rounded(share * tax, gross))
    return found


def _rounded(above: int, below: int) -> int:
    return (2 * above + below) // (2 * below) if below else 0
