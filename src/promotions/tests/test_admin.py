from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.models import CustomerGroup
from accounts.tests.factories import make_user
from markets.models import Market
from markets.tests.factories import make_market
from products.tests.factories import make_category, make_variant
from promotions.models import Coupon, Promotion
from promotions.tests.factories import make_coupon, make_promotion, make_use

LIST = "/admin/promotions/promotion/"
COUPONS = "/admin/promotions/coupon/"
USES = "/admin/promotions/promotionuse/"
YES = {"_confirmed": "yes"}
FORM = {
    "name": "Sale",
    "benefit": "percent",
    "per": "order",
    "percent": "12.5",
    "amount_lines": "",
    "buy": "0",
    "get": "0",
    "tier_lines": "",
    "minimum_lines": "",
    "minimum_quantity": "0",
    "time_zone": "UTC",
    "priority": "0",
    "is_active": "on",
}


@pytest.fixture(autouse=True)
def market(db: None) -> Market:
    return make_market(rules_version=1)


@pytest.fixture
def manager() -> Client:
    return browser_of(roles=[Role.CATALOGUE_MANAGER])


def browser_of(**who: Any) -> Client:
    browser = Client()
    browser.force_login(make_user(**who), backend="accounts.authentication.EmailBackend")
    return browser


class TestPromotionPages:
    def test_make_a_promotion_of_lines_of_text(self, manager: Client) -> None:
        category, variant, product_id = make_category(), make_variant(sku="MUG"), uuid4()
        said = {
            "benefit": "amount",
            "percent": "",
            "amount_lines": "gbp 5\nJPY 600",
            "minimum_lines": "GBP 50.00",
            "category_ids": [str(category.pk)],
            "skus": "MUG",
            "product_ids": str(product_id),
            "tag_list": "sale, winter",
            "market_codes": ["uk"],
            "starts": "2026-11-27T00:00",
            "time_zone": "America/New_York",
            "usage_limit": "5",
        }

        response = manager.post(f"{LIST}add/", FORM | said)

        made = Promotion.objects.get()
        assert response.status_code == 302
        assert made.amounts == {"GBP": {"amount": 500, "minimum_spend": 5000}, "JPY": {"amount": 600}}
        assert (made.categories, made.variants, made.products) == ([category.pk], [variant.pk], [product_id])
        assert (made.tags, made.markets, made.usage_limit) == (["sale", "winter"], [Market.objects.get().pk], 5)
        assert made.starts_at == datetime(2026, 11, 27, 5, tzinfo=UTC)
        assert Market.objects.get().rules_version != 1

    def test_make_tiers(self, manager: Client) -> None:
        manager.post(f"{LIST}add/", FORM | {"benefit": "tiers", "percent": "", "tier_lines": "10: 20%\n5: 7.25"})

        assert Promotion.objects.get().tiers == [[5, 725], [10, 2000]]

    def test_change_what_was_changed_alone(self, manager: Client) -> None:
        sale = make_promotion(
            starts_at=datetime(2026, 11, 27, 5, 0, 30, tzinfo=UTC),
            time_zone="America/New_York",
            markets=[Market.objects.get().pk],
            groups=[CustomerGroup.objects.create(code="trade", name="Trade").pk],
        )
        before = Promotion.objects.values().get()
        form = manager.get(f"{LIST}{sale.pk}/change/").context["adminform"].form
        shown = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        said = {name: value for name, value in shown.items() if value is not None and value is not False}

        response = manager.post(f"{LIST}{sale.pk}/change/", said | {"starts": "2026-11-27T00:00:30", "name": "Sale!"})

        after = Promotion.objects.values().get()
        assert response.status_code == 302
        assert after == before | {"name": "Sale!", "updated_at": after["updated_at"]}

    @pytest.mark.parametrize(
        "wrong",
        [
            {"percent": "100.5"},
            {"percent": "NaN"},
            {"percent": "1e9"},
            {"percent": "0"},
            {"amount_lines": "GBP 5"},
            {"amount_lines": "5 GBP"},
            {"minimum_lines": "GBP NaN"},
            {"minimum_lines": "GBP 0.001"},
            {"minimum_lines": "GBP -5"},
            {"tier_lines": "5: x"},
            {"skus": "NONE"},
            {"product_ids": "x"},
            {"group_codes": ["x"]},
            {"category_ids": ["x"]},
            {"market_codes": ["x"]},
            {"starts": "tomorrow"},
            {"time_zone": "Mars"},
            {"usage_limit": "0"},
            {"usage_limit": str(2**63)},
            {"name": "a\0"},
        ],
        ids=str,
    )
    def test_s21_refuse_what_cannot_be_in_the_form(self, manager: Client, wrong: dict[str, Any]) -> None:
        response = manager.post(f"{LIST}add/", FORM | wrong)

        assert response.status_code == 200
        assert response.context["errors"]
        assert not Promotion.objects.exists()

    def test_show_uses_of_the_unlimited_too(self, manager: Client) -> None:
        sale = make_promotion()
        make_use(sale)

        row = manager.get(LIST).context["cl"].result_list[0]

        assert row.times_used == 1

    def test_make_a_code(self, manager: Client) -> None:
        sale = make_promotion(needs_code=True)

        response = manager.post(f"{LIST}{sale.pk}/add_coupon/", YES | {"code": "SUMMER", "usage_limit": "5"})

        assert response.status_code == 302
        assert Coupon.objects.get().usage_limit == 5

    def test_refuse_a_code_that_is_taken(self, manager: Client) -> None:
        coupon = make_coupon("SUMMER")

        response = manager.post(f"{LIST}{coupon.promotion_id}/add_coupon/", YES | {"code": "summer"})

        assert response.context["form"].errors
        assert Coupon.objects.count() == 1

    def test_make_a_batch_and_lead_to_its_codes(self, manager: Client) -> None:
        sale = make_promotion(needs_code=True)
        said = {"batch": "Flyer", "count": "20", "begins_with": "F-", "usage_limit": "1"}

        response = manager.post(f"{LIST}{sale.pk}/add_batch/", YES | said)

        assert response["Location"] == f"{COUPONS}?promotion__id__exact={sale.pk}"
        assert manager.get(response["Location"]).context["cl"].result_count == 20

    def test_end_it(self, manager: Client) -> None:
        sale = make_promotion()

        manager.post(f"{LIST}{sale.pk}/end/", YES)

        assert not Promotion.objects.get().is_active

    def test_s02_are_read_only_for_those_who_may_only_see(self) -> None:
        sale, viewer = make_promotion(needs_code=True), browser_of(permissions=["promotions.view_promotion"])

        pages = [viewer.get(LIST), viewer.get(f"{LIST}{sale.pk}/change/")]
        writes = [
            viewer.post(f"{LIST}add/", FORM),
            viewer.post(f"{LIST}{sale.pk}/change/", FORM | {"name": "x"}),
            *(
                viewer.post(f"{LIST}{sale.pk}/{act}/", YES | {"code": "x"})
                for act in ("add_coupon", "add_batch", "end")
            ),
        ]

        assert [page.status_code for page in pages] == [200, 200]
        assert [answer.status_code for answer in writes] == [403] * 5
        assert list(Promotion.objects.values_list("name", "is_active")) == [("Sale", True)]
        assert not Coupon.objects.exists()

    def test_show_everything_to_those_who_may_only_see(self) -> None:
        variant, category = make_variant(sku="MUG"), make_category()
        sale = make_promotion(
            benefit="amount",
            amounts={"GBP": {"amount": 512, "minimum_spend": 5034}},
            categories=[category.pk],
            variants=[variant.pk],
            markets=[Market.objects.get().pk],
            tags=["winter"],
        )

        page = browser_of(permissions=["promotions.view_promotion"]).get(f"{LIST}{sale.pk}/change/").content.decode()

        assert [text for text in ("GBP 5.12", "GBP 50.34", str(category.pk), "MUG", "winter") if text not in page] == []

    def test_s02_are_not_for_other_roles(self) -> None:
        make_promotion()
        support = browser_of(roles=[Role.CUSTOMER_SUPPORT])

        assert [support.get(path).status_code for path in (LIST, COUPONS, USES)] == [403] * 3


class TestCouponPages:
    def test_export_what_is_found(self, manager: Client) -> None:
        coupon = make_coupon("=ONE", batch="Flyer")
        make_coupon("TWO")
        make_use(coupon)
        chosen = {"format": "0", "resource": "0"} | {
            f"couponresource_{name}": "on" for name in ("code", "promotion", "batch", "uses")
        }

        response = manager.post(f"{COUPONS}export/?promotion__id__exact={coupon.promotion_id}", chosen)

        assert response["Content-Type"].startswith("text/csv")
        assert response.content.decode().splitlines()[1].split(",")[0] == "'=ONE"
        assert b"TWO" not in response.content

    def test_are_only_read(self, manager: Client) -> None:
        coupon = make_coupon("ONE")

        assert manager.get(f"{COUPONS}{coupon.pk}/change/").status_code == 200
        assert manager.get(f"{COUPONS}add/").status_code == 403
        assert manager.post(f"{COUPONS}{coupon.pk}/change/", {"code": "TWO"}).status_code == 403
        assert Coupon.objects.get().code == "ONE"


class TestUsePages:
    def test_show_what_was_taken_off(self, manager: Client) -> None:
        make_use(make_coupon("ONE"))

        response = manager.get(USES)

        assert b"1.00 GBP" in response.content
        assert manager.get(f"{USES}{response.context['cl'].result_list[0].pk}/change/").status_code == 200
