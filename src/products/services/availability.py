"""What inventory tells us: whether a variant can be had."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from core.transactions import step
from products.models import Variant
from products.services import documents


@step
def set_availability(*, available: Mapping[UUID, bool]) -> None:
    """Take over which variants can be had (variant id -> whether any unit is free) and show it in the documents.

    The caller holds the locks of their stock, which nobody changes their availability without. Locks the products in
    id order. Six statements for any number of variants, seven where some come and some go; one if nothing changes.
    """
    if not available:
        return
    rows = Variant.all_objects.filter(pk__any_of=available).values_list("pk", "product_id", "is_available")
    changed = {pk: product_id for pk, product_id, was in rows if was != available[pk]}
    if not changed:
        return
    owners = documents.lock_products(product_ids=set(changed.values()))
    for value in (True, False):
        flipped = [pk for pk in changed if available[pk] is value]
        if flipped:
            Variant.objects.filter(pk__any_of=flipped).update(is_available=value)
    documents.render_locked(product_ids=owners)
