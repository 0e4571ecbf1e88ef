"""Rules of the state machine: goods that come back."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.agreeing import Order
from tests.model.cashing import STORE_CREDIT
from tests.model.compared import Compared, few, nth, skus
from tests.model.exchanging import EXCHANGE
from tests.model.real import GUESTS
from tests.model.taking_back import Inspection, Return

_ANSWERS = st.sampled_from(["approved", "approved", "approved", "rejected", "cancelled"])
_WAYS = st.sampled_from(["payment", STORE_CREDIT, EXCHANGE, EXCHANGE])
_FAULTS = st.sampled_from(["", "", "lost", "down"])
_findings = st.builds(
    Inspection,
    first=st.sampled_from([None, None, 0, 1, 2]),
    is_restocked=st.booleans(),
    to=st.sampled_from(["", "", "payment", STORE_CREDIT]),
    kept=st.sampled_from([0, 0, 0, 100, 3000]),
    with_delivery=st.booleans(),
)


class Returning(Compared):
    """From asking to send something back to what it is worth."""

    def has_sent(self) -> bool:
        return any(line.away for order in self.shop.orders for line in order.lines)

    @precondition(has_sent)
    @rule(number=nth, line=nth, units=few, wanted=_WAYS, instead=skus)
    def ask_back(self, number: int, line: int, units: int, wanted: str, instead: str) -> None:
        order = self.mostly(lambda order: any(line.away for line in order.lines), number)
        self._ask_back(order, {self.chosen(order.lines, line).sku: units}, wanted, instead)

    def _ask_back(self, order: Order, units: dict[str, int], wanted: str, instead: str) -> None:
        """Ask to send something back; guests exchange nothing here."""
        wanted = "payment" if wanted == EXCHANGE and order.who in GUESTS else wanted
        other = instead if wanted == EXCHANGE else ""
        self.both(
            lambda: self.shop.ask_back(order, units, wanted, other),
            lambda: self.real.ask_back(order.number, units, wanted, other),
        )

    @precondition(has_sent)
    @rule(number=nth, wanted=_WAYS, instead=skus, found=_findings, fault=_FAULTS)
    def take_back(self, number: int, wanted: str, instead: str, found: Inspection, fault: str) -> None:
        """Let all that is away of an order come back, mostly of one that was not paid back, and settle it."""
        away = [order for order in self.shop.orders if any(line.away for line in order.lines)]
        unpaid = [order for order in away if not order.money.refunded and order.money.captured]
        order = self.chosen(unpaid if unpaid and number % 8 else away, number // 8)
        before = len(self.shop.returns)
        self._ask_back(order, {line.sku: line.away for line in order.lines if line.away}, wanted, instead)
        for place, back in enumerate(self.shop.returns[before:], start=before):
            self.shop.answer_return(back, "approved")
            self.real.answer_return(place, "approved", back.order.number)
            self.shop.receive(back, dict(back.units))
            self.real.receive(place, back.order.number, back.units)
            self._settle(place, back, found, fault)

    def has_returns(self) -> bool:
        return bool(self.shop.returns)

    def one_that_is(self, state: str, number: int) -> tuple[int, Return]:
        """Return a return and its place: seven times of eight one in that state, if there is any."""
        found = list(enumerate(self.shop.returns))
        preferred = [(place, back) for place, back in found if back.state == state]
        return self.chosen(preferred if preferred and number % 8 else found, number // 8)

    @precondition(has_returns)
    @rule(number=nth, to=_ANSWERS)
    def answer_return(self, number: int, to: str) -> None:
        place, back = self.one_that_is("requested", number)
        self.both(
            lambda: self.shop.answer_return(back, to),
            lambda: self.real.answer_return(place, to, back.order.number),
        )

    @precondition(has_returns)
    @rule(number=nth, units=few, is_whole=st.booleans())
    def receive(self, number: int, units: int, is_whole: bool) -> None:
        place, back = self.one_that_is("approved", number)
        came = dict(back.units) if is_whole else {next(iter(back.units)): units}
        self.both(lambda: self.shop.receive(back, came), lambda: self.real.receive(place, back.order.number, came))

    @precondition(has_returns)
    @rule(number=nth, found=_findings, fault=_FAULTS)
    def settle_return(self, number: int, found: Inspection, fault: str) -> None:
        self._settle(*self.one_that_is("received", number), found, fault)

    def _settle(self, place: int, back: Return, found: Inspection, fault: str) -> None:
        first = {} if found.first is None else {next(iter(back.units)): found.first}
        self.both(
            lambda: self.shop.settle_return(back, found, first, fault),
            lambda: self.real.settle_return(place, back.order.number, found, first, fault),
        )
