from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import RETURN_URL, agree, catch_up, charges, pay, set_faults
from payments.models import Attempt, Payment, Refund
from payments.tests.factories import make_gift_card

URL = "/api/v1/payments"


def post(user: User | None, url: str = URL, body: Any = None, **headers: str) -> Any:
    return client_of(user).post(url, body or {}, format="json", headers=headers)


def body_for(order: Order, card: str | None = "success", **more: Any) -> dict[str, Any]:
    return {"order": str(order.pk), "provider": "sandbox", "return_url": RETURN_URL, "card": card} | more


def refund_url(payment: Payment) -> str:
    return f"{URL}/{payment.pk}/refunds"


def treasurer() -> User:
    return make_user(permissions=["payments.add_refund", "orders.view_order"])


@pytest.mark.django_db
class TestPaymentsCreate:
    def test_pays_with_a_test_card(self) -> None:
        order = make_order((make_stock(price_minor=1250), 2))

        answer = post(order.customer, body=body_for(order))

        assert answer.status_code == 201
        shown = answer.json()
        assert answer["Location"].endswith(f"/api/v1/payments/{shown['id']}")
        assert shown | {"id": "", "reference": "", "created_at": ""} == {
            "id": "",
            "order": str(order.pk),
            "provider": "sandbox",
            "reference": "",
            "status": "captured",
            "amount": {"amount": "25.00", "currency": "GBP"},
            "paid": {"amount": "25.00", "currency": "GBP"},
            "to_pay": {"amount": "0.00", "currency": "GBP"},
            "refunded": {"amount": "0.00", "currency": "GBP"},
            "means": [
                {
                    "provider": "sandbox",
                    "amount": {"amount": "25.00", "currency": "GBP"},
                    "refunded": {"amount": "0.00", "currency": "GBP"},
                }
            ],
            "next_action": None,
            "failure": None,
            "created_at": "",
        }
        assert shown["reference"] == charges()[0]["id"]
        agree()

    def test_leads_to_the_page_without_a_card(self) -> None:
        order = make_order()

        shown = post(order.customer, body=body_for(order, None)).json()

        assert shown["status"] == "requires_action"
        assert shown["next_action"]["type"] == "redirect"
        assert "/sandbox/pay/" in shown["next_action"]["url"]

    def test_takes_a_guest_by_the_orders_token_alone(self) -> None:
        order = make_guest_order()

        without = post(None, body=body_for(order))
        wrong = post(None, body=body_for(order), **{"X-Order-Token": "wrong"})
        right = post(None, body=body_for(order), **{"X-Order-Token": order.guest_token})

        assert (without.status_code, wrong.status_code, right.status_code) == (404, 404, 201)
        assert len(charges()) == 1

    def test_s01_finds_no_order_of_others(self) -> None:
        order = make_order()

        answers = [post(user, body=body_for(order)) for user in (make_user(), treasurer(), None)]
        made_up = post(make_user(), body=body_for(order) | {"order": str(new_id())})

        assert {answer.status_code for answer in answers} == {404}
        assert {**answers[0].json(), "request_id": ""} == {**made_up.json(), "request_id": ""}
        assert not Payment.objects.exists()
        assert charges() == []

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"provider": "barter", "card": None}, 422),
            ({"provider": "manual"}, 400),
            ({"card": "4111111111111111"}, 400),
            ({"return_url": "javascript:alert(1)"}, 400),
            ({"return_url": None}, 400),
            ({"amount": "0.01"}, 400),
            ({"order": 5}, 400),
        ],
    )
    def test_refuses_what_is_wrong(self, change: dict[str, Any], status: int) -> None:
        order = make_order()

        answer = post(order.customer, body=body_for(order) | change)

        assert answer.status_code == status
        assert not Attempt.objects.exists()

    def test_r16_the_same_key_is_the_same_answer_and_one_charge(self) -> None:
        order = make_order()

        first = post(order.customer, body=body_for(order), **{"Idempotency-Key": "k"})
        second = post(order.customer, body=body_for(order), **{"Idempotency-Key": "k"})
        other = post(order.customer, body=body_for(order, "slow"), **{"Idempotency-Key": "k"})

        assert (first.status_code, second.content) == (201, first.content)
        assert second["Idempotent-Replayed"] == "true"
        assert other.status_code == 422
        assert len(charges()) == 1

    def test_r19_is_done_again_after_a_503(self) -> None:
        order = make_order()
        set_faults(unavailable=1)

        down = post(order.customer, body=body_for(order), **{"Idempotency-Key": "k"})
        up = post(order.customer, body=body_for(order), **{"Idempotency-Key": "k"})

        assert (down.status_code, down["Retry-After"]) == (503, "10")
        assert (up.status_code, up.json()["status"]) == (201, "captured")
        agree()

    def test_s35_answers_429_to_who_tries_cards(self) -> None:
        customer = make_user()
        for _ in range(5):
            post(customer, body=body_for(make_order(customer=customer), "declined"))

        answer = post(customer, body=body_for(make_order(customer=customer)))

        assert (answer.status_code, answer.json()["code"]) == (429, "payments.too_many_declines")
        assert 0 < int(answer["Retry-After"]) <= 601
        assert len(charges()) == 5

    def test_s33_s35_tells_how_many_declines_are_left(self) -> None:
        customer = make_user()

        first = post(customer, body=body_for(make_order(customer=customer)))
        answers = [post(customer, body=body_for(make_order(customer=customer), "declined")) for _ in range(6)]

        assert first["RateLimit-Policy"] == '"declines";q=5;w=3600, "declines-day";q=10;w=86400'
        told = [re.findall(r"r=(\d+);t=(\d+)", answer["RateLimit"]) for answer in (first, *answers)]
        assert [(int(hour[0]), int(day[0])) for hour, day in told] == [
            (5, 10), (4, 9), (3, 8), (2, 7), (1, 6), (0, 5), (0, 5)
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [201] * 5 + [429]
        assert answers[-1]["Content-Type"] == "application/problem+json"
        assert abs(int(answers[-1]["Retry-After"]) - int(told[-1][0][1])) <= 1
        assert 590 <= int(told[-2][0][1]) <= 601

    def test_pays_by_gift_card_as_far_as_it_goes_and_says_what_is_left(self) -> None:
        order, made = make_order((make_stock(price_minor=2500), 1)), make_gift_card(1000)
        by_card = {"order": str(order.pk), "provider": "gift_card", "gift_card": made.code}

        first = post(order.customer, body=by_card, **{"Idempotency-Key": "g"})
        again = post(order.customer, body=by_card, **{"Idempotency-Key": "g"})
        second = post(order.customer, body=body_for(order)).json()

        shown = first.json()
        assert (first.status_code, shown["status"], shown["provider"]) == (201, "pending", "gift_card")
        assert again.content == first.content
        assert (shown["paid"]["amount"], shown["to_pay"]["amount"]) == ("10.00", "15.00")
        assert (second["status"], second["provider"], second["to_pay"]["amount"]) == ("captured", "sandbox", "0.00")
        assert [(row["provider"], row["amount"]["amount"]) for row in second["means"]] == [
            ("gift_card", "10.00"),
            ("sandbox", "15.00"),
        ]
        agree()

    @pytest.mark.parametrize(
        "wish",
        [
            {"provider": "gift_card"},
            {"provider": "gift_card", "gift_card": ""},
            {"provider": "gift_card", "gift_card": "x" * 41},
            {"provider": "sandbox", "card": "success", "gift_card": "7K3M-Q2X9-ABCD-Z4K9"},
            {"provider": "store_credit", "gift_card": "7K3M-Q2X9-ABCD-Z4K9"},
        ],
    )
    def test_wants_a_code_with_a_gift_card_alone(self, wish: dict[str, str]) -> None:
        order = make_order()

        assert post(order.customer, body={"order": str(order.pk)} | wish).status_code == 400
        assert not Payment.objects.exists()

    def test_refuses_store_credit_to_a_guest_and_an_unknown_code(self) -> None:
        guests, order = make_guest_order(), make_order()

        credit = post(
            None, body={"order": str(guests.pk), "provider": "store_credit"}, **{"X-Order-Token": guests.guest_token}
        )
        unknown = post(
            order.customer, body={"order": str(order.pk), "provider": "gift_card", "gift_card": "0000-0000-0000-0000"}
        )

        assert (credit.status_code, credit.json()["reason"]) == (422, "no_account")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "payments.gift_card_unknown")
        assert not Attempt.objects.exists()


@pytest.mark.django_db
class TestPaymentsList:
    def test_shows_ones_own_and_staff_all(self) -> None:
        mine, other = make_order(), make_order()
        for order in (mine, other):
            pay(order)

        assert [p["order"] for p in client_of(mine.customer).get(URL).json()["results"]] == [str(mine.pk)]
        assert client_of(treasurer()).get(URL).json()["count"] == 2
        assert client_of(treasurer()).get(f"{URL}?order={other.pk}").json()["count"] == 1
        assert client_of(mine.customer).get(f"{URL}?order={other.pk}").json()["count"] == 0
        assert client_of(mine.customer).get(f"{URL}?status=failed").json()["count"] == 0
        assert client_of(make_user()).get(URL).json()["count"] == 0
        assert client_of().get(URL).status_code == 401


@pytest.mark.django_db
class TestPaymentsRetrieve:
    def test_shows_it_to_owner_guest_and_staff(self) -> None:
        order, guests = make_order(), make_guest_order()
        mine, theirs = pay(order), pay(guests)

        assert client_of(order.customer).get(f"{URL}/{mine.pk}").json()["status"] == "captured"
        assert client_of(treasurer()).get(f"{URL}/{mine.pk}").status_code == 200
        assert client_of().get(f"{URL}/{theirs.pk}?token={guests.guest_token}").status_code == 200
        for user in (make_user(), None):
            assert client_of(user).get(f"{URL}/{mine.pk}").status_code == 404
            assert client_of(user).get(f"{URL}/{theirs.pk}").status_code == 404
        assert client_of().get(f"{URL}/{new_id()}").status_code == 404
        assert client_of().get(f"{URL}/1").status_code == 404


@pytest.mark.django_db
class TestPaymentsRefund:
    def test_gives_back_a_part_and_the_rest(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1250), 2))), treasurer()

        part = post(staff, refund_url(payment), {"amount": "5.00", "reason": "Scratched."})
        rest = post(staff, refund_url(payment))

        assert (part.status_code, part.json()["status"], part.json()["amount"]["amount"]) == (201, "succeeded", "5.00")
        assert rest.json()["amount"]["amount"] == "20.00"
        assert client_of(staff).get(f"{URL}/{payment.pk}").json()["status"] == "refunded"
        agree()

    def test_gives_back_by_item_and_takes_the_goods_back(self) -> None:
        stock = make_stock(on_hand=3, price_minor=1000)
        payment, staff = pay(make_order((stock, 3))), make_user(is_superuser=True)
        url = f"/api/v1/orders/{payment.order_id}/moves"
        items = [{"variant": str(stock.variant_id), "quantity": 2}]

        early = post(staff, refund_url(payment), {"items": items, "restock": True})
        post(staff, url, {"to": "shipped"})
        right = post(staff, refund_url(payment), {"items": items, "restock": True})
        again = post(staff, refund_url(payment), {"items": items})

        stock.refresh_from_db()
        assert (early.status_code, early.json()["code"]) == (409, "orders.move_refused")
        assert (right.status_code, right.json()["amount"]["amount"]) == (201, "20.00")
        assert (again.status_code, again.json()["code"]) == (409, "payments.refund_too_large")
        assert stock.on_hand == 2
        agree()

    def test_gives_store_credit_to_a_customer_and_not_to_a_guest(self) -> None:
        staff = treasurer()
        customers, guests = pay(make_order()), pay(make_guest_order())

        given = post(staff, refund_url(customers), {"to": "store_credit"})
        refused = post(staff, refund_url(guests), {"to": "store_credit"})

        assert (given.status_code, given.json()["status"], given.json()["to"]) == (201, "succeeded", "store_credit")
        assert (refused.status_code, refused.json()["code"]) == (422, "payments.no_account_to_credit")
        assert Refund.objects.count() == 1
        agree()

    def test_never_gives_back_more_than_was_captured(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()

        more = post(staff, refund_url(payment), {"amount": "10.01"})
        nothing = post(staff, refund_url(payment), {"amount": "0"})

        assert (more.status_code, more.json()["left"]) == (409, {"amount": "10.00", "currency": "GBP"})
        assert nothing.status_code == 400
        assert not Refund.objects.exists()

    def test_s02_is_for_staff_with_the_permission(self) -> None:
        order = make_order()
        payment = pay(order)

        answers = [
            post(user, refund_url(payment)).status_code
            for user in (None, order.customer, make_user(), make_user(permissions=["orders.view_order"]))
        ]

        assert answers == [401, 403, 403, 403]
        assert not Refund.objects.exists()
        assert post(treasurer(), f"{URL}/{new_id()}/refunds").status_code == 404

    def test_r16_the_same_key_gives_back_once(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()

        first = post(staff, refund_url(payment), {"amount": "4.00"}, **{"Idempotency-Key": "k"})
        second = post(staff, refund_url(payment), {"amount": "4.00"}, **{"Idempotency-Key": "k"})

        assert second.content == first.content
        assert Refund.objects.count() == 1
        agree()

    def test_r18_a_crash_before_the_answer_was_kept_gives_back_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()
        with monkeypatch.context() as crashing:
            crashing.setattr("core.idempotency._record", lambda *_: 1 / 0)
            lost = post(staff, refund_url(payment), {"amount": "4.00"}, **{"Idempotency-Key": "k"})

        answer = post(staff, refund_url(payment), {"amount": "4.00"}, **{"Idempotency-Key": "k"})

        assert (lost.status_code, answer.status_code, Refund.objects.count()) == (500, 201, 1)
        agree()

    def test_r29_a_lost_answer_is_told_again_under_the_same_key(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()
        set_faults(error_after_success=1)

        answer = post(staff, refund_url(payment), {"amount": "4.00"})

        assert (answer.status_code, answer.json()["status"]) == (201, "unknown")
        catch_up(after=timedelta(minutes=2))
        assert Refund.objects.get().status == "succeeded"
        assert charges()[0]["refunded"] == 400
        agree()

    def test_a_refund_that_fails_leaves_the_money_to_be_given_back(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()
        set_faults(refunds_fail=1)

        failed = post(staff, refund_url(payment))
        again = post(staff, refund_url(payment))

        assert (failed.json()["status"], again.json()["status"]) == ("failed", "succeeded")
        agree()

    def test_shows_each_means_that_gives_back(self) -> None:
        order, made, staff = make_order((make_stock(price_minor=2500), 1)), make_gift_card(1000), treasurer()
        pay(order, "", provider="gift_card", code=made.code)
        payment = pay(order)

        shown = post(staff, refund_url(payment), {"amount": "20.00"}).json()

        assert (shown["amount"]["amount"], shown["status"]) == ("20.00", "succeeded")
        assert [(row["provider"], row["amount"]["amount"]) for row in shown["means"]] == [
            ("sandbox", "15.00"),
            ("gift_card", "5.00"),
        ]
        agree()


@pytest.mark.django_db
class TestPaymentsRefunds:
    def test_lists_what_went_back_for_staff(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()
        post(staff, refund_url(payment), {"amount": "4.00"})
        reader = make_user(permissions=["payments.view_refund"])

        shown = client_of(reader).get(refund_url(payment)).json()

        assert [row["amount"]["amount"] for row in shown["results"]] == ["4.00"]
        assert client_of(reader).get(f"{URL}/{new_id()}/refunds").status_code == 404
        assert [client_of(user).get(refund_url(payment)).status_code for user in (None, make_user())] == [401, 403]


@pytest.mark.django_db
class TestRefundsConfirm:
    def test_settles_what_staff_gave_back_by_hand(self) -> None:
        order, boss = make_order(), make_user(is_superuser=True)
        for to in ("paid", "cancelled"):
            post(boss, f"/api/v1/orders/{order.pk}/moves", {"to": to, "reason": "x"})
        catch_up(after=timedelta(seconds=1))
        url = f"/api/v1/refunds/{Refund.objects.get().pk}/confirm"

        refused = [post(user, url).status_code for user in (None, order.customer, make_user())]
        confirmed = post(treasurer(), url)

        assert refused == [401, 403, 403]
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "succeeded")
        agree()

    def test_refuses_what_a_provider_sees_to_and_what_is_not_there(self) -> None:
        payment, staff = pay(make_order((make_stock(price_minor=1000), 1))), treasurer()
        post(staff, refund_url(payment), {"amount": "4.00"})

        wrong = post(staff, f"/api/v1/refunds/{Refund.objects.get().pk}/confirm")

        assert (wrong.status_code, wrong.json()["code"]) == (409, "payments.refund_not_by_hand")
        assert post(staff, f"/api/v1/refunds/{new_id()}/confirm").status_code == 404
