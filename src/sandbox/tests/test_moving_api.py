from __future__ import annotations

from typing import Any

import pytest

from sandbox import selectors
from sandbox.models import Event, Refund
from sandbox.tests.calling import ask, charge, counts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]
NOBODY = "ch_0192f3c47bd97cc28b5de0a6f0a3b1f4"


class TestChargeCapture:
    def test_takes_all(self) -> None:
        made = charge(capture=False)

        answer = ask("POST", f"charges/{made['id']}/capture")

        assert answer.json() == made | {"status": "captured", "captured": 1250}
        assert selectors.totals() == {"GBP": {"authorised": 1250, "captured": 1250}}

    def test_takes_a_part_and_releases_the_rest(self) -> None:
        made = charge(capture=False)

        answer = ask("POST", f"charges/{made['id']}/capture", {"amount": 1000})

        assert answer.json()["captured"] == 1000
        assert selectors.totals() == {"GBP": {"authorised": 1250, "captured": 1000, "released": 250}}

    def test_refuses_more_than_was_authorised(self) -> None:
        made = charge(capture=False)

        answer = ask("POST", f"charges/{made['id']}/capture", {"amount": 1251})

        assert (answer.status_code, answer.json()["code"], answer.json()["left"]) == (409, "sandbox.too_much", 1250)
        assert ask("GET", f"charges/{made['id']}").json() == made

    @pytest.mark.parametrize("fields", [{}, {"card": "declined"}, {"card": None}, {"card": "3ds"}, {"card": "slow"}])
    def test_refuses_what_is_not_authorised(self, fields: dict[str, Any]) -> None:
        made = charge(**fields)
        before = counts()

        answer = ask("POST", f"charges/{made['id']}/capture")

        assert (answer.status_code, answer.json()["state"]) == (409, made["status"])
        assert counts() == before

    @pytest.mark.parametrize("body", [{"amount": 0}, {"amount": "1"}, {"amount": None}, {"all": True}])
    def test_refuses_what_is_malformed(self, body: dict[str, Any]) -> None:
        made = charge(capture=False)

        assert ask("POST", f"charges/{made['id']}/capture", body).status_code == 400
        assert ask("GET", f"charges/{made['id']}").json() == made


class TestChargeVoid:
    @pytest.mark.parametrize(
        ("fields", "released"),
        [({"capture": False}, {"GBP": {"authorised": 1250, "released": 1250}}), ({"card": None}, {})],
    )
    def test_gives_up(self, fields: dict[str, Any], released: dict[str, Any]) -> None:
        made = charge(**fields)

        answer = ask("POST", f"charges/{made['id']}/void")

        assert (answer.json()["status"], answer.json()["next_action"]) == ("voided", None)
        assert selectors.totals() == released
        assert Event.objects.filter(type="charge.voided").count() == 1

    @pytest.mark.parametrize("fields", [{}, {"card": "declined"}])
    def test_refuses_what_is_over(self, fields: dict[str, Any]) -> None:
        made = charge(**fields)

        answer = ask("POST", f"charges/{made['id']}/void")

        assert (answer.status_code, answer.json()["code"]) == (409, "sandbox.not_possible")
        assert ask("GET", f"charges/{made['id']}").json() == made

    def test_takes_no_amount(self) -> None:
        made = charge(capture=False)

        assert ask("POST", f"charges/{made['id']}/void", {"amount": 1}).status_code == 400
        assert ask("GET", f"charges/{made['id']}").json() == made


class TestRefundCollection:
    def test_gives_back_in_parts(self) -> None:
        made = charge()

        answers = [
            ask("POST", f"charges/{made['id']}/refunds", {"amount": amount, "reference": "x"}) for amount in (250, 1000)
        ]

        given = [answer.json() for answer in answers]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert [(r["charge"], r["amount"], r["status"]) for r in given] == [
            (made["id"], 250, "succeeded"),
            (made["id"], 1000, "succeeded"),
        ]
        assert ask("GET", f"charges/{made['id']}").json()["refunded"] == 1250
        assert ask("GET", f"charges/{made['id']}/refunds").json()["results"] == given
        assert ask("GET", f"refunds/{given[0]['id']}").json() == given[0]
        assert Event.objects.filter(type="charge.refunded").count() == 2

    def test_refuses_more_than_is_left(self) -> None:
        made = charge()
        ask("POST", f"charges/{made['id']}/refunds", {"amount": 1000})

        answer = ask("POST", f"charges/{made['id']}/refunds", {"amount": 251})

        assert (answer.status_code, answer.json()["left"]) == (409, 250)
        assert (Refund.objects.count(), selectors.totals()["GBP"]["refunded"]) == (1, 1000)

    @pytest.mark.parametrize("fields", [{"capture": False}, {"card": "declined"}, {"card": None}, {"card": "slow"}])
    def test_refuses_where_nothing_was_captured(self, fields: dict[str, Any]) -> None:
        made = charge(**fields)

        answer = ask("POST", f"charges/{made['id']}/refunds", {"amount": 1})

        assert (answer.status_code, answer.json()["code"]) == (409, "sandbox.not_possible")
        assert Refund.objects.count() == 0

    @pytest.mark.parametrize("body", [{}, {"amount": 0}, {"amount": -1}, {"amount": "5"}, {"amount": 5, "to": "me"}])
    def test_refuses_what_is_malformed(self, body: dict[str, Any]) -> None:
        made = charge()

        assert ask("POST", f"charges/{made['id']}/refunds", body).status_code == 400
        assert Refund.objects.count() == 0


class TestRefundDetail:
    @pytest.mark.parametrize("unknown", ["re_0192f3c47bd97cc28b5de0a6f0a3b1f4", NOBODY, "x"])
    def test_knows_no_other(self, unknown: str) -> None:
        assert ask("GET", f"refunds/{unknown}").status_code == 404


class TestChargeDispute:
    def test_takes_back_what_is_left(self) -> None:
        made = charge()
        ask("POST", f"charges/{made['id']}/refunds", {"amount": 250})

        answer = ask("POST", f"charges/{made['id']}/dispute")

        assert (answer.json()["disputed"], answer.json()["status"]) == (1000, "captured")
        assert selectors.totals()["GBP"]["disputed"] == 1000
        assert ask("POST", f"charges/{made['id']}/refunds", {"amount": 1}).json()["left"] == 0

    def test_happens_once(self) -> None:
        made = charge()
        ask("POST", f"charges/{made['id']}/dispute")

        assert ask("POST", f"charges/{made['id']}/dispute").status_code == 409
        assert selectors.totals()["GBP"]["disputed"] == 1250

    def test_refuses_where_nothing_was_captured(self) -> None:
        made = charge(capture=False)

        assert ask("POST", f"charges/{made['id']}/dispute").json()["code"] == "sandbox.not_possible"


class TestEventCollection:
    def test_shows_the_bytes_of_webhooks(self) -> None:
        made, other = charge(), charge(reference="r2", card="declined")

        (event,) = ask("GET", f"events?charge={made['id']}").json()["results"]

        assert (event["type"], event["copies"], event["attempts"]) == ("charge.captured", 1, [])
        assert event["charge"] in event["body"]
        assert [e["charge"] for e in ask("GET", "events?reference=r2").json()["results"]] == [other["id"]]
        assert len(ask("GET", "events").json()["results"]) == 2


class TestBooks:
    def test_tell_sums_by_currency_and_every_charge(self) -> None:
        made = [charge(), charge(amount=300), charge(currency="JPY", amount=900, card="declined")]
        ask("POST", f"charges/{made[0]['id']}/refunds", {"amount": 50})

        books = ask("GET", "books").json()

        assert books["currencies"] == {"GBP": {"authorised": 1550, "captured": 1550, "refunded": 50}}
        assert [c["id"] for c in books["charges"]] == [c["id"] for c in made]
        assert books["differences"] == []
