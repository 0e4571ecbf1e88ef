from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.tests.factories import client_of, make_address, make_user
from carts.models import Cart
from carts.tests.factories import make_cart, make_guest_cart, owner_of
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders.models import Order, OrderNote
from orders.tests.factories import ADDRESS, make_guest_order, make_order

ORDERS = "/api/v1/orders"
GUEST = {"email": "guest@example.com", "shipping_address": ADDRESS.as_dict()}


def order_as_guest(token: str | None, body: dict[str, Any] | None = None, **headers: Any) -> Any:
    extra: dict[str, Any] = {"HTTP_X_CART_TOKEN": token} if token else {}
    return client_of().post(ORDERS, GUEST if body is None else body, format="json", **extra, **headers)


@pytest.mark.django_db
class TestPlacing:
    def test_a_guest_orders_and_reads_with_the_token(self) -> None:
        token = make_guest_cart((make_stock(price_minor=1250, on_hand=5), 2))

        placed = order_as_guest(token)

        body = placed.json()
        assert placed.status_code == 201
        assert body["total"] == {"amount": "25.00", "currency": "GBP"}
        assert body["history"][0] | {"at": ""} == {
            "from": None,
            "to": "pending",
            "at": "",
            "by": "customer",
            "reason": "",
        }
        detail = f"{ORDERS}/{body['id']}"
        assert client_of().get(detail, HTTP_X_ORDER_TOKEN=body["token"]).json() == body
        assert client_of().get(f"{detail}/?token={body['token']}").json()["id"] == body["id"]
        assert client_of().get(detail).status_code == 404
        assert placed["Location"].endswith(detail)

    def test_a_customer_needs_nothing_but_a_default_address(self) -> None:
        cart = make_cart((make_stock(), 1))
        make_address(owner_of(cart), is_default=True)

        placed = client_of(cart.owner).post(ORDERS, {}, format="json")

        assert placed.status_code == 201
        assert placed.json()["token"] is None
        assert placed.json()["email"] == owner_of(cart).email

    def test_costs_at_most_twenty_statements_for_one_line_and_for_twenty(
        self, django_assert_max_num_queries: Any
    ) -> None:
        counts = []
        for lines in (1, 20):
            cart = make_cart(*((make_stock(on_hand=5), 1) for _ in range(lines)))
            make_address(owner_of(cart), is_default=True)
            client = client_of(cart.owner)
            client.get("/api/v1/cart")  # reads the day's rules
            with django_assert_max_num_queries(28) as queries:
                placed = client.post(ORDERS, {}, format="json", HTTP_IDEMPOTENCY_KEY=f"k{lines}")
            assert placed.status_code == 201
            counts.append(
                len([q for q in queries.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])
            )

        assert counts[0] == counts[1] <= 20

    def test_a_repeated_key_is_one_order_byte_for_byte(self) -> None:
        token = make_guest_cart((make_stock(on_hand=5), 1))

        first, second = (order_as_guest(token, HTTP_IDEMPOTENCY_KEY="order-1") for _ in range(2))

        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert "Idempotent-Replayed" not in first
        assert second["Idempotent-Replayed"] == "true"
        assert Order.objects.count() == 1

    def test_the_key_with_another_body_is_refused(self) -> None:
        token = make_guest_cart((make_stock(on_hand=5), 1))
        order_as_guest(token, HTTP_IDEMPOTENCY_KEY="order-1")

        other = order_as_guest(token, GUEST | {"note": "Ring twice"}, HTTP_IDEMPOTENCY_KEY="order-1")

        assert (other.status_code, other.json()["code"]) == (422, "core.idempotency_key_reused")

    def test_anothers_key_replays_nothing(self) -> None:
        first = order_as_guest(make_guest_cart((make_stock(on_hand=5), 1)), HTTP_IDEMPOTENCY_KEY="same")
        second = order_as_guest(make_guest_cart((make_stock(on_hand=5), 1)), HTTP_IDEMPOTENCY_KEY="same")

        assert second.status_code == 201
        assert first.json()["id"] != second.json()["id"]

    def test_a_variant_sold_out_in_between_is_a_clean_conflict(self) -> None:
        stock = make_stock(on_hand=1)
        late = make_guest_cart((stock, 1))
        make_order((stock, 1))

        refused = order_as_guest(late)

        assert (refused.status_code, refused.json()["code"]) == (409, "inventory.out_of_stock")
        assert refused.json()["short"] == {str(stock.variant_id): 1}
        assert Order.objects.count() == 1
        assert Cart.objects.filter(state="open").count() == 1

    def test_an_unexpected_total_shows_the_new_quote(self) -> None:
        token = make_guest_cart((make_stock(price_minor=1000), 1))

        refused = order_as_guest(token, GUEST | {"expected_total": {"amount": "9.00", "currency": "GBP"}})

        assert (refused.status_code, refused.json()["code"]) == (409, "orders.total_changed")
        assert refused.json()["quote"]["total"] == {"amount": "10.00", "currency": "GBP"}

    @pytest.mark.parametrize(
        "change",
        [
            {"email": "no-mail"},
            {"email": "a\x00@example.com"},
            {"shipping_address": "London"},
            {"shipping_address": {"name": "A"}},
            {"shipping_address": ADDRESS.as_dict() | {"country": "XX"}},
            {"shipping_address": ADDRESS.as_dict() | {"vat": "1"}},
            {"shipping_address_id": "x"},
            {"shipping_address_id": str(uuid4())},
            {"expected_total": 25},
            {"expected_total": {"amount": 25, "currency": "GBP"}},
            {"expected_total": {"amount": "25.001", "currency": "GBP"}},
            {"expected_total": {"amount": "25", "currency": "XXX1"}},
            {"status": "paid"},
            {"total": "0.01"},
            {"customer": str(uuid4())},
            {"note": "x" * 1_000_000},
            {"note": "\ud800"},
        ],
    )
    def test_s03_malformed_and_unknown_fields_are_400(self, change: dict[str, Any]) -> None:
        token = make_guest_cart((make_stock(), 1))

        try:
            refused = order_as_guest(token, GUEST | change)
        except UnicodeEncodeError:
            return

        assert refused.status_code in (400, 413)
        assert not Order.objects.exists()

    def test_an_empty_cart_is_a_conflict(self) -> None:
        for token in (None, "forged"):
            assert order_as_guest(token).status_code == 409


@pytest.mark.django_db
class TestReading:
    def test_lists_ones_own_in_pages(self) -> None:
        customer = make_user()
        for _ in range(3):
            make_order(customer=customer)
        make_order()

        client = client_of(customer)
        page = client.get(f"{ORDERS}?size=2").json()
        walk = client.get(f"{ORDERS}?size=2&cursor=").json()
        rest = client.get(walk["next"]).json()

        assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
        assert len({order["id"] for order in walk["results"] + rest["results"]}) == 3
        assert rest["next"] is None

    def test_refuses_guests_unknown_filters_and_bad_values(self) -> None:
        client = client_of(make_user())

        assert client_of().get(ORDERS).status_code == 401
        for query in (
            "colour=red",
            "status=lost",
            "page=0",
            "size=101",
            "page=x",
            "cursor=%%%",
            "status=paid&status=x",
        ):
            assert client.get(f"{ORDERS}?{query}").status_code == 400

    def test_s01_a_stranger_and_staff_without_the_permission_find_nothing(self) -> None:
        order = make_order()

        for user in (None, make_user(), make_user(is_staff=True), make_user(permissions=["products.view_product"])):
            assert client_of(user).get(f"{ORDERS}/{order.pk}").status_code == 404
            assert client_of(user).post(f"{ORDERS}/{order.pk}/cancel", {}, format="json").status_code == 404

        assert Order.objects.get().status == "pending"

    def test_staff_with_the_permission_see_all(self) -> None:
        make_order()
        guests = make_guest_order(email="who@example.com")
        client = client_of(make_user(permissions=["orders.view_order"]))

        assert client.get(ORDERS).json()["count"] == 2
        assert client.get(f"{ORDERS}?search=who@example.com").json()["results"][0]["id"] == str(guests.pk)

    def test_s05_ids_are_not_guessed(self) -> None:
        assert client_of().get(f"{ORDERS}/{uuid4()}?token=x").status_code == 404
        assert client_of().get(f"{ORDERS}/1").status_code == 404


@pytest.mark.django_db
class TestMoving:
    def test_a_customer_cancels_and_the_stock_is_back(self) -> None:
        customer, stock = make_user(), make_stock(on_hand=1)
        order = make_order((stock, 1), customer=customer)

        answer = client_of(customer).post(f"{ORDERS}/{order.pk}/cancel", {"reason": "Too slow"}, format="json")

        assert answer.json()["status"] == "cancelled"
        assert answer.json()["history"][-1]["reason"] == "Too slow"
        assert Stock.objects.get().free == 1

    def test_s02_moves_are_for_staff_with_the_permission(self) -> None:
        customer = make_user()
        order = make_order(customer=customer)
        moves, body = f"{ORDERS}/{order.pk}/moves", {"to": "paid"}

        assert client_of().post(moves, body, format="json").status_code == 401
        for user in (customer, make_user(), make_user(permissions=["orders.view_order"])):
            assert client_of(user).post(moves, body, format="json").status_code == 403
        assert Order.objects.get().status == "pending"

    def test_staff_ship_with_tracking(self) -> None:
        order = make_order()
        client = client_of(make_user(permissions=["orders.view_order", "orders.move_order"]))
        moves = f"{ORDERS}/{order.pk}/moves"

        client.post(moves, {"to": "paid"}, format="json")
        answer = client.post(moves, {"to": "shipped", "carrier": "Post", "tracking_number": "T1"}, format="json")

        assert answer.json()["tracking"][0] | {"shipped_at": ""} == {
            "carrier": "Post",
            "tracking_number": "T1",
            "shipped_at": "",
        }
        refused = client.post(moves, {"to": "paid"}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (409, "orders.move_refused")

    @pytest.mark.parametrize("parcel", [{"carrier": "Post"}, {"tracking_number": "T1"}])
    def test_a_parcel_goes_with_shipped_only(self, parcel: dict[str, str]) -> None:
        order = make_order()
        client = client_of(make_user(permissions=["orders.view_order", "orders.move_order"]))

        answer = client.post(f"{ORDERS}/{order.pk}/moves", {"to": "paid", **parcel}, format="json")

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(parcel)))
        assert Order.objects.get().status == "pending"

    def test_notes_are_for_staff(self) -> None:
        customer = make_user()
        order = make_order(customer=customer)
        notes = f"{ORDERS}/{order.pk}/notes"
        client = client_of(make_user(permissions=["orders.view_order", "orders.change_order"]))

        assert client.post(notes, {"text": "Rang.\nNo answer."}, format="json").status_code == 201
        assert client.get(notes).json()["results"][0]["text"] == "Rang.\nNo answer."
        assert client_of(customer).get(notes).status_code == 403
        assert client_of(customer).post(notes, {"text": "x"}, format="json").status_code == 403
        assert client.post(f"{ORDERS}/{uuid4()}/notes", {"text": "x"}, format="json").status_code == 404
        assert OrderNote.objects.count() == 1
