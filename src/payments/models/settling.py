from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from core.fields import CurrencyField
from core.models import Entity, LockingQuerySet
from payments.domain import FRESH, SettledKind, Verdict

_FRESH = sorted(verdict.value for verdict in FRESH)


class Settlement(Entity):
    """A provider's own account of what it took, kept and paid out in a time, as its file says. The same file is one."""

    provider = models.CharField(max_length=30)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "digest"], name="settlement_file_once")]
        indexes = [models.Index(fields=["-created_at", "-id"], name="settlement_newest")]

    def __str__(self) -> str:
        return self.name


class SettlementLine(models.Model):
    """One line of a provider's file, and how it compares with our books."""

    id = models.BigAutoField(primary_key=True)
    settlement = models.ForeignKey(Settlement, on_delete=models.CASCADE, related_name="lines")
    # That of the settlement: what a provider names is unique there.
    provider = models.CharField(max_length=30)
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=[(k.value, k.value) for k in SettledKind])
    reference = models.CharField(max_length=200, blank=True)
    currency = CurrencyField()
    gross_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=20, choices=[(v.value, v.value) for v in Verdict])
    # What our books say, where they know of it.
    booked_minor = models.BigIntegerField(null=True, blank=True)
    attempt = models.ForeignKey("Attempt", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    refund = models.ForeignKey("Refund", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["settlement", "position"], name="settlement_line_position"),
            models.UniqueConstraint(
                fields=["provider", "kind", "reference"],
                condition=Q(verdict__in=_FRESH) & ~Q(reference=""),
                name="settlement_line_once",
            ),
        ]
        indexes = [
            models.Index(fields=["reference"], name="settlement_line_reference"),
            models.Index(fields=["settlement", "verdict"], name="settlement_line_verdict"),
        ]
