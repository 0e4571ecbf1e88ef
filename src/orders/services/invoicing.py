"""Invoices: numbered without a gap, and never changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import structlog

from core.compiled import Compiled
from core.sql import insert_missing, insert_together, update_together
from core.transactions import command, step
from orders.domain import Paper, PaperKind, invoice_number
from orders.errors import InvoiceRefused, OrderNotFound
from orders.models import Invoice, InvoiceParties, InvoiceSeries, Order
from orders.selectors import drafting, invoicing

if TYPE_CHECKING:
    from orders.models import Seller

log = structlog.get_logger(__name__)

_LOCKED: Compiled[Order] = Compiled(lambda orders: Order.objects.filter(pk__any_of=orders).locked(), orders=[UUID])
_INVOICES: Compiled[Invoice] = Compiled(
    lambda orders: Invoice.objects.filter(order__any_of=orders, kind=PaperKind.INVOICE.value), orders=[UUID]
)
_SERIES: Compiled[InvoiceSeries] = Compiled(lambda code: InvoiceSeries.objects.filter(pk=code).locked(), code=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnumbered:
    """A paper that is to get the next number of a series, and the row that it is to stand in."""

    row: Invoice
    paper: Paper
    parties: Any
    series: str


@command
def issue_invoice(*, order_id: UUID, at: datetime) -> Invoice:
    """Invoice a paid order. The same order twice is the same invoice. Locks the order, then the series.

    :raises OrderNotFound: there is none
    :raises InvoiceRefused: it is not paid, nobody sells in its market, or its sums do not add up (409)
    """
    result = _invoice(lock_orders(order_ids=[order_id]), at)[order_id]
    if isinstance(result, InvoiceRefused):
        raise result
    return result


@step
def invoice_paid_orders(*, order_ids: Collection[UUID], at: datetime) -> None:
    """Invoice paid orders, with a few statements for any number of them that one seller sold in one market.

    Where it cannot be, the order goes on without, and staff see why with its invoices. Locks the orders, then the
    series.

    :raises OrderNotFound: there is none of one of them
    """
    for order_id, result in _invoice(lock_orders(order_ids=order_ids), at).items():
        if isinstance(result, InvoiceRefused):
            log.warning("no invoice", order_id=str(order_id), reason=result.facts["reason"])


@step
def lock_orders(*, order_ids: Collection[UUID]) -> list[Order]:
    """Lock orders, in the order of their ids.

    :raises OrderNotFound: there is none of one of them
    """
    wanted = set(order_ids)
    orders = _LOCKED.all(orders=list(wanted))
    if len(orders) < len(wanted):
        raise OrderNotFound
    return orders


def _invoice(orders: Sequence[Order], at: datetime) -> dict[UUID, Invoice | InvoiceRefused]:
    invoices: dict[UUID, Invoice | InvoiceRefused] = {
        row.order_id: row for row in _INVOICES.all(orders=[order.pk for order in orders])
    }
    missing = {order.pk: order for order in orders if order.pk not in invoices}
    unnumbered = []
    for order_id, drawn in invoicing.draw_up(orders=list(missing.values()), at=at).items() if missing else ():
        if isinstance(drawn, InvoiceRefused):
            invoices[order_id] = drawn
            continue
        (seller, paper), order = drawn, missing[order_id]
        invoices[order_id] = row = Invoice(order=order, currency=order.currency, total_minor=order.total_minor)
        unnumbered.append(
            Unnumbered(row=row, paper=paper, parties=_parties(order, seller), series=seller.invoice_series)
        )
    issue(unnumbered, at=at)
    return invoices


def _parties(order: Order, seller: Seller) -> Any:
    buyer = drafting.buyer_of(order=order, home=seller.country)
    where = drafting.destination_of(order=order, home=seller.country)
    return {"buyer": msgspec.to_builtins(buyer), "deliver_to": msgspec.to_builtins(where)}


@step
def issue(papers: Sequence[Unnumbered], *, at: datetime) -> None:
    """Give papers the next numbers of their series and write them down.

    Locks the series, last of all: two statements for each, and one.
    """
    for code, several in groupby(sorted(papers, key=attrgetter("series")), key=attrgetter("series")):
        of_series = list(several)
        first = _take_numbers(code, len(of_series))
        for sequence, each in enumerate(of_series, start=first):
            row = each.row
            row.kind, row.series, row.sequence, row.issued_at = each.paper.kind.value, code, sequence, at
            row.number = invoice_number(code, sequence)
            row.document = msgspec.to_builtins(replace(each.paper, number=row.number))
            row.parties = InvoiceParties(invoice=row, known=each.parties)
    insert_together([each.row for each in papers], [each.row.parties for each in papers])


def _take_numbers(series: str, count: int) -> int:
    """Take the next numbers, and return the first.

    Who comes second waits for the end of the first, and gets its numbers if it rolls back.
    """
    counter = _SERIES.first(code=series)
    if counter is None:
        insert_missing(InvoiceSeries(code=series))
        counter = InvoiceSeries.objects.filter(pk=series).locked().get()
    first = int(counter.last) + 1
    counter.last += count
    update_together((counter, ("last",)))
    return first
