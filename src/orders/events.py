"""Facts about orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Event):
    """An order was accepted and its stock reserved. ``is_drafted``: staff wrote it, and its buyer is yet to pay it."""

    name: ClassVar[str] = "orders.order_placed"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    total_minor: int
    currency: str
    is_drafted: bool = False


@dataclass(frozen=True, kw_only=True)
class OrderEdited(Event):
    """Staff changed an order that is not paid."""

    name: ClassVar[str] = "orders.order_edited"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    edit_id: int


@dataclass(frozen=True, kw_only=True)
class OrderToPay(Event):
    """The buyer of an order is to be sent the link by which it is paid."""

    name: ClassVar[str] = "orders.order_to_pay"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID


@dataclass(frozen=True, kw_only=True)
class OrderMoved(Event):
    """An order went from one state to another."""

    name: ClassVar[str] = "orders.order_moved"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    move_id: int
    from_status: str
    to_status: str


@dataclass(frozen=True, kw_only=True)
class GiftCardsSold(Event):
    """An order with gift cards was paid; they are to be made and sent."""

    name: ClassVar[str] = "orders.gift_cards_sold"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID


@dataclass(frozen=True, kw_only=True)
class PartFulfilled(Event):
    """A parcel left, and more of the order is to follow."""

    name: ClassVar[str] = "orders.part_fulfilled"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    fulfilment_id: UUID


@dataclass(frozen=True, kw_only=True)
class PartCancelled(Event):
    """Some units of a paid order will not be sent. ``units`` is line id -> units."""

    name: ClassVar[str] = "orders.part_cancelled"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    units: dict[str, int]
    is_refunded: bool


@dataclass(frozen=True, kw_only=True)
class ReturnMoved(Event):
    """A return was asked for (from nowhere), or went from one state to another."""

    name: ClassVar[str] = "orders.return_moved"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    return_id: UUID
    from_status: str
    to_status: str


@dataclass(frozen=True, kw_only=True)
class WithdrawalDeclared(Event):
    """Someone who is not known declared a withdrawal with an order's number and e-mail; a mailed link confirms it."""

    name: ClassVar[str] = "orders.withdrawal_declared"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    withdrawal_id: UUID


@dataclass(frozen=True, kw_only=True)
class WithdrawalConfirmed(Event):
    """A consumer withdrew from a contract, or a part of it."""

    name: ClassVar[str] = "orders.withdrawal_confirmed"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    withdrawal_id: UUID
    # Units that were shipped already, and units that were not.
    shipped_units: int
    open_units: int
