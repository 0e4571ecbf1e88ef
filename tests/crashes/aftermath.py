"""What happens around and after the payment: gift cards, parcels, returns, withdrawals, drafts, edits."""

from __future__ import annotations

from typing import Any

from orders.models import Order
from orders.tests.factories import ADDRESS
from tests.crashes.desk import Desk
from tests.crashes.stories import Story, paid, pending, shipped


def _one_unit_of(order: Order, **more: str) -> dict[str, Any]:
    return {"items": [{"line": str(order.lines.get().pk), "quantity": 1} | more]}


def _pays_a_part(desk: Desk) -> Order:
    order = desk.order()
    desk.pay_by_gift_card(order)
    return order


def _pays_by_both(desk: Desk, order: Order) -> None:
    desk.pay_by_gift_card(order)
    desk.pay(order)


def _paid_by_both(desk: Desk) -> Order:
    order = desk.order()
    _pays_by_both(desk, order)
    desk.work()
    return order


def _goes_in_two_parcels(desk: Desk, order: Order) -> None:
    first = desk.ask(desk.staff, "post", f"orders/{order.pk}/fulfilments", _one_unit_of(order))
    second = desk.ask(desk.staff, "post", f"orders/{order.pk}/fulfilments", {"carrier": "UPS"})
    for parcel in (first, second):
        desk.ask(desk.staff, "post", f"fulfilments/{parcel['id']}/deliver")


def _part_is_called_off(desk: Desk, order: Order) -> None:
    desk.ask(desk.staff, "post", f"orders/{order.pk}/cancel", _one_unit_of(order))


def _comes_back(desk: Desk, order: Order) -> None:
    said = desk.ask(desk.customer, "post", f"orders/{order.pk}/returns", _one_unit_of(order, reason="damaged"))
    desk.ask(desk.staff, "post", f"returns/{said['id']}/approve", {})
    desk.ask(desk.staff, "post", f"returns/{said['id']}/receive", {})
    desk.ask(desk.staff, "post", f"returns/{said['id']}/settle", {"restock": True})


def _is_exchanged(desk: Desk, order: Order) -> None:
    wanted = _one_unit_of(order, reason="damaged", wanted_variant=str(desk.stock.variant_id)) | {"wanted": "exchange"}
    said = desk.ask(desk.customer, "post", f"orders/{order.pk}/returns", wanted)
    desk.ask(desk.staff, "post", f"returns/{said['id']}/approve", {})
    desk.ask(desk.staff, "post", f"returns/{said['id']}/receive", {})
    desk.ask(desk.staff, "post", f"returns/{said['id']}/settle", {})


def _is_withdrawn_from(desk: Desk, order: Order) -> None:
    said = desk.ask(desk.customer, "post", "withdrawals", {"order": order.number})
    desk.ask(desk.customer, "post", f"withdrawals/{said['id']}/confirm", {})


def _is_edited(desk: Desk, order: Order) -> None:
    wish = {"items": [{"variant": str(desk.stock.variant_id), "quantity": 3}], "reason": "Rang for one more."}
    desk.ask(desk.staff, "patch", f"orders/{order.pk}", wish)
    desk.pay(order)


def _is_drafted(desk: Desk, _: Order) -> None:
    item = {"variant": str(desk.stock.variant_id), "quantity": 1, "unit_price": "9.00"}
    wish = {"customer": str(desk.buyer.pk), "items": [item], "shipping_address": ADDRESS.as_dict()}
    draft = desk.ask(desk.staff, "post", "draft-orders", wish)
    placed = desk.ask(desk.staff, "post", f"draft-orders/{draft['id']}/place", {})
    order = Order.objects.get(pk=placed["id"])
    # Who has paid is asked no more: the mails are to go out before, in every telling.
    desk.work()
    desk.ask(desk.staff, "post", f"orders/{order.pk}/payment-link", {"send": True})
    desk.work()
    desk.pay(order)


AFTERMATH = {
    "a gift card pays a part and a card the rest": Story(pending, _pays_by_both, "paid"),
    "an order paid in part is cancelled": Story(_pays_a_part, lambda desk, order: desk.cancel(order), "cancelled"),
    "what was paid by both goes back": Story(
        _paid_by_both, lambda desk, order: desk.move(order, "cancelled"), "cancelled"
    ),
    "an order goes in two parcels": Story(paid, _goes_in_two_parcels, "delivered"),
    "a part of an order is called off": Story(paid, _part_is_called_off, "paid"),
    "a unit comes back": Story(shipped, _comes_back, "shipped"),
    "a unit is exchanged": Story(shipped, _is_exchanged, "shipped"),
    "an order is withdrawn from before it left": Story(paid, _is_withdrawn_from, "cancelled"),
    "an order is withdrawn from afterwards": Story(shipped, _is_withdrawn_from, "shipped"),
    "an unpaid order is edited and paid": Story(pending, _is_edited, "paid"),
    "a draft is placed and paid": Story(pending, _is_drafted, "pending"),
}
