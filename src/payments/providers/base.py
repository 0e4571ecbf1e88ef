"""What a provider has to be able to do.

Fit for Stripe's Payment Intents (``confirm`` after an action, ``capture`` of what was authorised), PayPal's Orders v2
(``create``, approval on a page, ``capture``) and Flutterwave's Standard (a page, then ``fetch`` verifies). A provider
translates; it keeps nothing, decides nothing and writes to no table of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from payments.domain import AttemptStatus


class ProviderUnavailable(Exception):
    """It was not reached: nothing happened there, for certain."""


class OutcomeUnknown(Exception):
    """It was reached, or may have been, and its answer is not known. Ask; never repeat under another key."""


class ProviderRefused(Exception):
    """It said no, and did nothing."""

    def __init__(self, code: str) -> None:
        """:param code: why, in one stable word"""
        super().__init__(code)
        self.code = code[:60]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCharge:
    """What is asked for.

    :param key: the idempotency key, under which the provider does it once; also our reference of the charge
    """

    key: str
    amount_minor: int
    currency: str
    return_url: str
    method: str
    capture: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """What is to go back of a charge, once per ``key``."""

    key: str
    reference: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a provider says of a charge: minor units, and running totals from its own books.

    :param reference: the provider's name of it
    :param key: our reference, where the provider repeats it
    :param next_action: ``{"type", "url"}`` where the shopper has to do something
    """

    reference: str
    status: AttemptStatus
    amount_minor: int
    currency: str
    key: str = ""
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    fee_minor: int = 0
    next_action: dict[str, str] | None = None
    failure: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"status": self.status.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Charge:
        """Return what ``as_dict`` made."""
        return cls(**{**values, "status": AttemptStatus(values["status"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What a provider says of a refund."""

    reference: str
    is_done: bool
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a webhook says. Without a charge it is none of our business."""

    event_id: str
    kind: str
    charge: Charge | None


class Provider(Protocol):
    """Someone who takes money for us.

    Each call takes its key or reference and may be repeated. Each may raise ``ProviderUnavailable``,
    ``OutcomeUnknown`` and ``ProviderRefused``; none is made inside a transaction.
    """

    name: ClassVar[str]
    # Staff confirm by hand that the money came; there is nobody to ask.
    is_by_hand: ClassVar[bool]

    def create(self, wanted: NewCharge) -> Charge:
        """Ask for money. The same key is the same charge, for ever."""

    def confirm(self, *, reference: str, key: str) -> Charge:
        """Go on after the shopper did what was asked, where the provider does not do so by itself."""

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """Take what was authorised."""

    def void(self, *, reference: str, key: str) -> Charge:
        """Call it off, as long as nothing was captured."""

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back of what was captured. The same key is the same refund."""

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Return how a charge stands, by the provider's name of it or, without one, by ours; ``None``: not there."""

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """Check signature and time on the raw bytes, without a call, and return what the webhook says.

        :raises WebhookRefused: forged, altered, stale, or unreadable
        """
