from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from core.fields import EncryptedTextField
from core.models import Entity, LockingQuerySet
from notifications.domain import Channel, Kind, ReportKind

KINDS = [(k.value, k.value) for k in Kind]
MAIL_STATES = [(s, s) for s in ("queued", "sent", "failed")]


class Notification(Entity):
    """Something that someone is told in the app."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=30, choices=KINDS)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    # Ids to link to, such as {"order_id": …}.
    data = models.JSONField(default=dict, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # The delivery that made it: a repeated delivery makes no second one.
    source = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "user"], name="notification_once_per_source")]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_newest"),
            models.Index(fields=["user"], name="notification_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["read_at"], name="notification_old", condition=Q(read_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title


class Mail(Entity):
    """An e-mail that is to leave the house, and how far it came. Its id makes the Message-ID."""

    kind = models.CharField(max_length=30, choices=KINDS)
    user = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Empty where one announcement goes to many: the account's address at the time of sending.
    to = EncryptedTextField(blank=True)
    subject = models.CharField(max_length=300)
    # Sealed: they hold links with one-time tokens, names and addresses.
    text = EncryptedTextField()
    html = EncryptedTextField()
    # Empty where the link is made at the time of sending.
    unsubscribe_url = models.TextField(blank=True)
    source = models.CharField(max_length=64)
    # A digest of the recipient, so that one delivery mails one address once.
    recipient_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=MAIL_STATES, default="queued")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "recipient_digest"], name="mail_once_per_source"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="mail_sent_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="mail_queued", condition=Q(state="queued")),
            models.Index(fields=["due_at"], name="mail_finished", condition=~Q(state="queued")),
        ]

    def __str__(self) -> str:
        return self.subject


class Preference(Entity):
    """That someone wants, or does not want, a kind of message by a channel."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=30, choices=KINDS)
    channel = models.CharField(max_length=10, choices=[(c.value, c.value) for c in Channel])
    is_wanted = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "channel"], name="preference_once")]
        indexes = [models.Index(fields=["kind", "user"], name="preference_asking", condition=Q(is_wanted=True))]


class Suppression(Entity):
    """That an address gets no mail, or only what is transactional. In force until it is lifted."""

    # Keyed digest of the address: what mails are compared with.
    address_digest = models.CharField(max_length=64)
    address = EncryptedTextField()
    report = models.CharField(
        max_length=20, choices=[(kind.value, kind.value) for kind in ReportKind if kind is not ReportKind.OTHER]
    )
    reason = models.CharField(max_length=300, blank=True)
    mail = models.ForeignKey(Mail, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address_digest", "report"], condition=Q(lifted_at__isnull=True), name="suppression_once"
            )
        ]
        indexes = [models.Index(fields=["mail"], name="suppression_mail")]

    def __str__(self) -> str:
        return str(self.address)


class MailReport(models.Model):
    """That a report was taken in, for as long as it could be sent again."""

    key = models.CharField(primary_key=True, max_length=200)
    noted_at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["noted_at"], name="mail_report_noted")]
