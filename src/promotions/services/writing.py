"""Staff make, change and end promotions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection

from core.transactions import command
from markets import services as markets
from promotions import selectors
from promotions.errors import LimitBelowUses, PromotionNotFound
from promotions.models import Promotion
from promotions.services.drafts import PromotionData, columns_of, data_of


@command
def create_promotion(*, data: PromotionData) -> Any:
    """Make a promotion and return it as ``get_promotion`` does. It holds at once, unless it says otherwise.

    :raises PromotionInvalid: naming the field that is wrong
    """
    made = Promotion.objects.create(**columns_of(data))
    markets.rules_changed()
    return selectors.get_promotion(promotion_id=made.pk)


@command
def update_promotion(*, promotion_id: UUID, changes: Mapping[str, Any]) -> Any:
    """Change a promotion (names and values as in ``PromotionData``) and return it as ``get_promotion`` does. Locks it.

    A new limit holds for what was used before it, too: while they are counted, no order uses anything.

    :raises PromotionNotFound: there is none
    :raises PromotionInvalid: naming the field that is wrong
    :raises LimitBelowUses: it was used more often than the new limit
    """
    if changes.get("usage_limit") is not None:
        # Before the row, as an order does: it writes its uses first, and is then held up by a key to the row.
        _hold_uses()
    promotion = _lock(promotion_id)
    columns = columns_of(replace(data_of(selectors.get_promotion(promotion_id=promotion_id)), **changes))
    if "usage_limit" in changes:
        columns["uses"] = _uses_to_count(promotion_id, columns["usage_limit"])
    for name, value in columns.items():
        setattr(promotion, name, value)
    promotion.save()
    markets.rules_changed()
    return selectors.get_promotion(promotion_id=promotion_id)


@command
def delete_promotion(*, promotion_id: UUID) -> None:
    """End a promotion. Its coupons are good for nothing then; orders that used it stay as they are. Locks it.

    :raises PromotionNotFound: there is none
    """
    promotion = _lock(promotion_id)
    promotion.is_active = False
    promotion.save(update_fields=["is_active", "updated_at"])
    markets.rules_changed()


def _lock(promotion_id: UUID) -> Promotion:
    found: Promotion | None = Promotion.objects.filter(pk=promotion_id).locked().first()
    if found is None:
        raise PromotionNotFound
    return found


def _hold_uses() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE promotions_promotionuse IN SHARE MODE")


def _uses_to_count(promotion_id: UUID, limit: int | None) -> int:
    """Return what ``uses`` has to be: all that were not returned, or nothing where nothing is limited."""
    if limit is None:
        return 0
    uses: int = selectors.get_promotion(promotion_id=promotion_id).times_used
    if uses > limit:
        raise LimitBelowUses(uses=uses)
    return uses
