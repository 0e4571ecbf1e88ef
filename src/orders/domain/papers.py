"""What stands on an invoice or a credit note.

Business terms (BT), groups (BG) and rules (BR) are those of EN 16931-1:2017. Its amounts have at most two decimals
(BR-DEC): those of a currency with more, such as KWD, are rounded to two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from core import money

# EN 16931-1, BR-DEC-01 to BR-DEC-28.
_MOST_PLACES = 2


class PaperKind(Enum):
    """What a paper is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class VatCategory(Enum):
    """Why that rate (UNTDID 5305, as EN 16931-1 uses it)."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSED = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE = "O"


# Why no tax is taken: a code of the VATEX list, and words (BR-AE-10, BR-E-10, BR-G-10, BR-IC-10, BR-O-10).
EXEMPTIONS = {
    VatCategory.REVERSED: ("VATEX-EU-AE", "Reverse charge (Directive 2006/112/EC, Art. 196)"),
    VatCategory.INTRA_COMMUNITY: ("VATEX-EU-IC", "Intra-Community supply (Directive 2006/112/EC, Art. 138)"),
    VatCategory.EXPORT: ("VATEX-EU-G", "Export outside the territory of the tax"),
    VatCategory.OUTSIDE: ("VATEX-EU-O", "Not subject to VAT"),
    VatCategory.EXEMPT: ("", "Exempt from VAT"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; ``country`` is ISO 3166-1 alpha-2."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerData:
    """Who sells, as it stands on papers. A VAT id has its country's prefix; a tax number is that of a country without.

    One of ``vat_id`` and ``registration`` is needed (BR-CO-26); where tax is taken, one of ``vat_id`` and
    ``tax_number`` (BR-S-02).
    """

    name: str
    address: Address
    vat_id: str = ""
    tax_number: str = ""
    registration: str = ""
    email: str = ""
    iban: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who bought."""

    name: str
    address: Address
    vat_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of goods (BG-25), or delivery as a charge on the whole (BG-21). Net of tax; ``gross`` is with it.

    Amounts here and below count units of ten to the minus ``Paper.places``.
    """

    name: str
    sku: str
    quantity: int
    price: int
    discount: int
    net: int
    gross: int
    category: VatCategory
    ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """One category and rate of the breakdown (BG-23)."""

    category: VatCategory
    ppm: int
    net: int
    tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """The sums (BG-22): BT-106, 108, 109, 110, 112, 113, 114 and 115 in their order."""

    lines: int
    charges: int
    net: int
    tax: int
    gross: int
    prepaid: int
    rounding: int
    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """An invoice or credit note without the persons on it; ``of_number`` and ``of_date`` name what is credited."""

    kind: PaperKind
    number: str
    issued_on: date
    order_number: str
    currency: str
    places: int
    seller: SellerData
    lines: tuple[Row, ...]
    charges: tuple[Row, ...]
    taxes: tuple[TaxRow, ...]
    amounts: Amounts
    note: str = ""
    of_number: str = ""
    of_date: date | None = None

    def text(self, amount: int) -> str:
        """Return an amount as it is written, such as ``12.50``."""
        sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(self.places + 1, "0")
        return f"{sign}{digits[: -self.places]}.{digits[-self.places :]}" if self.places else f"{sign}{digits}"


def invoice_number(series: str, sequence: int) -> str:
    """Return the n-th number of a series: without a gap, so that nobody can leave one out (Directive 2006/112/EC,
    Art. 226 (2): sequential)."""
    return f"{series}{sequence:06d}"


def places_of(currency: str) -> int:
    """Return how many decimals the amounts of a paper have."""
    return min(money.digits(currency), _MOST_PLACES)
