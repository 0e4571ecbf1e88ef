"""One message to everyone who asked for it: set-based, so that thousands cost what one costs."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from core import courier, crypto
from core.transactions import step
from notifications.domain import Channel, Kind, Message
from notifications.models import Preference
from notifications.services.rendering import UNSUBSCRIBE_MARK, render
from notifications.services.telling import SEND_TASK

# An announcement to thousands leaves room for the mails that someone is waiting for.
_PACE_SECONDS = 0.02
# UUIDv7 (RFC 9562, section 5.7) in SQL: PostgreSQL has it from version 18, and we support 15.
_NEW_ID = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) from 3)
    from 1 for 6), 52, 1), 53, 1), 'hex')::uuid"""


@step
def tell_subscribers(*, message: Message, source: str, at: datetime) -> None:
    """Tell everyone who asked for an opt-in kind. Two statements for any number of people.

    The mail's body is written once; the address and the unsubscribe link are filled in when each is sent.
    """
    with connection.cursor() as cursor:
        _insert_notifications(cursor, message, source, at)
        _insert_mails(cursor, message, source, at)
    transaction.on_commit(partial(courier.wake, SEND_TASK))


def _insert_notifications(cursor: CursorWrapper, message: Message, source: str, at: datetime) -> None:
    asking, parameters = _subscribers(message.kind, Channel.IN_APP)
    cursor.execute(
        f"""INSERT INTO notifications_notification
                (id, created_at, updated_at, user_id, kind, title, body, data, source)
            SELECT {_NEW_ID}, %s, %s, asking.user_id, %s, %s, %s, %s::jsonb, %s FROM ({asking}) AS asking
            ON CONFLICT (source, user_id) DO NOTHING""",  # noqa: S608 - names of ours, values as parameters
        [
            at,
            at,
            message.kind.value,
            message.heading,
            message.body,
            orjson.dumps(dict(message.data)).decode(),
            source,
            *parameters,
        ],
    )


def _insert_mails(cursor: CursorWrapper, message: Message, source: str, at: datetime) -> None:
    text, html = render(message, unsubscribe_url=f"https://{UNSUBSCRIBE_MARK}")
    asking, parameters = _subscribers(message.kind, Channel.EMAIL)
    cursor.execute(
        f"""INSERT INTO notifications_mail
                (id, created_at, updated_at, kind, user_id, "to", subject, text, html, unsubscribe_url, source,
                 recipient_digest, state, attempts, due_at, last_error)
            SELECT {_NEW_ID}, %s, %s, %s, asking.user_id, '', %s, %s, %s, '', %s,
                   encode(sha256(replace(asking.user_id::text, '-', '')::bytea), 'hex'), 'queued', 0,
                   %s + row_number() OVER () * make_interval(secs => %s), ''
              FROM ({asking}) AS asking
            ON CONFLICT (source, recipient_digest) DO NOTHING""",  # noqa: S608 - names of ours, values as parameters
        [
            at,
            at,
            message.kind.value,
            message.heading,
            crypto.seal(text),
            crypto.seal(html),
            source,
            at,
            _PACE_SECONDS,
            *parameters,
        ],
    )


def _subscribers(kind: Kind, channel: Channel) -> tuple[str, tuple[Any, ...]]:
    rows: QuerySet[Preference] = Preference.objects.filter(
        kind=kind.value, channel=channel.value, is_wanted=True, user__is_active=True
    )
    return rows.values("user_id").query.sql_with_params()
