"""Cards that the gateway keeps for a merchant."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from sandbox.models import Charge, Method
from sandbox.tests.calling import BODY, ask, charge
from sandbox.tests.factories import make_charge
from sandbox.tests.test_pages import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]


def kept() -> dict[str, Any]:
    """Return what the gateway tells of a card that it keeps."""
    saved: dict[str, Any] = charge(save=True)["saved"]
    return saved


class TestCharge:
    def test_keeps_the_card_that_paid(self) -> None:
        saved = kept()

        token = f"pm_{Method.objects.get().pk.hex}"
        assert saved == {"token": token, "brand": "visa", "last4": "4242", "month": 12, "year": 2034}

    def test_keeps_nothing_unless_it_is_asked_to_and_paid(self) -> None:
        told = [charge(), charge(save=True, card="declined"), charge(save=True, card=None)]

        assert [said["saved"] for said in told] == [None, None, None]
        assert not Method.objects.exists()

    def test_keeps_one_card_however_often_the_same_key_asks(self) -> None:
        answers = [ask("POST", "charges", BODY | {"save": True}, key="k1").json() for _ in range(3)]

        assert len({answer["saved"]["token"] for answer in answers}) == 1
        assert Method.objects.count() == 1

    def test_is_paid_by_a_card_that_was_kept(self) -> None:
        saved = kept()

        paid = charge(card=None, saved=saved["token"], reference="r2")

        assert (paid["status"], paid["captured"], paid["saved"]) == ("captured", 1250, None)
        assert Charge.objects.get(reference="r2").card == "success"

    def test_asks_for_a_challenge_again_where_the_card_does(self, client: Client) -> None:
        first = make_charge(card="3ds", save=True)
        send(client, f"/sandbox/challenge/{first.public_id}", decision="approve")
        token = Method.objects.get().public_id

        again = charge(card=None, saved=token)

        assert again["status"] == "requires_action"
        assert "/sandbox/challenge/" in again["next_action"]["url"]

    @pytest.mark.parametrize("token", ["pm_" + "0" * 32, "pm_x", "", "ch_1", "pm_" + "0" * 200])
    def test_is_not_made_by_a_token_of_nothing(self, token: str) -> None:
        answer = ask("POST", "charges", BODY | {"card": None, "saved": token})

        assert answer.status_code in (400, 404)
        assert not Charge.objects.exists()


class TestMethod:
    def test_is_shown_and_forgotten(self) -> None:
        saved = kept()

        shown = ask("GET", f"methods/{saved['token']}")
        gone = ask("DELETE", f"methods/{saved['token']}")
        again = ask("DELETE", f"methods/{saved['token']}")

        assert shown.json() == saved
        assert (gone.status_code, again.status_code) == (204, 404)
        assert again.json()["code"] == "sandbox.method_not_found"

    def test_pays_nothing_once_it_is_forgotten(self) -> None:
        saved = kept()
        ask("DELETE", f"methods/{saved['token']}")

        answer = ask("POST", "charges", BODY | {"card": None, "saved": saved["token"], "reference": "r2"})

        assert answer.status_code == 404
        assert not Charge.objects.filter(reference="r2").exists()

    def test_is_for_merchants_alone(self) -> None:
        saved = kept()

        for method in ("GET", "DELETE"):
            assert ask(method, f"methods/{saved['token']}", secret="wrong").status_code == 401

        assert Method.objects.get().removed_at is None


class TestPage:
    def test_offers_to_keep_the_card_where_the_merchant_wants_it(self, client: Client) -> None:
        wanted, other = make_charge(card=None, save=True), make_charge(card=None)

        pages = [client.get(f"/sandbox/pay/{each.public_id}").content.decode() for each in (wanted, other)]

        assert ["Keep this card" in page for page in pages] == [True, False]

    @pytest.mark.parametrize(("keep", "count"), [({"keep": "yes"}, 1), ({}, 0)])
    def test_keeps_it_where_the_shopper_wants_it_too(self, client: Client, keep: dict[str, str], count: int) -> None:
        wanted = make_charge(card=None, save=True)

        send(client, f"/sandbox/pay/{wanted.public_id}", card="success", **keep)

        wanted.refresh_from_db()
        assert (wanted.status, Method.objects.count()) == ("captured", count)
        assert (ask("GET", f"charges/{wanted.public_id}").json()["saved"] is not None) is bool(count)

    def test_keeps_nothing_that_the_merchant_did_not_ask_for(self, client: Client) -> None:
        wanted = make_charge(card=None)

        send(client, f"/sandbox/pay/{wanted.public_id}", card="success", keep="yes")

        assert not Method.objects.exists()
