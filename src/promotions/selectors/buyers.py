"""Who has ordered before, and used what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from hashlib import blake2b
from uuid import UUID

from django.db.models import Count, F

from accounts.domain import email_key
from core.compiled import Compiled
from core.crypto import first_secret_key
from promotions.models import Buyer, PromotionUse

_PERSON = b"promotions.buyer"
_ORDERED: Compiled[tuple[int]] = Compiled(
    lambda key: Buyer.objects.filter(key=key, orders__gt=0).values_list("orders"), key=str
)


def buyer_key(*, customer_id: UUID | None, email: str) -> str:
    """Return what a buyer is counted by: a customer's id, or of a guest a keyed digest of the e-mail. No query."""
    if customer_id is not None:
        return str(customer_id)
    key, address = first_secret_key()[:64], email_key(email).encode("utf-8", "replace")
    return blake2b(address, key=key, person=_PERSON, digest_size=24).hexdigest()


def is_first_order(*, buyer: str, placed: int = 0) -> bool:
    """Tell whether the buyer has placed no order yet that was not cancelled, but for ``placed`` ones. One query."""
    found = _ORDERED.first(key=buyer)
    return found is None or found[0] <= placed


def orders_counted(*, customer_id: UUID) -> int:
    """Return how many orders a customer is counted with: placed and not cancelled. One query."""
    found = _ORDERED.first(key=buyer_key(customer_id=customer_id, email=""))
    return found[0] if found else 0


def uses_of_orders(*, order_ids: Collection[UUID]) -> dict[UUID, list[PromotionUse]]:
    """Return order id -> the promotions that it had, given back or not, with their coupons. One query."""
    uses = defaultdict(list)
    rows = PromotionUse.objects.filter(order_id__in=order_ids).select_related("promotion", "coupon")
    for use in rows.order_by("pk"):
        uses[use.order_id].append(use)
    return uses


def used_by_order(*, order_id: UUID) -> frozenset[UUID]:
    """Return the promotions that an order uses. One query."""
    used = PromotionUse.objects.filter(order_id=order_id, returned_at__isnull=True)
    return frozenset(used.values_list("promotion_id", flat=True))


def used_up_by(*, buyer: str, promotion_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of the promotions whose limit per customer this buyer has reached. One query."""
    used = (
        PromotionUse.objects.filter(promotion__any_of=promotion_ids, buyer=buyer, returned_at__isnull=True)
        .values("promotion")
        .annotate(times=Count("pk"))
        .filter(times__gte=F("promotion__per_customer_limit"))
    )
    return frozenset(used.values_list("promotion", flat=True))
