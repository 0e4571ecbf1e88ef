from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.ids import new_id
from inventory.tests.factories import make_place
from pricing.models import ShippingMethod, ShippingRate, ShippingZone
from pricing.tests.bodies import METHODS, NO_INTEGER, NO_KIND, NO_RATES, PRICE, ZONE, ZONES, method_body, staff
from pricing.tests.factories import gbp, make_method, make_zone


@pytest.mark.django_db
class TestZones:
    def test_are_opened_shown_changed_and_deleted(self) -> None:
        client = staff()

        made = client.post(ZONES, ZONE, format="json")
        shown = client.get(made["Location"])
        changed = client.patch(made["Location"], {"regions": []}, format="json", headers={"If-Match": shown["ETag"]})
        gone = client.delete(made["Location"])

        assert (made.status_code, made.json()) == (201, {"id": made.json()["id"], **ZONE})
        assert shown.json() == made.json()
        assert changed.json() == {**made.json(), "regions": []}
        assert (gone.status_code, client.get(made["Location"]).status_code) == (204, 404)

    def test_are_listed_by_name_in_pages(self) -> None:
        for name in ("C", "A", "B"):
            make_zone(name)

        page = staff().get(ZONES, {"size": 2}).json()

        assert (page["count"], [zone["name"] for zone in page["results"]]) == (3, ["A", "B"])

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            *[({"name": value}, 400) for value in ["", " ", "a\0", "\u202e", "x" * 101, 1, None]],
            *[({"countries": value}, 400) for value in ["GB", [1], ["gb"], ["GBR"], None, [["GB"]], ["GB"] * 501]],
            *[({"regions": value}, 400) for value in ["US-NY", [1], ["NY"], ["US-ABCD"], None]],
            ({"id": str(new_id())}, 400),
            ({"methods": []}, 400),
            ({"countries": ["ZZ"]}, 422),
            ({"countries": ["US"]}, 422),
            ({"regions": ["GB-SCT"]}, 422),
            ({"regions": ["US-ZZ"]}, 422),
        ],
    )
    def test_that_cannot_be_are_refused(self, wrong: dict[str, Any], status: int) -> None:
        client, kept = staff(), make_zone("Kept")

        made = client.post(ZONES, ZONE | wrong, format="json")
        changed = client.patch(f"{ZONES}/{kept.pk}", ZONE | wrong, format="json")

        kept.refresh_from_db()
        assert (made.status_code, changed.status_code) == (status, status)
        assert ShippingZone.objects.get().name == kept.name == "Kept"

    def test_of_one_name_are_refused(self) -> None:
        make_zone("Britain")

        answer = staff().post(ZONES, ZONE, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "pricing.shipping_exists")
        assert ShippingZone.objects.get().countries == []


@pytest.mark.django_db
class TestMethods:
    def test_are_offered_shown_changed_and_withdrawn(self) -> None:
        client, zone = staff(), make_zone()
        euros = {"amount": "5.00", "currency": "EUR"}
        body = method_body(
            zone,
            kind="weight",
            rates=[
                {"price": {"amount": "7.50", "currency": "GBP"}, "from_weight_grams": 2000},
                {"price": PRICE, "from_weight_grams": 0},
                {"price": euros, "from_weight_grams": 0},
            ],
            free_from=[{"amount": "60.00", "currency": "GBP"}],
            min_days=2,
            max_days=4,
            max_weight_grams=30000,
        )

        made = client.post(METHODS, body, format="json")
        shown = client.get(made["Location"])
        changed = client.patch(
            made["Location"],
            {"kind": "price", "rates": [{"price": PRICE, "from_price": {"amount": "0.00", "currency": "GBP"}}]},
            format="json",
            headers={"If-Match": shown["ETag"]},
        )
        gone = client.delete(made["Location"])

        assert made.status_code == 201
        assert shown.json() == made.json()
        assert made.json() == {
            **body,
            "id": made.json()["id"],
            "rates": [body["rates"][2], body["rates"][1], body["rates"][0]],
            "tax_class": "standard",
            "place": None,
            "position": 0,
            "is_active": True,
        }
        assert changed.json()["rates"] == [{"price": PRICE, "from_price": {"amount": "0.00", "currency": "GBP"}}]
        assert changed.json()["free_from"] == body["free_from"]
        assert (gone.status_code, ShippingMethod.objects.count()) == (204, 0)

    def test_say_where_they_are_collected(self) -> None:
        place = make_place()

        answer = staff().post(METHODS, method_body(make_zone(), kind="collect", place=place.code), format="json")

        assert answer.json()["place"] == "main"
        assert answer.json()["rates"] == [{"price": PRICE}]

    def test_are_listed_by_position_and_zone_with_the_same_queries_for_any_number(self) -> None:
        client, zone = staff(), make_zone()
        make_method(zone, "second", position=2, free_from=[gbp(1)])
        client.get(METHODS)

        with CaptureQueriesContext(connection) as few:
            client.get(METHODS)
        make_method(zone, "first", position=1, kind="collect", place=make_place().code)
        make_method(code="elsewhere", position=0)
        with CaptureQueriesContext(connection) as many:
            everywhere = client.get(METHODS).json()["results"]

        assert len(many) == len(few)
        assert [row["code"] for row in everywhere] == ["elsewhere", "first", "second"]
        here = client.get(METHODS, {"zone": str(zone.pk)}).json()["results"]
        assert [row["code"] for row in here] == ["first", "second"]

    @pytest.mark.parametrize("query", [{"zone": "x"}, {"zone": ""}, {"code": "post"}, {"size": "0"}])
    def test_refuse_filters_that_they_do_not_know(self, query: dict[str, str]) -> None:
        assert staff().get(METHODS, query).status_code == 400

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            *[({"kind": value}, 400) for value in NO_KIND],
            *[({"rates": value}, 400) for value in NO_RATES],
            *[
                ({"rates": [{"price": {"amount": value, "currency": "GBP"}}]}, 400)
                for value in [*NO_INTEGER, "-1", "0.001"]
            ],
            *[
                ({"rates": [{"price": {"amount": "1", "currency": value}}]}, 400)
                for value in ["gbp", "ZZZ", "", 1, None]
            ],
            *[({"rates": [{"price": PRICE, "from_weight_grams": value}]}, 400) for value in NO_INTEGER],
            *[({"rates": [{"price": PRICE, "from_price": value}]}, 400) for value in NO_INTEGER],
            ({"rates": [{"price": PRICE, "currency": "GBP"}]}, 400),
            ({"rates": [{"price": PRICE}] * 201}, 400),
            *[({"free_from": value}, 400) for value in [None, PRICE, [1], ["1.00"]]],
            *[({"min_days": value}, 400) for value in [*NO_INTEGER, 366]],
            *[({"max_weight_grams": value}, 400) for value in [0, -1, 2**31, 1.5, "1", True]],
            *[({"position": value}, 400) for value in NO_INTEGER],
            *[({"tax_class": value}, 400) for value in ["", "Standard", "a b", 1, None, "x" * 41]],
            *[({"place": value}, 400) for value in ["", 1, "a\0"]],
            *[({"is_active": value}, 400) for value in ["yes", 1, None]],
            ({"name": ""}, 400),
            ({"id": str(new_id())}, 400),
            ({"rates": [{"price": PRICE}] * 2}, 422),
            ({"kind": "weight"}, 422),
            ({"rates": [{"price": PRICE, "from_weight_grams": 0}]}, 422),
            ({"free_from": [PRICE, PRICE]}, 422),
            ({"min_days": 2, "max_days": 1}, 422),
            ({"place": "nowhere"}, 422),
            ({"place": "main"}, 422),
        ],
    )
    def test_s21_that_cannot_be_are_refused(self, wrong: dict[str, Any], status: int) -> None:
        client, zone = staff(), make_zone()
        kept = make_method(zone, "kept")
        make_place()
        changes = {"name": "Changed", **wrong}

        made = client.post(METHODS, method_body(zone) | wrong, format="json")
        changed = client.patch(f"{METHODS}/{kept.pk}", changes, format="json")

        kept.refresh_from_db()
        assert (made.status_code, changed.status_code) == (status, status)
        assert ShippingMethod.objects.get() == kept
        assert (kept.name, kept.rates.get().amount_minor) == ("Kept", 395)

    @pytest.mark.parametrize(
        "wrong",
        [{"zone": "x"}, {"zone": None}, {"zone": 1}, {"code": "A b"}, {"code": ""}, {"code": None}, {"code": "a\0"}],
    )
    def test_need_a_zone_and_a_code(self, wrong: dict[str, Any]) -> None:
        zone = make_zone()

        assert staff().post(METHODS, method_body(zone) | wrong, format="json").status_code == 400
        assert not ShippingMethod.objects.exists()

    def test_keep_their_zone_and_code(self) -> None:
        method = make_method()

        for change in ({"zone": str(method.zone_id)}, {"code": "new"}):
            assert staff().patch(f"{METHODS}/{method.pk}", change, format="json").status_code == 400

        method.refresh_from_db()
        assert method.code == "post"

    def test_of_one_code_or_an_unknown_zone_are_refused(self) -> None:
        client, zone = staff(), make_zone()
        make_method(zone)

        taken = client.post(METHODS, method_body(zone), format="json")
        lost = client.post(METHODS, method_body(zone) | {"zone": str(new_id())}, format="json")

        assert (taken.status_code, taken.json()["code"]) == (409, "pricing.shipping_exists")
        assert (lost.status_code, lost.json()["code"]) == (404, "pricing.zone_not_found")
        assert ShippingMethod.objects.count() == 1

    def test_s23_hold_amounts_in_each_currency_s_own_digits(self) -> None:
        amounts = {"JPY": "500", "KWD": "1.250", "GBP": "3.95"}
        rates = [{"price": {"amount": amount, "currency": currency}} for currency, amount in amounts.items()]

        answer = staff().post(METHODS, method_body(make_zone(), rates=rates), format="json")

        assert {row["price"]["currency"]: row["price"]["amount"] for row in answer.json()["rates"]} == amounts
        assert dict(ShippingRate.objects.values_list("currency", "amount_minor")) == {
            "JPY": 500,
            "KWD": 1250,
            "GBP": 395,
        }
