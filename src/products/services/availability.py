"""What inventory tells us: whether a variant can be had."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Subquery

from core.transactions import step
from products.models import Product, Variant
from products.services import documents


@step
def set_availability(*, available: Mapping[UUID, bool]) -> None:
    """Take over which variants can be had (variant id -> whether any unit is free) and show it in the documents.

    Locks the products in id order. Six statements for any number of variants, seven where some come and some go; two
    if nothing changes.
    """
    if not available:
        return
    variants = Variant.objects.filter(pk__in=list(available))
    owners = Subquery(variants.order_by().values("product_id"))
    list(Product.all_objects.filter(pk__in=owners).locked().values_list("pk", flat=True))
    known = variants.values_list("pk", "product_id", "is_available")
    changed = {pk: owner for pk, owner, was in known if was != available[pk]}
    if not changed:
        return
    for value in (True, False):
        flipped = [pk for pk in changed if available[pk] is value]
        if flipped:
            Variant.objects.filter(pk__in=flipped).update(is_available=value)
    documents.render_locked(product_ids=set(changed.values()))
