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
    """Money was given back.

    :param is_of_sale: it was given back of a sale; else of what was never one, such as what was paid twice
    """

    name: ClassVar[str] = "payments.payment_refunded"
    aggregate_field: ClassVar[str | None] = "order_id"

    payment_id: UUID
    order_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str
    is_of_sale: bool


@dataclass(frozen=True, kw_only=True)
class RefundTriedAgain(Event):
    """What could not be given back is about to be; told inline, so that whoever knows what it was for can refuse it.

    :param refund_id: the refund that failed
    """

    name: ClassVar[str] = "payments.refund_tried_again"
    aggregate_field: ClassVar[str | None] = "order_id"

    payment_id: UUID
    order_id: UUID
    refund_id: UUID


@dataclass(frozen=True, kw_only=True)
class StaffNeeded(Event):
    """Something happened to a payment that staff should look at.

    :param what: ``late_charge_kept``, ``late_charge_returned``, ``second_charge_returned``, ``part_captured``,
        ``refund_failed``, ``refund_by_hand``, ``charged_back``, ``charge_mismatch``
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


@dataclass(frozen=True, kw_only=True)
class GiftCardIssued(Event):
    """A gift card was made for someone who is to be sent its code.

    :param sealed_code: its code, sealed as ``core.crypto.seal`` does, since nothing else keeps it
    """

    name: ClassVar[str] = "payments.gift_card_issued"

    gift_card_id: UUID
    sealed_code: str
