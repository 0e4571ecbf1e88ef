"""What an invoice means for the shop. Rules without a database; every penny of an invoice is in exactly one part.

* Goods sold (quantity and price above zero) are order lines at the invoice's own price. A cart holds one row per SKU,
  at most ``MAX_LINES`` rows and ``MAX_QUANTITY`` units of each; what goes beyond (a SKU twice at two prices, 74,215
  units) continues in a second order, a third …: ``536365``, ``536365/2``.
* Goods given away (price zero) are order lines at zero where the invoice has a customer or sells something else. On an
  invoice of nothing but zeros and nobody they are the stock-keeper's notes: a correction of the stock by the quantity.
* Goods that come back (quantity below zero, with a price, or on a cancellation ``C…``) are a return: units into stock,
  and the amount owed.
* Whatever is no product of the catalogue (postage, fees, discounts, bad debts, vouchers) is an adjustment in the money
  ledger, with its sign. A line's amount is rounded half up to the penny.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from orders.services.replaying.reading import Invoice, InvoiceLine

MAX_LINES = 100
MAX_QUANTITY = 999


@dataclass(slots=True)
class Part:
    """One order of an invoice: SKU -> units, SKU -> unit price in minor units."""

    units: dict[str, int] = field(default_factory=dict)
    prices_minor: dict[str, int] = field(default_factory=dict)

    def take(self, sku: str, price_minor: int, units: int) -> int:
        """Put as many of the units in as fit, and return how many were left over."""
        if self.prices_minor.get(sku, price_minor) != price_minor:
            return units
        if sku not in self.units and len(self.units) >= MAX_LINES:
            return units
        held = self.units.get(sku, 0)
        taken = min(units, MAX_QUANTITY - held)
        if taken:
            self.units[sku] = held + taken
            self.prices_minor[sku] = price_minor
        return units - taken


@dataclass(slots=True)
class Plan:
    """What happens for one invoice: orders, then goods back, corrections of stock and adjustments of money."""

    parts: list[Part] = field(default_factory=list)
    returned: Counter[str] = field(default_factory=Counter)
    returned_minor: int = 0
    corrected: Counter[str] = field(default_factory=Counter)
    adjusted_minor: int = 0

    def sell(self, sku: str, price_minor: int, units: int) -> None:
        """Put units into the first order that takes them."""
        for part in self.parts:
            units = part.take(sku, price_minor, units)
        while units:
            self.parts.append(Part())
            units = self.parts[-1].take(sku, price_minor, units)

    def stock_changes(self) -> list[tuple[str, int]]:
        """Return SKU and difference of each change of stock, in the order in which they happen."""
        sold = [(sku, -units) for part in self.parts for sku, units in part.units.items()]
        return [*sold, *self.returned.items(), *self.corrected.items()]


def plan_invoice(invoice: Invoice, *, is_known: Callable[[str], bool], is_sold: Callable[[str], bool]) -> Plan:
    """Return what an invoice means.

    :param is_known: whether a SKU is in the catalogue
    :param is_sold: whether it has a price there
    """
    plan = Plan()
    has_buyer = bool(invoice.customer) or any(line.unit_price for line in invoice.lines)
    for line in invoice.lines:
        minor = minor_of(line)
        if not is_known(line.sku) or line.unit_price < 0:
            plan.adjusted_minor += minor
        elif line.quantity < 0 and (minor or invoice.is_cancellation):
            plan.returned[line.sku] += -line.quantity
            plan.returned_minor += -minor
        elif line.quantity > 0 and has_buyer and is_sold(line.sku) and is_whole(line.unit_price):
            plan.sell(line.sku, int(line.unit_price * 100), line.quantity)
        elif line.quantity > 0 and has_buyer:
            plan.corrected[line.sku] -= line.quantity
            plan.adjusted_minor += minor
        else:
            plan.corrected[line.sku] += line.quantity
    return plan


def minor_of(line: InvoiceLine) -> int:
    """Return the amount of a line in minor units, rounded half up."""
    return int((line.quantity * line.unit_price * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def is_whole(price: Decimal) -> bool:
    """Tell whether the price has no part of a penny."""
    return price * 100 == int(price * 100)
