from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import client_of, make_user
from carts.tests.factories import make_cart
from inventory.tests.factories import make_stock
from orders import selectors
from orders.models import Order
from orders.tests.factories import place
from pricing.tests.rules import tell_of_rules
from promotions.errors import PromotionNotFound
from promotions.models import Promotion, PromotionUse
from promotions.tests.factories import make_promotion


def order_for(price_minor: int) -> Order:
    return place(make_cart((make_stock(price_minor=price_minor), 1)))


def draft(**fields: Any) -> Promotion:
    return make_promotion("Draft", is_active=False, **fields)


@pytest.mark.django_db
class TestRehearsePromotion:
    def test_tells_uses_and_cost_and_changes_nothing(self) -> None:
        for price in (1000, 2000, 400):
            order_for(price)
        tried = draft(percent_bp=1000, amounts={"GBP": {"minimum_spend": 500}})

        found = selectors.rehearse_promotion(promotion_id=tried.pk, last=10)

        assert (found.orders, found.uses, dict(found.cost)) == (3, 2, {"GBP": 300})
        assert not PromotionUse.objects.exists()
        assert sum(Order.objects.values_list("total_minor", flat=True)) == 3400

    def test_names_what_the_orders_would_have_lost(self) -> None:
        make_promotion("Always", percent_bp=500)
        tell_of_rules()
        order_for(1000)
        tried = draft(percent_bp=2000, is_exclusive=True, priority=10)

        found = selectors.rehearse_promotion(promotion_id=tried.pk, last=10)

        assert dict(found.cost) == {"GBP": 150}
        assert dict(found.clashes) == {"Always": 1}

    def test_of_one_that_ran_already_tells_what_it_cost(self) -> None:
        ran = make_promotion(percent_bp=1000)
        tell_of_rules()
        order_for(1000)

        assert dict(selectors.rehearse_promotion(promotion_id=ran.pk, last=10).cost) == {"GBP": 100}

    def test_takes_the_newest_orders_alone(self) -> None:
        order_for(5000)
        Order.objects.update(placed_at="2020-01-01T00:00:00Z")
        order_for(1000)

        found = selectors.rehearse_promotion(promotion_id=draft().pk, last=1)

        assert (found.orders, dict(found.cost)) == (1, {"GBP": 100})

    def test_reads_twice_whatever_their_number(self, django_assert_num_queries: Any) -> None:
        for _ in range(3):
            order_for(1000)
        tried = draft()

        with django_assert_num_queries(3):
            selectors.rehearse_promotion(promotion_id=tried.pk, last=10)

    def test_refuses_what_is_not_there(self) -> None:
        with pytest.raises(PromotionNotFound):
            selectors.rehearse_promotion(promotion_id=uuid4(), last=1)


@pytest.mark.django_db
class TestRehearsing:
    def test_s02_is_for_staff_with_the_permissions(self) -> None:
        path = f"/api/v1/promotions/{draft().pk}/rehearse"
        few = make_user(permissions=["promotions.change_promotion"])

        assert client_of(None).post(path, {}, format="json").status_code == 401
        assert client_of(make_user()).post(path, {}, format="json").status_code == 403
        assert client_of(few).post(path, {}, format="json").status_code == 403

    def test_answers_with_money_and_clashes(self) -> None:
        make_promotion("Always", percent_bp=500)
        tell_of_rules()
        order_for(1000)
        tried = draft(is_exclusive=True, priority=10)
        staff = make_user(permissions=["promotions.change_promotion", "orders.view_order"])

        answer = client_of(staff).post(f"/api/v1/promotions/{tried.pk}/rehearse", {"last": 5}, format="json")

        assert answer.status_code == 200
        assert answer.json() == {
            "orders": 1,
            "uses": 1,
            "cost": [{"amount": "0.50", "currency": "GBP"}],
            "clashes": [{"promotion": "Always", "orders": 1}],
        }

    @pytest.mark.parametrize("last", [0, -1, 10_001, "many", 1.5])
    def test_a_number_of_orders_that_makes_no_sense_is_400(self, last: Any) -> None:
        staff = make_user(permissions=["promotions.change_promotion", "orders.view_order"])
        path = f"/api/v1/promotions/{draft().pk}/rehearse"

        assert client_of(staff).post(path, {"last": last}, format="json").status_code == 400


@pytest.mark.django_db
class TestCommand:
    def test_prints_what_would_have_come_of_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        order_for(1000)

        call_command("rehearse_promotion", str(draft().pk))

        assert capsys.readouterr().out.splitlines() == ["1 orders, 1 uses", "cost 1.00 GBP"]

    def test_says_so_where_there_is_none(self) -> None:
        with pytest.raises(CommandError, match="no such promotion"):
            call_command("rehearse_promotion", str(uuid4()))
