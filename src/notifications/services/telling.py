"""Writing down what someone is told: rows only, so that it commits with the mark that the delivery is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.domain import email_key
from core import courier
from core.sql import insert_all
from core.transactions import step
from notifications import selectors
from notifications.domain import TRANSACTIONAL, Channel, Message, is_sent
from notifications.models import Mail, Notification
from notifications.services.rendering import render

if TYPE_CHECKING:
    from accounts.models import User

SEND_TASK = "notifications.tasks.send_waiting_mail"


@step
def tell(*, users: Sequence[User], message: Message, source: str, at: datetime) -> None:
    """Tell some people, in the app and by mail as they prefer. Three statements at most.

    :param source: what it follows from (the delivery's id): the same person is told of it once per channel
    """
    chosen = selectors.choices(user_ids=[user.pk for user in users], kind=message.kind) if users else {}

    def wanting(channel: Channel) -> list[User]:
        key = message.kind.value, channel.value
        return [user for user in users if is_sent(message.kind, channel, chosen.get((user.pk, *key)))]

    insert_all([_notification(user, message, source, at) for user in wanting(Channel.IN_APP)], skip_known=True)
    _queue([_mail_to(user, message, source, at) for user in wanting(Channel.EMAIL)])


@step
def tell_address(*, email: str, message: Message, source: str, at: datetime) -> None:
    """Tell a guest, who has only an address. One statement."""
    text, html = render(message, unsubscribe_url="")
    _queue(
        [
            Mail(
                kind=message.kind.value,
                to=email,
                subject=message.heading,
                text=text,
                html=html,
                source=source,
                recipient_digest=_digest(email_key(email)),
                due_at=at,
            )
        ]
    )


def _queue(mails: list[Mail]) -> None:
    if mails:
        insert_all(mails, skip_known=True)
        transaction.on_commit(partial(courier.wake, SEND_TASK))


def _notification(user: User, message: Message, source: str, at: datetime) -> Notification:
    return Notification(
        user=user,
        kind=message.kind.value,
        title=message.heading,
        body=message.body,
        data=dict(message.data),
        source=source,
        created_at=at,
    )


def _mail_to(user: User, message: Message, source: str, at: datetime) -> Mail:
    transactional = message.kind in TRANSACTIONAL
    unsubscribe_url = "" if transactional else selectors.unsubscribe_url(user_id=user.pk, kind=message.kind)
    text, html = render(message, unsubscribe_url=unsubscribe_url)
    return Mail(
        kind=message.kind.value,
        user=user,
        to=user.email,
        subject=message.heading,
        text=text,
        html=html,
        unsubscribe_url=unsubscribe_url,
        source=source,
        recipient_digest=_digest(user.pk.hex),
        due_at=at,
    )


def _digest(recipient: str) -> str:
    return sha256(recipient.encode()).hexdigest()
