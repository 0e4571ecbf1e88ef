"""Products out of lines of sale: one product per SKU, with the name and the price that most of its lines agree on.

* A SKU is upper-cased: ``85123a`` is ``85123A``. Codes that are postage, fees, samples, vouchers or corrections are no
  products: those that the mapping lists, and all that do not look like a SKU of the shop.
* Its name is the description that stands in most lines with a price; of equally frequent ones the latest. Lines
  without a price are the stock-keeper's (``damaged``, ``found``, ``?``); their words count only where nothing else was
  said, and then only in capitals, as the shop writes its names. Without any, the name is the SKU.
* Its price is the positive price of most lines; of equally frequent ones the latest. Without any, it has no price and
  is therefore not sold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from core import money
from products.domain import is_sku
from products.services.importing.mappings import Mapping as Columns
from products.services.importing.readers import Record
from products.services.importing.reports import Report
from products.services.importing.rows import ProductRow, RowRefused, clean_text

_MAX_NAME = 300


@dataclass
class _Seen:
    """What the lines of one SKU said: value -> (lines, last line)."""

    line: int
    names: dict[str, tuple[int, int]] = field(default_factory=dict)
    remarks: dict[str, tuple[int, int]] = field(default_factory=dict)
    prices: dict[int, tuple[int, int]] = field(default_factory=dict)


class SkuBook:
    """Collects lines, then tells the products. Memory grows with the SKUs, not with the lines."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._is_ours = re.compile(columns.sku_pattern or r".+")
        self._seen: dict[str, _Seen] = {}
        self._others: set[str] = set()

    def add(self, record: Record, report: Report) -> None:
        """Take a line in; a code that is no product is noted once, a line that says nothing usable is refused."""
        try:
            sku, name, price = self._read(record)
        except RowRefused as refusal:
            report.refuse(line=record.line, key=record.values.get(self._columns.columns["sku"]), reason=str(refusal))
            return
        if not self.is_product(sku):
            if sku not in self._others:
                self._others.add(sku)
                report.note(line=record.line, key=sku, reason=f"not a product: {name or 'no description'}")
            return
        seen = self._seen.setdefault(sku, _Seen(line=record.line))
        if price > 0:
            _count(seen.prices, price, record.line)
        if name:
            _count(seen.names if price > 0 else seen.remarks, name, record.line)

    def is_product(self, sku: str) -> bool:
        """Tell whether an upper-case code is a SKU of something that is sold."""
        return sku not in self._columns.not_products and self._is_ours.fullmatch(sku) is not None and is_sku(sku)

    def rows(self) -> Iterator[ProductRow]:
        """Return the products, by SKU."""
        for sku, seen in sorted(self._seen.items()):
            yield ProductRow(
                line=seen.line,
                sku=sku,
                name=_most(seen.names) or _most(_names_among(seen.remarks)) or sku,
                category=(self._columns.category,),
                price_minor=_most(seen.prices),
            )

    def _read(self, record: Record) -> tuple[str, str, int]:
        if record.broken:
            raise RowRefused(record.broken)
        values, columns = record.values, self._columns.columns
        sku = clean_text("sku", str(values.get(columns["sku"]) or ""), most=64).upper()
        if not sku:
            raise RowRefused("sku: is missing")
        name = clean_text("name", str(values.get(columns["name"]) or ""), most=_MAX_NAME)
        return sku, name, _price(values.get(columns["price"]), self._columns.currency)


def _price(value: Any, currency: str) -> int:
    """Return a line's price in minor units; what is finer than those is not a price of ours, and counts as none."""
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise RowRefused("price: is not a number") from error
    try:
        return money.to_minor(number, currency)
    except money.NotMoney:
        if not number.is_finite():
            raise RowRefused("price: is not a number") from None
        return 0


def _count(tally: dict[Any, tuple[int, int]], value: Any, line: int) -> None:
    times, _ = tally.get(value, (0, 0))
    tally[value] = (times + 1, line)


def _most(tally: Mapping[Any, tuple[int, int]]) -> Any:
    return max(tally, key=tally.__getitem__, default=None)


def _names_among(remarks: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {text: times for text, times in remarks.items() if text == text.upper() and any(map(str.isalpha, text))}
