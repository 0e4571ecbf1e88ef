from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from promotions.domain import Basket, BasketLine, Benefit, Outcome, Per, Reason, Rule, apply

CLOTHES, BOOKS = uuid4(), uuid4()


class Line(NamedTuple):
    """A line with what is left of its price."""

    about: BasketLine
    left_minor: int


def line(left: int, quantity: int = 1, *, category: UUID = BOOKS, tags: frozenset[str] = frozenset()) -> Line:
    about = BasketLine(
        variant_id=uuid4(), product_id=uuid4(), category_ids=frozenset([category]), tags=tags, quantity=quantity
    )
    return Line(about, left)


def tried_on(tried: Rule, *lines: Line, **about: Any) -> Outcome:
    basket = Basket(lines=tuple(line.about for line in lines), **about)
    return apply(tried, basket, [line.left_minor for line in lines])


def rule(benefit: Benefit, **more: Any) -> Rule:
    return Rule(id=uuid4(), name="Sale", benefit=benefit, **more)


def off(tried: Rule, *lines: Line, **about: Any) -> dict[int, int]:
    return dict(tried_on(tried, *lines, **about).discounts)


def why_not(tried: Rule, *lines: Line, **about: Any) -> Reason | None:
    outcome = tried_on(tried, *lines, **about)
    assert outcome.discounts == {}
    return outcome.reason


class TestPercent:
    def test_off_the_order_is_rounded_once_and_spread(self) -> None:
        assert off(rule(Benefit.PERCENT, percent_bp=1000), line(333), line(333), line(339)) == {0: 34, 1: 33, 2: 34}

    def test_off_each_line_is_rounded_on_each(self) -> None:
        tried = rule(Benefit.PERCENT, percent_bp=1000, per=Per.LINE)

        assert off(tried, line(335), line(335)) == {0: 34, 1: 34}

    def test_is_about_what_matches_alone(self) -> None:
        tried = rule(Benefit.PERCENT, percent_bp=5000, categories=frozenset([CLOTHES]), tags=frozenset(["sale"]))

        found = off(tried, line(100), line(200, category=CLOTHES), line(300, tags=frozenset(["sale"])))

        assert found == {1: 100, 2: 150}

    def test_takes_no_more_than_all(self) -> None:
        assert off(rule(Benefit.PERCENT, percent_bp=10_000), line(1), line(2)) == {0: 1, 1: 2}


class TestAmount:
    def test_off_the_order_is_taken_once(self) -> None:
        assert off(rule(Benefit.AMOUNT, amount_minor=500), line(1000), line(3000)) == {0: 125, 1: 375}

    def test_off_the_order_stops_at_its_price(self) -> None:
        assert off(rule(Benefit.AMOUNT, amount_minor=500), line(100), line(50)) == {0: 100, 1: 50}

    def test_off_a_line_is_taken_from_each(self) -> None:
        tried = rule(Benefit.AMOUNT, amount_minor=200, per=Per.LINE)

        assert off(tried, line(1000, 3), line(150)) == {0: 200, 1: 150}

    def test_off_a_unit_is_taken_from_each_of_them(self) -> None:
        assert off(rule(Benefit.AMOUNT, amount_minor=200, per=Per.UNIT), line(1000, 3)) == {0: 600}


class TestCheapest:
    def test_reduces_one_unit_of_the_cheapest(self) -> None:
        assert off(rule(Benefit.CHEAPEST, percent_bp=10_000), line(900), line(1000, 2), line(600)) == {1: 500}

    def test_passes_over_what_is_free_already(self) -> None:
        assert off(rule(Benefit.CHEAPEST, percent_bp=5000), line(0), line(600)) == {1: 300}


class TestBuyXGetY:
    def test_gives_the_cheapest_of_all_that_match(self) -> None:
        tried = rule(Benefit.BUY_X_GET_Y, buy=2, get=1, percent_bp=10_000)

        assert off(tried, line(3000, 3), line(500, 1), line(1400, 2)) == {1: 500, 2: 700}

    def test_gives_nothing_below_a_whole_set(self) -> None:
        tried = rule(Benefit.BUY_X_GET_Y, buy=2, get=1, percent_bp=10_000)

        assert why_not(tried, line(2000, 2)) is Reason.NOTHING_LEFT

    def test_leaves_no_odd_penny_of_a_line_that_is_all_free(self) -> None:
        tried = rule(Benefit.BUY_X_GET_Y, buy=2, get=2, percent_bp=10_000)

        assert off(tried, line(9000, 2), line(999, 2)) == {1: 999}


class TestTiers:
    def test_reduce_each_line_by_its_own_quantity(self) -> None:
        tried = rule(Benefit.TIERS, tiers=((3, 500), (10, 1000)))

        assert off(tried, line(1000, 2), line(1000, 3), line(1000, 12)) == {1: 50, 2: 100}


class TestFreeShipping:
    def test_frees_shipping_and_nothing_else(self) -> None:
        outcome = tried_on(rule(Benefit.FREE_SHIPPING), line(100))

        assert outcome.frees_shipping
        assert outcome.discounts == {}
        assert outcome.is_applied


class TestConditions:
    def test_what_was_known_against_it_comes_first(self) -> None:
        tried = rule(Benefit.PERCENT, percent_bp=1000, refusal=Reason.USED_UP, minimum_spend_minor=10**9)

        assert why_not(tried, line(100)) is Reason.USED_UP

    def test_another_group_has_no_use_of_it(self) -> None:
        group = uuid4()
        tried = rule(Benefit.PERCENT, percent_bp=1000, groups=frozenset([group]))

        assert why_not(tried, line(100)) is Reason.OTHER_GROUP
        assert why_not(tried, line(100), group_id=uuid4()) is Reason.OTHER_GROUP
        assert off(tried, line(100), group_id=group) == {0: 10}

    def test_only_a_first_order_has_it(self) -> None:
        tried = rule(Benefit.PERCENT, percent_bp=1000, first_order_only=True)

        assert why_not(tried, line(100)) is Reason.NOT_FIRST_ORDER
        assert off(tried, line(100), is_first_order=True) == {0: 10}

    def test_spend_and_quantity_are_those_of_what_matches(self) -> None:
        spend = rule(Benefit.PERCENT, percent_bp=1000, minimum_spend_minor=500, categories=frozenset([CLOTHES]))
        units = rule(Benefit.PERCENT, percent_bp=1000, minimum_quantity=3)

        assert why_not(spend, line(499, category=CLOTHES), line(900)) is Reason.BELOW_MINIMUM_SPEND
        assert off(spend, line(500, category=CLOTHES), line(900)) == {0: 50}
        assert why_not(units, line(100, 2)) is Reason.BELOW_MINIMUM_QUANTITY
        assert off(units, line(100, 2), line(100, 1)) == {0: 10, 1: 10}

    def test_nothing_matches(self) -> None:
        assert why_not(rule(Benefit.FREE_SHIPPING, tags=frozenset(["x"])), line(100)) is Reason.NOTHING_MATCHES


RULES = st.builds(
    Rule,
    id=st.uuids(),
    name=st.just("any"),
    benefit=st.sampled_from(Benefit),
    percent_bp=st.integers(0, 10_000),
    amount_minor=st.integers(0, 10**12),
    per=st.sampled_from(Per),
    buy=st.integers(1, 5),
    get=st.integers(1, 5),
    tiers=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 10_000)), max_size=3).map(tuple),
)
LINES = st.builds(line, st.integers(0, 10**12), st.integers(1, 999))


@given(RULES, st.lists(LINES, min_size=1, max_size=8))
def test_no_rule_takes_more_off_a_line_than_is_left_of_it(tried: Rule, lines: list[Line]) -> None:
    found = off(tried, *lines)

    assert all(0 < minor <= lines[place].left_minor for place, minor in found.items())
