"""Paying with what a customer keeps, from the order to the gateway; its books are the oracle."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import User
from accounts.services import delete_account
from accounts.tests.factories import PASSWORD, make_session, make_user
from core import outbox
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import agree, ask_gateway, catch_up, charges, set_faults, state_of
from payments.models import Attempt, SavedMethod
from payments.tests.factories import NOON, make_saved_method

METHODS = "/api/v1/me/payment-methods"
PAGE = {"return_url": "https://shop.example/thanks"}


def an_order(customer: User) -> Order:
    return make_order((make_stock(on_hand=9), 1), customer=customer)


def send(method: str, path: str, body: Any = None, *, who: User | None = None, **headers: str) -> Any:
    if who is not None:
        headers["Authorization"] = f"Bearer {make_session(who).access}"
    client = Client(raise_request_exception=False)
    return client.generic(method, path, _json(body), "application/json", headers=headers)


def _json(body: Any) -> bytes:
    return b"" if body is None else orjson.dumps(body)


def pay(order: Order, **body: Any) -> Any:
    return send("POST", "/api/v1/payments", {"order": str(order.pk)} | body, who=order.customer)


def keep(customer: User) -> SavedMethod:
    """Pay an order and keep the card."""
    answer = pay(an_order(customer), provider="sandbox", card="success", save=True)
    assert answer.status_code == 201, answer.content
    return SavedMethod.objects.get(customer=customer)


@pytest.mark.django_db
class TestSaving:
    def test_keeps_the_card_that_paid(self) -> None:
        customer = make_user()

        method = keep(customer)

        shown = send("GET", METHODS, who=customer).json()["results"]
        assert [(one["provider"], one["brand"], one["last4"], one["is_default"]) for one in shown] == [
            ("sandbox", "visa", "4242", True)
        ]
        assert set(shown[0]) == {
            *("id", "provider", "brand", "last4", "expires_month", "expires_year", "is_default", "created_at")
        }
        assert str(method.pk) == shown[0]["id"]
        agree()

    def test_keeps_it_once_though_the_answer_is_lost(self) -> None:
        customer = make_user()
        set_faults(error_after_success=1)
        order = an_order(customer)

        pay(order, provider="sandbox", card="success", save=True)
        for minutes in range(1, 4):
            catch_up(after=timedelta(minutes=minutes))

        assert state_of(order) == "paid"
        assert SavedMethod.objects.filter(customer=customer).count() == 1
        agree()

    def test_is_not_for_guests(self) -> None:
        order = make_guest_order((make_stock(on_hand=9), 1))

        answer = send(
            "POST",
            "/api/v1/payments",
            {"order": str(order.pk), "provider": "sandbox", "card": "success", "save": True},
            **{"X-Order-Token": order.guest_token},
        )

        assert (answer.status_code, answer.json()["code"]) == (422, "payments.saving_needs_account")
        assert not Attempt.objects.filter(payment__order_id=order.pk).exists()
        assert not any(charge["captured"] for charge in charges())

    def test_is_not_for_those_who_cannot(self) -> None:
        customer = make_user()

        answer = pay(an_order(customer), provider="manual", save=True)

        assert (answer.status_code, answer.json()["code"]) == (422, "payments.cannot_save")
        assert not SavedMethod.objects.exists()


@pytest.mark.django_db
class TestPayingAgain:
    def test_charges_the_card_that_was_kept(self) -> None:
        customer = make_user()
        method, order = keep(customer), an_order(customer)

        answer = pay(order, saved_method=str(method.pk))

        body = answer.json()
        assert (answer.status_code, body["provider"], body["status"], body["next_action"]) == (
            201,
            "sandbox",
            "captured",
            None,
        )
        assert state_of(order) == "paid"
        assert Attempt.objects.get(payment__order_id=order.pk).saved_method_id == method.pk
        agree()

    def test_charges_it_once_however_it_is_repeated(self) -> None:
        customer = make_user()
        method, order = keep(customer), an_order(customer)
        set_faults(timeout_after_success=1)
        answers = [pay(order, saved_method=str(method.pk)) for _ in range(3)]
        catch_up(after=timedelta(minutes=1))

        assert answers[0].status_code == 201
        assert state_of(order) == "paid"
        assert sum(charge["captured"] > 0 for charge in charges()) == 2
        agree()

    def test_does_not_charge_a_strangers_card(self) -> None:
        stranger = make_user()
        theirs, order = keep(stranger), an_order(make_user())
        before = len(charges())

        answer = pay(order, saved_method=str(theirs.pk))

        assert (answer.status_code, answer.json()["code"]) == (404, "payments.saved_method_not_found")
        assert len(charges()) == before
        assert state_of(order) == "pending"

    def test_does_not_charge_what_was_removed(self) -> None:
        customer = make_user()
        method, order = keep(customer), an_order(customer)
        send("DELETE", f"{METHODS}/{method.pk}", who=customer)

        answer = pay(order, saved_method=str(method.pk))

        assert answer.status_code == 404
        assert state_of(order) == "pending"

    @pytest.mark.parametrize("beside", [{"provider": "sandbox"}, {"card": "success"}, {"save": True}])
    def test_takes_nothing_beside_it(self, beside: dict[str, Any]) -> None:
        customer = make_user()
        method, order = make_saved_method(customer), an_order(customer)

        answer = pay(order, saved_method=str(method.pk), **beside)

        assert answer.status_code == 400
        assert not Attempt.objects.filter(payment__order_id=order.pk).exists()


@pytest.mark.django_db
class TestMethods:
    @pytest.fixture
    def customer(self) -> User:
        return make_user()

    @pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"is_default": True}), ("DELETE", None)])
    def test_are_nobodys_and_no_strangers_and_no_staffs(self, customer: User, method: str, body: Any) -> None:
        kept = make_saved_method(customer)
        staff = make_user(is_staff=True, permissions=["payments.view_savedmethod", "payments.delete_savedmethod"])

        answers = [send(method, f"{METHODS}/{kept.pk}", body, who=who) for who in (None, make_user(), staff)]

        kept.refresh_from_db()
        assert [answer.status_code for answer in answers] == [401, 404, 404]
        assert (kept.is_default, kept.removed_at) == (False, None)

    def test_are_listed_with_the_default_first(self, customer: User) -> None:
        default = make_saved_method(customer, is_default=True)
        newest = make_saved_method(customer)
        make_saved_method(make_user())
        make_saved_method(customer, removed_at=NOON, ask_at=NOON)

        shown = send("GET", METHODS, who=customer).json()

        assert [one["id"] for one in shown["results"]] == [str(default.pk), str(newest.pk)]
        assert shown["count"] == 2
        assert send("GET", METHODS).status_code == 401

    def test_have_one_default(self, customer: User) -> None:
        default, other = make_saved_method(customer, is_default=True), make_saved_method(customer)

        answer = send("PATCH", f"{METHODS}/{other.pk}", {"is_default": True}, who=customer)

        default.refresh_from_db()
        assert (answer.status_code, answer.json()["is_default"], default.is_default) == (200, True, False)

    def test_are_forgotten_here_and_by_the_gateway(self, customer: User) -> None:
        kept = keep(customer)

        answer = send("DELETE", f"{METHODS}/{kept.pk}", who=customer)
        again = send("DELETE", f"{METHODS}/{kept.pk}", who=customer)
        catch_up()

        assert (answer.status_code, again.status_code) == (204, 404)
        assert not SavedMethod.objects.exists()
        with pytest.raises(AssertionError, match=r"sandbox\.method_not_found"):
            ask_gateway("GET", f"methods/{kept.token}")

    def test_of_a_deleted_person_are_forgotten_by_the_gateway(self, customer: User) -> None:
        kept = keep(customer)

        delete_account(user=customer, password=PASSWORD, address="203.0.113.7", at=NOON)
        outbox.drain()
        catch_up()

        assert not SavedMethod.objects.exists()
        with pytest.raises(AssertionError, match=r"sandbox\.method_not_found"):
            ask_gateway("GET", f"methods/{kept.token}")


def everything_stored() -> str:
    """Return every row of every table of the shop as text; the gateway's own tables are not the shop's."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label != "sandbox" and ".tests." not in model.__module__:
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT to_jsonb(t)::text FROM "{model._meta.db_table}" t')
                found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.django_db
class TestSecrecy:
    def test_stores_and_logs_no_token_and_nothing_of_a_card(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level("DEBUG")
        customer = make_user()
        number = "4242424242424242"
        with capture_logs() as told:
            refused = pay(an_order(customer), provider="sandbox", card=number, save=True)
            method = keep(customer)
            pay(an_order(customer), saved_method=str(method.pk))
            catch_up()

        written = f"{everything_stored()}{told}{caplog.text}{capfd.readouterr()}"
        assert "/api/v1/payments" in written
        assert refused.status_code == 400
        assert number not in written
        assert number not in refused.content.decode()
        assert method.token not in written
        assert method.token.removeprefix("pm_") not in written
        assert re.search(r'"brand": ?"visa"', written)
