"""Kinds of message, channels, and who may turn what off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID


class Channel(Enum):
    """How someone is told."""

    IN_APP = "in_app"
    EMAIL = "email"


class Kind(Enum):
    """What someone is told of. The value is stable: templates and preferences go by it."""

    WELCOME = "welcome"
    VERIFY_EMAIL = "verify_email"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of message
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of message
    ORDER_PLACED = "order_placed"
    ORDER_MOVED = "order_moved"
    ORDER_FULFILLED = "order_fulfilled"
    ORDER_EDITED = "order_edited"
    ORDER_TO_PAY = "order_to_pay"
    REFUND_SENT = "refund_sent"
    RETURN_MOVED = "return_moved"
    WITHDRAWAL_DECLARED = "withdrawal_declared"
    WITHDRAWAL_CONFIRMED = "withdrawal_confirmed"
    GIFT_CARD_SENT = "gift_card_sent"
    NEW_PRODUCT = "new_product"
    STAFF_REGISTRATION = "staff_registration"
    STAFF_PRODUCT_CREATED = "staff_product_created"
    STAFF_PRODUCT_DELETED = "staff_product_deleted"
    STAFF_NEW_ORDER = "staff_new_order"
    STAFF_PAYMENT = "staff_payment"
    STAFF_RETURN = "staff_return"


# Sent whatever someone prefers: they asked for it, or it concerns their money or their account.
TRANSACTIONAL = frozenset(
    {
        Kind.VERIFY_EMAIL,
        Kind.PASSWORD_RESET,
        Kind.PASSWORD_CHANGED,
        Kind.ORDER_PLACED,
        Kind.ORDER_MOVED,
        Kind.ORDER_FULFILLED,
        Kind.ORDER_EDITED,
        Kind.ORDER_TO_PAY,
        Kind.REFUND_SENT,
        Kind.RETURN_MOVED,
        Kind.WITHDRAWAL_DECLARED,
        Kind.WITHDRAWAL_CONFIRMED,
        Kind.GIFT_CARD_SENT,
    }
)
# Off until someone asks for it.
OPT_IN = frozenset({Kind.NEW_PRODUCT})
# What only staff are told.
FOR_STAFF = frozenset(
    {
        Kind.STAFF_REGISTRATION,
        Kind.STAFF_PRODUCT_CREATED,
        Kind.STAFF_PRODUCT_DELETED,
        Kind.STAFF_NEW_ORDER,
        Kind.STAFF_PAYMENT,
        Kind.STAFF_RETURN,
    }
)

_ONLY_MAIL = frozenset(
    {Kind.VERIFY_EMAIL, Kind.PASSWORD_RESET, Kind.WITHDRAWAL_DECLARED, Kind.GIFT_CARD_SENT, Kind.ORDER_TO_PAY}
)
_ONLY_IN_APP = frozenset({Kind.STAFF_REGISTRATION, Kind.STAFF_NEW_ORDER, Kind.STAFF_PAYMENT, Kind.STAFF_RETURN})


class ReportKind(Enum):
    """What became of a mail, as a mail provider reports it."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OTHER = "other"


# An address that does not exist gets nothing more. Whoever complained, or unsubscribed at the provider, goes on getting
# what concerns their money or their account, and nothing else.
STOPS_ALL = frozenset({ReportKind.BOUNCED})
STOPS_REST = frozenset({ReportKind.COMPLAINED, ReportKind.UNSUBSCRIBED})


@dataclass(frozen=True, kw_only=True)
class Report:
    """A provider's report of one mail. ``key`` tells it from every other report of every provider."""

    key: str
    kind: ReportKind
    address: str
    message_id: str = ""
    reason: str = ""


def is_stopped(kind: Kind, reports: Collection[str]) -> bool:
    """Tell whether a mail of that kind stays in the house, by what was reported of its address."""
    known = {ReportKind(report) for report in reports}
    return bool(known & STOPS_ALL) or (kind not in TRANSACTIONAL and bool(known & STOPS_REST))


# Every set-up of a mail system must let go of what was read or sent.
KEEP_READ = timedelta(days=90)
KEEP_SENT_MAIL = timedelta(days=30)
KEEP_FAILED_MAIL = timedelta(days=90)
# Longer than a report is believed.
KEEP_REPORTS = timedelta(days=7)

HEADING_LENGTH = 200

# kind -> channel -> whether it is wanted
Wishes = Mapping[Kind, Mapping[Channel, bool]]


def channels(kind: Kind) -> tuple[Channel, ...]:
    """Return the ways in which that kind is told."""
    if kind in _ONLY_MAIL:
        return (Channel.EMAIL,)
    return (Channel.IN_APP,) if kind in _ONLY_IN_APP else (Channel.IN_APP, Channel.EMAIL)


def kinds_for(*, is_staff: bool) -> list[Kind]:
    """Return the kinds that someone may be told of, in the order in which they are shown."""
    return [kind for kind in Kind if is_staff or kind not in FOR_STAFF]


def is_sent(kind: Kind, channel: Channel, chosen: bool | None) -> bool:
    """Tell whether a message goes out.

    :param chosen: what the person said of this kind and channel, ``None`` if nothing
    """
    if channel not in channels(kind):
        return False
    if kind in TRANSACTIONAL:
        return True
    return kind not in OPT_IN if chosen is None else chosen


def one_line(text: str, *, most: int = HEADING_LENGTH) -> str:
    """Return the text as one printable line of limited length, fit for a mail header (RFC 5322, section 2.2)."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is to be told, whoever is told it.

    ``title`` is the subject of the mail and the heading in the app. ``data`` holds ids that clients link to.
    ``context`` is what only the mail's templates show.
    """

    kind: Kind
    title: str
    body: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title as it is stored and sent: one line of at most 200 characters, whatever names stand in it."""
        return one_line(self.title)


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What an unsubscribe link ends: the mails of one kind to one person."""

    user_id: UUID
    kind: Kind
