from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from core.money import Money
from payments import selectors, services
from payments.models import Balance, LedgerEntry
from payments.tests.factories import NOON, make_gift_card

CARDS = "/api/v1/gift-cards"
CHECK = f"{CARDS}/check"
MINE = "/api/v1/me/store-credit"
FIFTY = {"amount": {"amount": "50.00", "currency": "GBP"}}


def issuer() -> User:
    return make_user(permissions=["payments.view_balance", "payments.issue_balance"])


def post(user: User | None, url: str, body: Any, **headers: str) -> Any:
    return client_of(user).post(url, body, format="json", headers=headers)


def grant(customer: User, minor: int = 500) -> Balance:
    return services.grant_store_credit(
        customer_id=customer.pk, amount=Money(minor, "GBP"), note="Sorry.", actor=make_user(), at=NOON
    )


@pytest.mark.django_db
class TestGiftCardsCreate:
    def test_shows_the_code_this_once(self) -> None:
        staff = issuer()

        made = post(staff, CARDS, FIFTY | {"note": "Prize", "expires_at": "2030-01-01T00:00:00Z"})

        shown = made.json()
        assert (made.status_code, len(shown["code"]), shown["left"]["amount"]) == (201, 19, "50.00")
        again = client_of(staff).get(f"{CARDS}/{shown['id']}").json()
        assert again == {name: value for name, value in shown.items() if name != "code"}
        assert selectors.find_differences() == []

    def test_r16_makes_one_for_the_same_key(self) -> None:
        staff = issuer()

        first, second = (post(staff, CARDS, FIFTY, **{"Idempotency-Key": "k"}) for _ in range(2))

        assert (second.content, second["Idempotent-Replayed"]) == (first.content, "true")
        assert Balance.objects.count() == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"amount": {"amount": "0", "currency": "GBP"}},
            {"amount": {"amount": "-1.00", "currency": "GBP"}},
            {"amount": {"amount": "1.001", "currency": "GBP"}},
            {"amount": {"amount": "1.00", "currency": "XXX"}},
            {"amount": 5},
            FIFTY | {"recipient": "nobody"},
            FIFTY | {"code": "MINE"},
        ],
    )
    def test_refuses_what_is_no_gift_card(self, body: dict[str, Any]) -> None:
        assert post(issuer(), CARDS, body).status_code == 400
        assert not LedgerEntry.objects.exists()

    def test_s02_is_for_staff_with_the_permission(self) -> None:
        viewer = make_user(permissions=["payments.view_balance"])

        assert [post(user, CARDS, FIFTY).status_code for user in (None, make_user(), viewer)] == [401, 403, 403]
        assert not Balance.objects.exists()


@pytest.mark.django_db
class TestGiftCardsList:
    def test_filters(self) -> None:
        staff, made, blocked = issuer(), make_gift_card(100), make_gift_card(200)
        services.change_gift_card(balance_id=blocked.card.pk, changes={"is_active": False})
        grant(make_user())

        def listed(query: str) -> list[str]:
            return [row["id"] for row in client_of(staff).get(f"{CARDS}?{query}").json()["results"]]

        assert listed("") == [str(blocked.card.pk), str(made.card.pk)]
        assert listed("is_active=true") == [str(made.card.pk)]
        assert listed(f"code_end={blocked.card.code_end}") == [str(blocked.card.pk)]
        assert client_of(staff).get(f"{CARDS}?code=x").status_code == 400

    def test_s02_is_for_staff_with_the_permission(self) -> None:
        assert [client_of(user).get(CARDS).status_code for user in (None, make_user())] == [401, 403]


@pytest.mark.django_db
class TestGiftCardsUpdate:
    def test_blocks_it(self) -> None:
        staff, made = issuer(), make_gift_card(100)

        answer = client_of(staff).patch(f"{CARDS}/{made.card.pk}", {"is_active": False, "note": "Lost"}, format="json")

        assert (answer.status_code, answer.json()["is_active"], answer.json()["note"]) == (200, False, "Lost")
        assert post(None, CHECK, {"code": made.code}).json()["code"] == "payments.gift_card_unknown"

    def test_finds_none_of_another_kind(self) -> None:
        credit = grant(make_user())

        for key in (credit.pk, new_id(), "1"):
            assert client_of(issuer()).patch(f"{CARDS}/{key}", {"note": "x"}, format="json").status_code == 404

        assert Balance.objects.get().note == "Sorry."

    def test_s02_is_for_staff_with_the_permission(self) -> None:
        made, viewer = make_gift_card(100), make_user(permissions=["payments.view_balance"])

        for user, status in ((None, 401), (make_user(), 403), (viewer, 403)):
            answer = client_of(user).patch(f"{CARDS}/{made.card.pk}", {"is_active": False}, format="json")
            assert answer.status_code == status

        assert Balance.objects.get().is_active


@pytest.mark.django_db
class TestGiftCardsMovements:
    def test_shows_what_came_and_went(self) -> None:
        made = make_gift_card(100)

        shown = client_of(issuer()).get(f"{CARDS}/{made.card.pk}/movements").json()["results"]

        assert [(row["kind"], row["amount"]["amount"]) for row in shown] == [("gift_card_issued", "1.00")]
        assert client_of(issuer()).get(f"{CARDS}/{new_id()}/movements").status_code == 404
        assert client_of(make_user()).get(f"{CARDS}/{made.card.pk}/movements").status_code == 403


@pytest.mark.django_db
class TestGiftCardsCheck:
    def test_tells_whoever_knows_the_code_what_is_left(self) -> None:
        made = make_gift_card(5000)

        answer = post(None, CHECK, {"code": made.code.lower()})

        assert (answer.status_code, answer.json()) == (
            200,
            {"left": {"amount": "50.00", "currency": "GBP"}, "expires_at": None},
        )

    def test_never_tells_an_unknown_code_from_a_blocked_card(self) -> None:
        made = make_gift_card(5000)
        services.change_gift_card(balance_id=made.card.pk, changes={"is_active": False})

        refusals = [post(None, CHECK, {"code": code}).json() for code in (made.code, "0000-0000-0000-0000")]

        assert {(refusal["status"], refusal["code"], refusal["title"]) for refusal in refusals} == {
            (422, "payments.gift_card_unknown", "This gift card is not known here.")
        }

    def test_limits_how_many_are_tried(self) -> None:
        made = make_gift_card(5000)
        for _ in range(20):
            post(None, CHECK, {"code": "0000-0000-0000-0000"})

        answer = post(None, CHECK, {"code": made.code})

        assert (answer.status_code, answer.json()["code"]) == (429, "accounts.too_many_attempts")
        assert int(answer["Retry-After"]) > 0


@pytest.mark.django_db
class TestMeStoreCredit:
    def test_shows_ones_own_alone(self) -> None:
        mine, other = make_user(), make_user()
        grant(mine, 500)
        grant(other, 900)

        shown = client_of(mine).get(MINE).json()
        moved = client_of(mine).get(f"{MINE}/movements").json()["results"]

        assert shown == {"balances": [{"amount": "5.00", "currency": "GBP"}]}
        assert [(row["kind"], row["amount"]["amount"]) for row in moved] == [("store_credit_granted", "5.00")]
        assert client_of(make_user()).get(MINE).json() == {"balances": []}
        assert [client_of(None).get(url).status_code for url in (MINE, f"{MINE}/movements")] == [401, 401]


@pytest.mark.django_db
class TestCustomersStoreCredit:
    def test_grants_and_shows_it(self) -> None:
        staff, customer = issuer(), make_user()
        url = f"/api/v1/customers/{customer.pk}/store-credit"

        granted = post(staff, url, {"amount": {"amount": "5.00", "currency": "GBP"}, "note": "Sorry."})

        assert granted.status_code == 201
        assert (
            client_of(staff).get(url).json() == granted.json() == {"balances": [{"amount": "5.00", "currency": "GBP"}]}
        )
        assert selectors.find_differences() == []

    def test_knows_no_stranger(self) -> None:
        url = f"/api/v1/customers/{new_id()}/store-credit"

        assert post(issuer(), url, {"amount": {"amount": "5.00", "currency": "GBP"}}).status_code == 404
        assert client_of(issuer()).get(url).status_code == 404
        assert not Balance.objects.exists()

    def test_s02_is_for_staff_with_the_permission(self) -> None:
        customer, viewer = make_user(), make_user(permissions=["payments.view_balance"])
        url, body = f"/api/v1/customers/{customer.pk}/store-credit", {"amount": {"amount": "5.00", "currency": "GBP"}}

        assert [post(user, url, body).status_code for user in (None, customer, viewer)] == [401, 403, 403]
        assert [client_of(user).get(url).status_code for user in (None, customer)] == [401, 403]
        assert not Balance.objects.exists()
