"""Notifications and mails for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from accounts.tests.factories import make_user
from core.ids import new_id
from notifications.domain import Channel, Kind, Message, ReportKind
from notifications.models import Mail, Notification, Preference, Suppression

if TYPE_CHECKING:
    from accounts.models import User

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_notification(user: User | None = None, **fields: Any) -> Notification:
    """Return an unread notification."""
    known = {"kind": Kind.WELCOME.value, "title": "Welcome", "source": new_id().hex}
    notification: Notification = Notification.objects.create(user=user or make_user(), **known | fields)
    return notification


def make_mail(**fields: Any) -> Mail:
    """Return a queued mail that is due at noon."""
    known = {
        "kind": Kind.ORDER_PLACED.value,
        "to": "ada@example.com",
        "subject": "We have your order",
        "text": "Thank you.\n",
        "html": "<p>Thank you.</p>",
        "source": new_id().hex,
        "recipient_digest": new_id().hex,
        "due_at": NOON,
    }
    mail: Mail = Mail.objects.create(**known | fields)
    return mail


def make_preference(user: User, kind: Kind, channel: Channel, *, is_wanted: bool) -> Preference:
    """Return what someone chose."""
    preference: Preference = Preference.objects.create(
        user=user, kind=kind.value, channel=channel.value, is_wanted=is_wanted
    )
    return preference


def make_message(kind: Kind = Kind.WELCOME, **fields: Any) -> Message:
    """Return something to tell."""
    return Message(kind=kind, **{"title": "Welcome to the shop", "body": "Your account is ready."} | fields)


def make_suppression(**fields: Any) -> Suppression:
    """Return an address that gets no mail."""
    known = {"address_digest": new_id().hex, "address": "bob@example.com", "report": ReportKind.BOUNCED.value}
    suppression: Suppression = Suppression.objects.create(**known | fields)
    return suppression
