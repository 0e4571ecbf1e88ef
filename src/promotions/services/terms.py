"""What is agreed about promotions and coupons that an order uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from core.compiled import Compiled
from promotions.errors import FirstOrderOnly, PromotionUsedUp
from promotions.models import Coupon, Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one promotion took off an order, by which coupon if it needed one."""

    promotion_id: UUID
    coupon_id: UUID | None
    amount_minor: int
    currency: str


class PromotionTerms(NamedTuple):
    """What is agreed about a promotion."""

    pk: UUID
    name: str
    usage_limit: int | None
    per_customer_limit: int | None
    first_order_only: bool


class CouponTerms(NamedTuple):
    """What is agreed about a coupon."""

    pk: UUID
    code: str
    usage_limit: int | None
    per_customer_limit: int | None


_PROMOTIONS = Compiled(
    lambda ids: Promotion.objects.filter(pk__any_of=ids).values_list(
        "pk", "name", "usage_limit", "per_customer_limit", "first_order_only"
    ),
    ids=[UUID],
)
_COUPONS = Compiled(
    lambda ids: Coupon.objects.filter(pk__any_of=ids).values_list("pk", "code", "usage_limit", "per_customer_limit"),
    ids=[UUID],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of all that an order uses. They are read without a lock, as carts are priced."""

    promotions: Mapping[UUID, PromotionTerms]
    coupons: Mapping[UUID, CouponTerms]

    @classmethod
    def read(cls, *, promotions: Collection[UUID], coupons: Collection[UUID]) -> Terms:
        """Two queries, one without coupons."""
        return cls(
            promotions={row[0]: PromotionTerms(*row) for row in _PROMOTIONS.all(ids=promotions)},
            coupons={row[0]: CouponTerms(*row) for row in _COUPONS.all(ids=coupons)} if coupons else {},
        )

    @property
    def limited_promotions(self) -> list[UUID]:
        """Those of which there are only so many uses."""
        return [pk for pk, terms in self.promotions.items() if terms.usage_limit is not None]

    @property
    def limited_coupons(self) -> list[UUID]:
        """Those of which there are only so many uses."""
        return [pk for pk, terms in self.coupons.items() if terms.usage_limit is not None]

    def is_for_first_order(self, use: Use) -> bool:
        """Tell whether only somebody's first order may have it."""
        return self.promotions[use.promotion_id].first_order_only

    def limit(self, use: Use) -> int | None:
        """Return how often one customer may use the promotion."""
        return self.promotions[use.promotion_id].per_customer_limit

    def coupon_limit(self, use: Use) -> int | None:
        """Return how often one customer may use the coupon."""
        return self.coupons[use.coupon_id].per_customer_limit if use.coupon_id else None

    def used_up(self, use: Use) -> PromotionUsedUp:
        """Return the refusal of a use that is too many."""
        return PromotionUsedUp(**self._facts(use))

    def first_order_only(self, use: Use) -> FirstOrderOnly:
        """Return the refusal of a use in an order that is not the first."""
        return FirstOrderOnly(**self._facts(use))

    def _facts(self, use: Use) -> dict[str, Any]:
        return {
            "promotion": str(use.promotion_id),
            "name": self.promotions[use.promotion_id].name,
            "coupon": self.coupons[use.coupon_id].code if use.coupon_id else None,
        }
