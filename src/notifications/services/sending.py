"""Mail leaves the house: claim, commit, send, record. No transaction is open while a server is talked to.

A crash between sending and recording sends again after the lease, under the same Message-ID (RFC 5322, section 3.6.4),
by which mail servers and the development folder know it for the same mail. It may have been the mail that took its
worker down: what was tried before goes alone, and its tenth try is the last, whether or not anybody could record it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import cache, partial
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from core import courier, outbox, tally, tracing
from core.compiled import Compiled
from core.errors import NotFound
from core.models import LockingQuerySet
from core.outbox import back_off
from core.sql import uuid_array
from core.statements import execute
from core.sweeping import go_by_index
from core.transactions import command, step
from notifications import selectors
from notifications.domain import TRANSACTIONAL, Kind, is_stopped
from notifications.models import Mail
from notifications.services.rendering import UNSUBSCRIBE_MARK
from notifications.services.telling import SEND_TASK

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 10
# Of tries that reached a server: the pauses begin with 16 seconds and end with an hour.
_FIRST_PAUSE = 3
# A server that nobody reaches is tried whenever the clock asks; what has waited longer than this is of no use any more.
_LONGEST_WAIT = timedelta(days=2)
_TIMEOUT_SECONDS = 20
_BATCH = 100
# Claimed at once: each takes some milliseconds, and none is kept from others for long.
_TOGETHER = 10

_SENT = """
UPDATE notifications_mail SET state = 'sent', sent_at = %s, last_error = '', updated_at = %s
 WHERE id = %s AND state <> 'sent'
"""

_CLAIM = (
    "UPDATE notifications_mail SET attempts = attempts + 1, due_at = %s, updated_at = %s"
    " WHERE id = ANY((SELECT %s::uuid[])::uuid[])"
)

# What a provider's HTTP says of one mail; of a key, a limit or a fault it says other things (RFC 9110, section 15).
_REFUSES_ONE = frozenset({400, 406, 413, 422})

Clock = Callable[[], datetime]


class NobodyToSendTo(ValueError):
    """The account has no address any more."""


class Suppressed(ValueError):
    """The address bounced, or complained and this is not transactional."""


class ServerAway(Exception):
    """The mail server does not answer: there is no use in trying the next mail on it now.

    ``reason`` is empty where it was reached, and the failure counts against the mail that it was tried with.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


def _waiting(now: datetime) -> LockingQuerySet[Mail]:
    rows: LockingQuerySet[Mail] = Mail.objects.filter(state__literally="queued", due_at__lte=now)
    return rows.locked(skip_locked=True).order_by("due_at", "pk")


@cache
def _due(most: int) -> Compiled[Mail]:
    return Compiled(lambda now: _waiting(now)[:most], now=datetime)


_NAMED: Compiled[Mail] = Compiled(lambda mail, now: _waiting(now).filter(pk=mail), mail=UUID, now=datetime)


@command
def claim_mails(*, now: datetime, most: int = _TOGETHER, mail_id: UUID | None = None) -> list[Mail]:
    """Take mails that are due, the longest waiting or the one named, for the length of a lease. Four statements.

    :returns: nothing where none is due, or other workers have them; one alone that was tried before
    """
    go_by_index()
    while (mails := _next(now, most, mail_id)) and mails[0].attempts >= MAX_ATTEMPTS:
        _give_up(mails[0], now=now)
    lease = now + settings.MAIL_LEASE
    if mails:
        execute(_CLAIM, [lease, now, uuid_array(mail.pk for mail in mails)])
    for mail in mails:
        mail.attempts, mail.due_at = mail.attempts + 1, lease
    # Not joined to them: that may be planned to begin with all accounts, or with all mails.
    prefetch_related_objects(mails, "user")
    return mails


def _next(now: datetime, most: int, mail_id: UUID | None) -> list[Mail]:
    """Lock what goes together: the longest waiting alone if it was tried before, else those that were not."""
    if mail_id is not None:
        return _NAMED.all(mail=mail_id, now=now)
    mails = _due(most).all(now=now)
    return mails[:1] if mails and mails[0].attempts else [mail for mail in mails if not mail.attempts]


@step
def _give_up(mail: Mail, *, now: datetime) -> None:
    error = mail.last_error or "its worker was lost with it, again and again"
    Mail.objects.filter(pk=mail.pk).update(state="failed", last_error=error, updated_at=now)
    tally.count_once_committed("mails", "failed")
    log.error("mail given up", mail_id=str(mail.pk), attempts=mail.attempts)


@command
def _give_back(*, mails: Sequence[Mail], now: datetime, reason: str = "") -> None:
    """Let others have claimed mails that were not tried; a claim that ran out meanwhile is not ours to give.

    :param reason: why none of them could be tried; with it, what has waited too long is given up
    """
    for mail in mails:
        claim = Mail.objects.filter(pk=mail.pk, state="queued", attempts=mail.attempts)
        claim.update(
            state="failed" if reason and now > mail.created_at + _LONGEST_WAIT else "queued",
            attempts=mail.attempts - 1,
            due_at=now,
            last_error=reason or mail.last_error,
            updated_at=now,
        )


def send_mail(*, mail_id: UUID, clock: Clock = timezone.now) -> bool:
    """Send one mail if it is due, and record how it went; return whether it left the house."""
    return bool(_send_all(claim_mails(mail_id=mail_id, now=clock()), clock).sent)


def send_waiting_mail(*, clock: Clock = timezone.now, most: int = _BATCH) -> int:
    """Send what is due, the longest waiting first; return how many left the house.

    Where more than ``most`` wait, another worker is asked to go on.
    """
    sent = tried = 0
    while tried < most:
        mails = claim_mails(now=clock(), most=min(_TOGETHER, most - tried))
        if not mails:
            return sent
        batch = _send_all(mails, clock)
        sent, tried = sent + batch.sent, tried + len(mails)
        if batch.is_away:
            return sent
    courier.wake(SEND_TASK)
    return sent


@dataclass(frozen=True, slots=True)
class _Batch:
    """How many mails left the house, and whether the server stopped answering."""

    sent: int
    is_away: bool = False


def _send_all(mails: Sequence[Mail], clock: Clock) -> _Batch:
    """Send claimed mails over one connection. What it does not get to in half the lease is given back."""
    sent, started, server = 0, clock(), get_connection(timeout=_TIMEOUT_SECONDS)
    stopped = selectors.suppressed(addresses={_recipient(mail) for mail in mails}) if mails else {}
    try:
        for number, mail in enumerate(mails):
            if clock() > started + settings.MAIL_LEASE / 2:
                _give_back(mails=mails[number:], now=clock())
                break
            try:
                sent += _send(mail, server, clock, stopped)
            except ServerAway as away:
                untried = mails[number:] if away.reason else mails[number + 1 :]
                _give_back(mails=untried, now=clock(), reason=away.reason)
                return _Batch(sent, is_away=True)
    finally:
        _close(server)
    return _Batch(sent)


@command
def retry_mails(*, mail_ids: Collection[UUID], now: datetime) -> int:
    """Queue failed mails again, with all their tries, and return how many there were.

    :raises NotFound: none of them has failed
    """
    failed = [mail.pk for mail in Mail.objects.filter(pk__in=mail_ids, state="failed").locked()]
    if not failed:
        raise NotFound("None of these mails has failed.")
    Mail.objects.filter(pk__in=failed).update(state="queued", attempts=0, due_at=now, updated_at=now)
    transaction.on_commit(partial(courier.wake, SEND_TASK))
    return len(failed)


def _send(mail: Mail, server: Any, clock: Clock, stopped: Mapping[str, Collection[str]]) -> bool:
    """:raises ServerAway: the server does not answer; that it failed is recorded where it did answer before"""
    parent = outbox.trace_of(delivery_id=mail.source) if tracing.is_on() else ""
    with tracing.span(f"send {mail.kind}", parent=parent, **{"nexus.mail_id": str(mail.pk)}):
        return _hand_over(mail, server, clock, stopped)


def _hand_over(mail: Mail, server: Any, clock: Clock, stopped: Mapping[str, Collection[str]]) -> bool:
    try:
        message = _compose(mail, server)
        if is_stopped(Kind(mail.kind), stopped.get(message.to[0], ())):
            raise Suppressed
        _open(server)
        server.send_messages([message])
    except ServerAway as away:
        tally.count("mails", "failed")
        log.warning("mail server not reached", error=away.reason)
        _close(server)
        raise
    except Exception as error:
        reason = _reason(error)
        tally.count("mails", "failed")
        log.warning("mail not sent", mail_id=str(mail.pk), attempts=mail.attempts, error=reason)
        _close(server)
        _record_failure(mail=mail, error=reason, is_final=_is_final(error), now=clock())
        if _is_away(error):
            raise ServerAway from error
        return False
    _record_sent(mail=mail, now=clock())
    tally.count("mails", "sent")
    return True


def _open(server: Any) -> None:
    """:raises ServerAway: nobody answers, or it has no time: nothing of a mail was handed over"""
    try:
        server.open()
    except SMTPResponseException as error:
        if error.smtp_code // 100 == 4:
            raise ServerAway(_reason(error)) from error
        raise
    except OSError as error:
        raise ServerAway(_reason(error)) from error


def _recipient(mail: Mail) -> str:
    return mail.to or (mail.user.email if mail.user is not None and mail.user.is_active else "")


def _compose(mail: Mail, server: Any) -> EmailMultiAlternatives:
    """:raises NobodyToSendTo: the account was scrubbed"""
    to = _recipient(mail)
    if not to:
        raise NobodyToSendTo
    kind, text, html, unsubscribe_url = Kind(mail.kind), mail.text, mail.html, mail.unsubscribe_url
    if kind not in TRANSACTIONAL and not unsubscribe_url and mail.user is not None:
        unsubscribe_url = selectors.unsubscribe_url(user_id=mail.user.pk, kind=kind)
        mark = f"https://{UNSUBSCRIBE_MARK}"
        text, html = text.replace(mark, unsubscribe_url), html.replace(mark, unsubscribe_url)

    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=text,
        to=[to],
        connection=server,
        headers={"Message-ID": message_id(mail.pk), "X-Nexus-Kind": mail.kind, "Auto-Submitted": "auto-generated"},
    )
    if unsubscribe_url:
        message.extra_headers["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        message.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.attach_alternative(html, "text/html")
    return message


def message_id(mail_id: UUID) -> str:
    """Return the Message-ID: the same at every try."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{mail_id}@{domain}>"


@command
def _record_sent(*, mail: Mail, now: datetime) -> None:
    execute(_SENT, [now, now, mail.pk])


@command
def _record_failure(*, mail: Mail, error: str, is_final: bool, now: datetime) -> None:
    """Count against the claim only: a worker whose lease ran out has no say about a later try."""
    is_over = is_final or mail.attempts >= MAX_ATTEMPTS
    Mail.objects.filter(pk=mail.pk, state="queued", attempts=mail.attempts).update(
        state="failed" if is_over else "queued",
        due_at=now + back_off(mail.attempts + _FIRST_PAUSE),
        last_error=error,
        updated_at=now,
    )


def _is_final(error: Exception) -> bool:
    """Tell whether another try is hopeless: the server refused the address for good (RFC 5321, section 4.2.1)."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, (NobodyToSendTo, Suppressed)) or _api_status(error) in _REFUSES_ONE


def _is_away(error: Exception) -> bool:
    refused_this_one = isinstance(error, (SMTPResponseException, SMTPRecipientsRefused))
    return isinstance(error, OSError) and not refused_this_one and _api_status(error) not in _REFUSES_ONE


def _api_status(error: Exception) -> int | None:
    """Return what a provider answered over HTTP, if that is what failed; its library is not loaded without need."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _reason(error: Exception) -> str:
    """Say what went wrong without the address, which servers like to repeat."""
    if isinstance(error, SMTPRecipientsRefused):
        return f"recipient refused: {sorted({code for code, _ in error.recipients.values()})}"
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code}"
    if hasattr(error, "esp_name"):
        return f"{error.esp_name or 'mail provider'}: {_api_status(error) or type(error).__name__}"
    return type(error).__name__ if isinstance(error, SMTPException) else f"{type(error).__name__}: {error}"[:500]


def _close(server: Any) -> None:
    try:
        server.close()
    except (OSError, SMTPException) as error:
        log.info("mail connection did not close", error=type(error).__name__)
