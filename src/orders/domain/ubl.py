"""Invoices and credit notes as UBL 2.1 (ISO/IEC 19845), in the syntax binding of EN 16931 (CEN/TS 16931-3-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from orders.domain.papers import EXEMPTIONS, Address, Paper, PaperKind, Party, Row, SellerData, VatCategory
from pricing.domain import percent_text

_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_PROFILE = "urn:cen.eu:en16931:2017"


@dataclass(frozen=True, slots=True)
class _Words:
    """What the two kinds call the same things. The codes are of UNTDID 1001."""

    root: str
    code_name: str
    code: str
    line: str
    quantity: str


_WORDS = {
    PaperKind.INVOICE: _Words("Invoice", "InvoiceTypeCode", "380", "InvoiceLine", "InvoicedQuantity"),
    PaperKind.CREDIT_NOTE: _Words("CreditNote", "CreditNoteTypeCode", "381", "CreditNoteLine", "CreditedQuantity"),
}
# UNTDID 7161: freight service. UN/ECE recommendation 20: one.
_FREIGHT, _ONE = "FC", "C62"
_CREDITED = "Paid back to the buyer."
# What XML 1.0, section 2.2, has no place for.
_NO_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_ubl(paper: Paper, buyer: Party, deliver_to: Address | None = None) -> bytes:
    """Return the paper as an XML document."""
    words = _WORDS[paper.kind]
    namespace = f"urn:oasis:names:specification:ubl:schema:xsd:{words.root}-2"
    root = ET.Element(words.root, {"xmlns": namespace, "xmlns:cac": _CAC, "xmlns:cbc": _CBC})
    _head(root, paper, words)
    _seller(_add(_add(root, "cac:AccountingSupplierParty"), "cac:Party"), paper.seller)
    # Where nothing is subject to VAT, no VAT id may stand (BR-O-02).
    _party(_add(_add(root, "cac:AccountingCustomerParty"), "cac:Party"), buyer, vat_id=_vat_id(paper, buyer.vat_id))
    _delivery(root, paper, deliver_to)
    if paper.kind is PaperKind.CREDIT_NOTE:
        _add(_add(root, "cac:PaymentTerms"), "cbc:Note", _CREDITED)
    for row in paper.charges:
        _charge(root, paper, row)
    _taxes(root, paper)
    _totals(root, paper)
    for position, row in enumerate(paper.lines, start=1):
        _line(root, paper, row, position, words)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, name, attributes)
    child.text = _NO_CHARACTERS.sub("", text) or None
    return child


def _say(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    """Add an element that has something to say; there are no empty ones in UBL."""
    if text:
        _add(parent, name, text, **attributes)


def _amount(parent: ET.Element, name: str, paper: Paper, amount: int) -> None:
    _add(parent, name, paper.text(amount), currencyID=paper.currency)


def _head(root: ET.Element, paper: Paper, words: _Words) -> None:
    _add(root, "cbc:CustomizationID", _PROFILE)
    _add(root, "cbc:ID", paper.number)
    _add(root, "cbc:IssueDate", paper.issued_on.isoformat())
    _add(root, f"cbc:{words.code_name}", words.code)
    _say(root, "cbc:Note", paper.note)
    _add(root, "cbc:DocumentCurrencyCode", paper.currency)
    _add(_add(root, "cac:OrderReference"), "cbc:ID", paper.order_number)
    if paper.of_number:
        earlier = _add(_add(root, "cac:BillingReference"), "cac:InvoiceDocumentReference")
        _add(earlier, "cbc:ID", paper.of_number)
        if paper.of_date is not None:
            _add(earlier, "cbc:IssueDate", paper.of_date.isoformat())


def _vat_id(paper: Paper, vat_id: str) -> str:
    return "" if any(tax.category is VatCategory.OUTSIDE for tax in paper.taxes) else vat_id


def _seller(party: ET.Element, seller: SellerData) -> None:
    known = Party(name=seller.name, address=seller.address)
    _party(party, known, vat_id=seller.vat_id, tax_number=seller.tax_number, registration=seller.registration)
    if seller.email:
        _add(_add(party, "cac:Contact"), "cbc:ElectronicMail", seller.email)


def _party(party: ET.Element, known: Party, *, vat_id: str = "", tax_number: str = "", registration: str = "") -> None:
    _address(party, known.address, name="cac:PostalAddress")
    for number, scheme in ((vat_id, "VAT"), (tax_number, "TAX")):
        if number:
            tax = _add(party, "cac:PartyTaxScheme")
            _add(tax, "cbc:CompanyID", number)
            _add(_add(tax, "cac:TaxScheme"), "cbc:ID", scheme)
    legal = _add(party, "cac:PartyLegalEntity")
    _add(legal, "cbc:RegistrationName", known.name)
    _say(legal, "cbc:CompanyID", registration)


def _address(parent: ET.Element, address: Address, *, name: str) -> None:
    found = _add(parent, name)
    _say(found, "cbc:StreetName", address.line1)
    _say(found, "cbc:AdditionalStreetName", address.line2)
    _say(found, "cbc:CityName", address.city)
    _say(found, "cbc:PostalZone", address.postal_code)
    _say(found, "cbc:CountrySubentity", address.region)
    _add(_add(found, "cac:Country"), "cbc:IdentificationCode", address.country)


def _delivery(root: ET.Element, paper: Paper, deliver_to: Address | None) -> None:
    """Say where it goes; of what goes to another member state the day too (BR-IC-11), which is that of the paper."""
    if deliver_to is None:
        return
    found = _add(root, "cac:Delivery")
    if any(tax.category is VatCategory.INTRA_COMMUNITY for tax in paper.taxes):
        _add(found, "cbc:ActualDeliveryDate", paper.issued_on.isoformat())
    _address(_add(found, "cac:DeliveryLocation"), deliver_to, name="cac:Address")


def _charge(root: ET.Element, paper: Paper, row: Row) -> None:
    charge = _add(root, "cac:AllowanceCharge")
    _add(charge, "cbc:ChargeIndicator", "true")
    _add(charge, "cbc:AllowanceChargeReasonCode", _FREIGHT)
    _add(charge, "cbc:AllowanceChargeReason", row.name)
    _amount(charge, "cbc:Amount", paper, row.net)
    _category(charge, "cac:TaxCategory", row.category, row.ppm)


def _category(parent: ET.Element, name: str, category: VatCategory, ppm: int, *, with_reason: bool = False) -> None:
    found = _add(parent, name)
    _add(found, "cbc:ID", category.value)
    if category is not VatCategory.OUTSIDE:  # BR-O-05
        _add(found, "cbc:Percent", percent_text(ppm))
    if with_reason and category in EXEMPTIONS:
        code, words = EXEMPTIONS[category]
        _say(found, "cbc:TaxExemptionReasonCode", code)
        _add(found, "cbc:TaxExemptionReason", words)
    _add(_add(found, "cac:TaxScheme"), "cbc:ID", "VAT")


def _taxes(root: ET.Element, paper: Paper) -> None:
    total = _add(root, "cac:TaxTotal")
    _amount(total, "cbc:TaxAmount", paper, paper.amounts.tax)
    for tax in paper.taxes:
        part = _add(total, "cac:TaxSubtotal")
        _amount(part, "cbc:TaxableAmount", paper, tax.net)
        _amount(part, "cbc:TaxAmount", paper, tax.tax)
        _category(part, "cac:TaxCategory", tax.category, tax.ppm, with_reason=True)


def _totals(root: ET.Element, paper: Paper) -> None:
    total, sums = _add(root, "cac:LegalMonetaryTotal"), paper.amounts
    _amount(total, "cbc:LineExtensionAmount", paper, sums.lines)
    _amount(total, "cbc:TaxExclusiveAmount", paper, sums.net)
    _amount(total, "cbc:TaxInclusiveAmount", paper, sums.gross)
    if paper.charges:
        _amount(total, "cbc:ChargeTotalAmount", paper, sums.charges)
    if sums.prepaid:
        _amount(total, "cbc:PrepaidAmount", paper, sums.prepaid)
    if sums.rounding:
        _amount(total, "cbc:PayableRoundingAmount", paper, sums.rounding)
    _amount(total, "cbc:PayableAmount", paper, sums.due)


def _line(root: ET.Element, paper: Paper, row: Row, position: int, words: _Words) -> None:
    line = _add(root, f"cac:{words.line}")
    _add(line, "cbc:ID", str(position))
    _add(line, f"cbc:{words.quantity}", str(row.quantity), unitCode=_ONE)
    _amount(line, "cbc:LineExtensionAmount", paper, row.net)
    if row.discount:
        allowance = _add(line, "cac:AllowanceCharge")
        _add(allowance, "cbc:ChargeIndicator", "false")
        _add(allowance, "cbc:AllowanceChargeReason", "Discount")
        _amount(allowance, "cbc:Amount", paper, row.discount)
    item = _add(line, "cac:Item")
    _add(item, "cbc:Name", row.name)
    if row.sku:
        _add(_add(item, "cac:SellersItemIdentification"), "cbc:ID", row.sku)
    _category(item, "cac:ClassifiedTaxCategory", row.category, row.ppm)
    # The price is that of all units (BT-149) where it cannot be parted exactly.
    price, base = (row.price, row.quantity) if row.price % row.quantity else (row.price // row.quantity, 1)
    cost = _add(line, "cac:Price")
    _amount(cost, "cbc:PriceAmount", paper, price)
    if base > 1:
        _add(cost, "cbc:BaseQuantity", str(base), unitCode=_ONE)
