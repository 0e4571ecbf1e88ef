from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.fields import CurrencyField, EncryptedTextField
from core.ids import new_id
from core.models import Entity, LockingQuerySet
from payments.domain import (
    EXCHANGES_DUE,
    LIVE,
    MANUAL,
    AttemptStatus,
    BalanceKind,
    PaymentStatus,
    RefundStatus,
    RefundTo,
)

_LIVE = sorted(status.value for status in LIVE)
_OWN_BOOKS = [kind.value for kind in BalanceKind]


def _choices(of: type[AttemptStatus] | type[PaymentStatus] | type[RefundStatus] | type[RefundTo]) -> list[Any]:
    return [(member.value, member.value) for member in of]


class Payment(Entity):
    """How an order is paid. Its row is the lock under which everything about its money is decided."""

    # No foreign key: payments do not know orders.
    order_id = models.UUIDField(unique=True)
    currency = CurrencyField()
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=20, choices=_choices(PaymentStatus), default=PaymentStatus.PENDING.value)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    # When its order was cancelled: what was captured goes back, and what still comes, too.
    closed_at = models.DateTimeField(null=True, blank=True)

    # Made by this transaction, so that it has no attempts yet.
    is_fresh = False

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0)
                & Q(refunded_minor__lte=F("captured_minor"))
                & Q(captured_minor__lte=F("amount_minor")),
                name="payment_within_its_amount",
            )
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="payment_newest")]
        permissions = [("receive_payment_alerts", "Is told of payments that need a look")]

    def __str__(self) -> str:
        return f"payment of {self.created_at:%Y-%m-%d}"

    @property
    def to_pay_minor(self) -> int:
        """What is still to pay."""
        return self.amount_minor - self.captured_minor


class Attempt(Entity):
    """One try to charge. Its key was written before the provider was called; only totals that grow follow."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="attempts")
    provider = models.CharField(max_length=30)
    idempotency_key = models.CharField(max_length=64, unique=True)
    provider_reference = models.CharField(max_length=200, blank=True)
    # A digest of the client's request: its repetition continues this attempt.
    request_key = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=20, choices=_choices(AttemptStatus), default=AttemptStatus.CREATED.value)
    amount_minor = models.BigIntegerField()
    method = models.CharField(max_length=40, blank=True)
    # What it is paid from, where that is our own books: a gift card, a customer's store credit.
    balance = models.ForeignKey("Balance", null=True, blank=True, on_delete=models.PROTECT, related_name="attempts")
    # How it is charged again, where the shopper chose so: a provider's token that was kept.
    saved_method = models.ForeignKey("SavedMethod", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # The way to pay is to be kept, and was not yet; for whom.
    is_saving = models.BooleanField(default=False)
    saver = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    return_url = models.TextField(blank=True)
    next_action = models.JSONField(null=True, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    authorised_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    # What was given back of it, and what is promised: refunds that succeeded, and those that are under way too.
    refunded_minor = models.BigIntegerField(default=0)
    promised_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    # Captured although the amount was captured already: it goes back by itself.
    is_surplus = models.BooleanField(default=False)
    unknown_since = models.DateTimeField(null=True, blank=True)
    # Nobody wants it any more: it is called off at the provider.
    unwanted_at = models.DateTimeField(null=True, blank=True)
    # When the provider is asked about it next; empty once it is settled.
    ask_at = models.DateTimeField(null=True, blank=True)
    # Keyed digests of the account and the address that tried, against the testing of stolen cards.
    triers = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment"], condition=Q(status__in=_LIVE), name="attempt_one_live"),
            models.UniqueConstraint(
                fields=["provider", "provider_reference"],
                condition=~Q(provider_reference=""),
                name="attempt_reference_once",
            ),
            models.UniqueConstraint(
                fields=["payment", "request_key"], condition=~Q(request_key=""), name="attempt_once_per_request"
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0)
                & Q(refunded_minor__lte=F("promised_minor"))
                & Q(promised_minor__lte=F("captured_minor"))
                & Q(captured_minor__lte=F("amount_minor")),
                name="attempt_gives_back_what_it_took",
            ),
            models.CheckConstraint(
                condition=Q(provider__in=_OWN_BOOKS, balance__isnull=False)
                | (~Q(provider__in=_OWN_BOOKS) & Q(balance__isnull=True)),
                name="attempt_of_own_books_has_balance",
            ),
        ]
        indexes = [
            models.Index(fields=["payment", "id"], name="attempt_of_payment"),
            models.Index(fields=["created_at"], name="attempt_by_time"),
            models.Index(fields=["ask_at", "id"], name="attempt_asked", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.status}"

    @property
    def state(self) -> AttemptStatus:
        return AttemptStatus(self.status)

    def is_worth_asking(self, *, at: datetime) -> bool:
        """Tell whether the provider may know more of it than we do, and was not asked just now."""
        return self.state in LIVE and self.provider != MANUAL and at - self.updated_at > timedelta(seconds=1)

    @property
    def left_minor(self) -> int:
        """What may still be given back."""
        return max(0, self.captured_minor - self.promised_minor - self.disputed_minor)


class Refund(Entity):
    """Money on its way back. Promised before the provider is called, so that two of them never exceed the capture."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=_choices(RefundStatus), default=RefundStatus.CREATED.value)
    to = models.CharField(max_length=12, choices=_choices(RefundTo), default=RefundTo.PAYMENT.value)
    idempotency_key = models.CharField(max_length=64, unique=True)
    provider_reference = models.CharField(max_length=200, blank=True)
    request_key = models.CharField(max_length=64, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    # The account of the ledger that bears it.
    account = models.CharField(max_length=60)
    # The account that it is paid into, where it is not paid out: a customer's store credit.
    credited = models.CharField(max_length=60, blank=True)
    items = models.JSONField(default=list, blank=True)
    # What was given back at once from several attempts: the id of the first of these refunds, in all of them.
    group = models.UUIDField(null=True, blank=True)
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # When the provider is told again; empty once it is settled.
    ask_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_of_something"),
            models.UniqueConstraint(
                fields=["payment", "request_key"], condition=~Q(request_key=""), name="refund_once_per_request"
            ),
        ]
        indexes = [
            models.Index(fields=["payment", "id"], name="refund_of_payment"),
            models.Index(fields=["attempt"], name="refund_of_attempt"),
            models.Index(fields=["actor"], name="refund_actor"),
            models.Index(fields=["ask_at", "id"], name="refund_asked", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"refund: {self.status}"

    @property
    def is_by_hand(self) -> bool:
        """Staff give it back as they got it, and confirm it: no clock and no caller sees to it."""
        return self.ask_at is None and RefundStatus(self.status) is RefundStatus.CREATED

    @property
    def is_passed_on(self) -> bool:
        """What an exchange was promised goes back after all: its payment counts it among its refunds already."""
        return self.account == EXCHANGES_DUE


class ProviderEvent(models.Model):
    """A webhook as it came, sealed, and what it says of which charge. Stored once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=30)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=60)
    body = EncryptedTextField()
    # The charge in our words; empty for what is none of our business.
    charge = models.JSONField(null=True, blank=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.kind}"


class Decline(models.Model):
    """A card that was declined: for which order, account or address, as a keyed digest."""

    id = models.BigAutoField(primary_key=True)
    subject = models.CharField(max_length=64)
    at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["subject", "at"], name="decline_subject"),
            models.Index(fields=["at"], name="decline_at"),
        ]
