from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from sandbox.models import Charge, Event
from sandbox.tests.calling import ask
from sandbox.tests.factories import RETURN_URL, make_charge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]


def token_of(page: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page.content.decode())
    assert found is not None
    return found.group(1)


def send(client: Client, path: str, **fields: str) -> Any:
    """Open the page and press one of its buttons."""
    return client.post(path, {"token": token_of(client.get(path)), **fields})


def status_of(charge: Charge) -> str:
    charge.refresh_from_db()
    return str(charge.status)


class TestPay:
    def test_shows_what_is_asked_for(self, client: Client) -> None:
        charge = make_charge(card=None, amount=1999, reference="<b>r&1")

        answer = client.get(f"/sandbox/pay/{charge.public_id}")

        text = answer.content.decode()
        assert answer.status_code == 200
        assert "Pay 19.99 GBP" in text
        assert "&lt;b&gt;r&amp;1" in text
        assert RETURN_URL.replace("&", "&amp;") in text
        assert "<script" not in text

    def test_shows_amounts_in_the_currency_s_own_digits(self, client: Client) -> None:
        charge = make_charge(card=None, amount=1999, currency="JPY")

        assert "Pay 1999 JPY" in client.get(f"/sandbox/pay/{charge.public_id}").content.decode()

    @pytest.mark.parametrize(
        ("card", "status", "told"),
        [
            ("success", "captured", ["charge.captured"]),
            ("declined", "failed", ["charge.failed"]),
            ("slow", "pending", []),
        ],
    )
    def test_leads_back_to_the_shop_to_the_letter(
        self, client: Client, card: str, status: str, told: list[str]
    ) -> None:
        charge = make_charge(card=None)

        answer = send(client, f"/sandbox/pay/{charge.public_id}", card=card)

        assert (answer.status_code, answer.headers["Location"]) == (303, RETURN_URL)
        assert status_of(charge) == status
        assert [event.type for event in Event.objects.all()] == told

    def test_leads_to_the_challenge(self, client: Client) -> None:
        charge = make_charge(card=None)

        answer = send(client, f"/sandbox/pay/{charge.public_id}", card="3ds")

        url = f"/sandbox/challenge/{charge.public_id}"
        assert (answer.status_code, answer.headers["Location"]) == (303, url)
        assert status_of(charge) == "requires_action"
        assert ask("GET", f"charges/{charge.public_id}").json()["next_action"]["url"] == f"{settings.SANDBOX_URL}{url}"

    def test_authorises_where_no_capture_is_wanted(self, client: Client) -> None:
        charge = make_charge(card=None, capture=False)

        send(client, f"/sandbox/pay/{charge.public_id}", card="success")

        assert status_of(charge) == "authorised"

    @pytest.mark.parametrize("card", ["", "visa", "SUCCESS", "\x00"])
    def test_asks_again_for_another_card(self, client: Client, card: str) -> None:
        charge = make_charge(card=None)

        answer = send(client, f"/sandbox/pay/{charge.public_id}", card=card)

        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
        assert status_of(charge) == "requires_action"


class TestChallenge:
    @pytest.mark.parametrize(
        ("decision", "status", "failure"), [("approve", "captured", ""), ("refuse", "failed", "authentication_failed")]
    )
    def test_decides_and_leads_back_to_the_shop(self, client: Client, decision: str, status: str, failure: str) -> None:
        charge = make_charge(card="3ds")

        answer = send(client, f"/sandbox/challenge/{charge.public_id}", decision=decision)

        assert (answer.status_code, answer.headers["Location"]) == (303, RETURN_URL)
        assert (status_of(charge), charge.failure) == (status, failure)

    def test_asks_again_for_another_answer(self, client: Client) -> None:
        charge = make_charge(card="3ds")

        answer = send(client, f"/sandbox/challenge/{charge.public_id}", decision="perhaps")

        assert answer.status_code == 400
        assert status_of(charge) == "requires_action"


@pytest.mark.parametrize(("page", "card", "field"), [("pay", None, "card"), ("challenge", "3ds", "decision")])
class TestPage:
    GOOD = {"card": "success", "decision": "approve"}

    def test_runs_nothing_and_is_framed_nowhere(self, client: Client, page: str, card: str | None, field: str) -> None:
        charge = make_charge(card=card)

        answer = client.get(f"/sandbox/{page}/{charge.public_id}")

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self' https://shop.example;" in policy
        assert "script-src" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert not answer.cookies

    @pytest.mark.parametrize("forged", ["", "x", "other charge", "other page"])
    def test_s48_refuses_a_forged_form(
        self, client: Client, page: str, card: str | None, field: str, forged: str
    ) -> None:
        charge, other = make_charge(card=card), make_charge(card=card)
        salt = "sandbox.api.pages"
        token = {
            "other charge": signing.dumps([other.public_id, page], salt=salt),
            "other page": signing.dumps([charge.public_id, "other"], salt=salt),
        }.get(forged, forged)

        answer = client.post(f"/sandbox/{page}/{charge.public_id}", {"token": token, field: self.GOOD[field]})

        assert answer.status_code == 403
        assert status_of(charge) == "requires_action"

    @pytest.mark.parametrize("unknown", ["ch_0192f3c47bd97cc28b5de0a6f0a3b1f4", "x", "ch_"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_knows_no_other_charge(
        self, client: Client, page: str, card: str | None, field: str, unknown: str, method: str
    ) -> None:
        assert getattr(client, method)(f"/sandbox/{page}/{unknown}").status_code == 404

    @pytest.mark.parametrize("over", [{"card": "success"}, {"card": "declined"}, {"card": "slow"}, {"capture": False}])
    def test_does_not_show_what_is_finished(
        self, client: Client, page: str, card: str | None, field: str, over: dict[str, Any]
    ) -> None:
        charge = make_charge(reference="secret", **over)

        answer = client.get(f"/sandbox/{page}/{charge.public_id}")

        assert answer.status_code == 409
        assert not {"secret", "shop.example", "12.50"} & set(re.split(r"[\s\"<>/]", answer.content.decode()))

    def test_pressed_twice_acts_once_and_leads_back(
        self, client: Client, page: str, card: str | None, field: str
    ) -> None:
        charge = make_charge(card=card)
        path = f"/sandbox/{page}/{charge.public_id}"
        form = {"token": token_of(client.get(path)), field: self.GOOD[field]}

        answers = [client.post(path, form) for _ in range(2)]

        assert [answer.headers["Location"] for answer in answers] == [RETURN_URL, RETURN_URL]
        assert (status_of(charge), Event.objects.count()) == ("captured", 1)

    def test_leads_to_the_page_on_which_the_charge_waits(
        self, client: Client, page: str, card: str | None, field: str
    ) -> None:
        charge = make_charge(card=card)
        other = "challenge" if page == "pay" else "pay"

        answer = client.get(f"/sandbox/{other}/{charge.public_id}")

        assert answer.headers["Location"] == f"/sandbox/{page}/{charge.public_id}"
        assert status_of(charge) == "requires_action"

    def test_refuses_other_methods(self, client: Client, page: str, card: str | None, field: str) -> None:
        assert client.put(f"/sandbox/{page}/{make_charge(card=card).public_id}").status_code == 405
