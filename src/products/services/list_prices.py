"""The prices of price lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import DomainError
from core.ids import new_id
from core.sql import upsert_values
from core.transactions import command
from products.domain import AmountGiven
from products.errors import PriceInvalid, PricesInvalid
from products.models import ListPrice, PriceList, Variant
from products.services.documents import lock_products, render_locked
from products.services.history import note_prices
from products.services.lists import lock_price_list
from products.services.prices import check_price, find_variants

Key = tuple[UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPriceLine:
    """A variant by id or SKU, and what each unit costs from so many units on; without a price, that goes."""

    price: AmountGiven | None
    variant: UUID | None = None
    sku: str | None = None
    min_quantity: int = 1


@command
def set_list_prices(*, code: str, lines: Sequence[ListPriceLine], at: datetime) -> int:
    """Write prices of a list, all or none; others stay. Return how many products show a change.

    Locks the list, then the products in id order. Eleven statements for up to 500 products.

    :raises PriceListNotFound: there is no such list
    :raises PricesInvalid: naming every bad line
    """
    row = lock_price_list(code=code)
    wanted = _checked(row, lines)
    variant_ids = {variant_id for variant_id, _ in wanted}
    owners = set(Variant.objects.filter(pk__any_of=variant_ids).values_list("product_id", flat=True))
    locked = lock_products(product_ids=owners)
    _write(row, wanted, at)
    note_prices(variant_ids=variant_ids, at=at)
    return len(render_locked(product_ids=locked))


def _checked(row: PriceList, lines: Sequence[ListPriceLine]) -> dict[Key, int | None]:
    found = find_variants(lines)
    bad: list[dict[str, Any]] = []
    wanted: dict[Key, int | None] = {}
    for index, line in enumerate(lines):
        try:
            variant_id = found.get(str(line.variant or line.sku))
            if variant_id is None:
                raise PriceInvalid("There is no such variant.", field="variant" if line.variant else "sku")
            key = (variant_id, line.min_quantity)
            if key in wanted:
                raise PriceInvalid("The variant stands in an earlier line.", field="sku")
            wanted[key] = None if line.price is None else _amount(row, line.price)
        except DomainError as error:
            bad.append({"line": index, "code": error.code, "message": error.detail, **error.facts})
    if bad:
        raise PricesInvalid(lines=bad)
    return wanted


def _amount(row: PriceList, price: AmountGiven) -> int:
    if price.currency not in (None, row.currency):
        raise PriceInvalid(f"The list is in {row.currency}.", field="currency")
    return check_price(price, None, default_currency=row.currency).amount_minor


def _write(row: PriceList, wanted: dict[Key, int | None], at: datetime) -> None:
    gone = {key for key, amount in wanted.items() if amount is None}
    if gone:
        present = ListPrice.objects.filter(price_list=row, variant__any_of={variant_id for variant_id, _ in gone})
        rows = present.values_list("pk", "variant_id", "min_quantity")
        ListPrice.objects.filter(pk__any_of={pk for pk, *key in rows if tuple(key) in gone}).delete()
    given = [
        {
            "id": new_id(),
            "created_at": at,
            "price_list_id": row.pk,
            "variant_id": variant_id,
            "min_quantity": min_quantity,
            "amount_minor": amount,
        }
        for (variant_id, min_quantity), amount in wanted.items()
        if amount is not None
    ]
    unique = ("variant_id", "price_list_id", "min_quantity")
    upsert_values(ListPrice, given, unique=unique, change=("amount_minor", "updated_at"))
