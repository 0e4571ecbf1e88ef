from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from orders.models import DraftOrder, Order, OrderEdit, PaymentLink
from orders.tests.drafting import edit, item, make_draft
from orders.tests.factories import ADDRESS, make_guest_order, make_order
from orders.tests.gateway import charges, pay
from payments.models import Attempt

URL = "/api/v1/draft-orders"


def manager() -> User:
    acts = [f"orders.{act}_draftorder" for act in ("view", "add", "change", "delete")]
    more = ["orders.add_order", "orders.change_order", "orders.add_paymentlink", "orders.view_order"]
    return make_user(permissions=[*acts, *more])


def ask(user: User | None, method: str, url: str, body: Any = None, **headers: str) -> Any:
    return getattr(client_of(user), method)(url, body or {}, format="json", headers=headers)


def order_url(order: Order, end: str = "") -> str:
    return f"/api/v1/orders/{order.pk}{end}"


@pytest.mark.django_db
class TestDraftOrders:
    def test_go_from_a_draft_to_an_order_and_its_link(self) -> None:
        make_market()
        stock, boss = make_stock(on_hand=9, price_minor=1000), manager()
        body = {
            "email": "ada@example.com",
            "shipping_address": ADDRESS.as_dict(),
            "items": [{"sku": stock.variant.sku, "quantity": 2, "unit_price": "8.50"}],
        }

        made = ask(boss, "post", URL, body)
        draft = f"{URL}/{made.json()['id']}"
        changed = ask(boss, "patch", draft, {"note": "Ring twice", "items": [*body["items"]]})
        quoted = ask(boss, "get", f"{draft}/quote")
        placed = ask(boss, "post", f"{draft}/place", {"expected_total": {"amount": "17.00", "currency": "GBP"}})
        link = ask(boss, "post", f"/api/v1/orders/{placed.json()['id']}/payment-link")

        assert (made.status_code, changed.status_code, quoted.status_code, placed.status_code) == (201, 200, 200, 201)
        assert made["Location"].endswith(draft)
        assert made.json()["items"][0]["unit_price"] == {"amount": "8.50", "currency": "GBP"}
        assert quoted.json()["items"][0]["is_agreed"] is True
        assert quoted.json()["total"] == {"amount": "17.00", "currency": "GBP"}
        assert [step["kind"] for step in quoted.json()["steps"]] == ["agreed_price", "shipping", "tax"]
        assert (placed.json()["status"], placed.json()["note"]) == ("pending", "Ring twice")
        assert link.json()["url"].endswith(PaymentLink.objects.get().token)
        assert ask(boss, "get", draft).json()["order"] == placed.json()["id"]
        assert ask(boss, "get", f"{URL}?status=placed").json()["count"] == 1

    def test_refuse_what_costs_more_than_can_be_written_down(self) -> None:
        boss, price = manager(), Decimal("9999999999.99")
        draft = make_draft(*(item(make_stock(on_hand=99_999), 99_999, unit_price=price) for _ in range(11)))

        quoted = ask(boss, "get", f"{URL}/{draft.pk}/quote")
        placed = ask(boss, "post", f"{URL}/{draft.pk}/place")

        assert (quoted.status_code, placed.status_code) == (200, 400)
        assert not Order.objects.exists()

    def test_are_given_up_by_delete(self) -> None:
        draft = make_draft(item(make_stock()))

        gone = ask(manager(), "delete", f"{URL}/{draft.pk}")

        draft.refresh_from_db()
        assert gone.status_code == 204
        assert draft.status == "cancelled"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"items": [{"quantity": 1}]}, 400),
            ({"items": [{"sku": "A", "variant": str(new_id()), "quantity": 1}]}, 400),
            ({"items": [{"sku": "NOPE", "quantity": 1}]}, 422),
            ({"items": [{"sku": "NOPE", "quantity": 0}]}, 400),
            ({"customer": str(new_id())}, 404),
            ({"market": "nowhere"}, 400),
            ({"author": str(new_id())}, 400),
        ],
    )
    def test_refuse_what_is_wrong(self, body: Any, status: int) -> None:
        make_market()

        answer = ask(manager(), "post", URL, body)

        assert answer.status_code == status, answer.content
        assert not DraftOrder.objects.exists()

    def test_s02_are_for_staff_who_may(self) -> None:
        draft = make_draft(item(make_stock()))
        one = f"{URL}/{draft.pk}"
        asked = [
            ("get", URL),
            ("post", URL),
            ("get", one),
            ("patch", one),
            ("delete", one),
            ("get", f"{one}/quote"),
            ("post", f"{one}/place"),
        ]

        for user, status in ((None, 401), (make_user(), 403), (make_user(is_staff=True), 403)):
            assert {ask(user, method, url).status_code for method, url in asked} == {status}

        draft.refresh_from_db()
        assert (draft.status, Order.objects.count(), DraftOrder.objects.count()) == ("open", 0, 1)

    def test_r16_the_same_key_places_once(self) -> None:
        draft, boss = make_draft(item(make_stock(on_hand=9))), manager()

        first, second = (ask(boss, "post", f"{URL}/{draft.pk}/place", {}, **{"Idempotency-Key": "k"}) for _ in range(2))

        assert (first.status_code, second.content) == (201, first.content)
        assert second["Idempotent-Replayed"] == "true"
        assert Order.objects.count() == 1


@pytest.mark.django_db
class TestOrdersEdit:
    def test_changes_an_order_that_was_seen_and_tells_its_new_version(self) -> None:
        stock, boss = make_stock(on_hand=9, price_minor=1000), manager()
        order = make_order((stock, 1))
        seen = ask(boss, "get", order_url(order))
        body = {"items": [{"variant": str(stock.variant_id), "quantity": 2}], "reason": "One more"}

        first = ask(boss, "patch", order_url(order), body, **{"If-Match": f"W/{seen['ETag']}"})  # as Nginx hands it on
        second = ask(boss, "patch", order_url(order), body | {"note": "x"}, **{"If-Match": seen["ETag"]})
        edits = ask(boss, "get", order_url(order, "/edits")).json()["results"]

        assert (first.status_code, second.status_code) == (200, 412)
        assert first.json()["total"] == {"amount": "20.00", "currency": "GBP"}
        assert first["ETag"] == ask(boss, "get", order_url(order))["ETag"] != seen["ETag"]
        assert [(each["reason"], each["total_after"]["amount"]) for each in edits] == [("One more", "20.00")]

    def test_shows_each_revision_of_the_receipt(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        edit(order, items=[item(stock, 3)])
        url = order_url(order, "/receipt")

        shown = [ask(order.customer, "get", f"{url}{query}") for query in ("", "?revision=1", "?revision=2")]

        assert [(each.json()["revision"], each.json()["total"]["amount"]) for each in shown] == [
            (2, "30.00"),
            (1, "10.00"),
            (2, "30.00"),
        ]
        assert ask(order.customer, "get", f"{url}?revision=3").status_code == 404
        assert ask(order.customer, "get", f"{url}?revision=0").status_code == 400
        assert ask(order.customer, "get", f"{url}?version=1").status_code == 400

    def test_refuses_another_total_than_expected_with_the_new_quote(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        body = {
            "items": [{"variant": str(stock.variant_id), "quantity": 2}],
            "expected_total": {"amount": "10.00", "currency": "GBP"},
        }

        answer = ask(manager(), "patch", order_url(order), body)

        assert (answer.status_code, answer.json()["code"]) == (409, "orders.total_changed")
        assert answer.json()["quote"]["total"]["amount"] == "20.00"
        assert order.lines.get().quantity == 1

    def test_s02_is_for_staff_who_may(self) -> None:
        order, guest = make_order(), make_guest_order()

        for user, status in ((None, 401), (order.customer, 403), (make_user(permissions=["orders.view_order"]), 403)):
            assert ask(user, "patch", order_url(order), {"note": "x"}).status_code == status
            assert ask(user, "post", order_url(order, "/payment-link")).status_code == status
        token = {"X-Order-Token": guest.guest_token}
        assert ask(None, "patch", order_url(guest), {"note": "x"}, **token).status_code == 401

        assert not OrderEdit.objects.exists()
        assert not PaymentLink.objects.exists()

    def test_r16_the_same_key_edits_once(self) -> None:
        stock, boss = make_stock(on_hand=9), manager()
        order = make_order((stock, 1))
        body = {"items": [{"variant": str(stock.variant_id), "quantity": 2}]}

        first, second = (ask(boss, "patch", order_url(order), body, **{"Idempotency-Key": "k"}) for _ in range(2))

        assert (first.status_code, second.content) == (200, first.content)
        assert OrderEdit.objects.count() == 1

    def test_calls_off_who_was_about_to_pay(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        pay(order, "")

        answer = ask(
            manager(), "patch", order_url(order), {"items": [{"variant": str(stock.variant_id), "quantity": 2}]}
        )

        assert answer.status_code == 200
        assert Attempt.objects.get().status == "cancelled"
        assert [charge["status"] for charge in charges()] == ["voided"]
