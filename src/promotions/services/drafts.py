"""What a promotion may be like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django.db.models import QuerySet

from accounts import selectors as account_reads
from core.money import Money
from markets import selectors as market_reads
from promotions.domain import Benefit, Per
from promotions.errors import PromotionInvalid
from promotions.models import Promotion

ALL_BP = 10_000
# What a benefit is made of; it has nothing of the others' parts.
_PARTS: Mapping[Benefit, frozenset[str]] = {
    Benefit.PERCENT: frozenset({"percent_bp"}),
    Benefit.AMOUNT: frozenset({"amounts"}),
    Benefit.CHEAPEST: frozenset({"percent_bp"}),
    Benefit.BUY_X_GET_Y: frozenset({"percent_bp", "buy", "get"}),
    Benefit.TIERS: frozenset({"tiers"}),
    Benefit.FREE_SHIPPING: frozenset(),
}
_ALL_PARTS = ("percent_bp", "amounts", "buy", "get", "tiers")
_SHOWN = {"percent_bp": "percent"}


@dataclass(frozen=True, kw_only=True)
class PromotionData:
    """What a promotion is like. ``percent_bp`` is in hundredths of a per cent; ``tiers`` are (units, percent_bp).

    A time without an offset is local time in ``time_zone``. ``markets`` and ``groups`` are codes. ``amounts`` and
    ``minimum_spends`` name each currency once; with either, it holds in these currencies alone.
    """

    name: str
    benefit: Benefit
    per: Per = Per.ORDER
    percent_bp: int = 0
    amounts: Sequence[Money] = ()
    minimum_spends: Sequence[Money] = ()
    buy: int = 0
    get: int = 0
    tiers: Sequence[tuple[int, int]] = ()
    minimum_quantity: int = 0
    products: Sequence[UUID] = ()
    variants: Sequence[UUID] = ()
    categories: Sequence[UUID] = ()
    tags: Sequence[str] = ()
    markets: Sequence[str] = ()
    groups: Sequence[str] = ()
    first_order_only: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str = "UTC"
    priority: int = 0
    is_exclusive: bool = False
    needs_code: bool = False
    usage_limit: int | None = None
    per_customer_limit: int | None = None
    is_active: bool = True


_PLAIN = (
    "name", "percent_bp", "buy", "get", "minimum_quantity", "first_order_only", "time_zone", "priority",
    "is_exclusive", "needs_code", "usage_limit", "per_customer_limit", "is_active",
)  # fmt: skip
_LISTS = ("products", "variants", "categories", "tags")


def data_of(promotion: Any) -> PromotionData:
    """Return what a row of ``selectors.list_promotions`` says."""
    return PromotionData(
        **{name: getattr(promotion, name) for name in (*_PLAIN, *_LISTS, "starts_at", "ends_at")},
        benefit=Benefit(promotion.benefit),
        per=Per(promotion.per),
        amounts=money_of(promotion, "amount"),
        minimum_spends=money_of(promotion, "minimum_spend"),
        tiers=[(units, percent_bp) for units, percent_bp in promotion.tiers],
        markets=promotion.market_codes,
        groups=promotion.group_codes,
    )


def columns_of(data: PromotionData) -> dict[str, Any]:
    """Return the columns of a promotion like that. At most two queries.

    :raises PromotionInvalid: naming the field that is wrong
    """
    _check_parts(data)
    _check_numbers(data)
    starts_at, ends_at = _in_utc(data, "starts_at"), _in_utc(data, "ends_at")
    if starts_at and ends_at and ends_at <= starts_at:
        raise PromotionInvalid("It ends before it starts.", field="ends_at")
    return {
        **{name: getattr(data, name) for name in _PLAIN},
        **{name: list(dict.fromkeys(getattr(data, name))) for name in _LISTS},
        "benefit": data.benefit.value,
        "per": data.per.value,
        "amounts": _amounts(data),
        "tiers": _tiers(data),
        "markets": _ids_of("markets", data.markets, market_reads.list_markets(active_only=False)),
        "groups": _ids_of("groups", data.groups, account_reads.list_customer_groups()),
        "starts_at": starts_at,
        "ends_at": ends_at,
    }


def money_of(promotion: Promotion, kind: str) -> list[Money]:
    """Return the ``amount`` or ``minimum_spend`` of each currency that has one."""
    return [Money(given[kind], currency) for currency, given in promotion.amounts.items() if kind in given]


def _check_parts(data: PromotionData) -> None:
    for part in _ALL_PARTS:
        if bool(getattr(data, part)) != (part in _PARTS[data.benefit]):
            said = "It needs this." if part in _PARTS[data.benefit] else "A promotion of this benefit has none."
            raise PromotionInvalid(said, field=_SHOWN.get(part, part))


def _check_numbers(data: PromotionData) -> None:
    wrong = [
        name
        for name, is_right in {
            "name": bool(data.name.strip()),
            "percent": 0 <= data.percent_bp <= ALL_BP,
            "buy": data.buy >= 0,
            "get": data.get >= 0,
            "minimum_quantity": data.minimum_quantity >= 0,
            "usage_limit": data.usage_limit is None or data.usage_limit >= 1,
            "per_customer_limit": data.per_customer_limit is None or data.per_customer_limit >= 1,
            "time_zone": data.time_zone in _time_zones(),
        }.items()
        if not is_right
    ]
    if wrong:
        raise PromotionInvalid(field=wrong[0])


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _in_utc(data: PromotionData, name: str) -> datetime | None:
    at: datetime | None = getattr(data, name)
    try:
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=ZoneInfo(data.time_zone))
        return at.astimezone(UTC) if at else None
    except OverflowError as error:
        raise PromotionInvalid("No calendar goes that far.", field=name) from error


def _amounts(data: PromotionData) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, kind in (("amounts", "amount"), ("minimum_spends", "minimum_spend")):
        for amount in getattr(data, name):
            given = found.setdefault(amount.currency, {})
            if kind in given:
                raise PromotionInvalid("A currency stands twice.", field=name, currency=amount.currency)
            if amount.minor <= 0:
                raise PromotionInvalid("Amounts are above zero.", field=name, currency=amount.currency)
            given[kind] = amount.minor
    return dict(sorted(found.items()))


def _tiers(data: PromotionData) -> list[list[int]]:
    counted = Counter(units for units, _ in data.tiers)
    if any(times > 1 or units < 1 for units, times in counted.items()):
        raise PromotionInvalid("Each tier begins at another number of units, from 1.", field="tiers")
    if any(not 0 < percent_bp <= ALL_BP for _, percent_bp in data.tiers):
        raise PromotionInvalid("A tier takes off more than 0 and at most 100 per cent.", field="tiers")
    return [list(tier) for tier in sorted(data.tiers)]


def _ids_of(field: str, codes: Sequence[str], rows: QuerySet[Any]) -> list[UUID]:
    """Return the ids of the rows of these codes. One query, none without codes."""
    if not codes:
        return []
    known = dict(rows.filter(code__in=codes).values_list("code", "pk"))
    unknown = sorted(set(codes) - known.keys())
    if unknown:
        raise PromotionInvalid("There is none of that code.", field=field, unknown=unknown)
    return [known[code] for code in dict.fromkeys(codes)]
