"""What follows the orders of the demo shop: a parcel of a part, returns, a withdrawal, drafts, a gift card."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from core.money import Money
from orders import selectors as order_reads
from orders import services as orders
from orders.domain import ReturnReason
from orders.services import Asker, Declaration, DraftChanges, FulfilmentWish, ItemWish, ReturnItem, ReturnWish
from payments import selectors as payment_reads
from payments import services as payments
from payments.services import NewGiftCard

if TYPE_CHECKING:
    from accounts.domain import AddressData
    from accounts.models import User
    from orders.models import Order

_DAY = timedelta(days=1)


def load_after(*, customer: User, admin: User, guest: str, address: AddressData, at: datetime) -> None:
    """Carry the demo's orders on, as far as nobody did; each part is left alone where there is one of its kind.

    :param guest: the e-mail of someone for whom staff write an order to that address
    """
    rows = order_reads.list_orders(viewer=admin).filter(external_number__startswith="demo-")
    placed = {str(order.external_number): order for order in rows.select_related("customer")}
    _send_a_part(placed["demo-7"], admin, at)
    _load_returns(placed, admin, at)
    _load_drafts(admin, guest, address, at)
    _load_balances(customer, admin, at)


def _send_a_part(order: Order, admin: User, at: datetime) -> None:
    if order_reads.list_fulfilments(order_id=order.pk, viewer=admin):
        return
    line = order.lines.order_by("position")[0]
    wish = FulfilmentWish(items={line.pk: 1}, carrier="Royal Mail", tracking_number="RM987654321GB")
    orders.fulfil_order(order_id=order.pk, wish=wish, actor=admin, at=at - _DAY)


def _load_returns(placed: Mapping[str, Order], admin: User, at: datetime) -> None:
    """One waits for an answer, one for its inspection; one is on its way back after a withdrawal."""
    if order_reads.list_returns(viewer=admin).exists():
        return
    _ask_back(placed["demo-1"], ReturnReason.DAMAGED, at - 2 * _DAY, note="The seam came apart in the first wash.")
    inspected_id = _ask_back(placed["demo-8"], ReturnReason.CHANGED_MIND, at - 3 * _DAY)
    orders.approve_return(return_id=inspected_id, answer="To 1 Dock Road, Hull HU1 1AA.", at=at - 2 * _DAY)
    orders.receive_return(return_id=inspected_id, at=at - _DAY)
    order = placed["demo-3"]
    asker = Asker(viewer=order.customer)
    declared = orders.declare_withdrawal(
        wish=Declaration(order=order.number), asker=asker, address="127.0.0.1", at=at - _DAY
    )
    if declared.withdrawal is not None:
        orders.confirm_withdrawal(withdrawal_id=declared.withdrawal.pk, asker=asker, at=at - _DAY)


def _ask_back(order: Order, reason: ReturnReason, at: datetime, *, note: str = "") -> UUID:
    line = order.lines.order_by("-position")[0]
    wish = ReturnWish(items=[ReturnItem(line=line.pk, quantity=1, reason=reason)], note=note)
    return orders.request_return(order_id=order.pk, wish=wish, asker=Asker(viewer=order.customer), at=at).pk


def _load_drafts(admin: User, guest: str, address: AddressData, at: datetime) -> None:
    """One is being written; one was placed and waits to be paid by its link."""
    if order_reads.list_drafts().exists():
        return
    shelf = ItemWish(sku="FUR-SHE", quantity=1, unit_price=Decimal("189.00"))
    candlesticks = ItemWish(sku="LIG-BRA", quantity=2)
    desk: DraftChanges = {"name": "Desk of the library", "email": guest, "shipping_address": address}
    orders.create_draft(market=None, changes={**desk, "items": [shelf, candlesticks]}, author=admin)
    gift: DraftChanges = {"name": "Rang for a gift", "email": guest, "shipping_address": address}
    candles = ItemWish(sku="LIG-DIN", quantity=1)
    draft = orders.create_draft(market=None, changes={**gift, "items": [candles]}, author=admin)
    orders.place_draft(draft_id=draft.pk, actor=admin, at=at)


def _load_balances(customer: User, admin: User, at: datetime) -> None:
    if not payment_reads.list_gift_cards().exists():
        card = NewGiftCard(amount=Money(5000, "GBP"), note="First prize of the spring draw")
        payments.issue_gift_card(wish=card, actor=admin, at=at)
    if not payment_reads.store_credit(customer_id=customer.pk):
        payments.grant_store_credit(
            customer_id=customer.pk, amount=Money(1500, "GBP"), note="The parcel was late.", actor=admin, at=at
        )
