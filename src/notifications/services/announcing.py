"""One message to everyone who asked for it: set-based, and in parts, so that no transaction takes long."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan

from core import courier, crypto
from core.sweeping import go_by_index
from core.transactions import step
from notifications.domain import Channel, Kind, Message
from notifications.models import Preference
from notifications.services.rendering import UNSUBSCRIBE_MARK, render
from notifications.services.telling import SEND_TASK

# An announcement to thousands leaves room for the mails that someone is waiting for.
_PACE_SECONDS = 0.02
# Wishes, of which one may have two: to be told in the app, and by mail.
_PART = 5000
_FIRST = UUID(int=0)
# UUIDv7 (RFC 9562, section 5.7) in SQL: PostgreSQL has it from version 18, and we support 15.
_NEW_ID = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) from 3)
    from 1 for 6), 52, 1), 53, 1), 'hex')::uuid"""


@step
def tell_subscribers(
    *, message: Message, source: str, at: datetime, after: UUID | None = None, told: int = 0
) -> tuple[UUID, int] | None:
    """Tell those who asked for an opt-in kind, the next thousands in the order of their ids. Four statements.

    The mail's body is written once; the address and the unsubscribe link are filled in when each is sent.

    :param after: the last account of the part before; ``None`` to begin
    :param told: how many there were until then
    :returns: what to go on with, ``after`` and ``told``, if more may follow
    """
    part = _next_asking(message.kind, after or _FIRST)
    if not part:
        return None
    among = (part[0], part[-1])
    with connection.cursor() as cursor:
        _insert_notifications(cursor, message, source, at, among)
        _insert_mails(cursor, message, source, at, among, first_at=at + timedelta(seconds=told * _PACE_SECONDS))
    transaction.on_commit(partial(courier.wake, SEND_TASK))
    return (part[-1], told + len(set(part))) if len(part) == _PART else None


def _next_asking(kind: Kind, after: UUID) -> list[UUID]:
    go_by_index()
    # An order that the index of who asked has, and none of those that begin with the account.
    further = TupleGreaterThan((F("kind"), F("user_id")), (kind.value, after))
    asking = Preference.objects.filter(further, kind__lte=kind.value, is_wanted=True).order_by("kind", "user_id")
    return list(asking.values_list("user_id", flat=True)[:_PART])


def _insert_notifications(
    cursor: CursorWrapper, message: Message, source: str, at: datetime, among: tuple[UUID, UUID]
) -> None:
    asking, parameters = _subscribers(message.kind, Channel.IN_APP, among)
    cursor.execute(
        f"""INSERT INTO notifications_notification
                (id, created_at, updated_at, user_id, kind, title, body, data, source)
            SELECT {_NEW_ID}, %s, %s, asking.user_id, %s, %s, %s, %s::jsonb, %s FROM ({asking}) AS asking
            ON CONFLICT (source, user_id) DO NOTHING""",  # nosec B608  # noqa: S608 - names of ours, values as parameters
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


def _insert_mails(
    cursor: CursorWrapper, message: Message, source: str, at: datetime, among: tuple[UUID, UUID], *, first_at: datetime
) -> None:
    text, html = render(message, unsubscribe_url=f"https://{UNSUBSCRIBE_MARK}")
    asking, parameters = _subscribers(message.kind, Channel.EMAIL, among)
    cursor.execute(
        f"""INSERT INTO notifications_mail
                (id, created_at, updated_at, kind, user_id, "to", subject, text, html, unsubscribe_url, source,
                 recipient_digest, state, attempts, due_at, last_error)
            SELECT {_NEW_ID}, %s, %s, %s, asking.user_id, '', %s, %s, %s, '', %s,
                   encode(sha256(replace(asking.user_id::text, '-', '')::bytea), 'hex'), 'queued', 0,
                   %s::timestamptz + row_number() OVER () * make_interval(secs => %s), ''
              FROM ({asking}) AS asking
            ON CONFLICT (source, recipient_digest) DO NOTHING""",  # nosec B608  # noqa: S608 - names of ours, values as parameters
        [
            at,
            at,
            message.kind.value,
            message.heading,
            crypto.seal(text),
            crypto.seal(html),
            source,
            first_at,
            _PACE_SECONDS,
            *parameters,
        ],
    )


def _subscribers(kind: Kind, channel: Channel, among: tuple[UUID, UUID]) -> tuple[str, tuple[Any, ...]]:
    rows: QuerySet[Preference] = Preference.objects.filter(
        kind=kind.value, channel=channel.value, is_wanted=True, user__is_active=True
    )
    first, last = among
    return rows.filter(user__gte=first, user__lte=last).values("user_id").query.sql_with_params()
