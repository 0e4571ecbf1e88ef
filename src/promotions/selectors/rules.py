"""Promotions as rules that carts are priced with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from core.compiled import Compiled
from promotions.domain import Benefit, Per, Reason, Rule
from promotions.models import Coupon, Promotion, PromotionUse
from promotions.selectors.codes import code_key


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRule:
    """A rule, and when it holds: from ``starts_at`` until just before ``ends_at``; ``None`` is always.

    Of those with a ``per_customer_limit``, ``used_up_by`` tells which a buyer has none left of.
    """

    rule: Rule
    starts_at: datetime | None
    ends_at: datetime | None
    per_customer_limit: int | None


def load_rules(*, market_id: UUID, currency: str, held: Collection[UUID] = ()) -> list[TimedRule]:
    """Return the active promotions that apply by themselves there, highest priority first. One query.

    Those that have ended, are used up, or have no amounts in that currency are left out.

    :param held: promotions that are wanted even if they are used up
    """
    rows: QuerySet[Promotion] = (
        Promotion.objects.filter(is_active=True, needs_code=False)
        .filter(Q(markets=[]) | Q(markets__contains=[market_id]))
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=Now()))
        .filter(Q(usage_limit__isnull=True) | Q(usage_limit__gt=F("uses")) | Q(pk__in=held))
        .order_by("-priority", "pk")
    )
    return [
        TimedRule(
            rule=_rule(row, currency),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            per_customer_limit=row.per_customer_limit,
        )
        for row in rows
        if _is_in(row, currency)
    ]


def find_rule(*, promotion_id: UUID, currency: str) -> Rule | None:
    """Return a promotion as a rule, active or not; ``None`` where it gives nothing in that currency. One query."""
    row: Promotion | None = Promotion.objects.filter(pk=promotion_id).first()
    return _rule(row, currency) if row is not None and _is_in(row, currency) else None


def rules_of_codes(
    *, codes: Collection[str], market_id: UUID, currency: str, at: datetime, buyer: str | None
) -> list[Rule]:
    """Return a rule for each code that was entered, in their order, with what is known to speak against it.

    A code that is not there, or no longer, gives a rule that is refused as unknown, with the code as it was entered.
    Of two codes that are the same, or of the same promotion, the second is refused. One query, none without codes.

    :param buyer: whose uses count, as ``buyer_key`` names them
    """
    keys = {code: code_key(code) for code in codes}
    wanted = {key for key in keys.values() if key}
    coupons = _entered(wanted, buyer or "") if wanted else {}
    found, seen = [], set()
    for code, key in keys.items():
        coupon = coupons.get(key)
        if coupon is None:
            found.append(_unknown(code))
            continue
        is_second = coupon.promotion.pk in seen
        seen.add(coupon.promotion.pk)
        refusal = Reason.EXCLUDED if is_second else _refusal(coupon, market_id, currency, at)
        found.append(_rule(coupon.promotion, currency, coupon=coupon, refusal=refusal))
    return found


def _uses(buyer: str, **of: Any) -> Any:
    rows = PromotionUse.objects.filter(buyer=buyer, returned_at__isnull=True, **of)
    counted = rows.order_by().values(next(iter(of))).annotate(times=Count("pk")).values("times")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


class _Entered(NamedTuple):
    """A coupon whose code was entered, and how often the buyer used its promotion, and itself."""

    pk: UUID
    code: str
    code_key: str
    usage_limit: int | None
    uses: int
    per_customer_limit: int | None
    by_buyer: int
    coupon_by_buyer: int
    promotion: Promotion


_OWN = _Entered._fields[:-1]
_OF_PROMOTION = [field.name for field in Promotion._meta.concrete_fields]
_ENTERED = Compiled(
    lambda keys, buyer: (
        Coupon.objects.filter(code_key__any_of=keys, promotion__is_active=True, promotion__needs_code=True)
        .annotate(
            by_buyer=_uses(buyer, promotion=OuterRef("promotion")),
            coupon_by_buyer=_uses(buyer, coupon=OuterRef("pk")),
        )
        .values_list(*_OWN, *(f"promotion__{name}" for name in _OF_PROMOTION))
    ),
    keys=[UUID],  # any array: these are texts
    buyer=str,
)


def _entered(keys: Collection[str], buyer: str) -> dict[str, _Entered]:
    """Return key -> coupon."""
    found = {}
    for row in _ENTERED.all(keys=keys, buyer=buyer):
        promotion = Promotion.from_db(DEFAULT_DB_ALIAS, _OF_PROMOTION, row[len(_OWN) :])
        coupon = _Entered._make([*row[: len(_OWN)], promotion])
        found[coupon.code_key] = coupon
    return found


def _refusal(coupon: _Entered, market_id: UUID, currency: str, at: datetime) -> Reason | None:
    promotion = coupon.promotion
    against: Mapping[Reason, bool] = {
        Reason.OTHER_MARKET: bool(promotion.markets and market_id not in promotion.markets)
        or not _is_in(promotion, currency),
        Reason.NOT_STARTED: promotion.starts_at is not None and at < promotion.starts_at,
        Reason.ENDED: promotion.ends_at is not None and at >= promotion.ends_at,
        Reason.USED_UP: _is_reached(promotion.usage_limit, promotion.uses)
        or _is_reached(coupon.usage_limit, coupon.uses),
        Reason.USED_BEFORE: _is_reached(promotion.per_customer_limit, coupon.by_buyer)
        or _is_reached(coupon.per_customer_limit, coupon.coupon_by_buyer),
    }
    return next((reason for reason, holds in against.items() if holds), None)


def _is_reached(limit: int | None, uses: int) -> bool:
    return limit is not None and uses >= limit


def _is_in(promotion: Promotion, currency: str) -> bool:
    """Tell whether it has the amounts that it needs in that currency."""
    if promotion.benefit == Benefit.AMOUNT.value:
        return bool(promotion.amounts.get(currency, {}).get("amount"))
    return not promotion.amounts or currency in promotion.amounts


def _unknown(code: str) -> Rule:
    return Rule(id=UUID(int=0), name=code, benefit=Benefit.PERCENT, code=code, refusal=Reason.UNKNOWN_CODE)


def _rule(
    promotion: Promotion, currency: str, *, coupon: _Entered | None = None, refusal: Reason | None = None
) -> Rule:
    amounts = promotion.amounts.get(currency, {})
    return Rule(
        id=promotion.pk,
        name=promotion.name,
        benefit=Benefit(promotion.benefit),
        code=coupon.code if coupon else "",
        coupon_id=coupon.pk if coupon else None,
        percent_bp=promotion.percent_bp,
        amount_minor=amounts.get("amount", 0),
        per=Per(promotion.per),
        buy=promotion.buy,
        get=promotion.get,
        tiers=tuple((units, percent_bp) for units, percent_bp in promotion.tiers),
        variants=frozenset(promotion.variants),
        products=frozenset(promotion.products),
        categories=frozenset(promotion.categories),
        tags=frozenset(promotion.tags),
        minimum_spend_minor=amounts.get("minimum_spend", 0),
        minimum_quantity=promotion.minimum_quantity,
        first_order_only=promotion.first_order_only,
        groups=frozenset(promotion.groups),
        priority=promotion.priority,
        is_exclusive=promotion.is_exclusive,
        refusal=refusal,
    )
