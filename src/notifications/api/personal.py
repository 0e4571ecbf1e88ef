"""What notifications hold of a person: what they want to be told, and what they were told.

The text of a mail is not shown, as it is not shown to staff: it may hold a link that signs one in, or the code of a
gift card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers

from accounts import selectors as account_reads
from core.pagination import walk
from core.personal import PersonalPart
from notifications import selectors
from notifications.api.serializers import (
    NotificationOutput,
    PreferencesOutput,
    notification_document,
    preferences_document,
)
from notifications.domain import Kind, ReportKind

if TYPE_CHECKING:
    from accounts.models import User
    from notifications.models import Mail, Suppression


class HeldMailOutput(serializers.Serializer[Any]):
    """An e-mail: sent, still to be sent, or given up. Without `to`, to the account's own address."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    to = serializers.CharField(allow_blank=True)
    subject = serializers.CharField()
    state = serializers.CharField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)


class HeldSuppressionOutput(serializers.Serializer[Any]):
    """That the account's address gets no mail, or only what has to be sent, and why."""

    address = serializers.CharField()
    report = serializers.ChoiceField(choices=[kind.value for kind in ReportKind])
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    lifted_at = serializers.DateTimeField(allow_null=True)


class PersonalNotificationsOutput(serializers.Serializer[Any]):
    """What the person wants to be told, and was told."""

    preferences = PreferencesOutput()
    notifications = NotificationOutput(many=True)
    mails = HeldMailOutput(many=True)
    suppressions = HeldSuppressionOutput(many=True)


def _read(user_id: UUID) -> Mapping[str, Any]:
    user = account_reads.get_user(user_id=user_id)
    suppressions = selectors.list_suppressions(address=user.email).order_by("pk")
    return {
        "preferences": preferences_document(selectors.wishes_of(viewer=user), selectors.always_sent(viewer=user)),
        "notifications": _notifications(user),
        "mails": _mails(user_id),
        "suppressions": (_suppression(row) for row in suppressions),
    }


def _notifications(user: User) -> Iterator[dict[str, Any]]:
    for rows in walk(selectors.list_notifications(viewer=user), order=("created_at", "pk")):
        yield from map(notification_document, rows)


def _mails(user_id: UUID) -> Iterator[dict[str, Any]]:
    for rows in walk(selectors.list_mails_to(user_id=user_id), order=("pk",)):
        yield from map(_mail, rows)


def _mail(mail: Mail) -> dict[str, Any]:
    same = ("kind", "to", "subject", "state", "created_at", "sent_at")
    return {"id": mail.pk, **{name: getattr(mail, name) for name in same}}


def _suppression(row: Suppression) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("address", "report", "reason", "created_at", "lifted_at")}


PART = PersonalPart(name="notifications", output=PersonalNotificationsOutput, read=_read)
