from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.models import Entity, LockingQuerySet
from inventory.domain import OPEN_RESERVATIONS, ReservationState

_OPEN = sorted(state.value for state in OPEN_RESERVATIONS)


class Place(Entity):
    """Where stock stands."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="place_one_default")
        ]

    def __str__(self) -> str:
        return self.name


class Stock(Entity):
    """How many of one variant stand in one place, and how many of those are promised."""

    variant = models.ForeignKey("products.Variant", on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.UniqueConstraint(fields=["variant", "place"], name="stock_one_per_place"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="stock_on_hand_not_negative"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="stock_reserved_not_negative"),
            models.CheckConstraint(condition=Q(reserved__lte=F("on_hand")), name="stock_never_oversold"),
        ]

    def __str__(self) -> str:
        return f"{self.on_hand} on hand, {self.reserved} reserved"

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved


class Movement(models.Model):
    """One change of ``on_hand``. Append-only: a trigger refuses updates and deletes."""

    id = models.BigAutoField(primary_key=True)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="movements")
    difference = models.IntegerField()
    reason = models.CharField(max_length=20)
    reference = models.CharField(max_length=100, blank=True)
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(difference=0), name="movement_moves")]
        indexes = [models.Index(fields=["reference"], name="movement_reference")]

    def __str__(self) -> str:
        return f"{self.difference:+d} {self.reason}"


class Reservation(Entity):
    """Units of one stock row that are promised to something (an order), until they are shipped or released."""

    reference = models.UUIDField()
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="reservations")
    quantity = models.PositiveIntegerField()
    # What became of them; what is neither is still promised.
    shipped = models.PositiveIntegerField(default=0)
    released = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in ReservationState], default=ReservationState.HELD.value
    )
    # Only while held: a claimed one has been paid for and stays until it is shipped or cancelled.
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference", "stock"], name="reservation_once_per_stock"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_of_something"),
            models.CheckConstraint(
                condition=~Q(state=ReservationState.HELD.value) | Q(expires_at__isnull=False),
                name="reservation_held_expires",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=F("shipped") + F("released"), state__in=_OPEN)
                | (Q(quantity=F("shipped") + F("released")) & ~Q(state__in=_OPEN)),
                name="reservation_open_or_over",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="reservation_held", condition=Q(state=ReservationState.HELD.value))
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.state}"
