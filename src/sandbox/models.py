"""The gateway's own tables. No shop reads them: it asks over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.models import Entity, LockingQuerySet
from sandbox.domain import Card, EntryKind, FaultName, Status


def _one_of(field: str, values: type[Status] | type[Card] | type[EntryKind] | type[FaultName]) -> Q:
    return Q(**{f"{field}__in": [value.value for value in values]})


class Method(Entity):
    """A card that a shopper let the gateway keep for a merchant."""

    card = models.CharField(max_length=10)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_one_of("card", Card), name="sandbox_method_card_known"),
        ]

    @property
    def public_id(self) -> str:
        return f"pm_{self.pk.hex}"


class Charge(Entity):
    """Money that a merchant asked a shopper for."""

    reference = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # Empty until the shopper chose one on the page.
    card = models.CharField(max_length=10, blank=True)
    captures = models.BooleanField(default=True)
    # The card is to be kept, and the one that was, or that pays.
    saves = models.BooleanField(default=False)
    method = models.ForeignKey(Method, null=True, blank=True, on_delete=models.PROTECT, related_name="charges")
    status = models.CharField(max_length=20)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0)
    return_url = models.TextField()
    failure = models.CharField(max_length=40, blank=True)
    # When a pending charge is decided.
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_charge_of_something"),
            models.CheckConstraint(condition=_one_of("status", Status), name="sandbox_charge_status_known"),
            models.CheckConstraint(
                condition=Q(captured_minor__lte=F("amount_minor")), name="sandbox_charge_captured_within_amount"
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0)
                & Q(disputed_minor__gte=0)
                & Q(captured_minor__gte=F("refunded_minor") + F("disputed_minor")),
                name="sandbox_charge_returned_within_captured",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.CAPTURED.value, captured_minor__gt=0)
                | (~Q(status=Status.CAPTURED.value) & Q(captured_minor=0)),
                name="sandbox_charge_captured_or_nothing",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.PENDING.value) | Q(due_at__isnull=False), name="sandbox_charge_pending_due"
            ),
        ]
        indexes = [
            models.Index(fields=["reference", "id"], name="sandbox_charge_reference"),
            models.Index(fields=["due_at", "id"], name="sandbox_charge_due", condition=Q(status=Status.PENDING.value)),
        ]

    @property
    def public_id(self) -> str:
        return f"ch_{self.pk.hex}"

    @property
    def returnable_minor(self) -> int:
        return self.captured_minor - self.refunded_minor - self.disputed_minor

    def is_due(self, at: datetime) -> bool:
        return self.status == Status.PENDING and self.due_at is not None and self.due_at <= at


class Refund(Entity):
    """Money given back, or an attempt at it."""

    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    reference = models.CharField(max_length=200, blank=True)
    is_done = models.BooleanField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_refund_of_something")]

    @property
    def public_id(self) -> str:
        return f"re_{self.pk.hex}"


class Entry(models.Model):
    """One line of the gateway's ledger. Append-only: a trigger refuses updates and deletes."""

    id = models.BigAutoField(primary_key=True)
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="entries")
    refund = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="entry")
    kind = models.CharField(max_length=10)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_entry_of_something"),
            models.CheckConstraint(condition=_one_of("kind", EntryKind), name="sandbox_entry_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.REFUNDED.value, refund__isnull=False)
                | (~Q(kind=EntryKind.REFUNDED.value) & Q(refund__isnull=True)),
                name="sandbox_entry_refund_named",
            ),
            models.UniqueConstraint(
                fields=["charge", "kind"],
                condition=~Q(kind=EntryKind.REFUNDED.value),
                name="sandbox_entry_once_per_kind",
            ),
        ]


class Key(models.Model):
    """An ``Idempotency-Key``, what was asked with it, and what was made. Kept for ever."""

    key = models.CharField(max_length=255, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    made_id = models.UUIDField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()


class Event(Entity):
    """A webhook as it is sent, each time with the same bytes."""

    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="events")
    type = models.CharField(max_length=40)
    body = models.TextField()
    # How often it is still to arrive; none where it is lost.
    copies = models.PositiveSmallIntegerField(default=1)
    is_reordered = models.BooleanField(default=False)
    tries = models.PositiveSmallIntegerField(default=0)
    # ``None`` when nothing is to be sent any more.
    due_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], name="sandbox_event_due", condition=Q(due_at__isnull=False)),
        ]


class Attempt(models.Model):
    """One try to deliver a webhook. ``status`` is that of the answer; without an answer there is an error."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="attempts")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Fault(models.Model):
    """Something that is set to go wrong. ``times`` counts down; ``None`` stays until it is switched off."""

    name = models.CharField(max_length=30, primary_key=True)
    times = models.PositiveIntegerField(null=True)
    seconds = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=_one_of("name", FaultName), name="sandbox_fault_known")]
