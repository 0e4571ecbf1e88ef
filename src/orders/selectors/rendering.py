"""Papers as files: made when they are asked for, from what was kept."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.utils.module_loading import import_string

from orders.domain import EXEMPTIONS, Address, Paper, PaperKind, Row, to_ubl
from orders.errors import OrderNotFound
from orders.models import Order
from orders.selectors import drafting, invoicing
from orders.selectors.reading import get_fulfilment
from pricing.domain import percent_text

if TYPE_CHECKING:
    from orders.models import Fulfilment, Invoice, OrderLine

# Loaded by the process that first needs it: it takes megabytes, and most never print.
_TYPESETTER = "typst.compile"
_TITLES = {PaperKind.INVOICE: "Invoice", PaperKind.CREDIT_NOTE: "Credit note"}


def invoice_as_xml(*, invoice: Invoice) -> bytes:
    """Return an invoice or a credit note as UBL 2.1 by EN 16931."""
    buyer, where = invoicing.parties_of(invoice=invoice)
    return to_ubl(invoicing.paper_of(invoice=invoice), buyer, where)


def invoice_as_pdf(*, invoice: Invoice) -> bytes:
    """Return an invoice or a credit note as it is printed."""
    paper = invoicing.paper_of(invoice=invoice)
    buyer, where = invoicing.parties_of(invoice=invoice)
    addresses = [{"title": "Bill to", "lines": [buyer.name, *_lines(buyer.address), *_named("VAT", buyer.vat_id)]}]
    if where is not None:
        addresses.append({"title": "Deliver to", "lines": _lines(where)})
    return _pdf(
        title=f"{_TITLES[paper.kind]} {paper.number}",
        seller=[paper.seller.name, *_lines(paper.seller.address)],
        footer=_footer(paper),
        addresses=addresses,
        facts=_facts(paper),
        heads=["Item", "Quantity", "Net price", "Discount", "VAT", "Net"],
        widths=["wide", "", "", "", "", ""],
        rows=[_cells(paper, row) for row in (*paper.lines, *paper.charges)],
        sums=_sums(paper),
        notes=_notes(paper),
    )


def packing_slip(*, order_id: UUID, fulfilment_id: UUID | None = None) -> bytes:
    """Return what to put into an order's parcels, for staff: goods and where they go, without prices. Three queries.

    :param fulfilment_id: only what lies in this parcel; else all that was bought and not cancelled
    :raises OrderNotFound: there is no such order
    :raises FulfilmentNotFound: the order has no such parcel
    """
    return _pdf(**packing_page(order_id=order_id, fulfilment_id=fulfilment_id))


def packing_page(*, order_id: UUID, fulfilment_id: UUID | None = None) -> dict[str, Any]:
    """Return what stands on the packing slip, as ``packing_slip`` prints it."""
    order: Order | None = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    parcel = None if fulfilment_id is None else get_fulfilment(fulfilment_id=fulfilment_id, order_id=order_id)
    seller = invoicing.find_seller(market_id=order.market_id)
    where = drafting.destination_of(order=order, home=seller.country if seller else "")
    name = (order.shipping_address or {}).get("name", "")
    return {
        "title": f"Packing slip {order.number}",
        "seller": [seller.name] if seller else [],
        "footer": [],
        "addresses": [{"title": "Deliver to", "lines": [name, *(_lines(where) if where else [])]}],
        "facts": _facts_of_slip(order, parcel),
        "heads": ["Item", "SKU", "Quantity"],
        "widths": ["wide", "", ""],
        "rows": [
            [drafting.title_of(line=line), line.sku, str(units)] for line, units in _packed(order, parcel) if units
        ],
        "sums": [],
        "notes": [order.note] if order.note else [],
    }


def _packed(order: Order, parcel: Fulfilment | None) -> list[tuple[OrderLine, int]]:
    if parcel is None:
        return [(line, line.quantity - line.cancelled) for line in order.lines.order_by("position")]
    packed = [(each.line, each.quantity) for each in parcel.lines.all()]
    return sorted(packed, key=lambda each: each[0].position)


def _facts_of_slip(order: Order, parcel: Fulfilment | None) -> list[list[str]]:
    facts = [["Order", order.number], ["Placed", order.placed_at.date().isoformat()]]
    if parcel is None:
        return facts
    known = {"Carrier": parcel.carrier, "Tracking number": parcel.tracking_number}
    sent = [["Sent", parcel.shipped_at.date().isoformat()]]
    return [*facts, *sent, *([name, value] for name, value in known.items() if value)]


def _pdf(**shown: Any) -> bytes:
    text = orjson.dumps(shown).decode()
    made = import_string(_TYPESETTER)(_template(), format="pdf", sys_inputs={"paper": text})
    return bytes(made)


@cache
def _template() -> bytes:
    return resources.files("orders").joinpath("templates/orders/paper.typ").read_bytes()


def _lines(address: Address) -> list[str]:
    city = f"{address.postal_code} {address.city}".strip()
    return [part for part in (address.line1, address.line2, city, address.region, address.country) if part]


def _named(name: str, value: str) -> list[str]:
    return [f"{name} {value}"] if value else []


def _footer(paper: Paper) -> list[str]:
    seller = paper.seller
    return [
        seller.name,
        *_named("VAT", seller.vat_id),
        *_named("Tax no.", seller.tax_number),
        *_named("Reg.", seller.registration),
        *_named("IBAN", seller.iban),
        *([seller.email] if seller.email else []),
    ]


def _facts(paper: Paper) -> list[list[str]]:
    facts = [["Date", paper.issued_on.isoformat()], ["Order", paper.order_number]]
    if paper.of_number and paper.of_date:
        facts.append(["Credits", f"{paper.of_number} of {paper.of_date.isoformat()}"])
    return facts


def _notes(paper: Paper) -> list[str]:
    """Say why no tax was taken, as Directive 2006/112/EC, Art. 226 (11) and (11a), asks for."""
    reasons = [EXEMPTIONS[tax.category][1] for tax in paper.taxes if tax.category in EXEMPTIONS]
    return [*(f"{reason}." for reason in reasons), *([paper.note] if paper.note else [])]


def _cells(paper: Paper, row: Row) -> list[str]:
    name = f"{row.name} [{row.sku}]" if row.sku else row.name
    discount = paper.text(row.discount) if row.discount else ""
    return [
        name,
        str(row.quantity),
        paper.text(row.price),
        discount,
        f"{percent_text(row.ppm)} %",
        paper.text(row.net),
    ]


def _sums(paper: Paper) -> list[list[str]]:
    sums, currency = paper.amounts, paper.currency
    taxes = [
        [f"VAT {percent_text(tax.ppm)} % ({tax.category.value}) on {paper.text(tax.net)}", paper.text(tax.tax)]
        for tax in paper.taxes
    ]
    rounding = [["Rounding", paper.text(sums.rounding)]] if sums.rounding else []
    return [
        ["Net", paper.text(sums.net)],
        *taxes,
        *rounding,
        [f"Total {currency}", paper.text(sums.gross + sums.rounding)],
        *([["Paid", paper.text(sums.prepaid)]] if sums.prepaid else []),
    ]
