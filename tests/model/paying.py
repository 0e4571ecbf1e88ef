"""Rules of the state machine: payments and refunds, the gateway, workers and the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.agreeing import Order
from tests.model.cashing import GIFT_CARD, STORE_CREDIT
from tests.model.compared import Compared, few, money, nth
from tests.model.money import Charge, Refund, Till

_CARDS = st.sampled_from(["success", "success", "success", "declined", "3ds", "slow", "", GIFT_CARD, STORE_CREDIT])
_FAULTS = st.sampled_from(["", "", "", "lost", "down"])


class Paying(Compared):
    """From the first attempt to the last refund."""

    def has_waiting(self) -> bool:
        return bool(self.waiting())

    def has_disputable(self) -> bool:
        """One in a run is enough: what is charged back cannot be given back any more."""
        return bool(self.charges(lambda charge: charge.left)) and not self.charges(lambda charge: charge.disputed)

    def tried(self, number: int, is_preferred: Callable[[Till], Any]) -> Order:
        """Return an order that somebody tried to pay: one of the second and third is there from the beginning."""
        order = self.mostly(lambda order: order.till is not None and is_preferred(order.till), number)
        return order if order.till is not None else self.shop.orders[1]

    def charges(self, is_meant: Callable[[Charge], Any]) -> list[tuple[int, Charge]]:
        """Return the charges that are meant, each with its place among all."""
        return [(place, charge) for place, charge in enumerate(self.shop.gateway.charges) if is_meant(charge)]

    def waiting(self) -> list[tuple[int, Charge]]:
        """Return the charges that wait for their shopper."""
        return self.charges(lambda charge: charge.state == "requires_action")

    @rule(number=nth, card=_CARDS, fault=_FAULTS)
    def pay(self, number: int, card: str, fault: str) -> None:
        order = self.mostly(lambda order: order.state == "pending", number)
        fault = "" if order.is_begun or card in (GIFT_CARD, STORE_CREDIT) else fault
        self.both(lambda: self.shop.pay(order, card, fault), lambda: self.real.pay(order.number, card, fault))

    @rule(number=nth, card=_CARDS)
    def pay_again(self, number: int, card: str) -> None:
        """Pay what is paid, as who presses a button twice."""
        order = self.tried(number, lambda till: till.captured > till.refunded)
        self.both(lambda: self.shop.pay(order, card, ""), lambda: self.real.pay(order.number, card, ""))

    @rule(number=nth)
    def come_back(self, number: int) -> None:
        order = self.tried(number, lambda till: till.live)
        self.shop.ask(order)
        said = self.real.show_payment(order.number)
        assert (said["status"], said["amount"]) == (order.money.status, money(order.price.total))
        assert said["refunded"] == money(order.money.refunded)

    @rule(
        number=nth,
        part=st.sampled_from([None, 1, 70, 500, 2000]),
        to=st.sampled_from(["payment", "payment", "store_credit"]),
        fault=_FAULTS,
    )
    def refund(self, number: int, part: int | None, to: str, fault: str) -> None:
        order = self.tried(number, lambda till: till.captured > till.refunded)
        body = {"to": to} | ({"amount": money(part)["amount"]} if part else {})
        self.compare_refund(
            *self.both(
                lambda: self.shop.refund(order, part, to=to, fault=fault),
                lambda: self.real.refund(order.number, body, fault),
            )
        )

    @rule(number=nth, line=nth, units=few, restock=st.booleans())
    def refund_goods(self, number: int, line: int, units: int, restock: bool) -> None:
        order = self.tried(number, lambda till: till.captured > till.refunded)
        sku = self.chosen(order.lines, line).sku
        body = {"items": [{"variant": self.real.variants[sku], "quantity": units}], "restock": restock}
        self.compare_refund(
            *self.both(
                lambda: self.shop.refund(order, items=[(sku, units)], is_restocked=restock),
                lambda: self.real.refund(order.number, body, ""),
            )
        )

    def compare_refund(self, refunds: Sequence[Refund] | None, said: Any) -> None:
        if refunds is not None:
            shown = [(means["status"], means["amount"]) for means in said["means"]]
            assert shown == [(refund.state, money(refund.amount)) for refund in refunds]

    def by_hand(self) -> list[tuple[Order, int]]:
        """Return the refunds that wait for staff: of which order, and the how-manieth of it."""
        return [
            (order, place)
            for order in self.shop.orders
            for place, refund in enumerate(order.till.refunds if order.till else ())
            if refund.is_by_hand and refund.is_open
        ]

    def has_by_hand(self) -> bool:
        return bool(self.by_hand())

    @precondition(has_by_hand)
    @rule(number=nth)
    def confirm_refund(self, number: int) -> None:
        order, place = self.chosen(self.by_hand(), number)
        order.money.settle(order.money.refunds[place], is_done=True)
        self.real.confirm_refund(order.number, place)

    def has_payable(self) -> bool:
        return any(order.state == "pending" and not order.is_begun for order in self.shop.orders)

    @precondition(has_payable)
    @rule(number=nth, card=st.sampled_from(["3ds", "slow", ""]), fault=st.sampled_from(["", "lost"]))
    def begin(self, number: int, card: str, fault: str) -> None:
        """Begin to pay in a way that has no end yet."""
        payable = [order for order in self.shop.orders if order.state == "pending" and not order.is_begun]
        order = self.chosen(payable, number)
        self.both(lambda: self.shop.pay(order, card, fault), lambda: self.real.pay(order.number, card, fault))

    @precondition(has_waiting)
    @rule(number=nth, card=st.sampled_from(["success", "declined", "3ds", "slow"]), is_approved=st.booleans())
    def go_on(self, number: int, card: str, is_approved: bool) -> None:
        """Do at the gateway what it waits for: show it a card, or answer its challenge."""
        place, charge = self.chosen(self.waiting(), number)
        if charge.card:
            self.shop.gateway.answer(charge, is_approved=is_approved)
            self.real.answer(place, is_approved=is_approved)
        else:
            self.shop.gateway.show_card(charge, card)
            self.real.show_card(place, card)

    @precondition(has_disputable)
    @rule(number=nth)
    def charge_back(self, number: int) -> None:
        place, charge = self.chosen(self.charges(lambda charge: charge.left), number)
        self.shop.gateway.dispute(charge)
        self.real.dispute(place)

    @rule(number=nth, which=nth)
    def hear(self, number: int, which: int) -> None:
        place, charge = self.chosen(self.charges(lambda charge: charge.webhooks), number)
        webhook = which % len(charge.webhooks)
        self.shop.hear(charge, charge.webhooks[webhook])
        self.real.hear(place, webhook)

    @rule()
    def work(self) -> None:
        self.shop.work()
        self.real.work()

    @rule(hours=st.sampled_from([1, 1, 1, 25]))
    def rest(self, hours: int) -> None:
        self.shop.rest(hours)
        self.real.rest(hours)

    def has_begun(self) -> bool:
        return any(order.state == "pending" and order.is_begun for order in self.shop.orders)

    @precondition(has_begun)
    @rule()
    def lapse(self) -> None:
        """Time passes while the workers stand still: orders are let go of before anybody asks the gateway."""
        self.shop.lapse(25)
        self.real.lapse(25)
