"""Orders use promotions, and give the uses back. Rows are locked in this order: promotions, coupons, the buyer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.compiled import Compiled
from core.sql import insert_values, uuid_array
from core.statements import execute
from core.transactions import step
from markets import services as markets
from promotions.models import Buyer, Coupon, Promotion, PromotionUse
from promotions.services.terms import Terms, Use
from promotions.services.turns import take_turns

_LIMITED = Compiled(
    lambda ids: (
        Promotion.objects.filter(pk__any_of=ids, usage_limit__isnull=False)
        .locked()
        .values_list("pk", "uses", "usage_limit", "needs_code")
    ),
    ids=[UUID],
)
_LIMITED_COUPONS = Compiled(
    lambda ids: (
        Coupon.objects.filter(pk__any_of=ids, usage_limit__isnull=False)
        .locked()
        .values_list("pk", "uses", "usage_limit")
    ),
    ids=[UUID],
)
_OF_ORDER = Compiled(
    lambda order_id: (
        PromotionUse.objects.filter(order_id=order_id, returned_at__isnull=True)
        .locked()
        .values_list("promotion_id", "coupon_id")
    ),
    order_id=UUID,
)
# Whether there is a limit is asked here again, after the uses are written: one that was set meanwhile counts them.
_COUNT = """
    WITH coupons AS (
        UPDATE promotions_coupon SET uses = uses + %(times)s
         WHERE id = ANY(%(coupons)s::uuid[]) AND usage_limit IS NOT NULL)
    UPDATE promotions_promotion SET uses = uses + %(times)s
     WHERE id = ANY(%(promotions)s::uuid[]) AND usage_limit IS NOT NULL
"""
_COUNT_ORDER = """
    INSERT INTO promotions_buyer AS b (key, orders) VALUES (%(key)s, greatest(%(difference)s, 0))
    ON CONFLICT (key) DO UPDATE SET orders = greatest(b.orders + %(difference)s, 0)
"""


class _Limited(NamedTuple):
    """A locked row. Only those with a limit are locked, so that orders do not wait for each other without need."""

    uses: int
    usage_limit: int
    is_automatic: bool

    @property
    def is_full(self) -> bool:
        return self.uses >= self.usage_limit


@step
def use_promotions(*, uses: Sequence[Use], order_id: UUID, buyer: str, at: datetime) -> None:
    """Take a use of each promotion for an order: of all, or of none. Call it before ``count_order``.

    Locks the promotions and coupons that have a limit, then the buyer where a limit per customer or the first order
    counts. No statement without uses, three where nothing is limited, at most ten; more uses need no more of them.

    :raises PromotionUsedUp: a limit is reached, that of all or that of this customer
    :raises FirstOrderOnly: one is for the first order, and the buyer has placed one
    """
    if not uses:
        return
    promotions = {use.promotion_id for use in uses}
    coupons = {use.coupon_id for use in uses if use.coupon_id is not None}
    terms = Terms.read(promotions=promotions, coupons=coupons)
    limited = _lock_limited(terms.limited_promotions, terms.limited_coupons)
    for use in uses:
        if any(limited[pk].is_full for pk in (use.promotion_id, use.coupon_id) if pk in limited):
            raise terms.used_up(use)
    turns = take_turns(uses=uses, terms=terms, buyer=buyer)

    insert_values(
        PromotionUse,
        [
            {
                "promotion_id": use.promotion_id,
                "coupon_id": use.coupon_id,
                "order_id": order_id,
                "buyer": buyer,
                "amount_minor": use.amount_minor,
                "currency": use.currency,
                "used_at": at,
                **turn,
            }
            for use, turn in zip(uses, turns, strict=True)
        ],
    )
    _count(promotions, coupons, times=1)
    if any(row.is_automatic and row.uses + 1 == row.usage_limit for row in limited.values()):
        markets.rules_changed()


@step
def lock_uses(*, order_ids: Collection[UUID], buyers: Collection[str], uses: Sequence[Use] = ()) -> None:
    """Lock all that giving back the uses of these orders will lock, in the one order. Five statements at most.

    :param uses: what will be taken instead
    """
    used = PromotionUse.objects.filter(order_id__in=order_ids, returned_at__isnull=True).locked()
    taken: list[tuple[UUID, UUID | None]] = list(used.values_list("promotion_id", "coupon_id"))
    taken += [(use.promotion_id, use.coupon_id) for use in uses]
    _lock_limited({pk for pk, _ in taken}, {pk for _, pk in taken if pk is not None})
    list(Buyer.objects.filter(key__in=buyers).locked())


@step
def return_uses(*, order_id: UUID, at: datetime) -> None:
    """Give back what an order used: it was cancelled. Doing it twice gives back once. One statement without uses.

    Locks the uses, then what ``use_promotions`` locks, but the buyer.
    """
    used = _OF_ORDER.all(order_id=order_id)
    if not used:
        return
    promotions = {promotion_id for promotion_id, _ in used}
    coupons = {coupon_id for _, coupon_id in used if coupon_id is not None}
    limited = _lock_limited(promotions, coupons)
    PromotionUse.objects.filter(order_id=order_id, returned_at__isnull=True).update(returned_at=at)
    _count(promotions, coupons, times=-1)
    if any(row.is_automatic and row.is_full for row in limited.values()):
        markets.rules_changed()


@step
def renew_uses(*, order_id: UUID, given_back_at: datetime, at: datetime) -> None:
    """Take the uses again that a cancelled order gave back: it was paid for after all. Call it before ``count_order``.

    Doing it twice takes once. One statement more than ``use_promotions``.

    :param given_back_at: when it was cancelled; what it gave back before, as it was changed, it does not have any more
    :raises PromotionUsedUp: others have taken them meanwhile
    :raises FirstOrderOnly: one was for the first order, and the buyer has placed another
    """
    earlier = list(PromotionUse.objects.filter(order_id=order_id).order_by("pk"))
    has = {use.promotion_id for use in earlier if use.returned_at is None}
    given_back = [use for use in earlier if use.returned_at == given_back_at and use.promotion_id not in has]
    if given_back:
        uses = [
            Use(
                promotion_id=use.promotion_id,
                coupon_id=use.coupon_id,
                amount_minor=use.amount_minor,
                currency=use.currency,
            )
            for use in given_back
        ]
        use_promotions(uses=uses, order_id=order_id, buyer=given_back[0].buyer, at=at)


@step
def count_order(*, buyer: str, difference: int) -> None:
    """Count an order that the buyer placed (1) or cancelled (-1). One statement; locks the buyer."""
    execute(_COUNT_ORDER, {"key": buyer, "difference": difference})


def _lock_limited(promotions: Collection[UUID], coupons: Collection[UUID]) -> dict[UUID | None, _Limited]:
    """Lock the rows that have a limit, promotions before coupons: id -> row."""
    found: dict[UUID | None, _Limited] = {}
    for pk, uses, limit, needs_code in _LIMITED.all(ids=promotions) if promotions else ():
        found[pk] = _Limited(uses, limit or 0, is_automatic=not needs_code)
    for pk, uses, limit in _LIMITED_COUPONS.all(ids=coupons) if coupons else ():
        found[pk] = _Limited(uses, limit or 0, is_automatic=False)
    return found


def _count(promotions: Collection[UUID], coupons: Collection[UUID], *, times: int) -> None:
    values: dict[str, int | str] = {
        "times": times,
        "promotions": uuid_array(promotions),
        "coupons": uuid_array(coupons),
    }
    execute(_COUNT, values)
