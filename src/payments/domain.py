"""Words and rules of payments: accounts of the ledger, states, and how what a provider says is taken in.

What is known of a charge only grows: a state later than the known one, a running total larger than the known one. To
take the larger of two is commutative, associative and idempotent, so that the order in which a provider's answers and
webhooks arrive, and how often, makes no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from core.quotas import Quota

CASH = "cash"
SALES = "sales"
REFUNDS_DUE = "refunds_due"
RETURNS = "returns"
ADJUSTMENTS = "adjustments"
# What was captured and is not yet a sale: the shop owes the goods, or the money.
DEPOSITS = "deposits"
AUTHORISATIONS = "authorisations"
CHARGE_BACKS = "charge_backs"
FEES = "fees"
# What goods that came back were worth and did not become an order: on its way back to whoever paid for them.
EXCHANGES_DUE = "exchanges_due"
# What was given away on gift cards and as store credit: an expense of the shop.
GIFTS = "gifts"

MANUAL = "manual"
DECLINED = "card_declined"
UNAVAILABLE = "provider_unavailable"
NEVER_ARRIVED = "never_arrived"

# A charge that the provider does not know this long after we asked for it never reached it.
ARRIVES_WITHIN = timedelta(seconds=60)


def account_of(provider: str) -> str:
    """Return the account of what a provider holds for us. What staff confirm by hand is in our own cash."""
    return CASH if provider == MANUAL else f"provider:{provider}"


def authorised_at(provider: str) -> str:
    """Return the memorandum account of what may be captured at a provider."""
    return f"authorised:{provider}"


def gift_card_of(balance_id: UUID) -> str:
    """Return the account of what is left on a gift card."""
    return f"{BalanceKind.GIFT_CARD.value}:{balance_id}"


def store_credit_of(customer_id: UUID) -> str:
    """Return the account of what the shop owes a customer, to be spent in the shop."""
    return f"{BalanceKind.STORE_CREDIT.value}:{customer_id}"


def exchange_of(return_id: UUID) -> str:
    """Return the account of what goods that came back are worth, until their replacement takes it."""
    return f"{BalanceKind.EXCHANGE.value}:{return_id}"


class AttemptStatus(Enum):
    """What is known of one attempt to charge, earliest first: an attempt only moves down this list."""

    CREATED = "created"
    UNKNOWN = "unknown"
    REQUIRES_ACTION = "requires_action"
    PENDING = "pending"
    AUTHORISED = "authorised"
    FAILED = "failed"
    CANCELLED = "cancelled"
    # Last: money that was taken was taken, whatever else was said before or after.
    CAPTURED = "captured"


_RANK = {status: rank for rank, status in enumerate(AttemptStatus)}
# Money may still be taken without anybody asking for it again.
LIVE = frozenset(
    {
        AttemptStatus.CREATED,
        AttemptStatus.UNKNOWN,
        AttemptStatus.REQUIRES_ACTION,
        AttemptStatus.PENDING,
        AttemptStatus.AUTHORISED,
    }
)
# A provider was called and has not answered.
IN_FLIGHT = frozenset({AttemptStatus.CREATED, AttemptStatus.UNKNOWN})


def later(here: AttemptStatus, said: AttemptStatus) -> AttemptStatus:
    """Return the later of what is known and what was said."""
    return max(here, said, key=_RANK.__getitem__)


class PaymentStatus(Enum):
    """How far an order's payment is, as clients see it."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# What a shopper wants to know of the newest attempt although others paid a part.
_TELLING = frozenset({AttemptStatus.REQUIRES_ACTION, AttemptStatus.AUTHORISED, AttemptStatus.FAILED})


def status_of(
    *, amount_minor: int, captured_minor: int, refunded_minor: int, last: AttemptStatus | None
) -> PaymentStatus:
    """Return a payment's state. A part of the amount is not yet a capture; what went back again is a refund.

    :param captured_minor: of the attempts that count towards the amount
    :param last: the state of its newest attempt, if there is any
    """
    if captured_minor and refunded_minor >= captured_minor:
        return PaymentStatus.REFUNDED
    if refunded_minor:
        return PaymentStatus.PARTIALLY_REFUNDED
    if captured_minor and captured_minor >= amount_minor:
        return PaymentStatus.CAPTURED
    if last is None or last in IN_FLIGHT:
        return PaymentStatus.PENDING
    if captured_minor:
        return PaymentStatus(last.value) if last in _TELLING else PaymentStatus.PENDING
    if last is AttemptStatus.CAPTURED and amount_minor:
        return PaymentStatus.REFUNDED
    return PaymentStatus(last.value)


class RefundStatus(Enum):
    """What is known of one refund. ``pending``: the provider took it on, and has not ended it."""

    CREATED = "created"
    UNKNOWN = "unknown"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OPEN_REFUNDS = frozenset({RefundStatus.CREATED, RefundStatus.UNKNOWN, RefundStatus.PENDING})


class BalanceKind(Enum):
    """Money that the shop owes, to be spent in it."""

    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"
    # What goods that came back are worth, until the order that replaces them takes it.
    EXCHANGE = "exchange"


GIFT_CARD = BalanceKind.GIFT_CARD.value
STORE_CREDIT = BalanceKind.STORE_CREDIT.value
# Ways to pay that need nobody outside: each is a balance of our own books.
OWN_BOOKS = frozenset(kind.value for kind in BalanceKind)

# Crockford's base 32, as of order numbers. 16 signs are 80 bits.
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
CODE_SIGNS = 16


def gift_card_code(number: int) -> str:
    """Return the code of a gift card, in groups of four to be read aloud.

    :param number: random, of 80 bits
    """
    signs = "".join(_SIGNS[number >> shift & 31] for shift in range(5 * (CODE_SIGNS - 1), -1, -5))
    return "-".join(signs[start : start + 4] for start in range(0, CODE_SIGNS, 4))


def plain_code(code: str) -> str:
    """Return a code as typed in its one spelling: what is easily misread is read as it was meant."""
    return code.strip().upper().translate(_MISREAD)


class SettledKind(Enum):
    """What a line of a provider's settlement file is about."""

    CHARGE = "charge"
    REFUND = "refund"
    CHARGE_BACK = "charge_back"
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"


class Verdict(Enum):
    """How a line of a settlement compares with our books."""

    MATCHED = "matched"
    AMOUNT_DIFFERS = "amount_differs"
    UNKNOWN = "unknown"
    # It was in a file before.
    REPEATED = "repeated"
    NOT_COMPARED = "not_compared"
    # Our books have it in the file's time, and the file does not; nor has a later one, or one that has.
    MISSING = "missing"
    SETTLED_LATER = "settled_later"


# Lines that were in no file before. What they say is booked, once.
FRESH = frozenset({Verdict.MATCHED, Verdict.AMOUNT_DIFFERS, Verdict.UNKNOWN, Verdict.NOT_COMPARED})
# What somebody has to look at.
DIFFERENCES = frozenset({Verdict.AMOUNT_DIFFERS, Verdict.UNKNOWN, Verdict.MISSING})


class RefundTo(Enum):
    """Where money goes back to."""

    PAYMENT = "payment"
    STORE_CREDIT = "store_credit"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a shopper wants to pay.

    :param method: what the shopper chose at the provider, such as the sandbox's card; never a number of a card
    :param is_saving: the way to pay is kept for the next time
    :param saved_method_id: pay with one that was kept; it says which provider
    :param customer_id: whose kept ways to pay these are
    :param code: of a gift card
    :param account: of another balance of our own books, as ``store_credit_of`` and ``exchange_of`` name it
    :param request_key: a digest of the client's request; a repetition continues the attempt that it began
    """

    provider: str
    return_url: str = ""
    method: str = ""
    request_key: str = ""
    capture: bool = True
    code: str = ""
    account: str = ""
    is_saving: bool = False
    saved_method_id: UUID | None = None
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWish:
    """What is to be given back: an amount, or all that is left.

    :param account: the account of the ledger that bears it
    :param items: what it is for, as the caller knows it
    :param credited: with ``RefundTo.EXCHANGE``: the account that takes it, as ``exchange_of`` names it
    :param key: the idempotency key, of one part alone; else each gets its own
    """

    account: str
    amount_minor: int | None = None
    reason: str = ""
    to: RefundTo = RefundTo.PAYMENT
    items: tuple[dict[str, Any], ...] = ()
    customer_id: UUID | None = None
    actor_id: UUID | None = None
    request_key: str = ""
    credited: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """After so many declines in that time one waits that long after the last."""

    name: str
    most: int
    within: timedelta
    wait: timedelta

    def quota(self, declined_at: Collection[datetime], *, at: datetime) -> Quota:
        """Return how many declines are left of it, and when there are more."""
        counted = [time for time in declined_at if time > at - self.within]
        left = max(0, self.most - len(counted))
        more_at = (min(counted) + self.within if left else max(counted) + self.wait) if counted else at + self.within
        return Quota(
            self.name,
            self.most,
            int(self.within.total_seconds()),
            left,
            max(0, int((more_at - at).total_seconds()) + 1),
        )


# HARD-CASES S35. The first slows down, the second blocks.
DECLINE_LIMITS = (
    Limit("declines", 5, timedelta(hours=1), timedelta(minutes=10)),
    Limit("declines-day", 10, timedelta(hours=24), timedelta(hours=24)),
)


def decline_wait_seconds(declined_at: Iterable[datetime], *, at: datetime) -> int:
    """Return how long to wait before another attempt is allowed; 0 is now."""
    times = sorted(declined_at)
    waits = [0]
    for limit in DECLINE_LIMITS:
        counted = [time for time in times if time > at - limit.within]
        if len(counted) >= limit.most:
            waits.append(int((counted[-1] + limit.wait - at).total_seconds()) + 1)
    return max(waits)


def pause(*, age: timedelta, is_in_flight: bool) -> timedelta:
    """Return when to ask a provider again about an attempt of this age.

    An unknown outcome is asked about at least once a minute, so that it is known within two minutes of the provider's
    return; a shopper who is still busy, less and less often.
    """
    longest = timedelta(minutes=1) if is_in_flight else timedelta(minutes=15)
    return max(timedelta(seconds=15), min(age / 4, longest))
