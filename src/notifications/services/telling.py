"""Writing down what someone is told: rows only, so that it commits with the mark that the delivery is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.crypto import salted_hmac

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message, and whom it goes to: some people, or an address that a guest left.

    :param source: what it follows from (the delivery's id): the same person is told of it once per channel
    """

    message: Message
    source: str
    users: Sequence[User] = ()
    email: str = ""


@step
def tell(*, users: Sequence[User], message: Message, source: str, at: datetime) -> None:
    """Tell some people, in the app and by mail as they prefer. Three statements at most."""
    tell_all(letters=[Letter(message=message, source=source, users=users)], at=at)


@step
def tell_address(*, email: str, message: Message, source: str, at: datetime) -> None:
    """Tell a guest, who has only an address. One statement."""
    tell_all(letters=[Letter(message=message, source=source, email=email)], at=at)


@step
def tell_all(*, letters: Sequence[Letter], at: datetime) -> None:
    """Tell several things at once, as ``tell`` and ``tell_address`` do. Three statements at most."""
    asked = {user.pk for letter in letters if letter.message.kind not in TRANSACTIONAL for user in letter.users}
    chosen = selectors.choices(user_ids=asked) if asked else {}

    def wanting(letter: Letter, channel: Channel) -> list[User]:
        kind = letter.message.kind
        return [
            user for user in letter.users if is_sent(kind, channel, chosen.get((user.pk, kind.value, channel.value)))
        ]

    insert_all(
        [
            _notification(user, letter.message, letter.source, at)
            for letter in letters
            for user in wanting(letter, Channel.IN_APP)
        ],
        skip_known=True,
    )
    mails = [
        _mail_to(user, letter.message, letter.source, at)
        for letter in letters
        for user in wanting(letter, Channel.EMAIL)
    ]
    mails += [_mail_to_address(letter, at) for letter in letters if letter.email]
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


def _mail_to_address(letter: Letter, at: datetime) -> Mail:
    text, html = render(letter.message, unsubscribe_url="")
    return Mail(
        kind=letter.message.kind.value,
        to=letter.email,
        subject=letter.message.heading,
        text=text,
        html=html,
        source=letter.source,
        recipient_digest=_digest(email_key(letter.email)),
        due_at=at,
    )


def _digest(recipient: str) -> str:
    # Keyed: addresses are few enough to be tried.
    return salted_hmac("notifications.recipient", recipient, algorithm="sha256").hexdigest()
