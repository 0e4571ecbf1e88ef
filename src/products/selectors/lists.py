"""Reads of price lists, for staff."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from products.domain import is_slug
from products.errors import PriceListNotFound
from products.models import ListPrice, PriceList


def list_price_lists() -> QuerySet[PriceList]:
    """Return the price lists with group, market and ``price_count``. One query."""
    rows: QuerySet[PriceList] = PriceList.objects.select_related("group", "market")
    return rows.annotate(price_count=Count("prices"))


def get_price_list(*, code: str) -> PriceList:
    """Return the list of that code, as ``list_price_lists`` does. One query.

    :raises PriceListNotFound: there is none
    """
    row = list_price_lists().filter(code=code).first() if is_slug(code) else None
    if row is None:
        raise PriceListNotFound
    return row


def list_list_prices(*, code: str, search: str = "") -> QuerySet[ListPrice]:
    """Return the prices of a list with their variants, products and the list; one query, and one now.

    :param search: part of a SKU
    :raises PriceListNotFound: there is no such list
    """
    rows: QuerySet[ListPrice] = ListPrice.objects.filter(price_list=get_price_list(code=code))
    rows = rows.filter(variant__deleted_at__isnull=True).select_related("variant__product", "price_list")
    return rows.filter(variant__sku__icontains=search) if search else rows
