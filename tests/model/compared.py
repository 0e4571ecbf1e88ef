"""What all parts of the state machine share: the shop, its model, and how the two are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from copy import deepcopy
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from config.management.commands.verify_books import Command as VerifyBooks
from orders.tests.gateway import ask_gateway, told
from tests.journeys.world import undone
from tests.model.agreeing import Order
from tests.model.back_office import BackOffice
from tests.model.cashing import GIFT_CARD
from tests.model.goods import Coupon, Good, Refused
from tests.model.real import CUSTOMERS, GUESTS, ON_GIFT_CARD
from tests.model.writing import Office

T = TypeVar("T")

GOODS = {"LAMP": Good(2495, 4), "MUG": Good(999, 4), "ROPE": Good(70, 6)}
COUPONS = {"FIVER": Coupon(amount=500, minimum=2000, each=1), "QUARTER": Coupon(percent=25, limit=2)}
EVERYBODY = (*CUSTOMERS, *GUESTS)

people = st.sampled_from(EVERYBODY)
skus = st.sampled_from(sorted(GOODS))
few = st.integers(1, 4)
nth = st.integers(0, 8 * 8 * 8 - 1)


def money(pence: int) -> dict[str, str]:
    """Return an amount as the API shows it."""
    return {"amount": f"{pence / 100:.2f}", "currency": "GBP"}


class Compared(RuleBasedStateMachine):
    """A run: a shop as it was when it opened, and a model of it."""

    real: ClassVar[BackOffice]
    opened: ClassVar[Office]
    runs: ClassVar[int] = 0
    # How often the shop refused with which code, something ended in which state, staff were told or did what.
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.undoing = ExitStack()
        self.undoing.enter_context(undone())
        self.real.start()
        self.shop = deepcopy(self.opened)
        # Whose cart -> SKU -> the item's id.
        self.items: dict[str, dict[str, str]] = {name: {} for name in EVERYBODY}

    @classmethod
    def open(cls, real: BackOffice) -> None:
        """Open the shop in which every run begins: somebody waits to pay, somebody paid, two got a parcel."""
        cls.real, cls.runs = real, 0
        cls.seen.clear()
        cls.opened = shop = Office(deepcopy(GOODS), deepcopy(COUPONS), guests=frozenset(GUESTS))
        shop.balances[GIFT_CARD] = ON_GIFT_CARD
        for who, sku, to in (
            ("ada", "MUG", ""),
            ("bob", "LAMP", "paid"),
            ("guest", "ROPE", "sent"),
            ("ada", "LAMP", "sent"),
        ):
            order = shop.buy(who, sku)
            real.buy(who, sku)
            if to:
                shop.pay(order, "success")
                real.pay(order.number, "success")
            if to == "sent":
                shop.move(order, "shipped")
                real.move(order.number, "shipped")
        shop.work()
        real.work()
        real.remember()

    def both(self, expect: Callable[[], T], ask: Callable[[], Any]) -> tuple[T | None, Any]:
        """Do it to the model and to the shop, and return both answers; none where both refuse for the same reason."""
        expected, refusal = _try(expect)
        said, refused = _try(ask)
        if refusal is None or refused is None:
            assert (refusal, refused) == (None, None)
            return expected, said
        assert (refused.status, refused.code) == (refusal.status, refusal.code)
        for name, value in refusal.facts.items():
            assert refused.facts[name] == self.told(name, value)
        self.seen[refusal.code] += 1
        return None, None

    def told(self, name: str, value: Any) -> Any:
        """Return a fact of a refusal as the shop tells it."""
        return {self.real.variants[sku]: units for sku, units in value.items()} if name == "short" else value

    def chosen(self, among: Sequence[T], number: int) -> T:
        return among[number % len(among)]

    def mostly(self, is_preferred: Callable[[Order], Any], number: int) -> Order:
        """Return an order: seven times of eight one that is preferred, if there is any."""
        preferred = [order for order in self.shop.orders if is_preferred(order)]
        return self.chosen(preferred if preferred and number % 8 else self.shop.orders, number // 8)

    @invariant()
    def the_shop_is_as_the_model_says(self) -> None:
        shop = self.shop
        assert self.real.state() == {
            "stock": {sku: (good.on_hand, good.reserved) for sku, good in shop.goods.items()},
            "orders": [
                (order.state, order.price.total, [line.counted for line in order.lines]) for order in shop.orders
            ],
            "returns": [back.state for back in shop.returns],
            "payments": [
                (order.till.status, order.till.captured, order.till.refunded) if order.till else None
                for order in shop.orders
            ],
            "balances": shop.kept(),
            "uses": {code: len(coupon.uses) for code, coupon in shop.coupons.items() if coupon.limit is not None},
        }

    def teardown(self) -> None:
        """Let everything come to an end, and compare all books."""
        try:
            self._hear_the_rest()
            self.shop.rest(25)
            self.real.rest(25)
            self.the_shop_is_as_the_model_says()
            self._books_agree()
            self.seen.update(order.till.status for order in self.shop.orders if order.till)
            self.seen.update(order.state for order in self.shop.orders)
            self.seen.update(f"return {back.state}" for back in self.shop.returns)
            self.seen.update("exchanged" for back in self.shop.returns if back.replaced_by is not None)
            self.seen.update(told())
            type(self).runs += 1
        finally:
            self.undoing.close()

    def _hear_the_rest(self) -> None:
        """Let all webhooks arrive that were late till now."""
        for place, charge in enumerate(self.shop.gateway.charges):
            for number, webhook in enumerate(charge.webhooks):
                if webhook not in self.shop.heard:
                    self.shop.hear(charge, webhook)
                    self.real.hear(place, number)

    def _books_agree(self) -> None:
        VerifyBooks().handle(at=self.real.clock())
        books = ask_gateway("GET", "books")
        assert books["differences"] == []
        assert [(c["status"], c["captured"], c["refunded"], c["disputed"]) for c in books["charges"]] == [
            ({"cancelled": "voided"}.get(c.state, c.state), c.captured, c.refunded, c.disputed)
            for c in self.shop.gateway.charges
        ]


def _try(act: Callable[[], T]) -> tuple[T | None, Refused | None]:
    try:
        return act(), None
    except Refused as refusal:
        return None, refusal
