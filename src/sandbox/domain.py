"""What a charge can become, and how a webhook is signed: rules without a database."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.errors import Malformed


class Status(StrEnum):
    """What a charge is."""

    REQUIRES_ACTION = "requires_action"
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"


class Card(StrEnum):
    """The test cards. A charge without one is paid on the gateway's page."""

    SUCCESS = "success"
    DECLINED = "declined"
    CHALLENGED = "3ds"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Face:
    """What can be seen of a card that is kept: no more than a shopper needs to know it again."""

    brand: str
    last4: str
    month: int = 12
    year: int = 2034


FACES = {
    Card.SUCCESS: Face("visa", "4242"),
    Card.DECLINED: Face("visa", "0002"),
    Card.CHALLENGED: Face("mastercard", "3220"),
    Card.SLOW: Face("visa", "0077"),
}


class EntryKind(StrEnum):
    """What a line of the ledger says."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    # What was authorised and will not be captured.
    RELEASED = "released"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


class FaultName(StrEnum):
    """What can be switched on to go wrong, in the order in which the rows are locked."""

    TIMEOUT_AFTER_SUCCESS = "timeout_after_success"
    ERROR_AFTER_SUCCESS = "error_after_success"
    UNAVAILABLE = "unavailable"
    REFUNDS_FAIL = "refunds_fail"
    LATE = "late"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    LOST = "lost"


#: Those that befall webhooks.
WEBHOOK_FAULTS = (FaultName.LATE, FaultName.DOUBLED, FaultName.REORDERED, FaultName.LOST)

DECLINED = "card_declined"
NOT_AUTHENTICATED = "authentication_failed"

_MOVES = {
    Status.REQUIRES_ACTION: frozenset(
        [Status.REQUIRES_ACTION, Status.PENDING, Status.AUTHORISED, Status.CAPTURED, Status.FAILED, Status.VOIDED]
    ),
    Status.PENDING: frozenset([Status.AUTHORISED, Status.CAPTURED, Status.VOIDED]),
    Status.AUTHORISED: frozenset([Status.CAPTURED, Status.VOIDED]),
    Status.CAPTURED: frozenset[Status](),
    Status.FAILED: frozenset[Status](),
    Status.VOIDED: frozenset[Status](),
}
# RFC 3986, appendix B, narrowed: no user info, nothing that could end a header or an attribute.
_RETURN_URL = re.compile(
    r"https?://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"([/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCharge:
    """What a merchant asks for: minor units, and where the shopper goes afterwards.

    :param save: the card is kept, once it has paid
    :param saved: the token of a card that was kept, which pays this
    """

    amount: int
    currency: str
    reference: str
    return_url: str
    card: str | None = None
    capture: bool = True
    save: bool = False
    saved: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for the comparison of two requests."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Switch:
    """How a fault is set: ``times`` more requests (``None``: until it is switched off), and for how many seconds."""

    times: int | None
    seconds: int = 0


def can_become(now: str, wanted: Status) -> bool:
    """Tell whether a charge that is ``now`` may move there."""
    return wanted in _MOVES[Status(now)]


def is_finished(status: str) -> bool:
    """Tell whether the shopper has nothing to do with the charge any more."""
    return status != Status.REQUIRES_ACTION


def outcome_of(card: str, *, captures: bool) -> Status:
    """Return what a charge becomes when that card is shown."""
    if card == Card.DECLINED:
        return Status.FAILED
    if card == Card.CHALLENGED:
        return Status.REQUIRES_ACTION
    if card == Card.SLOW:
        return Status.PENDING
    return paid_status(captures=captures)


def paid_status(*, captures: bool) -> Status:
    """Return what a charge becomes that the bank agreed to."""
    return Status.CAPTURED if captures else Status.AUTHORISED


def check_return_url(url: str) -> str:
    """Return the address that a shopper may be sent to.

    :raises Malformed: not http or https, or with characters that no address has
    """
    if len(url) > 2000 or not _RETURN_URL.fullmatch(url):
        raise Malformed.field("return_url", "An http or https address without user name.")
    return url


def origin_of(url: str) -> str:
    """Return scheme, host and port of a checked address (RFC 6454, section 6.2)."""
    match = re.match(r"https?://[^/?#]+", url)
    assert match is not None
    return match.group()


def sign(*, secret: str, at: int, body: bytes) -> str:
    """Return the header ``Sandbox-Signature``: ``t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={digest.hexdigest()}"
