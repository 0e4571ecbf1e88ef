from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from core.fields import EncryptedJSONField, EncryptedTextField, LateSealedTextField
from core.models import Entity, LockingQuerySet
from orders.domain import DraftStatus
from orders.models.ordering import Order


class DraftOrder(Entity):
    """An order that staff are still writing. Nothing is priced for good or reserved before it is placed."""

    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in DraftStatus], default=DraftStatus.OPEN.value
    )
    name = models.CharField(max_length=120, blank=True)
    market = models.ForeignKey("markets.Market", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    email = EncryptedTextField(blank=True)
    # ``[{"variant", "sku", "name", "quantity", "unit_price_minor" or null}]``, in order; a price here was agreed.
    items = models.JSONField(default=list)
    shipping_address = EncryptedJSONField(null=True, blank=True)
    billing_address = EncryptedJSONField(null=True, blank=True)
    shipping_method = models.CharField(max_length=40, blank=True)
    coupon = models.CharField(max_length=64, blank=True)
    vat_id = EncryptedTextField(blank=True)
    note = LateSealedTextField(blank=True)
    author = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    order = models.OneToOneField(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="draft")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status=DraftStatus.PLACED.value, order__isnull=False)
                | (~Q(status=DraftStatus.PLACED.value) & Q(order__isnull=True)),
                name="draft_placed_has_order",
            )
        ]
        indexes = [models.Index(fields=["status", "-created_at", "-id"], name="draft_by_status")]

    def __str__(self) -> str:
        return self.name or f"draft of {self.created_at:%Y-%m-%d}"


class OrderEdit(models.Model):
    """What staff changed of an unpaid order: who, when, why, and how it was before and after. Append-only."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="edits")
    at = models.DateTimeField()
    actor = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    total_before_minor = models.BigIntegerField()
    total_after_minor = models.BigIntegerField()
    # ``[{"sku", "name", "before", "after"}]`` of units, and the names of what else was changed; no personal data.
    changes = models.JSONField()
    # A digest of the client's request: its repetition is the same edit.
    request_key = models.CharField(max_length=64, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "request_key"], condition=~Q(request_key=""), name="order_edit_once_per_request"
            )
        ]
        indexes = [models.Index(fields=["order", "id"], name="order_edit_history")]


class PaymentLink(Entity):
    """An address at which whoever has it pays an order."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="payment_link")
    token = EncryptedTextField()
    token_digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
