from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.fields import EncryptedTextField, LateSealedTextField
from core.media import private_files
from core.models import Entity, LockingQuerySet
from orders.domain import OPEN_RETURNS, Resolution, ReturnReason, ReturnStatus, WithdrawalStatus
from orders.models.ordering import Order, OrderLine

_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_OPEN = sorted(status.value for status in OPEN_RETURNS)


class Return(Entity):
    """Goods that a customer wants to send back, until they are paid back or exchanged."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in ReturnStatus], default=ReturnStatus.REQUESTED.value
    )
    wanted = models.CharField(
        max_length=12, choices=[(r.value, r.value) for r in Resolution], default=Resolution.REFUND.value
    )
    note = LateSealedTextField(blank=True)
    requested_at = models.DateTimeField()
    # Who asked, if it was not the guest or the system.
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # What staff tell the customer: why it is refused, where to send it.
    answer = models.CharField(max_length=500, blank=True)
    # What came of it: what was done, what the goods were worth, what was kept of that, and of delivery what went back.
    settled_as = models.CharField(max_length=12, choices=[(r.value, r.value) for r in Resolution], blank=True)
    worth_minor = models.BigIntegerField(default=0)
    deduction_minor = models.BigIntegerField(default=0)
    delivery_minor = models.BigIntegerField(default=0)
    refund_id = models.UUIDField(null=True, blank=True, unique=True)
    exchange_order = models.OneToOneField(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="exchanged_for"
    )
    request_key = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "request_key"], condition=~Q(request_key=""), name="return_once_per_request"
            ),
            models.CheckConstraint(
                condition=Q(deduction_minor__gte=0, delivery_minor__gte=0)
                & Q(deduction_minor__lte=F("worth_minor") + F("delivery_minor")),
                name="return_keeps_no_more_than_its_worth",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-requested_at", "-id"], name="return_by_status"),
            models.Index(fields=["order"], name="return_open", condition=Q(status__in=_OPEN)),
        ]
        permissions = [("handle_return", "Approves, receives and settles returns")]

    def __str__(self) -> str:
        return f"return: {self.status}"


class ReturnLine(models.Model):
    """Units of a line that come back: asked for, received, taken back for good, and fit for the shelf."""

    id = models.BigAutoField(primary_key=True)
    # Named ``back`` since ``return`` is a word of the language.
    back = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    reason = models.CharField(max_length=20, choices=[(r.value, r.value) for r in ReturnReason])
    received = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    restocked = models.PositiveIntegerField(default=0)
    condition = models.CharField(max_length=300, blank=True)
    # What is sent instead, if it is exchanged.
    wanted_variant = models.ForeignKey(
        "products.Variant", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["back", "line"], name="return_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0)
                & Q(received__lte=F("quantity"))
                & Q(accepted__lte=F("received"))
                & Q(restocked__lte=F("accepted")),
                name="return_line_within_itself",
            ),
        ]


class ReturnPicture(Entity):
    """What is wrong with it, re-encoded by us; shown to its customer and to staff only."""

    back = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="pictures")
    file = models.FileField(upload_to="returns/", storage=private_files)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    @property
    def content_type(self) -> str:
        """What its file is, by the name that we gave it."""
        return _TYPES[str(self.file.name).rpartition(".")[2]]


class Withdrawal(Entity):
    """A consumer's declaration to withdraw from the contract, and its confirmation.

    Directive 2011/83/EU, Art. 11a: first declared, then confirmed, then acknowledged on a durable medium with its
    content and the time when it was sent.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="withdrawals")
    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in WithdrawalStatus], default=WithdrawalStatus.DECLARED.value
    )
    name = EncryptedTextField()
    email = EncryptedTextField()
    # Which lines, as ``[{"line", "quantity"}]``; none: the whole order.
    items = models.JSONField(default=list, blank=True)
    statement = LateSealedTextField(blank=True)
    declared_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # A digest of what was mailed to whoever declared it without being known, until when it is good.
    token_digest = models.CharField(max_length=64, blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    is_late = models.BooleanField(default=False)
    back = models.OneToOneField(Return, null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawal")
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    request_key = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "request_key"], condition=~Q(request_key=""), name="withdrawal_once_per_request"
            ),
            models.UniqueConstraint(
                fields=["token_digest"], condition=~Q(token_digest=""), name="withdrawal_token_once"
            ),
            models.CheckConstraint(
                condition=Q(status=WithdrawalStatus.CONFIRMED.value, confirmed_at__isnull=False)
                | Q(status=WithdrawalStatus.DECLARED.value, confirmed_at__isnull=True),
                name="withdrawal_confirmed_at_some_time",
            ),
        ]
        indexes = [models.Index(fields=["-declared_at", "-id"], name="withdrawal_newest")]

    def __str__(self) -> str:
        return f"withdrawal: {self.status}"
