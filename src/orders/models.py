from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.fields import CurrencyField, EncryptedJSONField
from core.models import Entity, LockingQuerySet
from orders.domain import OrderStatus

STATUSES = [(s.value, s.value) for s in OrderStatus]


class Order(Entity):
    """What someone agreed to buy. Addresses are snapshots, sealed at rest; a guest's token is kept as a digest."""

    number = models.CharField(max_length=20, unique=True)
    # The cart that it came from: the same cart twice is the same order.
    cart_id = models.UUIDField(null=True, blank=True, unique=True)
    customer = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    token_digest = models.CharField(max_length=64, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    market = models.ForeignKey("markets.Market", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=STATUSES, default=OrderStatus.PENDING.value)
    currency = CurrencyField()
    subtotal_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    shipping_address = EncryptedJSONField(null=True)
    billing_address = EncryptedJSONField(null=True, blank=True)
    shipping_method = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)
    placed_at = models.DateTimeField()
    # When an unpaid order lapses; empty once it is paid or cancelled.
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("subtotal_minor") - F("discount_minor") + F("shipping_minor") + F("tax_minor")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="order_total_not_negative"),
        ]
        indexes = [
            models.Index(fields=["customer", "-placed_at", "-id"], name="order_of_customer"),
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["status", "-placed_at", "-id"], name="order_by_status"),
            models.Index(fields=["email"], name="order_email"),
            models.Index(
                fields=["expires_at"], name="order_unpaid", condition=Q(status=OrderStatus.PENDING.value)
            ),
        ]
        permissions = [
            ("move_order", "Moves orders through their states"),
            ("receive_order_alerts", "Is told of new orders"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(Entity):
    """One line as bought. The product may change or go; the line stays."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    product = models.ForeignKey("products.Product", on_delete=models.PROTECT, related_name="+")
    variant = models.ForeignKey("products.Variant", on_delete=models.PROTECT, related_name="+")
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=300)
    options = models.JSONField(default=dict)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    subtotal_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_line_of_something"),
            models.CheckConstraint(
                condition=Q(subtotal_minor=F("unit_price_minor") * F("quantity")), name="order_line_adds_up"
            ),
        ]


class OrderMove(models.Model):
    """One step of an order's history: who, when, why. Append-only."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="moves")
    from_status = models.CharField(max_length=10, choices=STATUSES, blank=True)
    to_status = models.CharField(max_length=10, choices=STATUSES)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["order", "id"], name="order_move_history")]


class Shipment(Entity):
    """A parcel on its way."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="shipments")
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    shipped_at = models.DateTimeField()


class OrderNote(Entity):
    """What staff want each other to know; never shown to the customer."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
