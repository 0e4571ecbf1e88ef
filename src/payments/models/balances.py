from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.fields import CurrencyField, EncryptedTextField, LateSealedTextField
from core.models import Entity
from payments.domain import BalanceKind


class Balance(Entity):
    """What the shop owes someone, to be spent in the shop. Its row is the lock; the ledger's account says the same."""

    kind = models.CharField(max_length=12, choices=[(k.value, k.value) for k in BalanceKind])
    # The account of the ledger; its balance there is the same amount, on the credit side.
    account = models.CharField(max_length=60)
    currency = CurrencyField()
    left_minor = models.BigIntegerField(default=0)
    # Store credit is its customer's; a gift card is whose code is known.
    customer = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    code_digest = models.CharField(max_length=64, blank=True)
    code_end = models.CharField(max_length=4, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    # For whom a gift card was made, and what it is called among staff.
    recipient = EncryptedTextField(blank=True)
    note = LateSealedTextField(blank=True)
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # For whose sake it was made, such as a line that was sold; once.
    source = models.CharField(max_length=80, blank=True)
    # When its price was given back, and what was on it taken off.
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(left_minor__gte=0), name="balance_never_overspent"),
            models.UniqueConstraint(fields=["account", "currency"], name="balance_one_per_account"),
            models.UniqueConstraint(fields=["code_digest"], condition=~Q(code_digest=""), name="balance_code_once"),
            models.UniqueConstraint(fields=["source"], condition=~Q(source=""), name="balance_source_once"),
        ]
        indexes = [
            models.Index(fields=["kind", "-created_at", "-id"], name="balance_newest"),
            models.Index(fields=["customer"], name="balance_of_customer"),
        ]
        permissions = [
            ("issue_balance", "Issues gift cards and grants store credit"),
        ]

    def __str__(self) -> str:
        words = self.kind.replace("_", " ")
        return f"{words} …{self.code_end}" if self.code_end else words
