"""What staff see of promotions and coupons."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Count, F, Func, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts import selectors as account_reads
from markets import selectors as market_reads
from promotions.errors import PromotionNotFound
from promotions.models import Coupon, Promotion, PromotionUse
from promotions.selectors.codes import code_key


def list_promotions(
    *, is_active: bool | None = None, needs_code: bool | None = None, search: str | None = None
) -> QuerySet[Any]:
    """Return ``Promotion`` rows with ``market_codes``, ``group_codes`` and ``times_used``. One query."""
    rows: QuerySet[Any] = Promotion.objects.annotate(
        market_codes=_codes(market_reads.list_markets(active_only=False), "markets"),
        group_codes=_codes(account_reads.list_customer_groups(), "groups"),
        times_used=_times_used("promotion"),
    )
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    if needs_code is not None:
        rows = rows.filter(needs_code=needs_code)
    return rows.filter(name__icontains=search) if search else rows


def get_promotion(*, promotion_id: UUID) -> Any:
    """Return a promotion as ``list_promotions`` does. One query.

    :raises PromotionNotFound: there is none
    """
    found = list_promotions().filter(pk=promotion_id).first()
    if found is None:
        raise PromotionNotFound
    return found


def list_coupons(
    *, promotion_id: UUID | None = None, batch: str | None = None, code: str | None = None
) -> QuerySet[Any]:
    """Return ``Coupon`` rows, of one promotion or of all, with ``times_used``. One query, and one for the promotion.

    :raises PromotionNotFound: there is no such promotion
    """
    rows: QuerySet[Any] = Coupon.objects.annotate(times_used=_times_used("coupon"))
    if promotion_id is not None:
        if not Promotion.objects.filter(pk=promotion_id).exists():
            raise PromotionNotFound
        rows = rows.filter(promotion=promotion_id)
    if batch is not None:
        rows = rows.filter(batch=batch)
    return rows if code is None else rows.filter(code_key=code_key(code))


def _times_used(of: str) -> Any:
    rows = PromotionUse.objects.filter(**{of: OuterRef("pk")}, returned_at__isnull=True)
    counted = rows.order_by().values(of).annotate(times=Count("pk")).values("times")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _codes(rows: QuerySet[Any], column: str) -> ArraySubquery:
    """Return the codes of the rows whose ids stand in that column."""
    is_named = Func(
        F("pk"),
        OuterRef(column),
        template="%(expressions)s)",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    return ArraySubquery(rows.filter(is_named).order_by("code").values("code"))
