"""Refunds of goods by line, and failed ones tried again, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from inventory.tests.factories import make_stock
from orders.tests.factories import make_order
from orders.tests.gateway import agree, pay, set_faults
from payments.models import Payment, Refund


def post(user: User | None, url: str, body: Any = None) -> Any:
    return client_of(user).post(url, body or {}, format="json")


def refund_url(payment: Payment) -> str:
    return f"/api/v1/payments/{payment.pk}/refunds"


def treasurer() -> User:
    return make_user(permissions=["payments.add_refund", "orders.view_order"])


@pytest.mark.django_db
class TestRefundsRetry:
    def test_gives_back_what_failed_before_for_staff(self) -> None:
        order = make_order((make_stock(price_minor=1000), 1))
        payment, staff = pay(order), treasurer()
        set_faults(refunds_fail=1)
        failed = post(staff, refund_url(payment)).json()
        url = f"/api/v1/refunds/{failed['id']}/retry"

        refused = [post(user, url).status_code for user in (None, order.customer, make_user())]
        first, second = post(staff, url), post(staff, url)

        assert refused == [401, 403, 403]
        assert (first.status_code, first.json()["status"], first.json()["id"]) == (
            200,
            "succeeded",
            second.json()["id"],
        )
        assert post(staff, f"/api/v1/refunds/{first.json()['id']}/retry").json()["code"] == "payments.refund_not_failed"
        assert post(staff, f"/api/v1/refunds/{new_id()}/retry").status_code == 404
        agree()


@pytest.mark.django_db
class TestRefundItems:
    def test_are_named_by_line_or_by_variant(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1000)
        order, staff = make_order((stock, 3)), treasurer()
        payment, line = pay(order), str(order.lines.get().pk)

        by_line = post(staff, refund_url(payment), {"items": [{"line": line, "quantity": 1}]})
        by_variant = post(staff, refund_url(payment), {"items": [{"variant": str(stock.variant_id), "quantity": 1}]})
        both = {"line": line, "variant": str(stock.variant_id), "quantity": 1}
        neither = [post(staff, refund_url(payment), {"items": [item]}).status_code for item in (both, {"quantity": 1})]

        assert [answer.json()["amount"]["amount"] for answer in (by_line, by_variant)] == ["10.00", "10.00"]
        assert neither == [400, 400]
        assert Refund.objects.count() == 2
