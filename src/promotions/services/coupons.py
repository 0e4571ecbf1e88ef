"""Codes that promotions need: one with a name, or many that nobody guesses."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from core.sql import insert_missing, insert_values
from core.transactions import command
from markets import services as markets
from promotions.errors import CouponTaken, NeedsNoCode, PromotionInvalid, PromotionNotFound
from promotions.models import Coupon, Promotion
from promotions.selectors import code_key

MAX_BATCH = 10_000
MAX_CODE = 64
# Crockford's base 32: no I, L, O, U to misread. Fifty bits: of 10,000 codes, one try in 10^11 finds one.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_LETTERS = 10


@dataclass(frozen=True, kw_only=True)
class CouponData:
    """One coupon. Without limits it may be used as often as its promotion."""

    code: str
    usage_limit: int | None = None
    per_customer_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class BatchData:
    """So many coupons, each with a code of its own behind ``prefix``, and with the same limits."""

    batch: str
    count: int
    prefix: str = ""
    usage_limit: int | None = 1
    per_customer_limit: int | None = None


@command
def create_coupon(*, promotion_id: UUID, data: CouponData) -> str:
    """Make one coupon and return its code. Locks the promotion.

    :raises PromotionNotFound: there is no such promotion
    :raises NeedsNoCode: the promotion applies by itself
    :raises PromotionInvalid: nobody could enter that code, or a limit allows nothing
    :raises CouponTaken: there is one whose code is compared as the same
    """
    _lock_coded(promotion_id)
    code = unicodedata.normalize("NFKC", data.code).strip()
    _check(code, data.usage_limit, data.per_customer_limit)
    coupon = Coupon(
        promotion_id=promotion_id,
        code=code,
        code_key=code_key(code),
        usage_limit=data.usage_limit,
        per_customer_limit=data.per_customer_limit,
    )
    if not insert_missing(coupon):
        raise CouponTaken(coupon=code)
    markets.rules_changed()
    return code


@command
def create_coupon_batch(*, promotion_id: UUID, data: BatchData) -> list[str]:
    """Make ``count`` coupons and return their codes. Locks the promotion; one statement writes all.

    :raises PromotionNotFound: there is no such promotion
    :raises NeedsNoCode: the promotion applies by itself
    :raises PromotionInvalid: too many or none at all, or a prefix, name or limit that cannot be
    """
    _lock_coded(promotion_id)
    if not 1 <= data.count <= MAX_BATCH:
        raise PromotionInvalid(field="count", most=MAX_BATCH)
    if not data.batch.strip():
        raise PromotionInvalid("It needs this.", field="batch")
    prefix = unicodedata.normalize("NFKC", data.prefix).strip()
    _check(prefix + _ALPHABET[:_RANDOM_LETTERS], data.usage_limit, data.per_customer_limit)
    codes = _fresh_codes(data.count, prefix)
    insert_values(
        Coupon,
        [
            {
                "promotion_id": promotion_id,
                "code": code,
                "code_key": key,
                "usage_limit": data.usage_limit,
                "per_customer_limit": data.per_customer_limit,
                "batch": data.batch.strip(),
            }
            for key, code in codes.items()
        ],
    )
    markets.rules_changed()
    return list(codes.values())


def _lock_coded(promotion_id: UUID) -> None:
    promotion: Promotion | None = Promotion.objects.filter(pk=promotion_id).locked().first()
    if promotion is None:
        raise PromotionNotFound
    if not promotion.needs_code:
        raise NeedsNoCode


def _check(code: str, usage_limit: int | None, per_customer_limit: int | None) -> None:
    if not code_key(code) or len(code) > MAX_CODE:
        raise PromotionInvalid("A code has up to 64 characters, no spaces among them.", field="code")
    for field, limit in (("usage_limit", usage_limit), ("per_customer_limit", per_customer_limit)):
        if limit is not None and limit < 1:
            raise PromotionInvalid("A limit is at least 1.", field=field)


def _fresh_codes(count: int, prefix: str) -> dict[str, str]:
    """Return key -> code, for codes that there are not yet. One query, more only where chance repeats itself."""
    found: dict[str, str] = {}
    while len(found) < count:
        made = {code_key(code): code for code in (_random_code(prefix) for _ in range(count - len(found)))}
        found |= {key: made[key] for key in made.keys() - _taken(made.keys())}
    return found


def _random_code(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LETTERS))


def _taken(keys: Collection[str]) -> set[str]:
    return set(Coupon.objects.filter(code_key__any_of=keys).values_list("code_key", flat=True))
