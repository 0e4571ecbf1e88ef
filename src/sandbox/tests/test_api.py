from __future__ import annotations

from typing import Any

import httpx
import pytest
from django.conf import settings

from sandbox import selectors
from sandbox.api.inside import application
from sandbox.models import Event, Refund
from sandbox.tests.calling import BODY, ask, charge, counts
from sandbox.tests.factories import make_charge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]
NOBODY = "ch_0192f3c47bd97cc28b5de0a6f0a3b1f4"
WRONG: dict[str, list[Any]] = {
    "amount": [-1, 0, 10**12 + 1, 2**63, 1.5, "1250", "1e2", True, None, [], {}],
    "currency": ["gbp", "XXX", "QQQ", "", None, 1, "GBPP"],
    "reference": ["", None, "x" * 201, "a\x00b", 7],
    "return_url": [
        "",
        "shop.example",
        "//shop.example",
        "ftp://shop.example/",
        "javascript:alert(1)",
        "https://user@shop.example/",
        "https://shop.example/ x",
        "https://shop.example/\n",
        'https://shop.example/"><script>',
        "https://shop.example;evil.example/",
        "https:///x",
        "https://shöp.example/",
        "https://shop.example/" + "x" * 2000,
        None,
        5,
    ],
    "card": ["visa", "", 3, [], True],
    "capture": ["true", 1, None],
    "status": ["captured"],
}


class TestChargeCollection:
    def test_captures_at_once(self) -> None:
        made = charge()

        assert made.pop("id").startswith("ch_")
        assert isinstance(made.pop("created"), int)
        assert made == {
            "status": "captured",
            "amount": 1250,
            "currency": "GBP",
            "captured": 1250,
            "refunded": 0,
            "disputed": 0,
            "reference": "r1",
            "next_action": None,
            "failure": None,
            "saved": None,
        }
        assert selectors.totals() == {"GBP": {"authorised": 1250, "captured": 1250}}

    def test_costs_four_statements(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(6):  # the faults twice, key, what is booked; and this test's savepoint
            ask("POST", "charges", BODY, key="k1")

    @pytest.mark.parametrize(
        ("fields", "status", "failure", "told"),
        [
            ({"capture": False}, "authorised", None, ["charge.authorised"]),
            ({"card": "declined"}, "failed", "card_declined", ["charge.failed"]),
            ({"card": "slow"}, "pending", None, []),
            ({"card": "3ds"}, "requires_action", None, []),
            ({"card": None}, "requires_action", None, []),
        ],
    )
    def test_decides_by_the_card(
        self, fields: dict[str, Any], status: str, failure: str | None, told: list[str]
    ) -> None:
        made = charge(**fields)

        assert (made["status"], made["failure"], made["captured"]) == (status, failure, 0)
        assert [event.type for event in Event.objects.all()] == told

    @pytest.mark.parametrize(("card", "page"), [(None, "pay"), ("3ds", "challenge")])
    def test_says_where_the_shopper_goes(self, card: str | None, page: str) -> None:
        made = charge(card=card)

        url = f"{settings.SANDBOX_URL}/sandbox/{page}/{made['id']}"
        assert made["next_action"] == {"type": "redirect", "url": url}

    @pytest.mark.parametrize("left_out", ["card", "capture"])
    def test_does_without_what_has_a_usual_value(self, left_out: str) -> None:
        body = {**BODY, "capture": True}
        del body[left_out]

        assert ask("POST", "charges", body).status_code == 201

    @pytest.mark.parametrize("wrong", [{name: value} for name, values in WRONG.items() for value in values], ids=repr)
    def test_s21_refuses_what_is_malformed_and_stores_nothing(self, wrong: dict[str, Any]) -> None:
        answer = ask("POST", "charges", BODY | wrong, key="k1")

        assert answer.status_code == 400
        assert counts() == [0, 0, 0, 0, 0]

    @pytest.mark.parametrize("body", ["", "{}", "[]", "null", "{", b"\xff", '{"amount": NaN}', "[" * 5000])
    def test_refuses_what_is_no_charge(self, body: str | bytes) -> None:
        assert ask("POST", "charges", body).status_code == 400
        assert counts() == [0, 0, 0, 0, 0]

    def test_lists_the_charges_of_a_reference_the_newest_first(self) -> None:
        first, second = charge(reference="mine"), charge(reference="mine", card="declined")
        charge(reference="other")

        answer = ask("GET", "charges?reference=mine")

        assert [found["id"] for found in answer.json()["results"]] == [second["id"], first["id"]]

    def test_settles_what_is_due_before_it_lists(self) -> None:
        charge(card="slow", reference="slow")

        assert [c["status"] for c in ask("GET", "charges?reference=slow").json()["results"]] == ["captured"]

    @pytest.mark.parametrize("query", ["", "?reference=", "?reference=a&reference=b", "?other=1", "?reference=%00"])
    def test_refuses_another_question(self, query: str) -> None:
        assert ask("GET", f"charges{query}").status_code == 400


class TestIdempotencyKey:
    def test_is_one_charge_for_ever(self) -> None:
        first, second = (ask("POST", "charges", BODY, key="k1") for _ in range(2))

        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert counts() == [1, 0, 2, 1, 1]

    def test_shows_the_charge_as_it_is_now(self) -> None:
        made = ask("POST", "charges", BODY | {"capture": False}, key="k1").json()
        ask("POST", f"charges/{made['id']}/capture")

        again = ask("POST", "charges", BODY | {"capture": False}, key="k1").json()

        assert (again["id"], again["status"]) == (made["id"], "captured")

    @pytest.mark.parametrize("changed", [{"amount": 1251}, {"card": "declined"}, {"reference": "r2"}])
    def test_refuses_another_body(self, changed: dict[str, Any]) -> None:
        ask("POST", "charges", BODY, key="k1")

        answer = ask("POST", "charges", BODY | changed, key="k1")

        assert (answer.status_code, answer.json()["code"]) == (409, "sandbox.key_reused")
        assert counts() == [1, 0, 2, 1, 1]

    def test_refuses_another_request(self) -> None:
        made = ask("POST", "charges", BODY, key="k1").json()

        answer = ask("POST", f"charges/{made['id']}/refunds", {"amount": 1}, key="k1")

        assert answer.json()["code"] == "sandbox.key_reused"
        assert Refund.objects.count() == 0

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "schlüssel", "a\tb"])
    def test_is_text_that_can_be_kept(self, key: str) -> None:
        assert ask("POST", "charges", BODY, key=key).status_code == 400
        assert counts() == [0, 0, 0, 0, 0]

    def test_is_one_refund(self) -> None:
        made = charge()

        first, second = (ask("POST", f"charges/{made['id']}/refunds", {"amount": 250}, key="k") for _ in range(2))

        assert first.content == second.content
        assert ask("GET", f"charges/{made['id']}").json()["refunded"] == 250

    @pytest.mark.parametrize("action", ["capture", "void"])
    def test_repeats_what_was_done_to_a_charge(self, action: str) -> None:
        made = charge(capture=False)

        first, second = (ask("POST", f"charges/{made['id']}/{action}", key="k") for _ in range(2))

        assert (first.status_code, first.content) == (200, second.content)

    def test_repeats_a_charge_back(self) -> None:
        made = charge()

        first, second = (ask("POST", f"charges/{made['id']}/dispute", key="k") for _ in range(2))

        assert (first.status_code, first.content) == (200, second.content)

    def test_is_free_again_after_a_refusal(self) -> None:
        made = charge(capture=False)
        refused = ask("POST", f"charges/{made['id']}/refunds", {"amount": 250}, key="k")
        ask("POST", f"charges/{made['id']}/capture")

        answer = ask("POST", f"charges/{made['id']}/refunds", {"amount": 250}, key="k")

        assert (refused.status_code, answer.status_code) == (409, 201)


class TestChargeDetail:
    def test_is_the_charge(self) -> None:
        made = charge()

        assert ask("GET", f"charges/{made['id']}").json() == made

    def test_settles_what_is_due(self) -> None:
        made = charge(card="slow")

        found = ask("GET", f"charges/{made['id']}").json()

        assert (found["status"], found["captured"]) == ("captured", 1250)
        assert [event.type for event in Event.objects.all()] == ["charge.captured"]

    def test_leaves_what_is_not_due(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 3600
        made = charge(card="slow")

        assert ask("GET", f"charges/{made['id']}").json()["status"] == "pending"

    @pytest.mark.parametrize(
        "unknown", [NOBODY, "ch_1", "ch_", "x", "%00", "re_" + "0" * 32, "ch_" + "G" * 32, "ch_" + "٣" * 32]
    )
    @pytest.mark.parametrize("path", ["", "/capture", "/void", "/dispute", "/refunds", "/refunds?"])
    def test_knows_no_other(self, unknown: str, path: str) -> None:
        body = {"amount": 1} if path == "/refunds" else None

        assert ask("GET" if path in {"", "/refunds?"} else "POST", f"charges/{unknown}{path}", body).status_code == 404
        assert counts() == [0, 0, 0, 0, 0]


ENDPOINTS = [
    ("GET", "charges?reference=r1"),
    ("POST", "charges"),
    ("GET", "charges/{id}"),
    ("POST", "charges/{id}/capture"),
    ("POST", "charges/{id}/void"),
    ("POST", "charges/{id}/dispute"),
    ("GET", "charges/{id}/refunds"),
    ("POST", "charges/{id}/refunds"),
    ("GET", "refunds/re_1"),
    ("GET", "events"),
    ("GET", "faults"),
    ("PUT", "faults"),
    ("GET", "books"),
]


class TestGatewayView:
    @pytest.mark.parametrize(("method", "path"), ENDPOINTS)
    @pytest.mark.parametrize("secret", ["", "wrong", "schlüssel"])
    def test_asks_everybody_for_the_secret_key(self, method: str, path: str, secret: str) -> None:
        made = make_charge(capture=False)
        before = counts()

        answer = ask(method, path.format(id=made.public_id), BODY, secret=secret)

        assert answer.status_code == 401
        assert counts() == before

    @pytest.mark.parametrize(("method", "path"), [("DELETE", "charges"), ("PATCH", "books"), ("POST", "faults")])
    def test_refuses_other_methods(self, method: str, path: str) -> None:
        assert ask(method, path).status_code == 405

    def test_answers_in_process(self) -> None:
        transport = httpx.WSGITransport(app=application)
        headers = {"Authorization": f"Bearer {settings.SANDBOX_SECRET_KEY}"}
        address = f"{settings.SANDBOX_URL}/sandbox/v1/"

        with httpx.Client(transport=transport, base_url=address, headers=headers) as gateway:
            made = gateway.post("charges", json=BODY).json()
            found = gateway.get(f"charges/{made['id']}").json()

        assert found == made
