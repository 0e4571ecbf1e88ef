from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction

from core.money import Money
from core.tests.threads import at_once, in_thread, waits_for_a_lock
from markets.models import Market
from markets.tests.factories import make_market
from promotions import selectors, services
from promotions.domain import Benefit, Per
from promotions.errors import (
    LimitBelowUses,
    PromotionInvalid,
    PromotionNotFound,
)
from promotions.models import Coupon, Promotion, PromotionUse
from promotions.services import PromotionData
from promotions.tests.factories import make_coupon, make_promotion, make_use, use_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SALE = PromotionData(name="Sale", benefit=Benefit.PERCENT, percent_bp=1000)


@pytest.fixture(autouse=True)
def market(db: None) -> Market:
    return make_market(rules_version=1)


def version() -> int:
    return Market.objects.get(code="uk").rules_version


def update(promotion_id: UUID, **changes: Any) -> Promotion:
    changed: Promotion = services.update_promotion(promotion_id=promotion_id, changes=changes)
    return changed


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": " "}),
    ("percent", {"percent_bp": 0}),
    ("percent", {"percent_bp": -1}),
    ("percent", {"percent_bp": 10_001}),
    ("percent", {"benefit": Benefit.FREE_SHIPPING}),
    ("percent", {"benefit": Benefit.CHEAPEST, "percent_bp": 0}),
    ("amounts", {"amounts": [Money(5, "GBP")]}),
    ("amounts", {"benefit": Benefit.AMOUNT, "percent_bp": 0}),
    ("amounts", {"benefit": Benefit.AMOUNT, "percent_bp": 0, "amounts": [Money(0, "GBP")]}),
    ("amounts", {"benefit": Benefit.AMOUNT, "percent_bp": 0, "amounts": [Money(5, "GBP"), Money(6, "GBP")]}),
    ("minimum_spends", {"minimum_spends": [Money(-5, "GBP")]}),
    ("buy", {"benefit": Benefit.BUY_X_GET_Y, "get": 1}),
    ("buy", {"benefit": Benefit.BUY_X_GET_Y, "get": 1, "buy": -2}),
    ("get", {"benefit": Benefit.BUY_X_GET_Y, "buy": 1}),
    ("get", {"get": 1}),
    ("tiers", {"benefit": Benefit.TIERS, "percent_bp": 0}),
    ("tiers", {"benefit": Benefit.TIERS, "percent_bp": 0, "tiers": [(2, 100), (2, 200)]}),
    ("tiers", {"benefit": Benefit.TIERS, "percent_bp": 0, "tiers": [(0, 100)]}),
    ("tiers", {"benefit": Benefit.TIERS, "percent_bp": 0, "tiers": [(2, 10_001)]}),
    ("minimum_quantity", {"minimum_quantity": -1}),
    ("usage_limit", {"usage_limit": 0}),
    ("per_customer_limit", {"per_customer_limit": -1}),
    ("time_zone", {"time_zone": "Mars/Olympus"}),
    ("time_zone", {"time_zone": "../etc/passwd"}),
    ("ends_at", {"starts_at": NOON, "ends_at": NOON}),
    ("starts_at", {"starts_at": datetime(1, 1, 1), "time_zone": "Asia/Tokyo"}),  # noqa: DTZ001
    ("markets", {"markets": ["nowhere"]}),
    ("groups", {"groups": ["nobody"]}),
]


class TestCreatePromotion:
    def test_makes_it_and_tells_all_who_price_carts(self, market: Market) -> None:
        target = uuid4()
        data = PromotionData(
            name="Black Friday",
            benefit=Benefit.AMOUNT,
            per=Per.LINE,
            amounts=[Money(500, "GBP"), Money(600, "EUR")],
            minimum_spends=[Money(2000, "GBP")],
            categories=[target, target],
            markets=["uk"],
            starts_at=datetime(2026, 11, 27),  # noqa: DTZ001 - local time
            ends_at=datetime(2026, 11, 30, tzinfo=UTC),
            time_zone="America/New_York",
            usage_limit=100,
        )

        made = services.create_promotion(data=data)

        assert made.amounts == {"EUR": {"amount": 600}, "GBP": {"amount": 500, "minimum_spend": 2000}}
        assert (made.categories, made.markets) == ([target], [market.pk])
        assert (made.starts_at, made.ends_at) == (
            datetime(2026, 11, 27, 5, tzinfo=UTC),
            datetime(2026, 11, 30, tzinfo=UTC),
        )
        assert version() != 1

    @pytest.mark.parametrize("name", ["tiers", "buy_x_get_y", "free_shipping", "cheapest"])
    def test_makes_every_benefit(self, name: str) -> None:
        parts: dict[str, dict[str, Any]] = {
            "tiers": {"tiers": [(5, 1000), (2, 500)]},
            "buy_x_get_y": {"buy": 2, "get": 1, "percent_bp": 10_000},
            "free_shipping": {},
            "cheapest": {"percent_bp": 5000},
        }

        services.create_promotion(data=PromotionData(name="x", benefit=Benefit(name), **parts[name]))

        [timed] = selectors.load_rules(market_id=uuid4(), currency="GBP")
        assert timed.rule.benefit is Benefit(name)
        assert timed.rule.tiers == (((2, 500), (5, 1000)) if name == "tiers" else ())

    @pytest.mark.parametrize(("field", "wrong"), WRONG)
    def test_s21_refuses_what_cannot_be_and_stores_nothing(self, field: str, wrong: dict[str, Any]) -> None:
        with pytest.raises(PromotionInvalid) as refusal:
            services.create_promotion(data=replace(SALE, **wrong))

        assert refusal.value.facts["field"] == field
        assert not Promotion.objects.exists()
        assert version() == 1


class TestUpdatePromotion:
    def test_changes_what_is_named_alone(self) -> None:
        promotion_id = services.create_promotion(
            data=replace(SALE, minimum_spends=[Money(5, "GBP")], markets=["uk"], tags=["sale"])
        ).pk
        before, version_before = Promotion.objects.get(), version()

        after = update(promotion_id, name="Sale!", ends_at=NOON)

        assert (after.name, after.ends_at) == ("Sale!", NOON)
        same = ("benefit", "percent_bp", "amounts", "markets", "tags", "time_zone", "usage_limit", "is_active")
        assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
        assert version() != version_before

    @pytest.mark.parametrize(("field", "wrong"), WRONG)
    def test_s21_refuses_what_cannot_be_and_changes_nothing(self, field: str, wrong: dict[str, Any]) -> None:
        promotion_id, version_before = services.create_promotion(data=SALE).pk, version()

        with pytest.raises(PromotionInvalid) as refusal:
            update(promotion_id, priority=5, **wrong)

        assert refusal.value.facts["field"] == field
        assert Promotion.objects.get().priority == 0
        assert version() == version_before

    def test_counts_what_was_used_before_there_was_a_limit(self) -> None:
        sale = make_promotion()
        make_use(sale)
        make_use(sale, "bob")

        after = update(sale.pk, usage_limit=3)

        assert after.uses == 2
        assert selectors.find_differences() == []
        assert update(sale.pk, usage_limit=None).uses == 0

    def test_refuses_a_limit_below_what_was_used(self) -> None:
        sale = make_promotion()
        make_use(sale)
        make_use(sale, "bob")

        with pytest.raises(LimitBelowUses) as refusal:
            update(sale.pk, usage_limit=1)

        sale.refresh_from_db()
        assert refusal.value.facts == {"uses": 2}
        assert (sale.usage_limit, version()) == (None, 1)

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(PromotionNotFound):
            update(uuid4(), name="x")

        assert version() == 1


class TestDeletePromotion:
    def test_ends_it(self) -> None:
        coupon = make_coupon("SALE")
        make_use(coupon)

        services.delete_promotion(promotion_id=coupon.promotion_id)

        assert not Promotion.objects.get().is_active
        assert PromotionUse.objects.filter(returned_at=None).count() == 1
        assert version() != 1

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(PromotionNotFound):
            services.delete_promotion(promotion_id=uuid4())

        assert version() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_new_limit_waits_for_uses_under_way(self) -> None:
        sale = make_promotion()

        with ThreadPoolExecutor(max_workers=1) as staff:
            with transaction.atomic():
                services.use_promotions(uses=[use_of(sale)], order_id=uuid4(), buyer="ada", at=NOON)
                working = staff.submit(in_thread, lambda: update(sale.pk, usage_limit=5))
                waited = waits_for_a_lock(working)
            working.result()

        assert waited
        assert Promotion.objects.get().uses == 1
        assert selectors.find_differences() == []

    def test_r04_a_limit_set_while_orders_use_it_counts_them_all(self) -> None:
        sale = make_promotion()

        def work(number: int) -> None:
            if number == 5:
                update(sale.pk, usage_limit=100)
            else:
                make_use(sale, f"buyer{number}")

        at_once(work, range(20))

        assert Promotion.objects.get().uses == 19
        assert selectors.find_differences() == []


class TestConstraints:
    @pytest.mark.parametrize(
        "fields",
        [
            {"name": ""},
            {"percent_bp": 10_001},
            {"starts_at": NOON, "ends_at": NOON - timedelta(hours=1)},
            {"usage_limit": 1, "uses": 2},
            {"usage_limit": 0},
            {"per_customer_limit": 0},
        ],
    )
    def test_of_promotions_hold_in_the_database(self, fields: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            make_promotion(**{"name": "x"} | fields)

        assert not Promotion.objects.exists()

    @pytest.mark.parametrize(
        "fields", [{"code": ""}, {"usage_limit": 1, "uses": 2}, {"usage_limit": 0}, {"code_key": "first"}]
    )
    def test_of_coupons_hold_in_the_database(self, fields: dict[str, Any]) -> None:
        first = make_coupon("FIRST")
        values = {"promotion": first.promotion, "code": "x", "code_key": "x"}

        with pytest.raises(IntegrityError), transaction.atomic():
            Coupon.objects.create(**values | fields)

        assert Coupon.objects.count() == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"turn": 3, "turns": 2},
            {"turn": 1, "turns": None},
            {"turn": 1},
            {"coupon_turn": 3, "coupon_turns": 2},
            {"amount_minor": -1},
            {"order_id": UUID(int=1), "turn": 2},
        ],
    )
    def test_of_uses_hold_in_the_database(self, fields: dict[str, Any]) -> None:
        values = {
            "promotion": make_promotion(),
            "order_id": UUID(int=1),
            "buyer": "ada",
            "turn": 1,
            "turns": 2,
            "amount_minor": 5,
            "currency": "GBP",
            "used_at": NOON,
        }
        PromotionUse.objects.create(**values)

        with pytest.raises(IntegrityError), transaction.atomic():
            PromotionUse.objects.create(**values | {"order_id": uuid4()} | fields)

        assert PromotionUse.objects.count() == 1
