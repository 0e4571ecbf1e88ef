"""One row of a file of products: checked field by field, and refused with a reason in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from core import money
from products.domain import is_sku
from products.services.importing.mappings import Mapping as Columns
from products.services.importing.readers import Record

MAX_STOCK = 10**9
MAX_WEIGHT_GRAMS = 10**8
_LENGTHS = {"name": 300, "description": 100_000, "brand": 100, "category": 1000}
# The apostrophe that our own export puts before what a spreadsheet would run.
_MADE_HARMLESS = re.compile(r"\A'(?=[ \u00a0]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
_MAX_URL = 500
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAX_TAG = 100


class RowRefused(ValueError):
    """The row cannot be a product; the text says why."""


# Not frozen, for that costs twice as much, and rows come by the hundred thousand; nobody changes one.
@dataclass(slots=True, kw_only=True)
class ProductRow:
    """A product with one variant, as a file tells it. ``category`` is names from the root; amounts are minor units."""

    line: int
    sku: str
    name: str
    description: str = ""
    category: tuple[str, ...] = ()
    brand: str = ""
    tags: tuple[str, ...] = ()
    price_minor: int | None
    compare_at_minor: int | None = None
    stock: int | None = None
    weight_grams: int | None = None
    tax_class: str | None = None
    needs_shipping: bool | None = None
    is_gift_card: bool | None = None
    images: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


def read_row(record: Record, columns: Columns) -> ProductRow:
    """Return the product that the record tells of.

    :raises RowRefused: naming the first column that is wrong
    """
    if record.broken:
        raise RowRefused(record.broken)
    take = _Taker(record.values, columns)
    price = take.amount("price")
    category = take.text("category") or columns.category
    return ProductRow(
        line=record.line,
        sku=_sku(take.text("sku")),
        name=_needed("name", take.text("name")),
        description=take.text("description"),
        category=_steps(category),
        brand=take.text("brand"),
        tags=_tags(take.items("tags")),
        price_minor=price,
        compare_at_minor=_compare_at(take, price),
        stock=take.whole("stock", MAX_STOCK),
        weight_grams=take.whole("weight_grams", MAX_WEIGHT_GRAMS),
        tax_class=take.text("tax_class") or None,
        needs_shipping=take.truth("needs_shipping"),
        is_gift_card=take.truth("is_gift_card"),
        images=_addresses(take.items("images")),
        attributes=take.attributes(),
    )


class _Taker:
    """The values of one record, by the names of our fields."""

    def __init__(self, values: Mapping[str, Any], columns: Columns) -> None:
        self._values = values
        self._columns = columns

    def raw(self, name: str) -> Any:
        source = self._columns.columns.get(name)
        return None if source is None else _dig(self._values, source)

    def text(self, name: str) -> str:
        value = self.raw(name)
        if value is None or value == "":
            return ""
        text = value if type(value) is str else str(value)
        if text[:1] == "'":
            text = _MADE_HARMLESS.sub("", text)
        return clean_text(name, text, most=_LENGTHS.get(name, _MAX_URL))

    def items(self, name: str) -> list[str]:
        value = self.raw(name)
        if not value:
            return []
        found = value if isinstance(value, list) else str(value).split(self._columns.separator)
        texts = [clean_text(name, str(item), most=_MAX_URL) for item in found]
        return [text for text in texts if text]

    def number(self, name: str) -> Decimal | None:
        text = self.text(name)
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation as error:
            raise RowRefused(f"{name}: {text[:40]!r} is not a number") from error
        if not number.is_finite() or abs(number) >= money.MAX_MINOR:
            raise RowRefused(f"{name}: {text[:40]!r} is not a number of this world")
        return number

    def amount(self, name: str) -> int | None:
        text = self.text(name)
        if not text and name not in self._columns.required:
            return None
        minor = money.plain_to_minor(text, self._columns.currency)
        return self._odd_amount(name) if minor is None else minor

    def _odd_amount(self, name: str) -> int:
        number = self.number(name)
        if number is None:
            raise RowRefused(f"{name}: is missing")
        if number < 0:
            raise RowRefused(f"{name}: is negative")
        try:
            return money.to_minor(number, self._columns.currency)
        except money.NotMoney as error:
            raise RowRefused(f"{name}: {error}") from error

    def whole(self, name: str, most: int) -> int | None:
        text = self.text(name)
        if text.isascii() and text.isdecimal() and len(text) < len(str(most)):
            return int(text)
        number = self.number(name)
        if number is None:
            return None
        if number != int(number) or not 0 <= number <= most:
            raise RowRefused(f"{name}: has to be a whole number from 0 to {most}")
        return int(number)

    def truth(self, name: str) -> bool | None:
        text = self.text(name).lower()
        if text and text not in _TRUTHS:
            raise RowRefused(f"{name}: has to be true or false")
        return _TRUTHS.get(text)

    def attributes(self) -> dict[str, Any]:
        if not self._columns.attributes:
            return {}
        facts = ((label, _plain(_dig(self._values, source))) for label, source in self._columns.attributes.items())
        return {label: fact for label, fact in facts if fact not in ("", None)}


def clean_text(name: str, text: str, *, most: int) -> str:
    """Return the text without blanks around it.

    :raises RowRefused: control characters, not UTF-8, or longer than ``most``
    """
    text = text.strip()
    if len(text) > most:
        raise RowRefused(f"{name}: has {len(text)} characters, more than {most}")
    if not text.isprintable():
        _refuse_unprintable(name, text)
    return text


def _refuse_unprintable(name: str, text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise RowRefused(f"{name}: is not UTF-8")
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text) or "\x7f" in text:
        raise RowRefused(f"{name}: contains control characters")


def _dig(values: Any, source: str) -> Any:
    if source in values:
        return values[source]
    if "." not in source:
        return None
    for key in source.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _plain(fact: Any) -> Any:
    if isinstance(fact, Decimal):
        return int(fact) if fact == int(fact) else float(fact)
    return clean_text("attribute", str(fact), most=_LENGTHS["category"]) if fact is not None else None


@lru_cache(maxsize=4096)
def _steps(category: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in category.split(">") if part.strip())


def _sku(text: str) -> str:
    if not is_sku(_needed("sku", text)):
        raise RowRefused(f"sku: {text[:80]!r} cannot be one")
    return text


def _needed(name: str, text: str) -> str:
    if not text:
        raise RowRefused(f"{name}: is missing")
    return text


def _tags(tags: list[str]) -> tuple[str, ...]:
    if any(len(tag) > _MAX_TAG for tag in tags):
        raise RowRefused(f"tags: one is longer than {_MAX_TAG} characters")
    return tuple(dict.fromkeys(tags))


def _addresses(urls: list[str]) -> tuple[str, ...]:
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise RowRefused(f"images: {url[:80]!r} is not a web address")
    return tuple(dict.fromkeys(urls))


def _compare_at(take: _Taker, price: int | None) -> int | None:
    """Return the price that ours is compared with: told, or ours before the discount; none where it is not higher."""
    told = take.amount("compare_at_price")
    if told is not None and price is not None and told <= price:
        raise RowRefused("compare_at_price: has to be higher than the price")
    percent = take.number("discount_percent")
    if told is not None or percent is None or price is None:
        return told
    if not 0 <= percent < 100:
        raise RowRefused("discount_percent: has to be from 0 to below 100")
    before = undo_discount(price, percent)
    return before if before > price else None


def undo_discount(minor: int, percent: Decimal) -> int:
    """Return the amount that becomes ``minor`` when ``percent`` are taken off, rounded half up to the minor unit."""
    return money.percent_of(minor, Decimal(10_000) / (100 - percent))
