from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import CustomerGroup
from markets.tests.factories import make_market
from promotions import selectors
from promotions.domain import Benefit, Per, Reason, Rule
from promotions.errors import PromotionNotFound
from promotions.models import PromotionUse
from promotions.tests.factories import make_coupon, make_promotion, make_use, wide

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
UK = uuid4()


def names(**where: Any) -> list[str]:
    known: dict[str, Any] = {"market_id": UK, "currency": "GBP"}
    return [timed.rule.name for timed in selectors.load_rules(**(known | where))]


def of_codes(*codes: str, **about: Any) -> list[Rule]:
    known: dict[str, Any] = {"market_id": UK, "currency": "GBP", "at": NOON, "buyer": "ada"}
    return selectors.rules_of_codes(codes=codes, **(known | about))


def refusal(code: str, **about: Any) -> Reason | None:
    return of_codes(code, **about)[0].refusal


@pytest.mark.django_db
class TestLoadRules:
    def test_returns_what_is_priced_with(self) -> None:
        target, group, ends_at = uuid4(), uuid4(), timezone.now() + HOUR
        row = make_promotion(
            "Books",
            benefit="amount",
            per="unit",
            amounts={"GBP": {"amount": 500, "minimum_spend": 2000}, "EUR": {"amount": 600}},
            categories=[target],
            tags=["sale"],
            groups=[group],
            minimum_quantity=2,
            priority=3,
            is_exclusive=True,
            first_order_only=True,
            ends_at=ends_at,
            per_customer_limit=1,
        )

        [timed] = selectors.load_rules(market_id=UK, currency="GBP")

        assert (timed.starts_at, timed.ends_at, timed.per_customer_limit) == (None, ends_at, 1)
        assert timed.rule == Rule(
            id=row.pk,
            name="Books",
            benefit=Benefit.AMOUNT,
            per=Per.UNIT,
            amount_minor=500,
            minimum_spend_minor=2000,
            categories=frozenset([target]),
            tags=frozenset(["sale"]),
            groups=frozenset([group]),
            minimum_quantity=2,
            priority=3,
            is_exclusive=True,
            first_order_only=True,
        )

    def test_takes_one_query_and_the_highest_priority_first(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for priority in (1, 3, 2):
            make_promotion(str(priority), priority=priority)
        make_promotion("tiers", benefit="tiers", tiers=[[2, 500], [5, 1000]])

        with django_assert_num_queries(1):
            found = selectors.load_rules(market_id=UK, currency="GBP")

        assert [timed.rule.name for timed in found] == ["3", "2", "1", "tiers"]
        assert found[-1].rule.tiers == ((2, 500), (5, 1000))

    def test_knows_those_of_the_market_alone(self) -> None:
        make_promotion("here", markets=[UK, uuid4()])
        make_promotion("there", markets=[uuid4()])

        assert names() == ["here"]

    def test_knows_those_of_the_currency_alone(self) -> None:
        make_promotion("amount", benefit="amount", amounts={"EUR": {"amount": 500}, "JPY": {"minimum_spend": 5}})
        make_promotion("above", amounts={"EUR": {"minimum_spend": 500}, "JPY": {"minimum_spend": 5}})
        make_promotion("any")

        assert {currency: names(currency=currency) for currency in ("GBP", "EUR", "JPY")} == {
            "GBP": ["any"],
            "EUR": ["amount", "above", "any"],
            "JPY": ["above", "any"],
        }

    def test_leaves_out_what_is_over_used_up_ended_or_needs_a_code(self) -> None:
        now = timezone.now()
        make_promotion("off", is_active=False)
        make_promotion("past", ends_at=now - HOUR)
        make_promotion("gone", usage_limit=1, uses=1)
        make_promotion("coded", needs_code=True)
        make_promotion("future", starts_at=now + HOUR)

        assert names() == ["future"]


@pytest.mark.django_db
class TestRulesOfCodes:
    def test_returns_a_rule_for_each_in_their_order_with_one_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        first, second = make_coupon("FIRST"), make_coupon("SECOND")

        with django_assert_num_queries(1):
            found = of_codes("second", "what", "First")

        assert [(rule.code, rule.coupon_id, rule.refusal) for rule in found] == [
            ("SECOND", second.pk, None),
            ("what", None, Reason.UNKNOWN_CODE),
            ("FIRST", first.pk, None),
        ]
        assert found[0].id == second.promotion_id

    def test_asks_nothing_without_codes(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(0):
            assert of_codes() == []

    @pytest.mark.parametrize("entered", ["summer10", " SUMMER10 ", wide("SUMMER10"), "\uff33ummer\uff11\uff10"])
    def test_s24_reads_codes_by_nfkc_and_without_case(self, entered: str) -> None:
        make_coupon("Summer10")

        assert refusal(entered) is None

    @pytest.mark.parametrize(
        "entered",
        ["", " ", "a\0b", "\ud800", "SUM MER", "\u202eSALE", "x" * 1_000_000, wide("S") * 201, "ﷺ" * 100, "S\u0410LE"],
    )
    def test_s24_takes_odd_texts_for_unknown(self, entered: str) -> None:
        make_coupon("SALE")

        [rule] = of_codes(entered)

        assert (rule.refusal, rule.code) == (Reason.UNKNOWN_CODE, entered)

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"is_active": False}, Reason.UNKNOWN_CODE),
            ({"needs_code": False}, Reason.UNKNOWN_CODE),
            ({"markets": [uuid4()]}, Reason.OTHER_MARKET),
            ({"amounts": {"EUR": {"minimum_spend": 5}}}, Reason.OTHER_MARKET),
            ({"benefit": "amount", "amounts": {"EUR": {"amount": 5}}}, Reason.OTHER_MARKET),
            ({"starts_at": NOON + HOUR}, Reason.NOT_STARTED),
            ({"starts_at": NOON}, None),
            ({"ends_at": NOON}, Reason.ENDED),
            ({"ends_at": NOON + HOUR}, None),
            ({"usage_limit": 1, "uses": 1}, Reason.USED_UP),
            ({"usage_limit": 2, "uses": 1}, None),
        ],
    )
    def test_says_what_speaks_against_it(self, fields: dict[str, Any], reason: Reason | None) -> None:
        make_coupon("SALE", promotion=make_promotion(**{"needs_code": True} | fields))

        assert refusal("sale") is reason

    def test_knows_a_coupon_that_is_used_up(self) -> None:
        make_coupon("ONCE", usage_limit=1, uses=1)

        assert refusal("once") is Reason.USED_UP

    @pytest.mark.parametrize("limited", ["promotion", "coupon"])
    def test_counts_the_buyers_own_uses(self, limited: str) -> None:
        limits = [1 if limited == each else None for each in ("promotion", "coupon")]
        promotion = make_promotion(needs_code=True, per_customer_limit=limits[0])
        coupon = make_coupon("ONCE", promotion=promotion, per_customer_limit=limits[1])
        make_use(coupon, "ada")

        by = [refusal("once", buyer=buyer) for buyer in ("ada", "bob", None)]
        PromotionUse.objects.update(returned_at=NOON)

        assert by == [Reason.USED_BEFORE, None, None]
        assert refusal("once") is None

    def test_refuses_the_second_of_one_promotion(self) -> None:
        one = make_coupon("ONE")
        make_coupon("TWO", promotion=one.promotion)

        assert [rule.refusal for rule in of_codes("two", "one", "ONE")] == [None, Reason.EXCLUDED, Reason.EXCLUDED]


class TestBuyerKey:
    def test_is_the_customers_id_and_else_a_digest_that_tells_nothing(self) -> None:
        customer_id = uuid4()

        known = selectors.buyer_key(customer_id=customer_id, email="ada@example.com")
        guest = selectors.buyer_key(customer_id=None, email="ada@example.com")

        assert known == str(customer_id)
        assert "ada" not in guest
        assert len(guest) <= 64

    def test_s24_is_the_same_for_an_email_however_it_is_written(self) -> None:
        keys = {
            selectors.buyer_key(customer_id=None, email=email)
            for email in ("Ada@Example.com", " ada@example.com", "\uff41da@example.com")
        }

        assert len(keys) == 1

    def test_depends_on_a_secret(self, settings: Any) -> None:
        before = selectors.buyer_key(customer_id=None, email="ada@example.com")
        settings.SECRET_KEY = "another"

        assert selectors.buyer_key(customer_id=None, email="ada@example.com") != before

    def test_stays_when_the_secret_is_replaced_twice(self, settings: Any) -> None:
        before = selectors.buyer_key(customer_id=None, email="ada@example.com")
        settings.SECRET_KEY, settings.EARLIER_SECRET_KEYS = "third", ["second", settings.SECRET_KEY]

        assert selectors.buyer_key(customer_id=None, email="ada@example.com") == before


@pytest.mark.django_db
class TestUsedUpBy:
    def test_names_those_that_a_buyer_has_none_left_of(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        once, twice, always = (make_promotion(per_customer_limit=limit) for limit in (1, 2, None))
        for promotion in (once, twice, always):
            make_use(promotion)
        wanted = [once.pk, twice.pk, always.pk]

        with django_assert_num_queries(1):
            found = selectors.used_up_by(buyer="ada", promotion_ids=wanted)

        assert found == {once.pk}
        assert selectors.used_up_by(buyer="bob", promotion_ids=wanted) == frozenset()
        assert selectors.used_up_by(buyer="ada", promotion_ids=[]) == frozenset()


@pytest.mark.django_db
class TestListPromotions:
    def test_adds_markets_groups_and_uses_with_one_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        market = make_market()
        group = CustomerGroup.objects.create(code="trade", name="Trade")
        sale = make_promotion("Sale", markets=[market.pk], groups=[group.pk])
        make_promotion("Other")
        make_use(sale)

        with django_assert_num_queries(1):
            rows = {
                row.name: (row.market_codes, row.group_codes, row.times_used) for row in selectors.list_promotions()
            }

        assert rows == {"Sale": (["uk"], ["trade"], 1), "Other": ([], [], 0)}

    def test_filters(self) -> None:
        make_promotion("Spring", is_active=False)
        make_promotion("Summer", needs_code=True)

        def found(**filters: Any) -> set[str]:
            return {row.name for row in selectors.list_promotions(**filters)}

        assert found(is_active=True) == {"Summer"}
        assert found(needs_code=False) == {"Spring"}
        assert found(search="spr") == {"Spring"}


@pytest.mark.django_db
class TestListCoupons:
    def test_lists_those_of_one_promotion(self) -> None:
        coupon = make_coupon("ONE", batch="flyer")
        make_coupon("TWO", promotion=coupon.promotion)
        make_coupon("OTHER")
        make_use(coupon)

        def found(**filters: Any) -> dict[str, int]:
            rows = selectors.list_coupons(promotion_id=coupon.promotion_id, **filters)
            return {row.code: row.times_used for row in rows}

        assert found() == {"ONE": 1, "TWO": 0}
        assert found(batch="flyer") == {"ONE": 1}
        assert found(code="\uff54wo") == {"TWO": 0}

    def test_refuses_an_unknown_promotion(self) -> None:
        with pytest.raises(PromotionNotFound):
            selectors.list_coupons(promotion_id=uuid4())


@pytest.mark.django_db
class TestFindDifferences:
    def test_finds_what_was_counted_wrongly(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        sale, coupon = make_promotion("Sale", usage_limit=5), make_coupon("TEN", usage_limit=5)
        make_use(sale)
        make_use(coupon)
        before = selectors.find_differences()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE promotions_promotion SET uses = uses + 1 WHERE usage_limit = 5")
            cursor.execute("UPDATE promotions_coupon SET uses = 0")

        with django_assert_num_queries(2):
            found = selectors.find_differences()

        assert before == []
        assert found == ["promotion Sale: 2 uses counted, 1 found", "coupon TEN: 0 uses counted, 1 found"]
