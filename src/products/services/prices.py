"""What variants cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from core import money
from core.errors import DomainError
from core.transactions import command
from markets import selectors as market_reads
from products.domain import AmountGiven
from products.errors import PriceInvalid, PricesInvalid
from products.models import Category, Price, Product, Variant
from products.services.documents import lock_products, render_locked
from products.services.history import note_prices


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One line of a bulk change: a variant by id or SKU, and what it costs from now on."""

    price: AmountGiven
    variant: UUID | None = None
    sku: str | None = None
    compare_at_price: AmountGiven | None = None


@dataclass(frozen=True, slots=True)
class Amounts:
    """A checked price in minor units."""

    currency: str
    amount_minor: int
    compare_at_minor: int | None


def check_price(price: AmountGiven, compare_at: AmountGiven | None, *, default_currency: str) -> Amounts:
    """Return the price in minor units of its currency.

    :raises PriceInvalid: negative, too large, more digits than the currency has (ISO 4217), an unknown currency, or a
        compare-at price that is not higher or in another currency
    """
    currency = price.currency or default_currency
    if not money.is_currency(currency):
        raise PriceInvalid("The currency is not in ISO 4217.", field="currency")
    amount = _minor(price.amount, currency, "price")
    if compare_at is None:
        return Amounts(currency, amount, None)
    if (compare_at.currency or currency) != currency:
        raise PriceInvalid("Both amounts must be in one currency.", field="compare_at_price")
    compared = _minor(compare_at.amount, currency, "compare_at_price")
    if compared <= amount:
        raise PriceInvalid("It must be higher than the price.", field="compare_at_price")
    return Amounts(currency, amount, compared)


def _minor(amount: Decimal, currency: str, field: str) -> int:
    try:
        minor = money.to_minor(amount, currency)
    except money.NotMoney as error:
        raise PriceInvalid(f"This is not an amount in {currency}: {error}.", field=field) from error
    if minor < 0:
        raise PriceInvalid("It must not be negative.", field=field)
    return minor


def default_currency() -> str:
    """Return the currency of the default market. One query."""
    return str(market_reads.get_market(code=None).currency)


def write_prices(prices: Mapping[UUID, Collection[Amounts]], *, at: datetime) -> None:
    """Write prices (variant id -> amounts, one per currency) of locked products; others stay. Three statements."""
    rows = [
        Price(
            variant_id=variant_id,
            currency=amounts.currency,
            amount_minor=amounts.amount_minor,
            compare_at_minor=amounts.compare_at_minor,
        )
        for variant_id, several in prices.items()
        for amounts in several
    ]
    Price.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["variant", "currency"],
        update_fields=["amount_minor", "compare_at_minor", "updated_at"],
    )
    note_prices(variant_ids=prices.keys(), at=at)


def change_price(
    variant: Variant,
    *,
    price: AmountGiven | None,
    compare_at: AmountGiven | None,
    keep_compare_at: bool,
    at: datetime,
) -> None:
    """Write a variant's price, or only its compare-at price; the other part stays as it is where possible.

    :raises PriceInvalid: as ``check_price``; or there is no price yet to compare with
    """
    currency = (price or compare_at or AmountGiven(amount=Decimal(0))).currency or default_currency()
    old: Price | None = Price.objects.filter(variant=variant, currency=currency).first()
    if price is None:
        if old is None:
            raise PriceInvalid(f"There is no price in {currency}.", field="compare_at_price")
        price = AmountGiven(amount=money.to_decimal(old.amount_minor, currency), currency=currency)
    amounts = check_price(price, compare_at, default_currency=currency)
    if keep_compare_at and old is not None and (old.compare_at_minor or 0) > amounts.amount_minor:
        amounts = replace(amounts, compare_at_minor=old.compare_at_minor)
    write_prices({variant.pk: [amounts]}, at=at)


@command
def set_prices(*, lines: Sequence[PriceLine], at: datetime) -> int:
    """Write many prices, all or none, and return how many products show a change.

    Locks the products in id order. Ten statements for up to 500 products.

    :raises PricesInvalid: naming every bad line
    """
    found = find_variants(lines)
    currency = default_currency()
    bad: list[dict[str, Any]] = []
    wanted: dict[tuple[UUID, str], Amounts] = {}
    for index, line in enumerate(lines):
        try:
            variant_id = found.get(str(line.variant or line.sku))
            if variant_id is None:
                raise PriceInvalid("There is no such variant.", field="variant" if line.variant else "sku")
            amounts = check_price(line.price, line.compare_at_price, default_currency=currency)
            if (variant_id, amounts.currency) in wanted:
                raise PriceInvalid("The variant stands in an earlier line.", field="sku")
            wanted[variant_id, amounts.currency] = amounts
        except DomainError as error:
            bad.append({"line": index, "code": error.code, "message": error.detail, **error.facts})
    if bad:
        raise PricesInvalid(lines=bad)

    by_variant: dict[UUID, list[Amounts]] = {}
    for (variant_id, _), amounts in wanted.items():
        by_variant.setdefault(variant_id, []).append(amounts)
    owners = set(Variant.objects.filter(pk__in=by_variant).values_list("product_id", flat=True))
    locked = lock_products(product_ids=owners)
    write_prices(by_variant, at=at)
    Product.objects.filter(pk__in=locked).update(updated_at=at)
    return len(render_locked(product_ids=locked))


class Named(Protocol):
    """Something that names a variant by id or SKU."""

    @property
    def variant(self) -> UUID | None: ...
    @property
    def sku(self) -> str | None: ...


def find_variants(lines: Sequence[Named]) -> dict[str, UUID]:
    """Return variant id, and SKU, -> variant id of living variants of living products. Two queries."""
    living = Variant.objects.filter(product__deleted_at__isnull=True)
    ids = {line.variant for line in lines if line.variant}
    skus = {line.sku for line in lines if not line.variant and line.sku}
    by_id = {str(pk): pk for pk in living.filter(pk__in=ids).values_list("pk", flat=True)} if ids else {}
    by_sku = dict(living.filter(sku__in=skus).values_list("sku", "pk")) if skus else {}
    return {**by_id, **by_sku}


@command
def change_prices_by_percent(
    *,
    percent: Decimal,
    at: datetime,
    product_ids: Collection[UUID] | None = None,
    category_id: UUID | None = None,
    currency: str | None = None,
) -> int:
    """Raise or lower prices of the given products, or of all in or below a category; return how many products changed.

    Rounded half up to the minor unit, once. A compare-at price that is no longer higher goes.

    :param percent: ``Decimal("-10")`` takes a tenth off
    :param currency: only prices in it; without, all
    :raises PriceInvalid: not a finite number above -100 and up to 1,000, or a price would grow too large
    """
    if not percent.is_finite() or not -100 <= percent <= 1000:
        raise PriceInvalid("Between -100 and 1000 per cent.", field="percent")
    locked = lock_products(product_ids=_chosen(product_ids, category_id))
    prices = Price.objects.filter(variant__product__in=locked, variant__deleted_at__isnull=True)
    changed = list(prices.filter(currency=currency) if currency else prices)
    for price in changed:
        price.amount_minor += money.percent_of(price.amount_minor, percent)
        price.updated_at = at
        if price.amount_minor > money.MAX_MINOR:
            raise PriceInvalid("A price would grow too large.", field="percent")
        if price.compare_at_minor is not None and price.compare_at_minor <= price.amount_minor:
            price.compare_at_minor = None
    Price.objects.bulk_update(changed, ["amount_minor", "compare_at_minor", "updated_at"], batch_size=1000)
    note_prices(variant_ids={price.variant_id for price in changed}, at=at)
    Product.objects.filter(pk__in=locked).update(updated_at=at)
    return len(render_locked(product_ids=locked))


def _chosen(product_ids: Collection[UUID] | None, category_id: UUID | None) -> list[UUID]:
    rows = Product.objects.all()
    if product_ids is not None:
        rows = rows.filter(pk__in=product_ids)
    if category_id is not None:
        rows = rows.filter(category__in=Category.objects.filter(ancestor_ids__contains=[category_id]).values("pk"))
    return [] if product_ids is None and category_id is None else list(rows.values_list("pk", flat=True))
