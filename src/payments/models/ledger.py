from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from core.fields import CurrencyField
from core.ids import new_id
from core.models import LockingQuerySet


class LedgerEntry(models.Model):
    """One fact about money, whole: its postings add up to nothing. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=30)
    # What it is about, such as an order's id; with the kind it happens once.
    reference = models.CharField(max_length=100)
    at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["kind", "reference"], name="ledger_entry_once")]
        indexes = [models.Index(fields=["kind", "at"], name="ledger_entry_by_time")]

    def __str__(self) -> str:
        return self.kind.replace("_", " ")


class Posting(models.Model):
    """One side of an entry: positive is debit, negative is credit. Append-only."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=60)
    currency = CurrencyField()
    amount_minor = models.BigIntegerField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(amount_minor=0), name="posting_of_something")]
        indexes = [models.Index(fields=["account", "currency"], name="posting_account")]
