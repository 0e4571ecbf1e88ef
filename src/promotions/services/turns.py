"""Limits per customer: which of a buyer's uses is which, and whether it is their first order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Q

from core.compiled import Compiled
from core.sql import insert_missing
from core.transactions import step
from promotions.models import Buyer, PromotionUse
from promotions.services.terms import Terms, Use

_BUYER = Compiled(lambda key: Buyer.objects.filter(key=key).locked().values_list("orders"), key=str)
_EARLIER = Compiled(
    lambda buyer, promotions, coupons: (
        PromotionUse.objects.filter(buyer=buyer, returned_at__isnull=True)
        .filter(Q(promotion__any_of=promotions) | Q(coupon__any_of=coupons))
        .values_list("promotion_id", "turn", "coupon_id", "coupon_turn")
    ),
    buyer=str,
    promotions=[UUID],
    coupons=[UUID],
)


@step
def take_turns(*, uses: Sequence[Use], terms: Terms, buyer: str) -> list[dict[str, int | None]]:
    """Return for each use the columns of ``PromotionUse`` that say which turn of the buyer's it is.

    Locks the buyer, where a limit per customer or the first order counts: two to four statements, else none.

    :raises PromotionUsedUp: the buyer has no turn left
    :raises FirstOrderOnly: one is for the first order, and the buyer has placed one
    """
    is_limited = any(terms.limit(use) or terms.coupon_limit(use) for use in uses)
    first_only = [use for use in uses if terms.is_for_first_order(use)]
    if (is_limited or first_only) and _lock_buyer(buyer) and first_only:
        raise terms.first_order_only(first_only[0])
    earlier = _earlier_turns(uses, buyer) if is_limited else {}
    return [_take_turn(use, terms, earlier) for use in uses]


def _take_turn(use: Use, terms: Terms, earlier: dict[UUID | None, list[int | None]]) -> dict[str, int | None]:
    limit, coupon_limit = terms.limit(use), terms.coupon_limit(use)
    turn = _free_turn(earlier.get(use.promotion_id, []), limit)
    coupon_turn = _free_turn(earlier.get(use.coupon_id, []), coupon_limit)
    if (limit and turn is None) or (coupon_limit and coupon_turn is None):
        raise terms.used_up(use)
    return {"turn": turn, "turns": limit, "coupon_turn": coupon_turn, "coupon_turns": coupon_limit}


def _lock_buyer(key: str) -> int:
    """Lock the buyer, who gets a row if there is none, and return how many orders they placed."""
    found = _BUYER.first(key=key)
    if found is None:
        insert_missing(Buyer(key=key))
        found = _BUYER.first(key=key)
    return found[0] if found else 0


def _earlier_turns(uses: Sequence[Use], buyer: str) -> dict[UUID | None, list[int | None]]:
    """Return promotion or coupon id -> the turns that the buyer took; ``None`` where no limit held then. One query."""
    found: dict[UUID | None, list[int | None]] = defaultdict(list)
    rows = _EARLIER.all(
        buyer=buyer,
        promotions={use.promotion_id for use in uses},
        coupons={use.coupon_id for use in uses if use.coupon_id},
    )
    for promotion_id, turn, coupon_id, coupon_turn in rows:
        found[promotion_id].append(turn)
        if coupon_id is not None:
            found[coupon_id].append(coupon_turn)
    return found


def _free_turn(taken: Collection[int | None], limit: int | None) -> int | None:
    """Return the lowest turn that is free; ``None`` where there is no limit, or none left."""
    if limit is None or len(taken) >= limit:
        return None
    return next(turn for turn in range(1, limit + 1) if turn not in taken)
