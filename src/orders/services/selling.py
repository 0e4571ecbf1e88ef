"""Who sells, as the merchant says it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pycountry
from django.db.models import Q
from stdnum import iban

from core.transactions import command
from markets import selectors as market_reads
from orders.errors import SellerInvalid
from orders.models import Seller
from orders.selectors import drafting

if TYPE_CHECKING:
    from uuid import UUID

_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,13}", re.ASCII)
_SERIES = re.compile(r"[A-Za-z0-9][A-Za-z0-9/-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerWish:
    """A seller as the merchant says it; ``market`` is a code, without one it sells wherever no other does."""

    name: str
    line1: str
    city: str
    country: str
    market: str | None = None
    line2: str = ""
    region: str = ""
    postal_code: str = ""
    vat_id: str = ""
    tax_number: str = ""
    registration: str = ""
    email: str = ""
    iban: str = ""
    invoice_series: str = "INV-"
    credit_series: str = "CN-"


@command
def save_seller(*, wish: SellerWish) -> Seller:
    """Make or change who sells in a market. Invoices that are written stay as they are.

    :raises MarketNotFound: there is no such market
    :raises SellerInvalid: an invoice with these data would break a rule of EN 16931
    """
    _check(wish)
    market_id = _market_id(wish.market)
    given = {name: value for name, value in asdict(wish).items() if name != "market"}
    where = Q(market__isnull=True) if market_id is None else Q(market_id=market_id)
    seller: Seller | None = Seller.objects.filter(where).locked().first()
    if seller is None:
        seller = Seller(market_id=market_id)
    for name, value in given.items():
        setattr(seller, name, value)
    seller.save()
    return seller


def _market_id(code: str | None) -> UUID | None:
    return market_reads.get_market_by_code(code=code, active_only=False).pk if code else None


def _check(wish: SellerWish) -> None:
    if pycountry.countries.get(alpha_2=wish.country) is None:
        raise _wrong("country", "The country is not in ISO 3166-1.")
    if not (wish.vat_id or wish.registration):
        raise _wrong("vat_id", "Give a VAT id or a registration number.")
    if wish.vat_id and not _is_vat_id(wish.vat_id):
        raise _wrong("vat_id", "A VAT id begins with its country and has no spaces.")
    if wish.iban and not iban.is_valid(wish.iban):
        raise _wrong("iban", "This is no IBAN.")
    for name in ("invoice_series", "credit_series"):
        if not _SERIES.fullmatch(getattr(wish, name)):
            raise _wrong(name, "Letters, digits, hyphens and slashes.")
    if wish.invoice_series == wish.credit_series:
        raise _wrong("credit_series", "Invoices and credit notes are counted apart.")


def _is_vat_id(vat_id: str) -> bool:
    return drafting.has_country(vat_id) and _VAT_ID.fullmatch(vat_id) is not None


def _wrong(name: str, message: str) -> SellerInvalid:
    return SellerInvalid(errors=[{"field": name, "code": "invalid", "message": message}])
