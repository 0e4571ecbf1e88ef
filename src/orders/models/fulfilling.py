from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.models import Entity, LockingQuerySet
from orders.domain import tracking_link
from orders.models.ordering import Order, OrderLine


class Fulfilment(Entity):
    """A parcel on its way, or goods that were handed over."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfilments")
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    tracking_url = models.URLField(max_length=500, blank=True)
    shipped_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # A digest of the client's request: its repetition is the same parcel.
    request_key = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "request_key"], condition=~Q(request_key=""), name="fulfilment_once_per_request"
            ),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(delivered_at__gte=F("shipped_at")),
                name="fulfilment_delivered_after_shipped",
            ),
        ]

    def __str__(self) -> str:
        return f"parcel of {self.shipped_at:%Y-%m-%d}"

    @property
    def link(self) -> str:
        """Where it is followed: as it was given, or on the page of a well-known carrier."""
        return self.tracking_url or tracking_link(carrier=self.carrier, number=self.tracking_number)


class FulfilmentLine(models.Model):
    """How many units of a line are in a parcel."""

    id = models.BigAutoField(primary_key=True)
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="fulfilled")
    quantity = models.PositiveIntegerField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fulfilment", "line"], name="fulfilment_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="fulfilment_line_of_something"),
        ]
