from __future__ import annotations

from typing import Any

import pytest

from accounts.domain import Role
from accounts.tests.factories import client_of, make_user
from markets.tests.factories import make_market
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone, TaxRate
from pricing.tests.bodies import METHODS, RATE, RATES, ZONE, ZONES, method_body, staff
from pricing.tests.factories import make_method, make_tax_rate, make_zone


@pytest.mark.django_db
class TestWhoMay:
    MODELS = {"taxrate": RATES, "shippingmethod": METHODS, "shippingzone": ZONES}

    def requests(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Every operation: permission, method, address, body that would be taken."""
        method, rate = make_method(make_zone("Mine", countries=["FR"])), make_tax_rate("DE")
        own = {"shippingzone": method.zone_id, "shippingmethod": method.pk, "taxrate": rate.pk}
        new = {"shippingzone": ZONE, "shippingmethod": method_body(method.zone, code="new"), "taxrate": RATE}
        found = []
        for model, address in self.MODELS.items():
            one = f"{address}/{own[model]}"
            found += [
                (f"view_{model}", "get", address, {}),
                (f"add_{model}", "post", address, new[model]),
                (f"view_{model}", "get", one, {}),
                (f"change_{model}", "patch", one, {"name": "Changed"}),
                (f"delete_{model}", "delete", one, {}),
            ]
        return found

    def stored(self) -> list[Any]:
        models = (ShippingZone, ShippingMethod, ShippingRate, FreeShipping, TaxRate)
        return [sorted(model.objects.values_list(), key=str) for model in models]

    def test_s02_nobody_without_the_permission(self) -> None:
        requests, names = self.requests(), {"view", "add", "change", "delete"}
        nobody, customer = client_of(), client_of(make_user())
        plain = client_of(make_user(is_staff=True))
        support = client_of(make_user(roles=[Role.CUSTOMER_SUPPORT]))
        catalogue = client_of(make_user(roles=[Role.CATALOGUE_MANAGER]))
        before = self.stored()

        for permission, verb, address, body in requests:
            action, _, model = permission.partition("_")
            others = client_of(make_user(permissions=[f"pricing.{name}_{model}" for name in names - {action}]))
            asked = [getattr(each, verb)(address, body, format="json") for each in (nobody, customer, plain)]
            asked += [getattr(each, verb)(address, body, format="json") for each in (support, catalogue, others)]

            assert [answer.status_code for answer in asked] == [401, 403, 403, 403, 403, 403], (verb, address)

        assert self.stored() == before

    def test_whoever_holds_that_one_permission(self) -> None:
        for permission, verb, address, body in self.requests():
            holder = client_of(make_user(permissions=[f"pricing.{permission}"]))

            answer = getattr(holder, verb)(address, body, format="json")

            assert answer.status_code == {"get": 200, "post": 201, "patch": 200, "delete": 204}[verb], (verb, address)

    @pytest.mark.parametrize("role", [Role.ORDER_MANAGER, Role.ADMINISTRATOR])
    def test_order_managers_and_administrators(self, role: Role) -> None:
        client = client_of(make_user(roles=[role]))

        assert [client.get(address).status_code for address in self.MODELS.values()] == [200] * 3
        assert client.post(ZONES, ZONE, format="json").status_code == 201
        assert client.post(RATES, RATE, format="json").status_code == 201

    @pytest.mark.parametrize("address", [ZONES, METHODS, RATES])
    @pytest.mark.parametrize("key", ["0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4", "1", "%00", "x" * 500, "../tax-rates"])
    def test_nobody_what_is_not_there(self, address: str, key: str) -> None:
        client = client_of(make_user(roles=[Role.ADMINISTRATOR]))

        for verb in ("get", "patch", "delete"):
            assert getattr(client, verb)(f"{address}/{key}", {}, format="json").status_code == 404


@pytest.mark.django_db
class TestIfMatch:
    def test_refuses_to_change_or_delete_another_version(self) -> None:
        client, method, rate = staff(), make_method(), make_tax_rate()
        market = make_market("uk")

        for address in (f"{ZONES}/{method.zone_id}", f"{METHODS}/{method.pk}", f"{RATES}/{rate.pk}"):
            changed = client.patch(address, {"name": "x"}, format="json", headers={"If-Match": '"old"'})
            deleted = client.delete(address, headers={"If-Match": '"old"'})

            assert (changed.status_code, deleted.status_code) == (412, 412)

        version = market.rules_version
        market.refresh_from_db()
        assert market.rules_version == version
        assert (ShippingZone.objects.count(), ShippingMethod.objects.count(), TaxRate.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
class TestIdempotencyKey:
    def test_r16_gives_the_first_answer_again(self) -> None:
        client = staff()
        asked = [
            (ZONES, ZONE, {**ZONE, "name": "Other"}),
            (METHODS, method_body(make_zone("Mine")), {"name": "Other"}),
            (RATES, RATE, {**RATE, "percent": "1"}),
        ]

        for address, body, other in asked:
            first, again, changed = (
                client.post(address, each, format="json", headers={"Idempotency-Key": f"key-{address}"})
                for each in (body, body, other)
            )

            assert (first.status_code, again.content) == (201, first.content)
            assert again["Idempotent-Replayed"] == "true"
            assert changed.status_code == 422

        assert (ShippingZone.objects.count(), ShippingMethod.objects.count(), TaxRate.objects.count()) == (2, 1, 1)

    def test_keeps_a_refusal_too(self) -> None:
        client = staff()
        make_zone("Britain")
        make_tax_rate()

        for address, body in ((ZONES, ZONE), (RATES, RATE)):
            for _ in range(2):
                answer = client.post(address, body, format="json", headers={"Idempotency-Key": f"key-{address}"})

                assert answer.status_code == 409

        assert (ShippingZone.objects.count(), TaxRate.objects.count()) == (1, 1)
