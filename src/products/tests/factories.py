"""Products for tests: rows written directly, with their documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.ids import new_id
from markets.tests.factories import make_market
from products.models import Category, ListPrice, Price, PriceList, Product, Variant
from products.services.documents import render_products


def make_category(name: str = "Chairs", *, parent: Category | None = None, **fields: Any) -> Category:
    """Return a category; its slug is the name in lower case with a number, unless given."""
    pk = new_id()
    slug = fields.pop("slug", f"{name.lower().replace(' ', '-')}-{pk.hex[-8:]}")
    category: Category = Category.objects.create(
        id=pk,
        name=name,
        slug=slug,
        parent=parent,
        path=f"{parent.path}/{slug}" if parent else slug,
        ancestor_ids=[*(parent.ancestor_ids if parent else ()), pk],
        **fields,
    )
    return category


def make_product(
    name: str = "Chair",
    *,
    category: Category | None = None,
    price_minor: int | None = 1000,
    currency: str = "GBP",
    sku: str | None = None,
    is_available: bool = True,
    with_variant: bool = True,
    **fields: Any,
) -> Product:
    """Return a product with one variant that has a price, and its documents in all markets (``uk`` is made)."""
    make_market()
    pk = new_id()
    fields.setdefault("slug", f"{name.lower().replace(' ', '-')}-{pk.hex[-8:]}")
    product: Product = Product.objects.create(id=pk, name=name, category=category or make_category(), **fields)
    if with_variant:
        make_variant(product, sku=sku, price_minor=price_minor, currency=currency, is_available=is_available)
    return product


def make_variant(
    product: Product | None = None,
    *,
    sku: str | None = None,
    price_minor: int | None = 1000,
    currency: str = "GBP",
    compare_at_minor: int | None = None,
    is_available: bool = True,
    options: Mapping[str, str] | None = None,
    **fields: Any,
) -> Variant:
    """Return a variant with a price (``None``: without), of a new product unless one is given; renders documents."""
    product = product or make_product(with_variant=False)
    pk = new_id()
    variant: Variant = Variant.objects.create(
        id=pk,
        product=product,
        sku=sku or f"SKU-{pk.hex[-12:]}",
        options=dict(options or {}),
        is_available=is_available,
        **fields,
    )
    if price_minor is not None:
        make_price(variant, price_minor, currency=currency, compare_at_minor=compare_at_minor, rendered=False)
    refresh(product)
    return variant


def make_price(
    variant: Variant,
    amount_minor: int = 1000,
    *,
    currency: str = "GBP",
    compare_at_minor: int | None = None,
    rendered: bool = True,
) -> Price:
    """Return the price of a variant in a currency; renders documents."""
    price: Price = Price.objects.create(
        variant=variant, currency=currency, amount_minor=amount_minor, compare_at_minor=compare_at_minor
    )
    if rendered:
        refresh(variant.product)
    return price


def make_price_list(
    *prices: tuple[Variant, int] | tuple[Variant, int, int], code: str = "sale", currency: str = "GBP", **fields: Any
) -> PriceList:
    """Return a list with prices (variant, amount, from how many on); it holds now, and documents show it."""
    fields = {"name": code.title(), "is_shown": True} | fields
    row: PriceList = PriceList.objects.create(code=code, currency=currency, **fields)
    for variant, amount, *quantity in prices:
        ListPrice.objects.create(
            price_list=row, variant=variant, amount_minor=amount, min_quantity=quantity[0] if quantity else 1
        )
    refresh(*{price[0].product for price in prices})
    return row


def refresh(*products: Product) -> None:
    """Render the documents of products that a test changed by hand."""
    with transaction.atomic():
        render_products(product_ids=[product.pk for product in products])
