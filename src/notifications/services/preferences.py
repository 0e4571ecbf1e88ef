"""What people want to be told, and forgetting them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from accounts import selectors as account_reads
from core.errors import NotFound
from core.transactions import command, step
from notifications import selectors
from notifications.domain import TRANSACTIONAL, Channel, Kind, Wishes, channels, kinds_for
from notifications.errors import AlwaysSent, NoSuchPreference
from notifications.models import Mail, Notification, Preference

if TYPE_CHECKING:
    from accounts.models import User


@command
def set_preferences(*, user: User, wishes: Wishes) -> None:
    """Store what the user says of some kinds and channels; the others stay as they are. One statement.

    :raises AlwaysSent: a transactional kind is turned off
    :raises NoSuchPreference: a kind that is not for this user, or a channel that the kind does not use
    """
    _check(user, wishes)
    _store(user.pk, wishes)


@command
def replace_preferences(*, user: User, wishes: Wishes) -> None:
    """Store what the user says, and go back to the default for whatever is not named. Two statements.

    :raises AlwaysSent: a transactional kind is turned off
    :raises NoSuchPreference: a kind that is not for this user, or a channel that the kind does not use
    """
    _check(user, wishes)
    Preference.objects.filter(user=user).delete()
    _store(user.pk, wishes)


@command
def unsubscribe(*, token: str) -> Kind:
    """End the mails that an unsubscribe link is about, and return their kind. Repeating it changes nothing.

    :raises BadUnsubscribeLink: the link was not made here, or was altered
    """
    subscription = selectors.read_unsubscribe_token(token=token)
    with suppress(NotFound):
        user = account_reads.get_user(user_id=subscription.user_id)
        _store(user.pk, {subscription.kind: {Channel.EMAIL: False}})
    return subscription.kind


@step
def forget_user(*, user_id: UUID) -> None:
    """Remove all that the person was told, in the app and by mail, and their preferences. Five statements."""
    Notification.objects.filter(user=user_id).delete()
    Mail.objects.filter(user=user_id).delete()
    Preference.objects.filter(user=user_id).delete()


def _check(user: User, wishes: Wishes) -> None:
    known = kinds_for(is_staff=user.is_staff)
    named = [(kind, channel, is_wanted) for kind, by in wishes.items() for channel, is_wanted in by.items()]
    strange = [f"{kind.value}.{channel.value}" for kind, channel, _ in named if not _is_offered(kind, channel, known)]
    if strange:
        raise NoSuchPreference(preferences=sorted(strange))
    refused = {kind.value for kind, _, is_wanted in named if kind in TRANSACTIONAL and not is_wanted}
    if refused:
        raise AlwaysSent(kinds=sorted(refused))


def _is_offered(kind: Kind, channel: Channel, known: list[Kind]) -> bool:
    return kind in known and channel in channels(kind)


def _store(user_id: UUID, wishes: Wishes) -> None:
    """Upsert in one order of rows, so that two who write the same cannot deadlock."""
    rows = [
        Preference(user_id=user_id, kind=kind.value, channel=channel.value, is_wanted=is_wanted)
        for kind, by in wishes.items()
        for channel, is_wanted in by.items()
        if kind not in TRANSACTIONAL
    ]
    Preference.objects.bulk_create(
        sorted(rows, key=lambda row: (row.kind, row.channel)),
        update_conflicts=True,
        unique_fields=["user", "kind", "channel"],
        update_fields=["is_wanted", "updated_at"],
    )
