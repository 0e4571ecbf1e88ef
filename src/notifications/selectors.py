"""Reads of notifications, preferences and mails."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts.domain import email_key
from notifications.domain import TRANSACTIONAL, Channel, Kind, Subscription, channels, is_sent, kinds_for
from notifications.errors import BadUnsubscribeLink, NotificationNotFound
from notifications.models import Mail, Notification, Preference, Suppression

if TYPE_CHECKING:
    from accounts.models import User

_SALT = "notifications.unsubscribe"
_MAX_TOKEN = 200


def list_notifications(*, viewer: User, unread: bool | None = None) -> QuerySet[Notification]:
    """Return the viewer's notifications; ``unread`` keeps only the unread, or only the read, ones."""
    rows: QuerySet[Notification] = Notification.objects.filter(user=viewer)
    return rows if unread is None else rows.filter(read_at__isnull=unread)


def get_notification(*, viewer: User, notification_id: UUID) -> Notification:
    """Return one notification of the viewer. One query.

    :raises NotificationNotFound: there is none, or it is someone else's
    """
    found: Notification | None = Notification.objects.filter(user=viewer, pk=notification_id).first()
    if found is None:
        raise NotificationNotFound
    return found


def count_unread(*, viewer: User) -> int:
    """Return how many notifications the viewer has not read. One query, answered by an index."""
    return int(Notification.objects.filter(user=viewer, read_at__isnull=True).count())


def wishes_of(*, viewer: User) -> dict[Kind, dict[Channel, bool]]:
    """Return kind -> channel -> whether it is sent, for all that the viewer may be told of. One query."""
    chosen = choices(user_ids=[viewer.pk])
    return {
        kind: {
            channel: is_sent(kind, channel, chosen.get((viewer.pk, kind.value, channel.value)))
            for channel in channels(kind)
        }
        for kind in kinds_for(is_staff=viewer.is_staff)
    }


def always_sent(*, viewer: User) -> list[Kind]:
    """Return the kinds that the viewer cannot turn off. No query."""
    return [kind for kind in kinds_for(is_staff=viewer.is_staff) if kind in TRANSACTIONAL]


def choices(*, user_ids: Collection[UUID], kind: Kind | None = None) -> dict[tuple[UUID, str, str], bool]:
    """Return (user id, kind, channel) -> what that person chose, where they did. One query."""
    rows = Preference.objects.filter(user__in=user_ids)
    if kind is not None:
        rows = rows.filter(kind=kind.value)
    return {(row[0], row[1], row[2]): row[3] for row in rows.values_list("user_id", "kind", "channel", "is_wanted")}


def list_mails_to(*, user_id: UUID) -> QuerySet[Mail]:
    """Return what was mailed to a person, without its text."""
    rows: QuerySet[Mail] = Mail.objects.filter(user=user_id).defer("text", "html")
    return rows


def list_mails(*, state: str | None = None) -> QuerySet[Mail]:
    """Return the mails, for staff."""
    rows: QuerySet[Mail] = Mail.objects.all()
    return rows if state is None else rows.filter(state=state)


def address_digest(address: str, *, secret: str | None = None) -> str:
    """Return the keyed digest by which a suppressed address is known, whatever its case. No query."""
    return salted_hmac("notifications.suppression", email_key(address), secret=secret, algorithm="sha256").hexdigest()


def _digests(address: str) -> list[str]:
    """Return by what an address may be known: also under the keys of before."""
    return [address_digest(address, secret=secret) for secret in (None, *settings.EARLIER_SECRET_KEYS)]


def suppressed(*, addresses: Collection[str]) -> dict[str, set[str]]:
    """Return address -> what was reported of it that is in force, for those of which there is any. One query."""
    digests = {digest: address for address in addresses if address for digest in _digests(address)}
    found: dict[str, set[str]] = {}
    rows = Suppression.objects.filter(address_digest__in=digests, lifted_at=None)
    for digest, report in rows.values_list("address_digest", "report"):
        found.setdefault(digests[digest], set()).add(report)
    return found


def list_suppressions(*, address: str = "") -> QuerySet[Suppression]:
    """Return the suppressions, for staff: of one address, or all."""
    rows: QuerySet[Suppression] = Suppression.objects.all()
    return rows.filter(address_digest__in=_digests(address)) if address else rows


def unsubscribe_url(*, user_id: UUID, kind: Kind) -> str:
    """Return the address that ends the mails of that kind to that person, without a sign-in (RFC 8058). No query.

    It is a page of the shop itself: a mail program posts to it, which a storefront need not understand.
    """
    token = signing.dumps([user_id.hex, kind.value], salt=_SALT)
    return f"{settings.PUBLIC_URL.rstrip('/')}/unsubscribe/{token}"


def read_unsubscribe_token(*, token: str) -> Subscription:
    """Return what the link ends. It stays good for ever: a mail may be read years later. No query.

    :raises BadUnsubscribeLink: it was not made here, or was altered
    """
    try:
        if len(token) > _MAX_TOKEN:
            raise BadUnsubscribeLink
        user_id, kind = signing.loads(token, salt=_SALT, fallback_keys=settings.EARLIER_SECRET_KEYS)
        return Subscription(user_id=UUID(str(user_id)), kind=Kind(kind))
    except (signing.BadSignature, ValueError, TypeError, UnicodeError) as error:
        raise BadUnsubscribeLink from error
