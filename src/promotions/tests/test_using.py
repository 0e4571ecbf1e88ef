from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from core.tests.threads import at_once, in_thread, waits_for_a_lock
from core.transactions import NoTransaction
from markets.models import Market
from markets.tests.factories import make_market
from promotions import selectors, services
from promotions.errors import FirstOrderOnly, PromotionUsedUp
from promotions.models import Buyer, Coupon, Promotion, PromotionUse
from promotions.tests.factories import make_coupon, make_promotion, use_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def use(*things: Promotion | Coupon, buyer: str = "ada", order_id: UUID | None = None) -> UUID:
    order_id = order_id or uuid4()
    with transaction.atomic():
        services.use_promotions(uses=[use_of(thing) for thing in things], order_id=order_id, buyer=buyer, at=NOON)
    return order_id


def give_back(order_id: UUID) -> None:
    with transaction.atomic():
        services.return_uses(order_id=order_id, at=NOON)


def count_order(buyer: str, difference: int = 1) -> None:
    with transaction.atomic():
        services.count_order(buyer=buyer, difference=difference)


def uses_of(thing: Promotion | Coupon) -> int:
    thing.refresh_from_db()
    return thing.uses


def version() -> int:
    return Market.objects.get().rules_version


@pytest.mark.django_db
class TestUsePromotions:
    def test_writes_what_each_took_off(self) -> None:
        sale, coupon = make_promotion(), make_coupon()

        order_id = use(sale, coupon)

        rows = PromotionUse.objects.filter(order_id=order_id).order_by("pk")
        assert list(rows.values_list("promotion", "coupon", "buyer", "amount_minor", "currency", "returned_at")) == [
            (sale.pk, None, "ada", 100, "GBP", None),
            (coupon.promotion_id, coupon.pk, "ada", 100, "GBP", None),
        ]

    def test_counts_only_what_is_limited(self) -> None:
        open_to_all, limited = make_promotion(), make_promotion(usage_limit=2)
        coupon = make_coupon(usage_limit=2)

        use(open_to_all, limited, coupon)

        assert (uses_of(open_to_all), uses_of(limited), uses_of(coupon)) == (0, 1, 1)
        assert selectors.find_differences() == []

    @pytest.mark.parametrize("limited", ["promotion", "coupon"])
    def test_refuses_all_when_one_is_used_up_and_names_it(self, limited: str) -> None:
        sale = make_promotion(usage_limit=5)
        limit = {"usage_limit": 1}
        coupon = make_coupon(
            "LAST",
            promotion=make_promotion("Flyer", needs_code=True, **(limit if limited == "promotion" else {})),
            **(limit if limited == "coupon" else {}),
        )
        use(coupon, buyer="bob")

        with pytest.raises(PromotionUsedUp) as refusal:
            use(sale, coupon)

        assert refusal.value.facts == {"promotion": str(coupon.promotion_id), "name": "Flyer", "coupon": "LAST"}
        assert uses_of(sale) == 0
        assert not PromotionUse.objects.filter(buyer="ada").exists()

    def test_limits_each_customer(self) -> None:
        sale = make_promotion(per_customer_limit=2)
        use(sale)
        use(sale)

        with pytest.raises(PromotionUsedUp) as refusal:
            use(sale)
        use(sale, buyer="bob")

        assert refusal.value.facts["coupon"] is None
        assert list(PromotionUse.objects.order_by("pk").values_list("buyer", "turn", "turns")) == [
            ("ada", 1, 2),
            ("ada", 2, 2),
            ("bob", 1, 2),
        ]

    def test_limits_each_customer_by_the_coupon_too(self) -> None:
        flyer = make_promotion(needs_code=True, per_customer_limit=3)
        once, other = make_coupon(promotion=flyer, per_customer_limit=1), make_coupon(promotion=flyer)
        use(once)

        with pytest.raises(PromotionUsedUp):
            use(once)
        use(other)

        assert list(PromotionUse.objects.order_by("pk").values_list("turn", "coupon_turn", "coupon_turns")) == [
            (1, 1, 1),
            (2, None, None),
        ]

    def test_counts_what_a_customer_used_before_there_was_a_limit(self) -> None:
        sale = make_promotion()
        use(sale)
        Promotion.objects.update(per_customer_limit=1)

        with pytest.raises(PromotionUsedUp):
            use(sale)

        assert PromotionUse.objects.count() == 1

    def test_is_for_the_first_order_only_where_it_says_so(self) -> None:
        welcome = make_coupon("HELLO", promotion=make_promotion("Welcome", needs_code=True, first_order_only=True))
        use(welcome)
        count_order("ada")

        with pytest.raises(FirstOrderOnly) as refusal:
            use(welcome)
        use(welcome, buyer="bob")

        assert refusal.value.facts == {
            "promotion": str(welcome.promotion_id),
            "name": "Welcome",
            "coupon": "HELLO",
        }
        assert PromotionUse.objects.filter(buyer="ada").count() == 1

    def test_refuses_a_promotion_twice_in_an_order(self) -> None:
        sale = make_promotion()
        order_id = use(sale)

        with pytest.raises(IntegrityError):
            use(sale, order_id=order_id)

        assert PromotionUse.objects.count() == 1

    def test_makes_carts_forget_an_automatic_promotion_with_its_last_use(self) -> None:
        make_market(rules_version=1)
        sale, coupon = make_promotion(usage_limit=2), make_coupon(usage_limit=1)
        use(sale, coupon)
        before = version()

        use(sale)

        assert before == 1
        assert version() != 1

    def test_asks_nothing_without_uses(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with transaction.atomic(), django_assert_num_queries(0):
            services.use_promotions(uses=[], order_id=uuid4(), buyer="ada", at=NOON)

    @pytest.mark.parametrize(
        ("limits", "statements"),
        [
            ({}, 3),
            ({"usage_limit": 99}, 4),
            ({"per_customer_limit": 9}, 5),
            ({"first_order_only": True}, 4),
            ({"usage_limit": 99, "per_customer_limit": 9, "first_order_only": True}, 6),
        ],
    )
    def test_costs_the_same_for_one_and_for_twenty(
        self, limits: dict[str, Any], statements: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        things = [make_promotion(**limits) for _ in range(20)]
        Buyer.objects.create(key="ada")

        for wanted in (things[:1], things):
            with transaction.atomic(), django_assert_num_queries(statements):
                services.use_promotions(
                    uses=[use_of(thing) for thing in wanted], order_id=uuid4(), buyer="ada", at=NOON
                )

    @pytest.mark.parametrize(
        ("limits", "statements"), [({}, 4), ({"usage_limit": 99}, 5), ({"usage_limit": 99, "per_customer_limit": 9}, 7)]
    )
    def test_costs_the_same_for_one_coupon_and_for_twenty(
        self, limits: dict[str, Any], statements: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        things = [make_coupon(**limits) for _ in range(20)]
        Buyer.objects.create(key="ada")

        for wanted in (things[:1], things):
            with transaction.atomic(), django_assert_num_queries(statements):
                services.use_promotions(
                    uses=[use_of(thing) for thing in wanted], order_id=uuid4(), buyer="ada", at=NOON
                )

    def test_locks_promotions_then_coupons_in_id_order_before_it_writes(self) -> None:
        things = [
            make_coupon(usage_limit=5, promotion=make_promotion(needs_code=True, usage_limit=5)) for _ in range(3)
        ]

        with CaptureQueriesContext(connection) as queries:
            use(*things)

        statements = [query["sql"] for query in queries]
        locks = [i for i, sql in enumerate(statements) if "FOR UPDATE" in sql]
        write = next(i for i, sql in enumerate(statements) if "INSERT INTO" in sql)
        assert [statements[i].split(" OF ")[-1] for i in locks] == ['"promotions_promotion"', '"promotions_coupon"']
        assert all("ORDER BY 1 ASC FOR UPDATE" in statements[i] for i in locks)
        assert max(locks) < write

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.use_promotions(uses=[], order_id=uuid4(), buyer="ada", at=NOON)


@pytest.mark.django_db
class TestReturnUses:
    def test_gives_uses_back_once(self) -> None:
        sale = make_promotion(usage_limit=2, per_customer_limit=1)
        coupon = make_coupon(usage_limit=1)
        order_id = use(sale, coupon)

        give_back(order_id)
        give_back(order_id)

        assert (uses_of(sale), uses_of(coupon)) == (0, 0)
        assert set(PromotionUse.objects.values_list("returned_at", flat=True)) == {NOON}
        assert selectors.find_differences() == []

    def test_lets_the_customer_use_it_again(self) -> None:
        sale = make_promotion(per_customer_limit=2)
        first, second = use(sale), use(sale)
        give_back(first)

        third = use(sale)

        kept = PromotionUse.objects.filter(returned_at__isnull=True).order_by("turn")
        assert list(kept.values_list("order_id", "turn")) == [(third, 1), (second, 2)]

    def test_leaves_other_orders_alone(self) -> None:
        sale = make_promotion(usage_limit=2)
        kept = use(sale)

        give_back(use(sale))

        assert uses_of(sale) == 1
        assert PromotionUse.objects.get(returned_at__isnull=True).order_id == kept

    def test_makes_carts_know_an_automatic_promotion_again(self) -> None:
        make_market()
        sale = make_promotion(usage_limit=1)
        order_id = use(sale)
        before = version()

        give_back(order_id)

        assert version() != before

    def test_costs_the_same_for_one_and_for_twenty(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        things = [make_coupon(usage_limit=9) for _ in range(20)]
        few, many = use(*things[:1]), use(*things)

        for order_id in (few, many):
            with transaction.atomic(), django_assert_num_queries(5):
                services.return_uses(order_id=order_id, at=NOON)
        with transaction.atomic(), django_assert_num_queries(1):
            services.return_uses(order_id=uuid4(), at=NOON)

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.return_uses(order_id=uuid4(), at=NOON)


def renew(order_id: UUID) -> None:
    with transaction.atomic():
        services.renew_uses(order_id=order_id, given_back_at=NOON, at=NOON)


@pytest.mark.django_db
class TestRenewUses:
    def test_takes_again_what_was_given_back_once(self) -> None:
        sale, coupon = make_promotion(usage_limit=2, per_customer_limit=1), make_coupon(usage_limit=1)
        order_id = use(sale, coupon)
        give_back(order_id)

        renew(order_id)
        renew(order_id)

        kept = PromotionUse.objects.filter(returned_at__isnull=True).order_by("pk")
        assert list(kept.values_list("order_id", "promotion", "coupon", "buyer", "amount_minor", "turn")) == [
            (order_id, sale.pk, None, "ada", 100, 1),
            (order_id, coupon.promotion_id, coupon.pk, "ada", 100, None),
        ]
        assert (uses_of(sale), uses_of(coupon)) == (1, 1)
        assert selectors.find_differences() == []

    def test_refuses_when_others_took_them_meanwhile(self) -> None:
        sale, coupon = make_promotion(usage_limit=5), make_coupon(usage_limit=1)
        order_id = use(sale, coupon)
        give_back(order_id)
        use(coupon, buyer="bob")

        with pytest.raises(PromotionUsedUp):
            renew(order_id)

        assert (uses_of(sale), uses_of(coupon)) == (0, 1)
        assert not PromotionUse.objects.filter(order_id=order_id, returned_at__isnull=True).exists()

    def test_leaves_alone_what_was_not_given_back(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        sale = make_promotion(usage_limit=5)
        order_id = use(sale)

        with transaction.atomic(), django_assert_num_queries(1):
            services.renew_uses(order_id=order_id, given_back_at=NOON, at=NOON)

        assert uses_of(sale) == 1

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.renew_uses(order_id=uuid4(), given_back_at=NOON, at=NOON)


@pytest.mark.django_db
class TestCountOrder:
    def test_counts_up_and_down_but_not_below_nothing(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        count_order("ada")
        count_order("ada")
        count_order("ada", -1)
        count_order("bob", -1)
        with transaction.atomic(), django_assert_num_queries(1):
            services.count_order(buyer="bob", difference=-1)

        assert dict(Buyer.objects.values_list("key", "orders")) == {"ada": 1, "bob": 0}

    def test_makes_the_next_order_not_the_first(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(1):
            before = selectors.is_first_order(buyer="ada")
        count_order("ada")
        between = selectors.is_first_order(buyer="ada")
        count_order("ada", -1)

        assert (before, between, selectors.is_first_order(buyer="ada")) == (True, False, True)

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.count_order(buyer="ada", difference=1)


def try_to_use(thing: Promotion | Coupon, *, buyer: str, counted: bool = False) -> str:
    try:
        with transaction.atomic():
            services.use_promotions(uses=[use_of(thing)], order_id=uuid4(), buyer=buyer, at=NOON)
            if counted:
                services.count_order(buyer=buyer, difference=1)
    except (PromotionUsedUp, FirstOrderOnly):
        return "refused"
    return "used"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.mark.parametrize("limited", ["coupon", "promotion"])
    def test_r04_a14_the_last_use_is_used_once(self, limited: str) -> None:
        coupon = make_coupon(
            promotion=make_promotion(needs_code=True, usage_limit=7 if limited == "promotion" else None),
            usage_limit=7 if limited == "coupon" else None,
        )
        for number in range(6):
            use(coupon, buyer=f"earlier{number}")

        outcomes = at_once(lambda number: try_to_use(coupon, buyer=f"buyer{number}"), range(100))

        assert sorted(outcomes) == ["refused"] * 99 + ["used"]
        assert PromotionUse.objects.count() == 7
        assert selectors.find_differences() == []

    @pytest.mark.parametrize("limited", ["coupon", "promotion"])
    def test_r04_a_customers_last_use_is_used_once(self, limited: str) -> None:
        coupon = make_coupon(
            promotion=make_promotion(needs_code=True, per_customer_limit=2 if limited == "promotion" else None),
            per_customer_limit=2 if limited == "coupon" else None,
        )
        use(coupon)

        outcomes = at_once(lambda _: try_to_use(coupon, buyer="ada"), range(20))

        assert sorted(outcomes) == ["refused"] * 19 + ["used"]
        assert PromotionUse.objects.filter(buyer="ada").count() == 2

    def test_r04_one_order_is_the_first(self) -> None:
        welcome = make_promotion(first_order_only=True)

        outcomes = at_once(lambda _: try_to_use(welcome, buyer="ada", counted=True), range(20))

        assert sorted(outcomes) == ["refused"] * 19 + ["used"]
        assert Buyer.objects.get(key="ada").orders == 1

    def test_r04_uses_and_returns_at_once_leave_the_counts_right(self) -> None:
        coupons = [make_coupon(usage_limit=14) for _ in range(3)]
        orders = [use(*coupons, buyer=f"earlier{number}") for number in range(8)]

        def work(number: int) -> None:
            if number < 8:
                give_back(orders[number])
            else:
                try_to_use(coupons[number % 3], buyer=f"buyer{number}")

        at_once(work, range(24))

        assert selectors.find_differences() == []
        assert PromotionUse.objects.filter(returned_at__isnull=True).count() == 16

    def test_r02_orders_of_the_same_in_any_order_do_not_deadlock(self) -> None:
        flyer = make_promotion(needs_code=True, usage_limit=99)
        things: list[Promotion | Coupon] = [
            make_promotion(usage_limit=99, per_customer_limit=50),
            make_promotion(usage_limit=99),
            make_coupon(usage_limit=99, promotion=flyer),
            make_coupon(usage_limit=99, per_customer_limit=50),
        ]

        def work(number: int) -> None:
            give_back(use(*Random(number).sample(things, len(things))))
            use(*Random(-number).sample(things, len(things)))

        at_once(work, range(16))

        assert [uses_of(thing) for thing in things] == [16] * 4
        assert selectors.find_differences() == []

    def test_orders_do_not_wait_for_each_other_where_nothing_is_limited(self) -> None:
        sale = make_promotion(per_customer_limit=1)

        with ThreadPoolExecutor(max_workers=1) as other, transaction.atomic():
            services.use_promotions(uses=[use_of(sale)], order_id=uuid4(), buyer="ada", at=NOON)
            working = other.submit(in_thread, lambda: try_to_use(sale, buyer="bob"))
            waits = waits_for_a_lock(working)

        assert not waits
        assert working.result() == "used"
