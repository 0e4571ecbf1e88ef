"""The withdrawal function over HTTP, from the declaration to the mail that acknowledges it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from inventory.tests.factories import make_stock
from orders.models import Order, Return, Withdrawal
from orders.tests.returned import make_clerk, make_sent_order

URL = "/api/v1/withdrawals"

pytestmark = pytest.mark.django_db


def post(user: User | None, url: str = URL, body: Any = None, **headers: str) -> Any:
    return client_of(user).post(url, body or {}, format="json", headers=headers)


def declare(order: Order, **more: Any) -> str:
    answer = post(order.customer, body={"order": order.number} | more)
    assert answer.status_code == 201, answer.content
    declared: str = answer.json()["id"]
    return declared


class TestWithdrawalsCreate:
    def test_answers_the_buyer_with_the_declaration(self) -> None:
        order = make_sent_order((make_stock(), 2))
        line = order.lines.get()

        answer = post(order.customer, body={"order": order.number, "items": [{"sku": line.sku, "quantity": 1}]})

        shown = answer.json()
        assert answer.status_code == 201
        assert answer["Location"].endswith(f"{URL}/{shown['id']}")
        assert (shown["status"], shown["name"], shown["email"]) == ("declared", "Ada Lovelace", order.email)
        assert shown["items"] == [{"line": str(line.pk), "quantity": 1}]
        assert not Return.objects.exists()

    def test_takes_a_guest_by_the_orders_token(self) -> None:
        order = make_sent_order(guest=True)

        answer = post(None, body={"order": str(order.pk)}, **{"X-Order-Token": order.guest_token})

        assert answer.status_code == 201

    def test_s14_answers_everybody_else_alike(self) -> None:
        order = make_sent_order()
        bodies = [
            {"order": order.number, "name": "Eve", "email": order.email},
            {"order": order.number, "name": "Eve", "email": "eve@example.com"},
            {"order": "N-000-0000", "name": "Eve", "email": order.email},
            {"order": str(order.pk), "name": "Eve", "email": "eve@example.com"},
        ]

        answers = [post(user, body=body) for body in bodies for user in (None, make_user(), make_clerk())]

        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        assert Withdrawal.objects.count() == 3

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"order": 7},
            {"order": "\x00"},
            {"order": "N-1", "name": "Eve"},
            {"order": "N-1", "email": "eve@example.com"},
            {"order": "N-1", "name": "Eve", "email": "nobody"},
            {"order": "N-1", "name": "Eve", "email": "eve@example.com", "items": [{"quantity": 1}]},
            {"order": "N-1", "name": "Eve", "email": "eve@example.com", "refund": "1.00"},
        ],
    )
    def test_refuses_what_is_malformed(self, body: dict[str, Any]) -> None:
        assert post(None, body=body).status_code == 400

    def test_says_what_is_left_where_it_asks_for_more(self) -> None:
        order = make_sent_order((make_stock(), 2))
        line = order.lines.get()

        answer = post(order.customer, body={"order": order.number, "items": [{"line": str(line.pk), "quantity": 3}]})

        assert (answer.status_code, answer.json()["code"]) == (409, "orders.nothing_to_withdraw")
        assert answer.json()["left"] == {str(line.pk): 2}


class TestWithdrawalsConfirm:
    def test_is_for_the_buyer(self) -> None:
        order = make_sent_order()
        url = f"{URL}/{declare(order)}/confirm"

        refused = [post(user, url).status_code for user in (None, make_user(), make_clerk())]
        confirmed = post(order.customer, url)

        assert refused == [404, 404, 404]
        assert confirmed.status_code == 200
        assert confirmed.json()["status"] == "confirmed"
        assert confirmed.json()["return"] == str(Return.objects.get().pk)

    def test_r16_happens_once_with_the_same_key(self) -> None:
        order = make_sent_order()
        url = f"{URL}/{declare(order)}/confirm"

        first, second = (post(order.customer, url, **{"Idempotency-Key": "k"}) for _ in range(2))

        assert (first.status_code, first.content) == (200, second.content)
        assert Return.objects.count() == 1


class TestWithdrawalsRetrieve:
    def test_is_for_the_buyer_and_staff(self) -> None:
        order = make_sent_order()
        url = f"{URL}/{declare(order)}"
        reader = make_user(permissions=["orders.view_withdrawal"])

        statuses = [client_of(user).get(url).status_code for user in (order.customer, reader, make_user(), None)]

        assert statuses == [200, 200, 404, 404]


class TestWithdrawalsList:
    def test_shows_ones_own_and_to_staff_all(self) -> None:
        mine = declare(make_sent_order())
        declare(make_sent_order())
        withdrawal = Withdrawal.objects.get(pk=mine)
        reader = make_user(permissions=["orders.view_withdrawal"])

        own = client_of(withdrawal.order.customer).get(URL).json()
        everything = client_of(reader).get(f"{URL}?status=declared").json()

        assert [row["id"] for row in own["results"]] == [mine]
        assert everything["count"] == 2
        assert client_of(None).get(URL).status_code == 401


def test_names_are_sealed_at_rest() -> None:
    declare(make_sent_order(), name="Ada Byron", email="byron@example.com")

    with connection.cursor() as cursor:
        cursor.execute("SELECT name || email FROM orders_withdrawal")
        (raw,) = cursor.fetchone()
    assert re.search("Byron|byron", raw) is None
