from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.fields import CurrencyField
from core.models import Entity, LockingQuerySet, text_array
from promotions.domain import Benefit, Per


def _ids(**options: Any) -> ArrayField[Any, Any]:
    return ArrayField(models.UUIDField(), default=list, blank=True, **options)


def _within_limit(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(usage_limit__isnull=True) | Q(uses__lte=F("usage_limit")), name=name)


def _at_least_one(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=(Q(usage_limit__isnull=True) | Q(usage_limit__gte=1))
        & (Q(per_customer_limit__isnull=True) | Q(per_customer_limit__gte=1)),
        name=name,
    )


def _within_turns(turn: str, turns: str) -> Q:
    given = Q(**{f"{turns}__isnull": False, f"{turn}__gte": 1, f"{turn}__lte": F(turns)})
    return Q(**{f"{turn}__isnull": True}) | given


class Promotion(Entity):
    """Something that makes carts cheaper. ``promotions.domain.Rule`` is how it is tried on one.

    ``uses`` is kept only while there is a ``usage_limit``, so that orders do not wait for each other without need.
    """

    name = models.CharField(max_length=200)
    benefit = models.CharField(max_length=15, choices=[(b.value, b.value) for b in Benefit])
    per = models.CharField(max_length=5, choices=[(p.value, p.value) for p in Per], default=Per.ORDER.value)
    percent_bp = models.PositiveIntegerField(default=0)
    # Currency -> {"amount": minor, "minimum_spend": minor}. It holds in these currencies; without any, in all.
    amounts = models.JSONField(default=dict, blank=True)
    buy = models.PositiveIntegerField(default=0)
    get = models.PositiveIntegerField(default=0)
    # [[units, percent_bp]], ascending.
    tiers = models.JSONField(default=list, blank=True)
    minimum_quantity = models.PositiveIntegerField(default=0)
    products = _ids()
    variants = _ids()
    categories = _ids()
    tags = text_array()
    # Where and for whom; empty is everywhere and everybody.
    markets = _ids()
    groups = _ids()
    first_order_only = models.BooleanField(default=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    # IANA name: what staff enter without an offset is local time there.
    time_zone = models.CharField(max_length=64, default="UTC")
    priority = models.IntegerField(default=0)
    is_exclusive = models.BooleanField(default=False)
    needs_code = models.BooleanField(default=False)
    usage_limit = models.PositiveIntegerField(null=True, blank=True)
    per_customer_limit = models.PositiveIntegerField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0, editable=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="promotion_named"),
            models.CheckConstraint(condition=Q(percent_bp__lte=10_000), name="promotion_at_most_all"),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="promotion_ends_after_its_start",
            ),
            _within_limit("promotion_never_overused"),
            _at_least_one("promotion_limits_allow_one"),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="promotion_newest")]

    def __str__(self) -> str:
        return self.name


class Coupon(Entity):
    """A code that a promotion needs. ``code_key`` is the form in which codes are compared; limits never change."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="coupons")
    code = models.CharField(max_length=64)
    code_key = models.CharField(max_length=200, unique=True, editable=False)
    usage_limit = models.PositiveIntegerField(null=True, blank=True)
    per_customer_limit = models.PositiveIntegerField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0, editable=False)
    # Coupons that were made together, such as the codes of one leaflet.
    batch = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(code="") & ~Q(code_key=""), name="coupon_has_a_code"),
            _within_limit("coupon_never_overused"),
            _at_least_one("coupon_limits_allow_one"),
        ]
        indexes = [models.Index(fields=["promotion", "batch", "id"], name="coupon_of_batch")]

    def __str__(self) -> str:
        return self.code


class Buyer(models.Model):
    """Somebody who orders, known by a key that tells nothing: how many orders they placed and did not cancel."""

    key = models.CharField(primary_key=True, max_length=64)
    orders = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.orders} orders"


class PromotionUse(models.Model):
    """A promotion that an order had, until the order is cancelled.

    Where a limit per customer holds, ``turn`` is which of the ``turns`` that the customer had it is; two orders cannot
    have the same. ``coupon_turn`` and ``coupon_turns`` are those of the coupon's own limit.
    """

    id = models.BigAutoField(primary_key=True)
    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="+")
    coupon = models.ForeignKey(Coupon, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    order_id = models.UUIDField()
    buyer = models.CharField(max_length=64)
    turn = models.PositiveIntegerField(null=True, blank=True)
    turns = models.PositiveIntegerField(null=True, blank=True)
    coupon_turn = models.PositiveIntegerField(null=True, blank=True)
    coupon_turns = models.PositiveIntegerField(null=True, blank=True)
    amount_minor = models.BigIntegerField()
    currency = CurrencyField()
    used_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "order_id"], condition=Q(returned_at__isnull=True), name="promotion_use_once"
            ),
            models.UniqueConstraint(
                fields=["promotion", "buyer", "turn"],
                condition=Q(returned_at__isnull=True),
                name="promotion_use_one_turn",
            ),
            models.UniqueConstraint(
                fields=["coupon", "buyer", "coupon_turn"],
                condition=Q(returned_at__isnull=True),
                name="promotion_use_one_coupon_turn",
            ),
            models.CheckConstraint(
                condition=_within_turns("turn", "turns") & _within_turns("coupon_turn", "coupon_turns"),
                name="promotion_use_within_turns",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="promotion_use_takes_off"),
        ]
        indexes = [
            models.Index(fields=["order_id"], name="promotion_use_order"),
            models.Index(fields=["-used_at", "-id"], name="promotion_use_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"
