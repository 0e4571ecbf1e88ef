"""Facts about payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class PaymentCaptured(Event):
    """The whole amount of an order's payment was captured."""

    name: ClassVar[str] = "payments.payment_captured"
    aggregate_field: ClassVar[str | None] = "order_id"

    payment_id: UUID
    order_id: UUID
    attempt_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class PaymentRefunded(Event):
    """Money was given back."""

    name: ClassVar[str] = "payments.payment_refunded"
    aggregate_field: ClassVar[str | None] = "order_id"

    payment_id: UUID
    order_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class StaffNeeded(Event):
    """Something happened to a payment that staff should look at.

    :param what: ``late_charge_kept``, ``late_charge_returned``, ``second_charge_returned``, ``part_captured``,
        ``refund_failed``, ``charged_back``
    """

    name: ClassVar[str] = "payments.staff_needed"
    aggregate_field: ClassVar[str | None] = "order_id"

    payment_id: UUID
    order_id: UUID
    what: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class NoticeReceived(Event):
    """A provider's webhook was accepted and is to be taken in."""

    name: ClassVar[str] = "payments.notice_received"

    notice_id: UUID
