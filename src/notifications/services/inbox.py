"""What people do with what they were told, and what the clock removes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core.sweeping import sweep
from core.transactions import command
from notifications.domain import KEEP_FAILED_MAIL, KEEP_READ, KEEP_REPORTS, KEEP_SENT_MAIL
from notifications.errors import NotificationNotFound
from notifications.models import Mail, MailReport, Notification

if TYPE_CHECKING:
    from accounts.models import User


@command
def mark_read(*, user: User, ids: Collection[UUID] | None, at: datetime) -> int:
    """Mark some of the user's notifications, or with ``None`` all, as read; return how many were not. One statement.

    Ids of others, of nothing, and of what is read already change nothing.
    """
    rows = Notification.objects.filter(user=user, read_at__isnull=True)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    return int(rows.update(read_at=at, updated_at=at))


@command
def read_notification(*, user: User, notification_id: UUID, at: datetime) -> Notification:
    """Mark one notification as read and return it; the first reading counts. Two statements.

    :raises NotificationNotFound: there is none, or it is someone else's
    """
    found: Notification | None = Notification.objects.filter(user=user, pk=notification_id).locked().first()
    if found is None:
        raise NotificationNotFound
    if found.read_at is None:
        found.read_at = at
        found.save(update_fields=["read_at", "updated_at"])
    return found


@command
def delete_notification(*, user: User, notification_id: UUID) -> None:
    """Remove one notification. One statement.

    :raises NotificationNotFound: there is none, or it is someone else's
    """
    count, _ = Notification.objects.filter(user=user, pk=notification_id).delete()
    if not count:
        raise NotificationNotFound


@command
def delete_notifications(*, user: User, ids: Collection[UUID] | None) -> int:
    """Remove some of the user's notifications, or with ``None`` all; return how many there were. One statement.

    Ids of others and of nothing change nothing.
    """
    rows = Notification.objects.filter(user=user)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    count, _ = rows.delete()
    return int(count)


def forget_old(*, now: datetime) -> tuple[int, int]:
    """Remove notifications read 90 days ago, mails sent 30 and given up 90 days ago; return how many of each.

    And the keys of reports that nobody believes any more.
    """
    notifications = sweep(Notification.objects.filter(read_at__lt=now - KEEP_READ), by="read_at")
    finished = Mail.objects.exclude(state__literally="queued")
    mails = sweep(finished.filter(state="sent", due_at__lt=now - KEEP_SENT_MAIL), by="due_at")
    mails += sweep(finished.filter(state="failed", due_at__lt=now - KEEP_FAILED_MAIL), by="due_at")
    sweep(MailReport.objects.filter(noted_at__lt=now - KEEP_REPORTS), by="noted_at")
    return notifications, mails
