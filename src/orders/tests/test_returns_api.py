"""Returns over HTTP: as nobody, a stranger, the owner, a guest, and staff."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from core.media import private_files
from core.models import LooseFile
from inventory.tests.factories import make_stock
from orders.domain import MAX_PICTURES
from orders.models import Order, Return, ReturnPicture
from orders.tests.gateway import agree
from orders.tests.returned import make_clerk, make_received_return, make_return, make_sent_order
from payments.models import Refund

URL = "/api/v1/returns"

pytestmark = pytest.mark.django_db


def of_order(order: Order) -> str:
    return f"/api/v1/orders/{order.pk}/returns"


def post(user: User | None, url: str, body: Any = None, **headers: str) -> Any:
    return client_of(user).post(url, body or {}, format="json", headers=headers)


def get(user: User | None, url: str, **headers: str) -> Any:
    return client_of(user).get(url, headers=headers)


def body_for(order: Order, **more: Any) -> dict[str, Any]:
    line = order.lines.order_by("position")[0]
    return {"items": [{"line": str(line.pk), "quantity": 1, "reason": "damaged"}]} | more


def picture(name: str = "chip.jpg", colour: str = "teal") -> SimpleUploadedFile:
    target = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Spy"
    Image.new("RGB", (60, 40), colour).save(target, "JPEG", exif=exif)
    return SimpleUploadedFile(name, target.getvalue(), "image/jpeg")


def show(user: User | None, back: Return, *names: str, **headers: str) -> Any:
    images = [picture(name) for name in names or ("chip.jpg",)]
    return client_of(user).post(f"{URL}/{back.pk}/pictures", {"images": images}, format="multipart", headers=headers)


class TestOrdersReturnsCreate:
    def test_answers_with_the_return(self) -> None:
        order = make_sent_order((make_stock(price_minor=1250), 2))

        answer = post(order.customer, of_order(order), body_for(order, note="It is chipped."))

        shown = answer.json()
        line = order.lines.get()
        assert answer.status_code == 201
        assert answer["Location"].endswith(f"{URL}/{shown['id']}")
        assert (shown["status"], shown["order_number"], shown["note"]) == ("requested", order.number, "It is chipped.")
        assert shown["items"] == [
            {
                "line": str(line.pk),
                "variant": str(line.variant_id),
                "sku": line.sku,
                "name": line.name,
                "quantity": 1,
                "reason": "damaged",
                "wanted_variant": None,
                "received": 0,
                "accepted": 0,
                "restocked": 0,
                "condition": "",
            }
        ]

    def test_takes_a_guest_by_the_orders_token_alone(self) -> None:
        order = make_sent_order(guest=True)

        answers = [
            post(None, of_order(order), body_for(order), **headers)
            for headers in ({}, {"X-Order-Token": "wrong"}, {"X-Order-Token": order.guest_token})
        ]

        assert [answer.status_code for answer in answers] == [404, 404, 201]
        assert Return.objects.count() == 1

    def test_s01_finds_no_order_of_others(self) -> None:
        order = make_sent_order()

        answers = [post(user, of_order(order), body_for(order)) for user in (make_user(), None)]

        assert {answer.status_code for answer in answers} == {404}
        assert not Return.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"items": []},
            {"items": [{"line": "x", "quantity": 1, "reason": "damaged"}]},
            {"items": [{"line": str(new_id()), "quantity": 0, "reason": "damaged"}]},
            {"items": [{"line": str(new_id()), "quantity": 1, "reason": "bored"}]},
            {"items": [{"line": str(new_id()), "quantity": 1, "reason": "withdrawal"}]},
            {"wanted": "gold"},
            {"note": "\x00"},
            {"refund": "1.00"},
        ],
    )
    def test_refuses_what_is_malformed(self, change: dict[str, Any]) -> None:
        order = make_sent_order()

        assert post(order.customer, of_order(order), body_for(order) | change).status_code == 400
        assert not Return.objects.exists()

    def test_refuses_a_line_named_twice(self) -> None:
        order = make_sent_order((make_stock(), 2))
        items = body_for(order)["items"] * 2

        assert post(order.customer, of_order(order), {"items": items}).status_code == 400

    def test_r16_the_same_key_is_the_same_return(self) -> None:
        order = make_sent_order((make_stock(), 2))

        first, second = (
            post(order.customer, of_order(order), body_for(order), **{"Idempotency-Key": "k"}) for _ in range(2)
        )

        assert (first.status_code, first.content) == (201, second.content)
        assert second["Idempotent-Replayed"] == "true"
        assert Return.objects.count() == 1


class TestOrdersReturnsList:
    def test_tells_what_may_still_be_sent_back_and_until_when(self) -> None:
        order = make_sent_order((make_stock(), 3), (make_stock(), 1))
        make_return(order, 2, 1)

        shown = get(order.customer, of_order(order)).json()

        line = order.lines.order_by("position")[0]
        assert len(shown["results"]) == 1
        assert shown["returnable"] == [{"line": str(line.pk), "sku": line.sku, "name": line.name, "quantity": 1}]
        assert shown["withdraw_until"] is not None

    def test_is_for_the_owner_and_staff(self) -> None:
        order = make_sent_order(guest=True)
        token = {"X-Order-Token": order.guest_token}

        statuses = [
            get(None, of_order(order), **token).status_code,
            get(make_clerk(), of_order(order)).status_code,
            get(None, of_order(order)).status_code,
            get(make_user(), of_order(order)).status_code,
        ]

        assert statuses == [200, 200, 404, 404]


class TestReturnsList:
    def test_shows_ones_own_and_to_staff_all(self) -> None:
        mine, other = make_return(make_sent_order()), make_return(make_sent_order())

        own = get(mine.order.customer, URL).json()
        everything = get(make_clerk(), f"{URL}?status=requested").json()
        one = get(make_clerk(), f"{URL}?order={other.order_id}").json()

        assert [row["id"] for row in own["results"]] == [str(mine.pk)]
        assert everything["count"] == 2
        assert [row["id"] for row in one["results"]] == [str(other.pk)]

    def test_wants_a_sign_in_and_known_filters(self) -> None:
        assert get(None, URL).status_code == 401
        assert get(make_user(), f"{URL}?color=red").status_code == 400
        assert get(make_user(), f"{URL}?status=lost").status_code == 400

    def test_costs_the_same_for_any_number(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        order = make_sent_order((make_stock(), 3), (make_stock(), 3))
        client = client_of(order.customer)
        for _ in range(3):
            make_return(order, 1, 1)

        with django_assert_num_queries(5):
            answer = client.get(URL)

        assert answer.json()["count"] == 3


class TestReturnsRetrieve:
    def test_is_for_the_owner_and_staff(self) -> None:
        back = make_return(make_sent_order())
        reader = make_user(permissions=["orders.view_return"])

        statuses = [get(user, f"{URL}/{back.pk}").status_code for user in (back.order.customer, reader)]
        refused = [get(user, f"{URL}/{back.pk}").status_code for user in (None, make_user())]
        looker = make_user(permissions=["orders.view_order"])

        assert (statuses, refused) == ([200, 200], [404, 404])
        assert get(looker, f"{URL}/{back.pk}").status_code == 404


class TestReturnsCancel:
    def test_is_for_the_owner(self) -> None:
        back = make_return(make_sent_order())

        refused = [post(user, f"{URL}/{back.pk}/cancel").status_code for user in (None, make_user())]
        done = post(back.order.customer, f"{URL}/{back.pk}/cancel")
        late = post(back.order.customer, f"{URL}/{back.pk}/cancel")

        assert refused == [404, 404]
        assert (done.status_code, done.json()["status"], late.status_code) == (200, "cancelled", 200)


class TestStaff:
    @pytest.mark.parametrize("act", ["approve", "reject", "receive", "settle"])
    def test_alone_handle_a_return(self, act: str) -> None:
        back = make_return(make_sent_order())
        looker = make_user(permissions=["orders.view_return"])

        statuses = [post(u, f"{URL}/{back.pk}/{act}").status_code for u in (None, back.order.customer, looker)]

        back.refresh_from_db()
        assert statuses == [401, 403, 403]
        assert back.status == "requested"

    def test_take_a_return_to_its_end(self) -> None:
        order = make_sent_order((make_stock(price_minor=1250), 2))
        back, clerk = make_return(order, 2), make_clerk()
        line = str(order.lines.get().pk)
        received = {"items": [{"line": line, "quantity": 2}]}
        inspected = {"items": [{"line": line, "accepted": 2, "restocked": 1}], "deduction": "5.00"}

        approved = post(clerk, f"{URL}/{back.pk}/approve", {"answer": "To 1 Dock Road."}).json()
        here = post(clerk, f"{URL}/{back.pk}/receive", received).json()
        settled = post(clerk, f"{URL}/{back.pk}/settle", inspected)

        shown = settled.json()
        assert (approved["status"], here["status"], settled.status_code) == ("approved", "received", 200)
        assert (shown["status"], shown["resolution"]) == ("completed", "refund")
        assert (shown["worth"]["amount"], shown["deduction"]["amount"]) == ("25.00", "5.00")
        assert Refund.objects.get(pk=shown["refund"]).amount_minor == 2000
        agree()

    def test_reject_with_a_reason(self) -> None:
        back, clerk = make_return(make_sent_order()), make_clerk()

        assert post(clerk, f"{URL}/{back.pk}/reject").status_code == 400
        assert post(clerk, f"{URL}/{back.pk}/reject", {"answer": "It was worn."}).json()["status"] == "rejected"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"deduction": "-1.00"}, 400),
            ({"deduction": "1.001"}, 400),
            ({"deduction": "99999.00"}, 409),
            ({"items": [{"line": str(new_id()), "accepted": 1}]}, 409),
            ({"resolution": "gold"}, 400),
            ({"amount": "5.00"}, 400),
        ],
    )
    def test_are_refused_what_is_wrong(self, body: dict[str, Any], status: int) -> None:
        back = make_received_return(make_sent_order())

        answer = post(make_clerk(), f"{URL}/{back.pk}/settle", body)

        back.refresh_from_db()
        assert answer.status_code == status
        assert back.status == "received"
        assert not Refund.objects.exists()

    def test_r16_settle_once_with_the_same_key(self) -> None:
        back, clerk = make_received_return(make_sent_order()), make_clerk()

        first, second = (
            post(clerk, f"{URL}/{back.pk}/settle", {"restock": True}, **{"Idempotency-Key": "k"}) for _ in range(2)
        )

        assert (first.status_code, first.content) == (200, second.content)
        assert Refund.objects.count() == 1


class TestPictures:
    def test_are_encoded_anew_and_shown_to_the_owner_and_staff_alone(self) -> None:
        back = make_return(make_sent_order())
        added = show(back.order.customer, back)
        url = added.json()["pictures"][0]["url"]

        shown = get(back.order.customer, url)
        statuses = [get(user, url).status_code for user in (make_clerk(), make_user(), None)]

        assert added.status_code == 201
        assert (shown.status_code, shown["Content-Type"], shown["Cache-Control"]) == (
            200,
            "image/jpeg",
            "private, no-store",
        )
        assert b"Spy" not in shown.content
        assert Image.open(BytesIO(shown.content)).size == (60, 40)
        assert statuses == [200, 404, 404]

    def test_lie_beside_the_public_files(self) -> None:
        back = make_return(make_sent_order())
        show(back.order.customer, back)

        name = str(ReturnPicture.objects.get().file.name)

        assert private_files().exists(name)
        assert client_of(None).get(f"/media/{name}").status_code == 404
        assert not LooseFile.objects.exists()

    def test_of_a_guest_want_the_orders_token(self) -> None:
        back = make_return(make_sent_order(guest=True))
        token = {"X-Order-Token": back.order.guest_token}

        added = show(None, back, **token)
        url = added.json()["pictures"][0]["url"]

        assert (added.status_code, get(None, url, **token).status_code) == (201, 200)
        assert get(None, url).status_code == 404

    def test_s01_of_strangers_are_not_even_stored(self) -> None:
        back = make_return(make_sent_order())

        statuses = [show(user, back).status_code for user in (make_user(), None)]

        assert statuses == [404, 404]
        assert not ReturnPicture.objects.exists()
        assert not LooseFile.objects.exists()

    def test_are_so_many_and_no_more(self) -> None:
        back = make_return(make_sent_order())
        names = [f"{number}.jpg" for number in range(MAX_PICTURES)]
        show(back.order.customer, back, *names)

        refused = show(back.order.customer, back)

        assert (refused.status_code, refused.json()["code"]) == (409, "orders.too_many_pictures")
        assert ReturnPicture.objects.count() == MAX_PICTURES
        assert not LooseFile.objects.exists()

    def test_are_pictures(self) -> None:
        back = make_return(make_sent_order())
        fake = SimpleUploadedFile("x.jpg", b"<svg onload=alert(1)>", "image/jpeg")

        answer = client_of(back.order.customer).post(
            f"{URL}/{back.pk}/pictures", {"images": [fake]}, format="multipart"
        )

        assert (answer.status_code, answer.json()["code"]) == (422, "core.not_an_image")
        assert not ReturnPicture.objects.exists()

    def test_s01_of_one_return_are_not_found_below_another(self) -> None:
        order = make_sent_order((make_stock(), 2))
        back, other = make_return(order), make_return(order)
        url = show(order.customer, back).json()["pictures"][0]["url"]

        assert get(order.customer, url.replace(str(back.pk), str(other.pk))).status_code == 404
