"""What staff see: products in every state, with all prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.pagination import Page, PageRequest, paginate
from markets import selectors as market_reads
from products.domain import StaffProduct, is_slug, render_for_staff, version_of
from products.errors import ProductNotFound
from products.models import Category, Product, Variant
from products.selectors.facts import load_facts

_STATES: Mapping[str, Q] = {
    "active": Q(deleted_at__isnull=True, is_active=True),
    "inactive": Q(deleted_at__isnull=True, is_active=False),
    "deleted": Q(deleted_at__isnull=False),
}


def get_product_for_staff(*, product_id: UUID) -> StaffProduct:
    """Return the product in whatever state it is. Three queries.

    :raises ProductNotFound: there never was one
    """
    found = _documents([product_id])
    if product_id not in found:
        raise ProductNotFound
    return found[product_id]


def get_product_id(*, slug: str) -> UUID:
    """Return the id of the living product of that slug. One query.

    :raises ProductNotFound: there is none
    """
    found = Product.objects.filter(slug=slug).values_list("pk", flat=True) if is_slug(slug) else Product.objects.none()
    product_id: UUID | None = found.first()
    if product_id is None:
        raise ProductNotFound
    return product_id


def page_of_products_for_staff(*, page: PageRequest, filters: Mapping[str, str]) -> Page:
    """Return a page of ``StaffProduct``, newest first. Five queries for any number of rows.

    :param filters: ``state`` (active, inactive, deleted), ``category`` (slug, descendants too), ``search`` (in names,
        slugs and SKUs)
    :raises Malformed: the cursor is not one of this list
    """
    found = paginate(_filtered(filters), page=page, order=("-created_at", "-pk"))
    shown = _documents([row.pk for row in found.rows])
    rows = [shown[row.pk] for row in found.rows]
    return Page(rows, found.count, found.count_is_estimate, found.has_more, found.next_cursor)


def _filtered(filters: Mapping[str, str]) -> QuerySet[Product]:
    rows: QuerySet[Product] = Product.all_objects.all()
    if state := filters.get("state"):
        rows = rows.filter(_STATES[state])
    if category := filters.get("category"):
        top = Category.objects.filter(slug=category).values_list("pk", flat=True)
        rows = rows.filter(category__in=Category.objects.filter(ancestor_ids__overlap=list(top)).values("pk"))
    if search := filters.get("search"):
        skus = Variant.all_objects.filter(product=OuterRef("pk"), sku__icontains=search)
        rows = rows.filter(Q(name__icontains=search) | Q(slug__icontains=search) | Exists(skus))
    return rows


def _documents(product_ids: Sequence[UUID]) -> dict[UUID, StaffProduct]:
    if not product_ids:
        return {}
    currency = market_reads.get_market(code=None).currency
    units = _units(product_ids)
    return {
        UUID(facts.id): StaffProduct(
            document=render_for_staff(facts, currency=currency, units=units.get(facts.id, {})),
            version=version_of(facts.updated_at),
        )
        for facts in load_facts(product_ids=product_ids)
    }


def _units(product_ids: Sequence[UUID]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT p::text, products_live_stock(p)::text FROM unnest(%s::uuid[]) p", [list(product_ids)])
        return {pk: orjson.loads(units) for pk, units in cursor.fetchall()}
