"""Reads of invoices and credit notes. Whose they are is decided by their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from django.db.models import Q

from core.compiled import Compiled
from orders.domain import Address, OrderStatus, Paper, PaperKind, Party, VatCategory, compose_invoice
from orders.errors import InvoiceNotFound, InvoiceRefused, OrderNotFound
from orders.models import Invoice, Order, OrderLine, OrderMove, Seller
from orders.selectors import drafting
from orders.selectors.reading import visible_orders
from orders.selectors.receipts import find_receipt

if TYPE_CHECKING:
    from accounts.models import User
    from pricing.domain import CartFacts

NOT_PAID = "not_paid"
NO_SELLER = "no_seller"
NO_TAX_NUMBER = "seller_without_tax_number"
NO_SUM = "does_not_add_up"

# Without a market it comes last.
_SELLERS: Compiled[Seller] = Compiled(
    lambda market_id: Seller.objects.filter(Q(market_id=market_id) | Q(market__isnull=True)).order_by(
        "market_id", "pk"
    )[:1],
    market_id=UUID,
)
_LINES: Compiled[OrderLine] = Compiled(
    lambda order_id: OrderLine.objects.filter(order=order_id).order_by("position"), order_id=UUID
)
_PAID: Compiled[tuple[int]] = Compiled(
    lambda order_id: OrderMove.objects.filter(order=order_id, to_status=OrderStatus.PAID.value).values_list("pk")[:1],
    order_id=UUID,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """An order's invoice and credit notes, oldest first. ``missing`` tells staff why there is no invoice."""

    invoices: list[Invoice]
    missing: str | None


def list_invoices(*, order_id: UUID, viewer: User | None, token: str | None = None, at: datetime) -> Papers:
    """Return an order's papers. Two queries (staff: and their permissions, and four where there is no invoice).

    :raises OrderNotFound: there is none, or it is not the viewer's (nor does the token fit)
    """
    order: Order | None = visible_orders(viewer=viewer, token=token).filter(pk=order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise OrderNotFound
    invoices = list(Invoice.objects.filter(order=order).order_by("issued_at", "pk"))
    is_staff = viewer is not None and viewer.is_staff
    missing = missing_for_invoice(order=order, at=at) if is_staff and not invoices else ""
    return Papers(invoices=invoices, missing=missing or None)


def get_invoice(*, invoice_id: UUID, viewer: User | None, token: str | None = None) -> Invoice:
    """Return an invoice or credit note with its parties and its order. One query (staff: and their permissions).

    :raises InvoiceNotFound: there is none, or its order is not the viewer's (nor does the token fit)
    """
    orders = visible_orders(viewer=viewer, token=token)
    rows = Invoice.objects.filter(pk=invoice_id, order__in=orders).select_related("order", "parties", "of")
    invoice: Invoice | None = rows.first()
    if invoice is None or not invoice.order.is_shown_to(token=token, viewer=viewer):
        raise InvoiceNotFound
    return invoice


def paper_of(*, invoice: Invoice) -> Paper:
    """Return what stands on it, without the persons."""
    return msgspec.convert(invoice.document, Paper)


def parties_of(*, invoice: Invoice) -> tuple[Party, Address | None]:
    """Return who bought, and where it went if that is known."""
    known: dict[str, Any] = invoice.parties.known
    return msgspec.convert(known["buyer"], Party), msgspec.convert(known["deliver_to"], Address | None)


def find_seller(*, market_id: UUID) -> Seller | None:
    """Return who sells in a market: its own, or the default one. One query."""
    return _SELLERS.first(market_id=market_id)


def draw_up(*, order: Order, at: datetime) -> tuple[Seller, Paper]:
    """Return the invoice that the order would have, without a number, and who sells. Four queries.

    :raises InvoiceRefused: it is not paid, nobody sells in its market, tax was taken and the seller has no number to
        take it under, or the rows do not make the total
    """
    if not _was_paid(order):
        raise InvoiceRefused(reason=NOT_PAID)
    seller = find_seller(market_id=order.market_id)
    if seller is None:
        raise InvoiceRefused(reason=NO_SELLER)
    data = drafting.seller_data(seller=seller)
    draft = drafting.draft_of(order=order, lines=_LINES.all(order_id=order.pk), facts=_facts_of(order), seller=data)
    paper = compose_invoice(draft, drafting.head_of(order=order, seller=data, kind=PaperKind.INVOICE, at=at))
    if _has_tax(paper) and not (data.vat_id or data.tax_number):
        raise InvoiceRefused(reason=NO_TAX_NUMBER)
    # Each row may have been rounded once, and each rate.
    if abs(paper.amounts.rounding) > len(draft.charged) + len(paper.taxes):
        raise InvoiceRefused(reason=NO_SUM)
    return seller, paper


def missing_for_invoice(*, order: Order, at: datetime) -> str:
    """Return why an order has no invoice, as a code; empty where nothing is missing. At most four queries."""
    try:
        draw_up(order=order, at=at)
    except InvoiceRefused as refusal:
        return str(refusal.facts["reason"])
    return ""


def _has_tax(paper: Paper) -> bool:
    return any(tax.category is VatCategory.STANDARD for tax in paper.taxes)


def _facts_of(order: Order) -> CartFacts | None:
    receipt = find_receipt(order=order)
    return receipt.facts if receipt else None


def list_sellers() -> list[Seller]:
    """Return who sells where, the default last. One query."""
    return list(Seller.objects.select_related("market").order_by("market__code", "pk"))


def _was_paid(order: Order) -> bool:
    return _PAID.first(order_id=order.pk) is not None
