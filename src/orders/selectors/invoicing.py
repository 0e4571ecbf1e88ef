"""Reads of invoices and credit notes. Whose they are is decided by their order."""

from __future__ import annotations

from collections.abc import Sequence
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
from orders.selectors import drafting, receipts
from orders.selectors.reading import visible_orders

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
    lambda orders: OrderLine.objects.filter(order__any_of=orders).order_by("position"), orders=[UUID]
)
_PAID: Compiled[tuple[UUID]] = Compiled(
    lambda orders: OrderMove.objects.filter(order__any_of=orders, to_status=OrderStatus.PAID.value).values_list(
        "order"
    ),
    orders=[UUID],
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


def draw_up(*, orders: Sequence[Order], at: datetime) -> dict[UUID, tuple[Seller, Paper] | InvoiceRefused]:
    """Return the invoice that each order would have, without a number, and who sells; or why it has none.

    That is: it is not paid, nobody sells in its market, tax was taken and the seller has no number to take it under, or
    the rows do not make the total. One query, and where some are paid two more and one for each market.
    """
    paid = {order_id for (order_id,) in _PAID.all(orders=[order.pk for order in orders])}
    drawn: dict[UUID, tuple[Seller, Paper] | InvoiceRefused] = {
        order.pk: InvoiceRefused(reason=NOT_PAID) for order in orders if order.pk not in paid
    }
    if not paid:
        return drawn
    facts = receipts.facts_of(orders=paid)
    lines: dict[UUID, list[OrderLine]] = {}
    for line in _LINES.all(orders=paid):
        lines.setdefault(line.order_id, []).append(line)
    sold = [order for order in orders if order.pk in paid]
    sellers = {market_id: find_seller(market_id=market_id) for market_id in {order.market_id for order in sold}}
    for order in sold:
        seller = sellers[order.market_id]
        try:
            if seller is None:
                raise InvoiceRefused(reason=NO_SELLER)
            drawn[order.pk] = seller, _draw_up(order, lines.get(order.pk, []), facts.get(order.pk), seller, at)
        except InvoiceRefused as refusal:
            drawn[order.pk] = refusal
    return drawn


def _draw_up(order: Order, lines: Sequence[OrderLine], facts: CartFacts | None, seller: Seller, at: datetime) -> Paper:
    data = drafting.seller_data(seller=seller)
    draft = drafting.draft_of(order=order, lines=lines, facts=facts, seller=data)
    paper = compose_invoice(draft, drafting.head_of(order=order, seller=data, kind=PaperKind.INVOICE, at=at))
    if _has_tax(paper) and not (data.vat_id or data.tax_number):
        raise InvoiceRefused(reason=NO_TAX_NUMBER)
    # Each row may have been rounded once, and each rate.
    if abs(paper.amounts.rounding) > len(draft.charged) + len(paper.taxes):
        raise InvoiceRefused(reason=NO_SUM)
    return paper


def missing_for_invoice(*, order: Order, at: datetime) -> str:
    """Return why an order has no invoice, as a code; empty where nothing is missing. At most four queries."""
    drawn = draw_up(orders=[order], at=at)[order.pk]
    return str(drawn.facts["reason"]) if isinstance(drawn, InvoiceRefused) else ""


def _has_tax(paper: Paper) -> bool:
    return any(tax.category is VatCategory.STANDARD for tax in paper.taxes)


def list_sellers() -> list[Seller]:
    """Return who sells where, the default last. One query."""
    return list(Seller.objects.select_related("market").order_by("market__code", "pk"))
