from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.fields import EncryptedTextField
from core.models import Entity


class SavedMethod(Entity):
    """A way to pay that a customer keeps, by the provider's token only; nothing by which a card could be used."""

    customer = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=30)
    token = EncryptedTextField()
    token_digest = models.CharField(max_length=64)
    # The provider's name of the customer, where its tokens need one.
    payer = EncryptedTextField(blank=True)
    brand = models.CharField(max_length=30, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    expires_month = models.PositiveSmallIntegerField(null=True, blank=True)
    expires_year = models.PositiveSmallIntegerField(null=True, blank=True)
    is_default = models.BooleanField(default=False)
    # Nobody sees or uses it any more; the row goes once the provider has forgotten it, too.
    removed_at = models.DateTimeField(null=True, blank=True)
    # When the provider is told of the removal next.
    ask_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "provider", "token_digest"], name="saved_method_once"),
            models.UniqueConstraint(fields=["customer"], condition=Q(is_default=True), name="saved_method_one_default"),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True, ask_at__isnull=True)
                | Q(removed_at__isnull=False, ask_at__isnull=False, is_default=False),
                name="saved_method_removed_or_kept",
            ),
        ]
        indexes = [
            models.Index(fields=["ask_at", "id"], name="saved_method_asked", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.brand or self.provider} …{self.last4}"
