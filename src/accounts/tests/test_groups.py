from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services
from accounts.domain import Role
from accounts.errors import (
    CustomerGroupInvalid,
    CustomerGroupNotFound,
    CustomerGroupTaken,
    OwnAccess,
)
from accounts.models import CustomerGroup, User
from accounts.tests.factories import client_of, make_group, make_session, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()
GROUPS = "/api/v1/customer-groups"
MANAGER = [f"accounts.{name}_customergroup" for name in ("view", "add", "change", "delete")]
ADMIN = "/admin/accounts/customergroup/"


@pytest.fixture
def manager() -> APIClient:
    return client_of(make_user(permissions=MANAGER))


@pytest.fixture
def boss() -> User:
    return make_user(roles=[Role.ADMINISTRATOR])


class TestCreateCustomerGroup:
    def test_refuses_a_code_that_is_no_slug_and_a_taken_one(self) -> None:
        make_group("wholesale", name="The first")

        for code, refusal in (("a b", CustomerGroupInvalid), ("wholesale", CustomerGroupTaken)):
            with pytest.raises(refusal):
                services.create_customer_group(code=code, name="Other", at=NOW)

        assert CustomerGroup.objects.get().name == "The first"


class TestDeleteCustomerGroup:
    def test_leaves_its_customers_in_none(self) -> None:
        customer = make_user(customer_group=make_group())

        services.delete_customer_group(code="wholesale")

        customer.refresh_from_db()
        assert customer.customer_group_id is None

    def test_knows_no_other(self) -> None:
        with pytest.raises(CustomerGroupNotFound):
            services.delete_customer_group(code="none")


class TestChangeUser:
    def test_puts_someone_in_a_group_and_takes_them_out_without_signing_them_out(self, boss: User) -> None:
        customer, group = make_user(), make_group()
        session = make_session(customer)

        services.change_user(user_id=customer.pk, changes={"customer_group": "wholesale"}, actor=boss, at=NOW)
        customer.refresh_from_db()
        assert customer.customer_group_id == group.pk

        services.change_user(user_id=customer.pk, changes={"customer_group": None}, actor=boss, at=NOW)
        customer.refresh_from_db()
        assert customer.customer_group_id is None
        me = APIClient().get("/api/v1/me", headers={"Authorization": f"Bearer {session.access}"})
        assert me.status_code == 200

    def test_refuses_an_unknown_group_and_oneself(self, boss: User) -> None:
        customer = make_user()
        make_group()

        with pytest.raises(CustomerGroupInvalid):
            services.change_user(user_id=customer.pk, changes={"customer_group": "none"}, actor=boss, at=NOW)
        with pytest.raises(OwnAccess):
            services.change_user(user_id=boss.pk, changes={"customer_group": "wholesale"}, actor=boss, at=NOW)

        assert not User.objects.filter(customer_group__isnull=False).exists()


def every_call() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("get", GROUPS, {}),
        ("post", GROUPS, {"code": "friends", "name": "Friends"}),
        ("get", f"{GROUPS}/wholesale", {}),
        ("patch", f"{GROUPS}/wholesale", {"name": "B2B"}),
        ("delete", f"{GROUPS}/wholesale", {}),
    ]


class TestGroupsApi:
    def test_s02_nobody_must_sign_in_and_customers_and_other_staff_are_refused(self) -> None:
        group = make_group()
        askers = [
            (client_of(), 401),
            (client_of(make_user(customer_group=group)), 403),
            (client_of(make_user(is_staff=True)), 403),
            (client_of(make_user(permissions=["accounts.view_user"])), 403),
        ]

        for client, status in askers:
            for method, url, body in every_call():
                assert getattr(client, method)(url, body, format="json").status_code == status, (method, url)

        assert CustomerGroup.objects.get().name == "Wholesale"

    def test_staff_with_the_permission_may(self, manager: APIClient) -> None:
        make_group()

        answers = [getattr(manager, method)(url, body, format="json") for method, url, body in every_call()]

        assert [answer.status_code for answer in answers] == [200, 201, 200, 200, 204]
        assert answers[3].json() == {"code": "wholesale", "name": "B2B"}

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"code": None}, 400),
            ({"name": " "}, 400),
            ({"code": "x" * 51}, 400),
            ({"id": "x"}, 400),
            ({"code": "a b"}, 422),
            ({"code": "\u00e9"}, 422),
        ],
    )
    def test_s21_refuses_wrong_values(self, manager: APIClient, wrong: dict[str, Any], status: int) -> None:
        answer = manager.post(GROUPS, {"code": "b2b", "name": "B2B"} | wrong, format="json")

        assert answer.status_code == status, answer.content
        assert not CustomerGroup.objects.exists()

    @pytest.mark.parametrize("code", ["none", "%00", "%C3%A9", "x" * 400])
    def test_is_404_for_what_is_not_there(self, manager: APIClient, code: str) -> None:
        for method in ("get", "patch", "delete"):
            body = {"name": "x"} if method == "patch" else {}
            assert getattr(manager, method)(f"{GROUPS}/{code}", body, format="json").status_code == 404


class TestUserApi:
    def test_s02_shows_and_sets_the_group_for_those_who_may(self, boss: User) -> None:
        customer = make_user()
        make_group()
        url, body = f"/api/v1/users/{customer.pk}", {"customer_group": "wholesale"}

        for asker, status in ((None, 401), (customer, 403), (make_user(roles=[Role.CUSTOMER_SUPPORT]), 403)):
            assert client_of(asker).patch(url, body, format="json").status_code == status
        customer.refresh_from_db()
        assert customer.customer_group_id is None

        answer = client_of(boss).patch(url, body, format="json")
        assert (answer.status_code, answer.json()["customer_group"]) == (200, "wholesale")
        assert client_of(customer).get("/api/v1/me").json()["customer_group"] == "wholesale"

    @pytest.mark.parametrize(
        ("body", "status"),
        [({}, 400), ({"customer_group": 1}, 400), ({"customer_group": "none"}, 422), ({"is_active": None}, 400)],
    )
    def test_s21_refuses_wrong_values(self, boss: User, body: dict[str, Any], status: int) -> None:
        customer = make_user()

        answer = client_of(boss).patch(f"/api/v1/users/{customer.pk}", body, format="json")

        assert answer.status_code == status, answer.content
        customer.refresh_from_db()
        assert (customer.is_active, customer.customer_group_id) == (True, None)

    def test_s22_nobody_puts_themselves_in_a_group(self) -> None:
        make_group()
        client, body = client_of(make_user()), {"customer_group": "wholesale"}

        assert client.patch("/api/v1/me/profile", body, format="json").status_code == 400
        given = {"email": "new@example.com", "password": "correct horse battery"} | body
        assert client_of().post("/api/v1/auth/register", given, format="json").status_code == 400

        assert not User.objects.filter(customer_group__isnull=False).exists()


class TestAdmin:
    @pytest.fixture
    def browser(self, boss: User, client: Client) -> Client:
        client.force_login(boss, backend="accounts.authentication.EmailBackend")
        return client

    def test_makes_renames_and_deletes_a_group(self, browser: Client) -> None:
        browser.post(f"{ADMIN}add/", {"code": "b2b", "name": "B2B"})
        group = CustomerGroup.objects.get(code="b2b")

        browser.post(f"{ADMIN}{group.pk}/change/", {"name": "Business"})
        assert "Business" in browser.get(ADMIN).content.decode()

        browser.post(f"{ADMIN}{group.pk}/remove/", {"_confirmed": "1"})
        assert not CustomerGroup.objects.exists()

    def test_puts_a_customer_in_a_group(self, browser: Client) -> None:
        customer, group = make_user(), make_group()

        browser.post(
            f"/admin/accounts/user/{customer.pk}/change/",
            {
                "is_active": "on",
                "customer_group": str(group.pk),
                "addresses-TOTAL_FORMS": "0",
                "addresses-INITIAL_FORMS": "0",
                "profile-TOTAL_FORMS": "0",
                "profile-INITIAL_FORMS": "0",
            },
        )

        customer.refresh_from_db()
        assert customer.customer_group_id == group.pk
