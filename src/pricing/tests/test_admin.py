from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.tests.factories import make_place
from markets.tests.factories import make_market
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone, TaxRate
from pricing.services import RateData
from pricing.tests.factories import gbp, make_method, make_tax_rate, make_zone

ZONES, METHODS, RATES = (f"/admin/pricing/{model}/" for model in ("shippingzone", "shippingmethod", "taxrate"))
YES = {"_confirmed": "yes"}


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.ORDER_MANAGER)


def formset(name: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = {f"{name}-TOTAL_FORMS": len(rows), f"{name}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        sent |= {f"{name}-{number}-{field}": value for field, value in row.items()}
    return sent


def method_form(zone: ShippingZone | None = None, **changes: Any) -> dict[str, Any]:
    form = {"code": "parcel", "name": "Parcel", "kind": "weight", "tax_class": "standard", "position": 0}
    form |= {"min_days": 2, "max_days": 4, "is_active": "on"} | ({"zone": zone.pk} if zone else {})
    return form | formset("rates") | formset("free_from") | changes


class TestThePages:
    @pytest.mark.parametrize("page", [ZONES, METHODS, RATES])
    def test_are_for_those_who_hold_the_permission(self, browser: Client, page: str) -> None:
        stranger = browser_of(Role.CATALOGUE_MANAGER)

        for each in (page, f"{page}add/"):
            assert browser.get(each).status_code == 200
            assert stranger.get(each).status_code == 403
            assert Client().get(each).status_code == 302

    def test_show_what_is_there(self, browser: Client) -> None:
        zone = make_zone(countries=["GB"])
        make_zone("Everywhere else")
        method = make_method(zone, free_from=[gbp(6000)])
        rate = make_tax_rate(percent="17.5")

        zones, rates = browser.get(ZONES).content.decode(), browser.get(RATES).content.decode()

        assert "Rest of the world" in zones
        assert "17.5 %" in rates
        for page in (f"{ZONES}{zone.pk}", f"{METHODS}{method.pk}", f"{RATES}{rate.pk}"):
            assert browser.get(f"{page}/change/").status_code == 200


class TestZones:
    def test_are_opened_and_changed_through_the_service(self, browser: Client) -> None:
        market = make_market("uk")
        browser.post(f"{ZONES}add/", {"name": "North", "countries": "GB, IE", "regions": ""})
        zone = ShippingZone.objects.get()

        response = browser.post(
            f"{ZONES}{zone.pk}/change/",
            {"name": "North", "countries": "GB", "regions": "US-NY", **formset("methods")},
        )

        version = market.rules_version
        market.refresh_from_db()
        zone.refresh_from_db()
        assert response.status_code == 302
        assert (zone.countries, zone.regions) == (["GB"], ["US-NY"])
        assert market.rules_version != version

    @pytest.mark.parametrize("wrong", [{"countries": "ZZ"}, {"regions": "US-ZZ"}, {"name": "Taken"}, {"name": ""}])
    def test_that_the_rules_refuse_are_not_made(self, browser: Client, wrong: dict[str, str]) -> None:
        make_zone("Taken")

        response = browser.post(f"{ZONES}add/", {"name": "North", "countries": "GB", "regions": "", **wrong})

        assert response.status_code == 200
        assert response.context["errors"]
        assert ShippingZone.objects.count() == 1

    def test_are_deleted_once_it_is_confirmed(self, browser: Client) -> None:
        method = make_method()
        address = f"{ZONES}{method.zone_id}/remove/"

        asked = browser.post(address)
        assert (asked.status_code, ShippingMethod.objects.count()) == (200, 1)
        assert browser_of(Role.CATALOGUE_MANAGER).post(address, YES).status_code == 403
        assert ShippingZone.objects.exists()

        assert browser.post(address, YES).status_code == 302
        assert not ShippingZone.objects.exists()


class TestMethods:
    def test_are_offered_with_their_rates(self, browser: Client) -> None:
        rows = [{"currency": "GBP", "begins": "0", "price": "3.95"}, {"currency": "JPY", "begins": "", "price": "500"}]
        form = method_form(make_zone()) | formset("rates", *rows)
        form |= formset("free_from", {"currency": "GBP", "amount": "60"})

        response = browser.post(f"{METHODS}add/", form)

        assert response.status_code == 302, response.context["errors"]
        assert set(ShippingRate.objects.values_list("currency", "from_value", "amount_minor")) == {
            ("GBP", 0, 395),
            ("JPY", 0, 500),
        }
        assert FreeShipping.objects.get().from_minor == 6000
        assert ShippingMethod.objects.get().max_days == 4

    def test_are_changed_with_their_rates(self, browser: Client) -> None:
        rates = [RateData(price=gbp(300), from_price=gbp(0)), RateData(price=gbp(100), from_price=gbp(2000))]
        method = make_method(kind="price", rates=rates, free_from=[gbp(6000)])
        page = f"{METHODS}{method.pk}/change/"
        shown = browser.get(page).context["inline_admin_formsets"][0].formset.initial_forms
        first, second = method.rates.order_by("from_value")
        rows: list[dict[str, Any]] = [
            {"id": first.pk, "currency": "GBP", "begins": "0.00", "price": "3.50"},
            {"id": second.pk, "currency": "GBP", "begins": "20.00", "price": "1.00", "DELETE": "on"},
            {"currency": "GBP", "begins": "30", "price": "0.5"},
        ]
        form = method_form(name="New name", kind="price") | formset("rates", *rows, initial=2)
        free = {"id": method.free_from.get().pk, "currency": "GBP", "amount": "60.00"}

        response = browser.post(page, form | formset("free_from", free, initial=1))

        method.refresh_from_db()
        assert [str(each["begins"].value()) for each in shown] == ["0.00", "20.00"]
        assert response.status_code == 302, response.context["errors"]
        assert method.name == "New name"
        assert set(method.rates.values_list("from_value", "amount_minor")) == {(0, 350), (3000, 50)}
        assert method.free_from.get().from_minor == 6000

    @pytest.mark.parametrize(
        ("kind", "row"),
        [
            ("weight", {"currency": "GBP", "begins": "1.5", "price": "1"}),
            ("weight", {"currency": "ZZZ", "begins": "0", "price": "1"}),
            ("weight", {"currency": "JPY", "begins": "0", "price": "1.5"}),
            ("weight", {"currency": "GBP", "begins": "0", "price": "-1"}),
            ("weight", {"currency": "GBP", "begins": "0", "price": "1e309"}),
            ("weight", {"currency": "GBP", "begins": "0", "price": "NaN"}),
            ("weight", {"currency": "GBP", "begins": "0", "price": ""}),
            ("price", {"currency": "JPY", "begins": "1.5", "price": "1"}),
            ("flat", {"currency": "GBP", "begins": "5", "price": "1"}),
        ],
    )
    def test_s21_with_rates_that_cannot_be_are_not_made(self, browser: Client, kind: str, row: dict[str, str]) -> None:
        response = browser.post(f"{METHODS}add/", method_form(make_zone(), kind=kind) | formset("rates", row))

        assert response.status_code == 200
        assert not ShippingMethod.objects.exists()

    def test_without_rates_are_not_made(self, browser: Client) -> None:
        response = browser.post(f"{METHODS}add/", method_form(make_zone()))

        assert "Without a rate it carries nothing." in response.content.decode()
        assert not ShippingMethod.objects.exists()

    def test_are_collected_at_a_place(self, browser: Client) -> None:
        form = method_form(make_zone(), kind="collect", place=make_place().pk)

        browser.post(f"{METHODS}add/", form | formset("rates", {"currency": "GBP", "begins": "", "price": "0"}))

        assert ShippingMethod.objects.get().place == make_place()

    def test_are_deleted_once_it_is_confirmed(self, browser: Client) -> None:
        method = make_method()

        assert browser.post(f"{METHODS}{method.pk}/remove/", YES).status_code == 302
        assert not ShippingMethod.objects.exists()


class TestTaxRates:
    def test_are_entered_and_ended_through_the_service(self, browser: Client) -> None:
        form = {"country": "GB", "region": "", "tax_class": "standard", "name": "VAT", "percent": "17.5"}
        form |= {"valid_from": "2026-01-01", "valid_until": ""}

        added = browser.post(f"{RATES}add/", form)
        rate = TaxRate.objects.get()
        ended = browser.post(f"{RATES}{rate.pk}/change/", form | {"valid_until": "2026-12-31", "country": "DE"})

        rate.refresh_from_db()
        assert (added.status_code, ended.status_code) == (302, 302)
        assert (rate.country, rate.rate_ppm, str(rate.valid_until)) == ("GB", 175_000, "2026-12-31")

    @pytest.mark.parametrize(
        "wrong",
        [{"country": "ZZ"}, {"region": "US-NY"}, {"percent": "101"}, {"percent": "NaN"}, {"valid_until": "2025-01-01"}],
    )
    def test_that_the_rules_refuse_are_not_made(self, browser: Client, wrong: dict[str, str]) -> None:
        form = {"country": "GB", "region": "", "tax_class": "standard", "name": "VAT", "percent": "20"}

        response = browser.post(f"{RATES}add/", form | {"valid_from": "2026-01-01", "valid_until": ""} | wrong)

        assert response.status_code == 200
        assert not TaxRate.objects.exists()

    def test_of_the_same_days_are_not_made(self, browser: Client) -> None:
        make_tax_rate()
        form = {"country": "GB", "region": "", "tax_class": "standard", "name": "VAT", "percent": "1"}

        response = browser.post(f"{RATES}add/", form | {"valid_from": "2027-01-01", "valid_until": ""})

        assert response.status_code == 200
        assert TaxRate.objects.get().rate_ppm == 200_000

    def test_come_from_a_ready_made_table(self, browser: Client) -> None:
        page = browser.get(f"{RATES}load/")
        stranger = browser_of(Role.CATALOGUE_MANAGER).post(f"{RATES}load/", {"table": "za", **YES})
        unknown = browser.post(f"{RATES}load/", {"table": "xx", **YES})

        assert "South Africa" in page.content.decode()
        assert (stranger.status_code, unknown.status_code, TaxRate.objects.count()) == (403, 200, 0)
        assert browser.post(f"{RATES}load/", {"table": "za", **YES}).status_code == 302
        assert TaxRate.objects.count() == 2

    def test_are_deleted_once_it_is_confirmed(self, browser: Client) -> None:
        rate = make_tax_rate()

        assert browser.post(f"{RATES}{rate.pk}/remove/", YES).status_code == 302
        assert not TaxRate.objects.exists()
