"""Replaying a file of invoices from the first to the last."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from accounts import services as accounts
from core import outbox
from inventory import selectors as stock_reads
from markets import selectors as market_reads
from orders.models import Order
from orders.services.replaying.planning import Plan, plan_invoice
from orders.services.replaying.reading import Invoice, read_invoices
from orders.services.replaying.writing import EMAIL, REFERENCE, Shop, open_stock, place_part, settle
from payments import selectors as payment_reads
from payments.domain import ADJUSTMENTS, RETURNS, SALES
from products import selectors as product_reads
from products.services import importing

if TYPE_CHECKING:
    from accounts.models import User

CURRENCY = "GBP"
MAPPING = "online-retail"
_BATCH = 1000
# After so many invoices the tables have outgrown what the database last knew of them.
_GROWN = (100, 1000, 5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWish:
    """What to replay: a file, all of it or the first ``most`` invoices; where the import of its SKUs reports."""

    path: Path
    report: Path
    most: int | None = None


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What became of the invoices, and month ("2011-03") -> what they came to in minor units, of all replays so far."""

    invoices: int = 0
    orders: int = 0
    settled: int = 0
    done_before: int = 0
    months: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What earlier tries have committed."""

    orders: frozenset[str]
    settled: frozenset[str]


def replay_invoices(*, wish: ReplayWish, at: datetime, progress: Callable[[int], object] = lambda _: None) -> Replayed:
    """Turn a file of invoices into customers, carts, orders, returns and bookings, in the order of time.

    First the SKUs are imported and the stock is received that the invoices need. Interrupted, it goes on after the last
    committed order; a second run changes nothing. Facts are written down, but nobody gets mail of them. Not a command:
    each order is one.

    :param progress: is told of each invoice
    :raises InvoicesUnreadable: the file is none of invoices
    """
    importing.import_file(wish=importing.ImportWish(path=wish.path, report=wish.report, mapping=MAPPING), at=at)
    skus, customers = _named(wish)
    shop, sold = _open_shop(skus)
    buyers = _adopt_buyers(customers, at)
    done = Replayed(months={})
    past = _past()
    with outbox.untold():
        _receive_opening_stock(wish, shop, sold)
        importing.refresh_statistics()
        for invoice in _invoices(wish):
            plan = _plan(invoice, shop, sold)
            _replay(invoice, plan, buyers.get(invoice.customer), shop, past, done)
            progress(1)
            if done.invoices in _GROWN:
                importing.refresh_statistics()
    done.months = sums_per_month()
    return done


def sums_per_month() -> dict[str, int]:
    """Return month -> sales less returns plus adjustments, in pence, as the money ledger has them. One query."""
    balances = payment_reads.monthly_balances(accounts=(SALES, RETURNS, ADJUSTMENTS), currency=CURRENCY)
    return {month: -minor for month, minor in sorted(balances.items())}


def _replay(invoice: Invoice, plan: Plan, buyer: User | None, shop: Shop, past: _Past, done: Replayed) -> None:
    done.invoices += 1
    new = False
    for index, part in enumerate(plan.parts, start=1):
        number = invoice.number if index == 1 else f"{invoice.number}/{index}"
        if number not in past.orders:
            place_part(invoice=invoice, part=part, number=number, buyer=buyer, shop=shop)
            done.orders += 1
            new = True
    if (plan.returned or plan.corrected or plan.adjusted_minor) and (
        REFERENCE.format(invoice.number) not in past.settled
    ):
        settle(invoice=invoice, plan=plan, shop=shop)
        done.settled += 1
        new = True
    done.done_before += not new


def _invoices(wish: ReplayWish) -> Iterator[Invoice]:
    return islice(read_invoices(wish.path), wish.most)


def _plan(invoice: Invoice, shop: Shop, sold: frozenset[str]) -> Plan:
    return plan_invoice(invoice, is_known=shop.variants.__contains__, is_sold=sold.__contains__)


def _named(wish: ReplayWish) -> tuple[list[str], list[str]]:
    """Return the SKUs and the customers that the invoices name."""
    skus: set[str] = set()
    customers: set[str] = set()
    for invoice in _invoices(wish):
        skus.update(line.sku for line in invoice.lines)
        customers.add(invoice.customer)
    return sorted(skus), sorted(customers - {""})


def _open_shop(skus: Sequence[str]) -> tuple[Shop, frozenset[str]]:
    """Return the shop, and the SKUs that have a price in it."""
    market = market_reads.get_market(code=None)
    variants = product_reads.variants_by_sku(skus=skus)
    sold = frozenset(product_reads.offers_by_sku(skus=list(variants), market=market))
    return Shop(market=market, variants=variants), sold


def _adopt_buyers(customers: Sequence[str], at: datetime) -> dict[str, User]:
    """Return customer -> account."""
    buyers: dict[str, User] = {}
    for start in range(0, len(customers), _BATCH):
        emails = {EMAIL.format(customer): customer for customer in customers[start : start + _BATCH]}
        adopted = accounts.adopt_customers(emails=list(emails), at=at)
        buyers |= {emails[email]: user for email, user in adopted.items()}
    return buyers


def _receive_opening_stock(wish: ReplayWish, shop: Shop, sold: frozenset[str]) -> None:
    """Receive for each SKU as many units as the invoices ever have it short, less what an earlier try received."""
    level: Counter[str] = Counter()
    lowest: Counter[str] = Counter()
    first: datetime | None = None
    for invoice in _invoices(wish):
        first = first or invoice.at
        for sku, difference in _plan(invoice, shop, sold).stock_changes():
            level[sku] += difference
            lowest[sku] = min(lowest[sku], level[sku])
    if first is None:
        return
    reference = f"replay {hashlib.sha256(wish.path.name.encode()).hexdigest()[:16]}"
    before = stock_reads.moved_units(reference=reference)
    needed = {shop.variants[sku]: -depth for sku, depth in lowest.items()}
    missing = {variant: units - before.get(variant, 0) for variant, units in needed.items()}
    _receive({variant: units for variant, units in missing.items() if units > 0}, reference, first)


def _receive(units: dict[UUID, int], reference: str, at: datetime) -> None:
    variants = sorted(units)
    for start in range(0, len(variants), _BATCH):
        batch = {variant: units[variant] for variant in variants[start : start + _BATCH]}
        open_stock(units=batch, reference=reference, at=at)


def _past() -> _Past:
    prefix = REFERENCE.format("")
    numbers = Order.objects.exclude(external_number="").values_list("external_number", flat=True)
    settled = payment_reads.entry_references(prefix=prefix) | stock_reads.movement_references(prefix=prefix)
    return _Past(orders=frozenset(numbers), settled=frozenset(settled))
