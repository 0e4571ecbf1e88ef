from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from inventory.tests.factories import make_stock
from orders.models import Fulfilment, Order
from orders.selectors.rendering import packing_page
from orders.tests.factories import make_guest_order
from orders.tests.parcels import deliver, fulfil, line_ids, make_manager, make_paid_order, status_of

API = "/api/v1"


def post(user: User | None, path: str, body: Any = None, **headers: Any) -> Any:
    return client_of(user).post(f"{API}/{path}", {} if body is None else body, format="json", **headers)


@pytest.fixture
def customer(db: None) -> User:
    return make_user()


@pytest.fixture
def order(customer: User) -> Order:
    return make_paid_order((make_stock(on_hand=9, price_minor=1000), 3), customer=customer)


class TestOrderFulfilments:
    def test_staff_send_a_part_and_the_order_shows_it(self, order: Order, customer: User) -> None:
        line = str(line_ids(order)[0])
        body = {"items": [{"line": line, "quantity": 2}], "carrier": "Royal Mail", "tracking_number": "AB 123"}

        sent = post(make_manager(), f"orders/{order.pk}/fulfilments", body)

        parcel, shown = sent.json(), client_of(customer).get(f"{API}/orders/{order.pk}").json()
        assert sent.status_code == 201
        assert parcel["tracking_url"] == "https://www.royalmail.com/track-your-item#/tracking-results/AB123"
        assert [(each["line"], each["quantity"]) for each in parcel["items"]] == [(line, 2)]
        assert shown["fulfilment_status"] == "partial"
        assert shown["status"] == "paid"
        assert shown["fulfilments"] == [parcel]
        assert shown["tracking"][0]["tracking_number"] == "AB 123"
        assert {name: shown["items"][0][name] for name in ("id", "shipped", "cancelled", "returned")} == {
            "id": line,
            "shipped": 2,
            "cancelled": 0,
            "returned": 0,
        }

    def test_without_items_all_that_is_owed_goes(self, order: Order, customer: User) -> None:
        fulfil(order, {line_ids(order)[0]: 1})

        sent = post(make_manager(), f"orders/{order.pk}/fulfilments")

        shown = client_of(customer).get(f"{API}/orders/{order.pk}").json()
        assert sent.json()["items"][0]["quantity"] == 2
        assert (shown["status"], shown["fulfilment_status"]) == ("shipped", "fulfilled")

    def test_a_repeated_key_is_one_parcel(self, order: Order) -> None:
        staff, body = make_manager(), {"items": [{"line": str(line_ids(order)[0]), "quantity": 1}]}

        first, second = (
            post(staff, f"orders/{order.pk}/fulfilments", body, HTTP_IDEMPOTENCY_KEY="parcel-1") for _ in range(2)
        )

        assert first.content == second.content
        assert second["Idempotent-Replayed"] == "true"
        assert Fulfilment.objects.count() == 1

    def test_lists_parcels_to_owner_guest_and_staff_alone(self, order: Order, customer: User) -> None:
        fulfil(order)
        path = f"{API}/orders/{order.pk}/fulfilments"

        for user in (customer, make_manager()):
            assert len(client_of(user).get(path).json()["results"]) == 1
        for stranger in (None, make_user()):
            assert client_of(stranger).get(path).status_code == 404

    def test_lists_a_guests_parcels_with_the_token(self, db: None) -> None:
        guest = make_guest_order()
        path = f"{API}/orders/{guest.pk}/fulfilments"

        assert client_of().get(path, HTTP_X_ORDER_TOKEN=guest.guest_token).json() == {"results": []}
        assert client_of().get(path, HTTP_X_ORDER_TOKEN="wrong").status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {"items": []},
            {"items": [{"line": "x", "quantity": 1}]},
            {"items": [{"line": str(uuid4()), "quantity": 0}]},
            {"items": [{"line": str(uuid4()), "quantity": 10**9}]},
            {"tracking_url": "javascript:alert(1)"},
            {"tracking_url": "ftp://example.com/x"},
            {"carrier": "x" * 61},
            {"to": "shipped"},
        ],
    )
    def test_refuses_what_the_schema_does(self, order: Order, body: dict[str, Any]) -> None:
        assert post(make_manager(), f"orders/{order.pk}/fulfilments", body).status_code == 400
        assert not Fulfilment.objects.exists()

    def test_names_what_a_line_still_owes(self, order: Order) -> None:
        line = str(line_ids(order)[0])
        twice = [{"line": line, "quantity": 2}, {"line": line, "quantity": 2}]

        refused = post(make_manager(), f"orders/{order.pk}/fulfilments", {"items": twice})

        assert refused.status_code == 409
        assert refused.json()["code"] == "orders.units_refused"
        assert refused.json()["left"] == {line: 3}

    def test_is_for_staff_who_move_orders(self, order: Order, customer: User) -> None:
        for user, status in ((None, 401), (customer, 403), (make_user(permissions=["orders.view_order"]), 403)):
            assert post(user, f"orders/{order.pk}/fulfilments").status_code == status

        assert not Fulfilment.objects.exists()


class TestFulfilment:
    def test_is_corrected_and_arrives(self, order: Order) -> None:
        staff, parcel = make_manager(), fulfil(order, carrier="UPS")
        path = f"fulfilments/{parcel.pk}"

        changed = client_of(staff).patch(f"{API}/{path}", {"tracking_url": "https://example.com/1"}, format="json")
        arrived = post(staff, f"{path}/deliver")

        assert changed.json()["tracking_url"] == "https://example.com/1"
        assert changed.json()["carrier"] == "UPS"
        assert arrived.json()["delivered_at"] is not None
        assert status_of(order) == "delivered"

    def test_is_for_staff_who_move_orders(self, order: Order, customer: User) -> None:
        parcel = fulfil(order, carrier="UPS")

        for user, status in ((None, 401), (customer, 403), (make_user(permissions=["orders.view_order"]), 403)):
            changed = client_of(user).patch(f"{API}/fulfilments/{parcel.pk}", {"carrier": "DHL"}, format="json")
            assert changed.status_code == status
            assert post(user, f"fulfilments/{parcel.pk}/deliver").status_code == status
        assert post(make_manager(), f"fulfilments/{uuid4()}/deliver").status_code == 404

        parcel.refresh_from_db()
        assert (parcel.carrier, parcel.delivered_at) == ("UPS", None)


class TestPackingSlips:
    def test_hold_what_lies_in_the_parcel(self, customer: User) -> None:
        one, two = make_stock(on_hand=5), make_stock(on_hand=5)
        order = make_paid_order((one, 3), (two, 1), customer=customer)
        parcel = fulfil(order, {line_ids(order)[0]: 2}, carrier="UPS", tracking_number="1Z999")
        staff = client_of(make_user(permissions=["orders.view_order"]))

        slip = staff.get(f"{API}/orders/{order.pk}/fulfilments/{parcel.pk}/packing-slip.pdf")

        assert slip["Content-Type"] == "application/pdf"
        assert slip.content.startswith(b"%PDF-")
        page = packing_page(order_id=order.pk, fulfilment_id=parcel.pk)
        assert [row[1:] for row in page["rows"]] == [[one.variant.sku, "2"]]
        assert ["Tracking number", "1Z999"] in page["facts"]

    def test_of_the_whole_order_leave_out_what_was_cancelled(self, order: Order) -> None:
        body = {"items": [{"line": str(line_ids(order)[0]), "quantity": 1}]}
        post(make_manager(), f"orders/{order.pk}/cancel", body)

        page = packing_page(order_id=order.pk)

        assert [row[2] for row in page["rows"]] == ["2"]

    def test_are_of_this_order_and_for_staff(self, order: Order, customer: User) -> None:
        parcel = fulfil(make_paid_order())
        path = f"{API}/orders/{order.pk}/fulfilments/{parcel.pk}/packing-slip.pdf"

        for user, status in ((make_manager(), 404), (customer, 403), (None, 401)):
            assert client_of(user).get(path).status_code == status


class TestCancelling:
    def test_staff_cancel_a_part(self, order: Order, customer: User) -> None:
        line = str(line_ids(order)[0])
        body = {"reason": "Sold out.", "items": [{"line": line, "quantity": 1}]}

        answer = post(make_manager(), f"orders/{order.pk}/cancel", body)

        shown = client_of(customer).get(f"{API}/orders/{order.pk}").json()
        assert answer.status_code == 200
        assert answer.json()["items"][0]["cancelled"] == 1
        assert shown["items"] == answer.json()["items"]
        assert shown["status"] == "paid"

    def test_staff_cancel_the_rest_of_what_was_partly_sent(self, order: Order) -> None:
        deliver(fulfil(order, {line_ids(order)[0]: 1}))

        answer = post(make_manager(), f"orders/{order.pk}/cancel", {"refund": False})

        assert answer.json()["status"] == "delivered"
        assert answer.json()["fulfilment_status"] == "fulfilled"

    def test_a_customer_is_told_why_not(self, order: Order, customer: User) -> None:
        line = str(line_ids(order)[0])
        fulfil(order, {line_ids(order)[0]: 1})

        part = post(customer, f"orders/{order.pk}/cancel", {"items": [{"line": line, "quantity": 1}]})
        whole = post(customer, f"orders/{order.pk}/cancel")

        assert (part.status_code, part.json()["reason"]) == (409, "only_as_a_whole")
        assert (whole.status_code, whole.json()["reason"]) == (409, "partly_shipped")
        assert status_of(order) == "paid"

    def test_a_repeated_key_cancels_a_part_once(self, order: Order) -> None:
        staff = make_manager()
        body = {"items": [{"line": str(line_ids(order)[0]), "quantity": 1}]}

        for _ in range(2):
            answer = post(staff, f"orders/{order.pk}/cancel", body, HTTP_IDEMPOTENCY_KEY="cancel-1")

        assert answer.json()["items"][0]["cancelled"] == 1
        assert order.lines.get().cancelled == 1
