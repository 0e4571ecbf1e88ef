"""What a provider has to be able to do.

Fit for Stripe's Payment Intents (``confirm`` after an action, ``capture`` of what was authorised), PayPal's Orders v2
(``create``, approval on a page, ``capture``) and Flutterwave's Standard (a page, then ``fetch`` verifies). A provider
translates; it keeps nothing, decides nothing and writes to no table of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class SavedToken:
    """A way to pay that a provider keeps for a shopper: its token, and by what the shopper knows it.

    :param payer: the provider's name of the shopper, where its tokens need one
    :param last4: the end of a card's number, of which nothing else is known here
    """

    token: str = field(repr=False)
    payer: str = field(default="", repr=False)
    brand: str = ""
    last4: str = ""
    month: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCharge:
    """What is asked for.

    :param key: the idempotency key, under which the provider does it once; also our reference of the charge
    :param save: the provider keeps the way to pay, so that it can be charged again
    :param saved: charge what was kept; else the shopper chooses
    :param payer: the provider's name of the shopper, where it has kept something for them before
    """

    key: str
    amount_minor: int
    currency: str
    return_url: str
    method: str
    capture: bool
    save: bool = False
    saved: SavedToken | None = None
    payer: str = field(default="", repr=False)


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
    :param saved: the way to pay, where the provider keeps it; it is not among the JSON values
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
    saved: SavedToken | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values, without the token: they are stored as they are."""
        names = [name for name in self.__slots__ if name != "saved"]
        return {name: getattr(self, name) for name in names} | {"status": self.status.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Charge:
        """Return what ``as_dict`` made."""
        return cls(**{**values, "status": AttemptStatus(values["status"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What a provider says of a refund: it went back, it is on its way, or it failed."""

    reference: str
    is_done: bool
    is_pending: bool = False
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
    # It keeps ways to pay, by a token.
    can_save: ClassVar[bool]
    # What it says was given back counts refunds that it took on and has not ended.
    totals_count_pending: ClassVar[bool]

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

    def fetch_refund(self, *, wanted: NewRefund, reference: str) -> GivenBack:
        """Return how a refund stands that was taken on, by the provider's name of it."""

    def remove(self, saved: SavedToken) -> None:
        """Forget a way to pay that was kept. What is not there any more is forgotten."""

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Return how a charge stands, by the provider's name of it or, without one, by ours; ``None``: not there."""

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """Check signature and time on the raw bytes, without a call, and return what the webhook says.

        :raises WebhookRefused: forged, altered, stale, or unreadable
        """
