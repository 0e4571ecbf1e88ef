"""Invoices: numbered without a gap, and never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
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

_LOCKED: Compiled[Order] = Compiled(lambda order_id: Order.objects.filter(pk=order_id).locked(), order_id=UUID)
_INVOICE: Compiled[Invoice] = Compiled(
    lambda order_id: Invoice.objects.filter(order=order_id, kind=PaperKind.INVOICE.value), order_id=UUID
)
_SERIES: Compiled[InvoiceSeries] = Compiled(lambda code: InvoiceSeries.objects.filter(pk=code).locked(), code=str)


@command
def issue_invoice(*, order_id: UUID, at: datetime) -> Invoice:
    """Invoice a paid order. The same order twice is the same invoice. Locks the order, then the series.

    :raises OrderNotFound: there is none
    :raises InvoiceRefused: it is not paid, nobody sells in its market, or its sums do not add up (409)
    """
    return _invoice(lock_order(order_id=order_id), at)


@step
def invoice_paid_order(*, order_id: UUID, at: datetime) -> None:
    """Do as ``issue_invoice`` does; where it cannot be, the order goes on and staff see why with its invoices."""
    try:
        _invoice(lock_order(order_id=order_id), at)
    except InvoiceRefused as refusal:
        log.warning("no invoice", order_id=str(order_id), reason=refusal.facts["reason"])


@step
def lock_order(*, order_id: UUID) -> Order:
    """Lock an order.

    :raises OrderNotFound: there is none
    """
    order = _LOCKED.first(order_id=order_id)
    if order is None:
        raise OrderNotFound
    return order


def _invoice(order: Order, at: datetime) -> Invoice:
    earlier = _INVOICE.first(order_id=order.pk)
    if earlier is not None:
        return earlier
    seller, paper = invoicing.draw_up(order=order, at=at)
    row = Invoice(order=order, currency=order.currency, total_minor=order.total_minor)
    return issue(row=row, paper=paper, parties=_parties(order, seller), series=seller.invoice_series, at=at)


def _parties(order: Order, seller: Seller) -> Any:
    buyer = drafting.buyer_of(order=order, home=seller.country)
    where = drafting.destination_of(order=order, home=seller.country)
    return {"buyer": msgspec.to_builtins(buyer), "deliver_to": msgspec.to_builtins(where)}


@step
def issue(*, row: Invoice, paper: Paper, parties: Any, series: str, at: datetime) -> Invoice:
    """Give a paper the next number of the series and write it down. Locks the series, last of all: three statements."""
    row.kind, row.series, row.sequence, row.issued_at = paper.kind.value, series, _next_of(series), at
    row.number = invoice_number(series, row.sequence)
    row.document = msgspec.to_builtins(replace(paper, number=row.number))
    row.parties = InvoiceParties(invoice=row, known=parties)
    insert_together([row], [row.parties])
    return row


def _next_of(series: str) -> int:
    """Take the next number. Who comes second waits for the end of the first, and gets its number if it rolls back."""
    counter = _SERIES.first(code=series)
    if counter is None:
        insert_missing(InvoiceSeries(code=series))
        counter = InvoiceSeries.objects.filter(pk=series).locked().get()
    counter.last += 1
    update_together((counter, ("last",)))
    return int(counter.last)
