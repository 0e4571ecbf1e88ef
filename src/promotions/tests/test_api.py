from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.domain import Role
from accounts.models import CustomerGroup
from accounts.tests.factories import client_of, make_user
from markets.models import Market
from markets.tests.factories import make_market
from promotions.models import Coupon, Promotion
from promotions.tests.factories import make_coupon, make_promotion, make_use, wide

PROMOTIONS = "/api/v1/promotions"
SALE = {"name": "Sale", "benefit": "percent", "percent": "12.5"}


@pytest.fixture(autouse=True)
def market(db: None) -> Market:
    return make_market(rules_version=1)


@pytest.fixture
def manager() -> APIClient:
    return client_of(make_user(roles=[Role.CATALOGUE_MANAGER]))


def version() -> int:
    return Market.objects.get(code="uk").rules_version


def refusals(method: str, path: str, body: dict[str, Any] | None, permission: str) -> dict[str, int]:
    """Return what nobody, a customer, staff without permissions, and staff with all others get."""
    others = {f"promotions.{verb}_promotion" for verb in ("view", "add", "change", "delete")} - {permission}
    askers = {
        "nobody": client_of(),
        "customer": client_of(make_user()),
        "clerk": client_of(make_user(is_staff=True)),
        "others": client_of(make_user(permissions=sorted(others))),
    }
    return {
        who: getattr(client, method)(path, body, format="json").status_code
        if body is not None
        else getattr(client, method)(path).status_code
        for who, client in askers.items()
    }


REFUSED = {"nobody": 401, "customer": 403, "clerk": 403, "others": 403}


class TestListPromotions:
    def test_lists_the_newest_first(self, manager: APIClient) -> None:
        make_promotion("Old")
        make_promotion("New", needs_code=True)

        answer = manager.get(PROMOTIONS).json()

        assert (answer["count"], [row["name"] for row in answer["results"]]) == (2, ["New", "Old"])

    def test_costs_the_same_for_one_and_for_twenty(
        self, manager: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_promotion()

        # Of these, all but one find out who asks.
        with django_assert_num_queries(4):
            manager.get(PROMOTIONS)
        for _ in range(19):
            make_promotion()
        with django_assert_num_queries(4):
            manager.get(PROMOTIONS)

    def test_filters(self, manager: APIClient) -> None:
        make_promotion("Spring", is_active=False)
        make_promotion("Summer", needs_code=True)

        def found(query: str) -> list[str]:
            return [row["name"] for row in manager.get(f"{PROMOTIONS}?{query}").json()["results"]]

        assert found("is_active=true") == ["Summer"]
        assert found("needs_code=false") == ["Spring"]
        assert found("search=spr") == ["Spring"]

    @pytest.mark.parametrize("query", ["is_active=maybe", "search=a%00", "size=0", "what=1", "cursor=x"])
    def test_refuses_odd_filters(self, manager: APIClient, query: str) -> None:
        assert manager.get(f"{PROMOTIONS}?{query}").status_code == 400

    def test_s02_is_for_those_who_may(self) -> None:
        assert refusals("get", PROMOTIONS, None, "promotions.view_promotion") == REFUSED


class TestCreatePromotion:
    def test_makes_what_was_said(self, manager: APIClient) -> None:
        target = str(uuid4())
        CustomerGroup.objects.create(code="trade", name="Trade")
        said = {
            "name": "Books",
            "benefit": "amount",
            "per": "unit",
            "amounts": [{"amount": "5.00", "currency": "GBP"}, {"amount": "600", "currency": "JPY"}],
            "minimum_spends": [{"amount": "20.00", "currency": "GBP"}],
            "minimum_quantity": 2,
            "products": [target],
            "variants": [target],
            "categories": [target],
            "tags": ["sale"],
            "markets": ["uk"],
            "groups": ["trade"],
            "first_order_only": True,
            "starts_at": "2026-11-27T00:00:00",
            "ends_at": "2026-12-01T00:00:00-05:00",
            "time_zone": "America/New_York",
            "priority": -3,
            "is_exclusive": True,
            "needs_code": True,
            "usage_limit": 5,
            "per_customer_limit": 1,
            "is_active": False,
        }

        answer = manager.post(PROMOTIONS, said, format="json")

        body = answer.json()
        assert (answer.status_code, answer["Location"]) == (201, f"{PROMOTIONS}/{body['id']}")
        times = {"starts_at": "2026-11-27T05:00:00Z", "ends_at": "2026-12-01T05:00:00Z"}
        assert {name: body[name] for name in said} == said | times
        assert (body["percent"], body["tiers"], body["uses"]) == ("0.00", [], 0)
        assert manager.get(answer["Location"]).json() == body
        assert version() != 1

    def test_makes_tiers(self, manager: APIClient) -> None:
        tiers = [{"quantity": 10, "percent": "20"}, {"quantity": 5, "percent": "7.25"}]

        body = manager.post(PROMOTIONS, {"name": "Bulk", "benefit": "tiers", "tiers": tiers}, format="json").json()

        assert body["tiers"] == [{"quantity": 5, "percent": "7.25"}, {"quantity": 10, "percent": "20.00"}]
        assert Promotion.objects.get().tiers == [[5, 725], [10, 2000]]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": ""},
            {"name": "a\0"},
            {"name": "\u202eelas"},
            {"name": "x" * 201},
            {"name": None},
            {"benefit": "gift"},
            {"benefit": None},
            {"per": "customer"},
            *(
                {"percent": percent}
                for percent in ("-1", "100.01", "1e1", "NaN", "0.001", "", wide("10"), 10, 0.5, True, None, ["5"])
            ),
            *(
                {"amounts": [{"amount": amount, "currency": "GBP"}]}
                for amount in ("-1", "1e9", "NaN", "1.001", 5, None)
            ),
            *({"amounts": [{"amount": "5", "currency": code}]} for code in ("gbp", "XXX", "", None, 5)),
            {"amounts": {"amount": "5", "currency": "GBP"}},
            {"minimum_spends": "5"},
            {"buy": -1},
            {"buy": 2**31},
            {"buy": 1.5},
            {"get": True},
            {"tiers": [{"quantity": 0, "percent": "5"}]},
            {"tiers": [{"quantity": 5}]},
            {"tiers": [{"quantity": 5, "percent": "5", "amount": "1"}]},
            {"tiers": [{"quantity": n + 1, "percent": "5"} for n in range(21)]},
            {"products": ["x"]},
            {"variants": ["0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"] * 1001},
            {"categories": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"},
            {"tags": ["a\0"]},
            {"markets": [5]},
            {"starts_at": "tomorrow"},
            {"starts_at": 5},
            {"ends_at": "0001-01-01T00:00:00+14:00"},
            {"time_zone": ""},
            {"priority": 2**31},
            {"priority": "5"},
            {"needs_code": "yes"},
            {"usage_limit": 0},
            {"usage_limit": -1},
            {"usage_limit": 2**63},
            {"per_customer_limit": 1.0},
            {"uses": 5},
            {"id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"},
        ],
        ids=str,
    )
    def test_s21_s24_refuses_what_is_malformed(self, manager: APIClient, wrong: dict[str, Any]) -> None:
        assert manager.post(PROMOTIONS, SALE | wrong, format="json").status_code == 400
        assert not Promotion.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"percent": "0"}, "percent"),
            ({"benefit": "amount"}, "percent"),
            ({"minimum_spends": [{"amount": "0", "currency": "GBP"}]}, "minimum_spends"),
            ({"minimum_spends": [{"amount": "5", "currency": "GBP"}] * 2}, "minimum_spends"),
            ({"buy": 2}, "buy"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"time_zone": "/etc/passwd"}, "time_zone"),
            ({"starts_at": "0001-01-01T00:00:00", "time_zone": "Asia/Tokyo"}, "starts_at"),
            ({"starts_at": "9999-12-31T23:59:59", "time_zone": "America/New_York"}, "starts_at"),
            ({"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "ends_at"),
            ({"markets": ["nowhere"]}, "markets"),
            ({"groups": ["nobody"]}, "groups"),
        ],
    )
    def test_s21_refuses_what_cannot_be(self, manager: APIClient, wrong: dict[str, Any], field: str) -> None:
        answer = manager.post(PROMOTIONS, SALE | wrong, format="json")

        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert not Promotion.objects.exists()

    def test_s02_is_for_those_who_may(self) -> None:
        assert refusals("post", PROMOTIONS, SALE, "promotions.add_promotion") == REFUSED
        assert not Promotion.objects.exists()


class TestGetPromotion:
    def test_tells_how_often_it_was_used(self, manager: APIClient) -> None:
        sale = make_promotion()
        make_use(sale)

        assert manager.get(f"{PROMOTIONS}/{sale.pk}").json()["uses"] == 1

    @pytest.mark.parametrize("key", [str(UUID(int=1)), "x", "%00", "0" * 500])
    def test_does_not_know_others(self, manager: APIClient, key: str) -> None:
        assert manager.get(f"{PROMOTIONS}/{key}").status_code == 404

    def test_s02_is_for_those_who_may(self) -> None:
        path = f"{PROMOTIONS}/{make_promotion().pk}"

        assert refusals("get", path, None, "promotions.view_promotion") == REFUSED


class TestUpdatePromotion:
    def test_changes_what_is_named_alone(self, manager: APIClient) -> None:
        made = manager.post(PROMOTIONS, SALE | {"markets": ["uk"], "tags": ["a"]}, format="json").json()

        answer = manager.patch(f"{PROMOTIONS}/{made['id']}", {"percent": "20", "usage_limit": 3}, format="json")

        changed = answer.json()
        assert answer.status_code == 200
        assert changed | {"updated_at": made["updated_at"]} == made | {"percent": "20.00", "usage_limit": 3}

    def test_takes_a_limit_away(self, manager: APIClient) -> None:
        sale = make_promotion(usage_limit=5)

        answer = manager.patch(f"{PROMOTIONS}/{sale.pk}", {"usage_limit": None}, format="json")

        assert answer.json()["usage_limit"] is None

    def test_refuses_a_limit_below_what_was_used(self, manager: APIClient) -> None:
        sale = make_promotion()
        make_use(sale)
        make_use(sale)

        answer = manager.patch(f"{PROMOTIONS}/{sale.pk}", {"name": "x", "usage_limit": 1}, format="json")

        sale.refresh_from_db()
        assert (answer.status_code, answer.json()["code"], answer.json()["uses"]) == (
            409,
            "promotions.limit_below_uses",
            2,
        )
        assert (sale.name, sale.usage_limit) == ("Sale", None)

    @pytest.mark.parametrize(
        ("wrong", "status"), [({"percent": "-5"}, 400), ({"uses": 0}, 400), ({"percent": "0"}, 422), ({"buy": 1}, 422)]
    )
    def test_s21_refuses_what_cannot_be(self, manager: APIClient, wrong: dict[str, Any], status: int) -> None:
        sale = make_promotion()

        answer = manager.patch(f"{PROMOTIONS}/{sale.pk}", {"name": "x"} | wrong, format="json")

        assert answer.status_code == status
        assert Promotion.objects.get().name == "Sale"

    def test_does_not_know_others(self, manager: APIClient) -> None:
        assert manager.patch(f"{PROMOTIONS}/{uuid4()}", {"name": "x"}, format="json").status_code == 404

    def test_s02_is_for_those_who_may(self) -> None:
        sale = make_promotion()

        found = refusals("patch", f"{PROMOTIONS}/{sale.pk}", {"name": "x"}, "promotions.change_promotion")

        assert found == REFUSED
        assert Promotion.objects.get().name == "Sale"


class TestDeletePromotion:
    def test_ends_it(self, manager: APIClient) -> None:
        sale = make_promotion()

        answer = manager.delete(f"{PROMOTIONS}/{sale.pk}")

        assert (answer.status_code, answer.content) == (204, b"")
        assert not Promotion.objects.get().is_active

    def test_does_not_know_others(self, manager: APIClient) -> None:
        assert manager.delete(f"{PROMOTIONS}/{uuid4()}").status_code == 404

    def test_s02_is_for_those_who_may(self) -> None:
        sale = make_promotion()

        assert refusals("delete", f"{PROMOTIONS}/{sale.pk}", None, "promotions.delete_promotion") == REFUSED
        assert Promotion.objects.get().is_active


class TestListCoupons:
    def test_lists_the_newest_first(self, manager: APIClient) -> None:
        coupon = make_coupon("ONE", usage_limit=5, batch="Flyer")
        make_coupon("TWO", promotion=coupon.promotion)
        make_coupon("OTHER")
        make_use(coupon)
        path = f"{PROMOTIONS}/{coupon.promotion_id}/coupons"

        answer = manager.get(path).json()

        assert [row["code"] for row in answer["results"]] == ["TWO", "ONE"]
        assert answer["results"][1] | {"created_at": ""} == {
            "id": str(coupon.pk),
            "code": "ONE",
            "batch": "Flyer",
            "usage_limit": 5,
            "per_customer_limit": None,
            "uses": 1,
            "created_at": "",
        }
        assert manager.get(f"{path}?batch=Flyer").json()["count"] == 1
        assert manager.get(f"{path}?code=two").json()["count"] == 1
        assert manager.get(f"{path}?code=other").json()["count"] == 0

    def test_does_not_know_other_promotions(self, manager: APIClient) -> None:
        assert manager.get(f"{PROMOTIONS}/{uuid4()}/coupons").status_code == 404

    def test_s02_is_for_those_who_may(self) -> None:
        path = f"{PROMOTIONS}/{make_coupon().promotion_id}/coupons"

        assert refusals("get", path, None, "promotions.view_promotion") == REFUSED


class TestCreateCoupons:
    def test_makes_one(self, manager: APIClient) -> None:
        promotion = make_promotion(needs_code=True)

        answer = manager.post(
            f"{PROMOTIONS}/{promotion.pk}/coupons", {"code": "Summer10", "usage_limit": 5}, format="json"
        )

        assert (answer.status_code, answer.json()) == (201, {"count": 1, "codes": ["Summer10"]})
        assert Coupon.objects.get().usage_limit == 5

    def test_makes_a_batch(self, manager: APIClient) -> None:
        promotion = make_promotion(needs_code=True)
        said = {"count": 50, "batch": "Flyer", "prefix": "F-"}

        answer = manager.post(f"{PROMOTIONS}/{promotion.pk}/coupons", said, format="json")

        assert answer.json()["count"] == 50
        assert set(answer.json()["codes"]) == set(Coupon.objects.values_list("code", flat=True))
        assert set(Coupon.objects.values_list("usage_limit", "batch")) == {(1, "Flyer")}

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            ({}, 400),
            ({"code": "a", "count": 5, "batch": "x"}, 400),
            ({"code": "a", "batch": "x"}, 400),
            ({"count": 5}, 400),
            ({"count": 0, "batch": "x"}, 400),
            ({"count": -1, "batch": "x"}, 400),
            ({"count": 10_001, "batch": "x"}, 400),
            ({"count": 1.5, "batch": "x"}, 400),
            ({"count": True, "batch": "x"}, 400),
            ({"code": ""}, 400),
            ({"code": "a\0"}, 400),
            ({"code": "\u202ea"}, 400),
            ({"code": "x" * 65}, 400),
            ({"code": 5}, 400),
            ({"code": "a", "usage_limit": 0}, 400),
            ({"code": "a", "uses": 0}, 400),
            ({"code": "a b"}, 422),
            ({"code": "\u200b"}, 422),
            ({"count": 5, "batch": "x", "prefix": "a b"}, 422),
        ],
        ids=str,
    )
    def test_s21_s24_refuses_what_cannot_be(self, manager: APIClient, said: dict[str, Any], status: int) -> None:
        promotion = make_promotion(needs_code=True)

        answer = manager.post(f"{PROMOTIONS}/{promotion.pk}/coupons", said, format="json")

        assert answer.status_code == status
        assert not Coupon.objects.exists()

    def test_refuses_a_code_that_is_taken(self, manager: APIClient) -> None:
        coupon = make_coupon("SALE")

        answer = manager.post(f"{PROMOTIONS}/{coupon.promotion_id}/coupons", {"code": "sale"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "promotions.coupon_taken")
        assert Coupon.objects.count() == 1

    def test_refuses_a_promotion_that_needs_none(self, manager: APIClient) -> None:
        answer = manager.post(f"{PROMOTIONS}/{make_promotion().pk}/coupons", {"code": "sale"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "promotions.needs_no_code")
        assert not Coupon.objects.exists()

    def test_does_not_know_other_promotions(self, manager: APIClient) -> None:
        assert manager.post(f"{PROMOTIONS}/{uuid4()}/coupons", {"code": "a"}, format="json").status_code == 404

    def test_s02_is_for_those_who_may(self) -> None:
        path = f"{PROMOTIONS}/{make_promotion(needs_code=True).pk}/coupons"

        assert refusals("post", path, {"code": "a"}, "promotions.change_promotion") == REFUSED
        assert not Coupon.objects.exists()
