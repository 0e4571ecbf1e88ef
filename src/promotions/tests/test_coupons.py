from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from core.tests.threads import at_once
from markets.models import Market
from markets.tests.factories import make_market
from promotions import selectors, services
from promotions.errors import (
    CouponTaken,
    NeedsNoCode,
    PromotionInvalid,
    PromotionNotFound,
)
from promotions.models import Coupon
from promotions.services import BatchData, CouponData
from promotions.tests.factories import make_coupon, make_promotion, wide

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def market(db: None) -> Market:
    return make_market(rules_version=1)


def version() -> int:
    return Market.objects.get(code="uk").rules_version


class TestCreateCoupon:
    def test_makes_it(self) -> None:
        promotion = make_promotion(needs_code=True)

        code = services.create_coupon(
            promotion_id=promotion.pk, data=CouponData(code=" \uff33ummer10 ", usage_limit=5, per_customer_limit=1)
        )

        coupon = Coupon.objects.get()
        assert (code, coupon.code, coupon.code_key) == ("Summer10", "Summer10", "summer10")
        assert (coupon.promotion_id, coupon.usage_limit, coupon.per_customer_limit) == (promotion.pk, 5, 1)
        assert version() != 1

    @pytest.mark.parametrize("code", ["SUMMER10", "summer10", wide("SUMMER10"), "summer¹⁰"])
    def test_s24_refuses_a_code_that_reads_the_same(self, code: str) -> None:
        first = make_coupon("Summer10")

        with pytest.raises(CouponTaken):
            services.create_coupon(promotion_id=first.promotion_id, data=CouponData(code=code))

        assert Coupon.objects.get() == first
        assert version() == 1

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            *(
                ("code", {"code": code})
                for code in ("", "  ", "TWO WORDS", "a\0", "\u202ea", "\ud800", "x" * 65, "ﷺ" * 60)
            ),
            ("usage_limit", {"usage_limit": 0}),
            ("per_customer_limit", {"per_customer_limit": -1}),
        ],
    )
    def test_s24_refuses_what_nobody_can_enter(self, field: str, wrong: dict[str, Any]) -> None:
        promotion = make_promotion(needs_code=True)

        with pytest.raises(PromotionInvalid) as refusal:
            services.create_coupon(promotion_id=promotion.pk, data=CouponData(**{"code": "x"} | wrong))

        assert refusal.value.facts["field"] == field
        assert not Coupon.objects.exists()

    def test_refuses_promotions_that_apply_by_themselves(self) -> None:
        with pytest.raises(NeedsNoCode):
            services.create_coupon(promotion_id=make_promotion().pk, data=CouponData(code="x"))

        assert not Coupon.objects.exists()

    def test_refuses_an_unknown_promotion(self) -> None:
        with pytest.raises(PromotionNotFound):
            services.create_coupon(promotion_id=uuid4(), data=CouponData(code="x"))


class TestCreateCouponBatch:
    def test_makes_codes_that_are_all_different(self) -> None:
        promotion = make_promotion(needs_code=True)

        codes = services.create_coupon_batch(
            promotion_id=promotion.pk, data=BatchData(batch="Flyer", count=services.MAX_BATCH, prefix="FLY-")
        )

        assert len({selectors.code_key(code) for code in codes}) == services.MAX_BATCH
        assert all(code.startswith("FLY-") for code in codes)
        assert set(Coupon.objects.values_list("code", flat=True)) == set(codes)
        assert set(Coupon.objects.values_list("batch", "usage_limit")) == {("Flyer", 1)}
        assert version() != 1

    def test_costs_the_same_for_one_and_for_a_thousand(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        promotion = make_promotion(needs_code=True)

        for count in (1, 1000):
            # Two of them open and close a savepoint.
            with django_assert_num_queries(6):
                services.create_coupon_batch(promotion_id=promotion.pk, data=BatchData(batch="Flyer", count=count))

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("count", {"count": 0}),
            ("count", {"count": -1}),
            ("count", {"count": 10_001}),
            ("count", {"count": 2**63}),
            ("batch", {"batch": " "}),
            ("code", {"prefix": "A B"}),
            ("code", {"prefix": "x" * 55}),
            ("usage_limit", {"usage_limit": 0}),
        ],
    )
    def test_s21_refuses_what_cannot_be_and_makes_none(self, field: str, wrong: dict[str, Any]) -> None:
        promotion = make_promotion(needs_code=True)

        with pytest.raises(PromotionInvalid) as refusal:
            services.create_coupon_batch(
                promotion_id=promotion.pk, data=replace(BatchData(batch="Flyer", count=5), **wrong)
            )

        assert refusal.value.facts["field"] == field
        assert not Coupon.objects.exists()

    def test_refuses_promotions_that_apply_by_themselves(self) -> None:
        with pytest.raises(NeedsNoCode):
            services.create_coupon_batch(promotion_id=make_promotion().pk, data=BatchData(batch="Flyer", count=5))

        assert not Coupon.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_code_is_given_once() -> None:
    promotion = make_promotion(needs_code=True)

    def try_to_create(code: str) -> str:
        try:
            services.create_coupon(promotion_id=promotion.pk, data=CouponData(code=code))
        except CouponTaken:
            return "refused"
        return "made"

    outcomes = at_once(try_to_create, ["sale", "SALE", "Sale", wide("SALE")])

    assert sorted(outcomes) == ["made"] + ["refused"] * 3
    assert Coupon.objects.count() == 1
