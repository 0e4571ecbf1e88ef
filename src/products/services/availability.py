"""What inventory tells us: whether a variant can be had."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db.models import F, Q

from core.transactions import step
from products.models import Variant
from products.services import documents


@step
def set_availability(*, available: Mapping[UUID, bool]) -> None:
    """Take over which variants can be had (variant id -> whether any unit is free) and show it in the documents.

    The caller holds the locks of their stock, which nobody changes their availability without. Locks the products in
    id order. Five statements for any number of variants; one if nothing changes.
    """
    if not available:
        return
    free = [pk for pk, is_free in available.items() if is_free]
    gone = [pk for pk, is_free in available.items() if not is_free]
    differing = Q(pk__any_of=free, is_available=False) | Q(pk__any_of=gone, is_available=True)
    changed = dict(Variant.all_objects.filter(differing).values_list("pk", "product_id"))
    if not changed:
        return
    owners = documents.lock_products(product_ids=set(changed.values()))
    Variant.all_objects.filter(pk__any_of=changed).update(is_available=~F("is_available"))
    documents.show_availability(product_ids=owners, available={pk: available[pk] for pk in changed})
