"""Credit notes: what is taken back of an invoice, never more than it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from core.money import as_document, digits, portion, share
from core.transactions import command, step
from orders.domain import Paper, PaperKind, compose_credit
from orders.errors import CreditTooLarge, InvoiceRefused
from orders.models import Invoice, Order
from orders.selectors import drafting, invoicing
from orders.services.invoicing import Unnumbered, invoice_paid_orders, issue, lock_orders
from payments import selectors as payment_reads

NOT_INVOICED = "not_invoiced"
_SERIES = "CN-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What is taken back of an invoice: an amount, or units by the position of their line; without either, the rest.

    An amount for units is taken of their rows, then of the delivery, then of all rows alike.
    ``reference`` names for whose sake, such as a refund's id: the same one twice is the same credit note.
    """

    amount_minor: int | None = None
    units: Mapping[int, int] = field(default_factory=dict)
    reason: str = ""
    reference: str = ""


@command
def issue_credit_note(*, order_id: UUID, credit: Credit, at: datetime) -> Invoice:
    """Take something of an order's invoice back. Locks the order, then the series.

    :raises OrderNotFound: there is none
    :raises InvoiceRefused: it was not invoiced (409)
    :raises CreditTooLarge: nothing, or more than what is left of the invoice (409)
    """
    (order,) = lock_orders(order_ids=[order_id])
    return _credit(order, credit, at)


@step
def credit_refund(*, order_id: UUID, refund_id: UUID, amount_minor: int, at: datetime) -> None:
    """Take back of an order's invoice what was refunded; an order that cannot be invoiced has nothing to take back.

    What was paid twice and goes back is more than the invoice: no more than what is left of it is credited.
    """
    invoice_paid_orders(order_ids=[order_id], at=at)
    (order,) = lock_orders(order_ids=[order_id])
    invoice = _invoice_of(order)
    if invoice is None:
        return
    if left := invoice.total_minor - sum(row.total_minor for row in _credits_of(invoice)):
        units = _refunded_units(order, refund_id)
        _credit(order, Credit(amount_minor=min(amount_minor, left), units=units, reference=str(refund_id)), at)


def _refunded_units(order: Order, refund_id: UUID) -> Counter[int]:
    """Return position of a line -> units of it that a refund was for. What names no line is for none."""
    asked: Counter[str] = Counter()
    for item in payment_reads.items_of(refund_id=refund_id):
        asked[item.get("line") or ""] += int(item["quantity"])
    lines = order.lines.order_by("position")
    return +Counter({place: min(line.quantity, asked[str(line.pk)]) for place, line in enumerate(lines, 1)})


def _invoice_of(order: Order) -> Invoice | None:
    rows = Invoice.objects.filter(order=order, kind=PaperKind.INVOICE.value).select_related("parties")
    found: Invoice | None = rows.first()
    return found


def _credits_of(invoice: Invoice) -> list[Invoice]:
    return list(Invoice.objects.filter(of=invoice).order_by("issued_at", "pk"))


def _credit(order: Order, credit: Credit, at: datetime) -> Invoice:
    """Write the credit note of a locked order."""
    invoice = _invoice_of(order)
    if invoice is None:
        raise InvoiceRefused(reason=NOT_INVOICED)
    earlier = _credits_of(invoice)
    if same := [row for row in earlier if credit.reference and row.reference == credit.reference]:
        return same[0]
    of = invoicing.paper_of(invoice=invoice)
    total, parts = _parts(invoice, of, earlier, credit)
    head = drafting.head_of(order=order, seller=of.seller, kind=PaperKind.CREDIT_NOTE, at=at)
    head = replace(
        head,
        of_number=of.number,
        of_date=of.issued_on,
        note=" ".join(filter(None, [credit.reason, head.note])),
    )
    seller = invoicing.find_seller(market_id=order.market_id)
    row = Invoice(
        order=order,
        currency=invoice.currency,
        total_minor=total,
        of=invoice,
        parts=parts,
        reference=credit.reference,
        reason=credit.reason,
    )
    credit_note = Unnumbered(
        row=row,
        paper=compose_credit(of, head, parts, portion(total, 1, _scale_of(of))),
        parties=invoice.parties.known,
        series=seller.credit_series if seller else _SERIES,
    )
    issue([credit_note], at=at)
    return row


def _parts(invoice: Invoice, of: Paper, earlier: Sequence[Invoice], credit: Credit) -> tuple[int, list[int]]:
    """Return what goes back: in minor units, and of each row in the paper's units.

    :raises CreditTooLarge: nothing, or more than what is left
    """
    scale = _scale_of(of)
    left = _left_of_rows(of, earlier)
    left_minor = invoice.total_minor - sum(row.total_minor for row in earlier)
    if credit.units and credit.amount_minor is None:
        parts = _units(of, credit.units)
        # What was rounded goes back with the last unit.
        total = left_minor if parts == left else min(sum(parts) * scale, left_minor)
        is_too_much = any(part > most for part, most in zip(parts, left, strict=True))
    else:
        total = left_minor if credit.amount_minor is None else credit.amount_minor
        whole = portion(total, 1, scale)
        parts = _taken(whole, left, of, _units(of, credit.units))
        is_too_much = total > left_minor
    if total <= 0 or is_too_much:
        raise CreditTooLarge(left=as_document(left_minor, invoice.currency))
    return total, parts


def _scale_of(paper: Paper) -> int:
    """Minor units in a unit of the paper."""
    return int(10 ** (digits(paper.currency) - paper.places))


def _left_of_rows(of: Paper, earlier: Sequence[Invoice]) -> list[int]:
    left = [row.gross for row in (*of.lines, *of.charges)]
    for note in earlier:
        left = [part - gone for part, gone in zip(left, note.parts, strict=True)]
    return left


def _taken(whole: int, left: Sequence[int], of: Paper, named: Sequence[int]) -> list[int]:
    """Take an amount of what is named, then of the delivery, if anything is named, then of all rows alike."""
    parts = [0] * len(left)
    delivery = [0] * len(of.lines) + list(left[len(of.lines) :])
    for wanted in (named, delivery) if any(named) else ():
        weights = [max(min(want, most - part), 0) for want, most, part in zip(wanted, left, parts, strict=True)]
        if any(weights):
            more = share(min(whole - sum(parts), sum(weights)), weights)
            parts = [part + one for part, one in zip(parts, more, strict=True)]
    rest = [most - part for most, part in zip(left, parts, strict=True)]
    return [part + one for part, one in zip(parts, _shared(whole - sum(parts), rest, of), strict=True)]


def _shared(whole: int, left: Sequence[int], of: Paper) -> list[int]:
    """Take an amount of all rows alike. What rounding left over when the rows were used up goes by their worth."""
    weights = [max(part, 0) for part in left]
    if not any(weights):
        weights = [row.gross for row in (*of.lines, *of.charges)]
    return share(whole, weights) if any(weights) else [0] * len(weights)


def _units(of: Paper, units: Mapping[int, int]) -> list[int]:
    parts = [0] * (len(of.lines) + len(of.charges))
    for position, quantity in units.items():
        row = of.lines[position - 1] if 0 < position <= len(of.lines) else None
        if row is None or not 0 < quantity <= row.quantity:
            raise CreditTooLarge(position=position, left=row.quantity if row else 0)
        parts[position - 1] = portion(row.gross, quantity, row.quantity)
    return parts
