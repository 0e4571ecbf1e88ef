"""Bank transfer and cash on delivery: the money comes by itself, and staff say when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from payments.domain import MANUAL, AttemptStatus
from payments.errors import WebhookRefused
from payments.providers.base import Charge, GivenBack, NewCharge, NewRefund, Notice, SavedToken


class Manual:
    """A provider without anybody at the other end: charges wait until staff confirm them."""

    name: ClassVar[str] = MANUAL
    is_by_hand: ClassVar[bool] = True
    can_save: ClassVar[bool] = False
    totals_count_pending: ClassVar[bool] = False

    def create(self, wanted: NewCharge) -> Charge:
        """Wait for the money."""
        return Charge(
            reference=wanted.key,
            key=wanted.key,
            status=AttemptStatus.PENDING,
            amount_minor=wanted.amount_minor,
            currency=wanted.currency,
        )

    def confirm(self, *, reference: str, key: str) -> Charge:
        """There is nothing that a shopper could confirm."""
        raise NotImplementedError

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """It came."""
        return Charge(
            reference=reference,
            status=AttemptStatus.CAPTURED,
            amount_minor=amount_minor,
            currency=currency,
            captured_minor=amount_minor,
        )

    def void(self, *, reference: str, key: str) -> Charge:
        """Wait no longer."""
        return Charge(reference=reference, status=AttemptStatus.CANCELLED, amount_minor=0, currency="")

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Staff give it back as they got it."""
        return GivenBack(reference=wanted.key, is_done=True)

    def fetch_refund(self, *, wanted: NewRefund, reference: str) -> GivenBack:
        """It went back when staff said so."""
        return GivenBack(reference=reference, is_done=True)

    def remove(self, saved: SavedToken) -> None:
        """There is nothing that could have been kept."""

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """There is nobody to ask: it is as far as it was."""
        return Charge(reference=reference or key, status=AttemptStatus.PENDING, amount_minor=0, currency="")

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """Nobody sends any.

        :raises WebhookRefused: always
        """
        raise WebhookRefused
