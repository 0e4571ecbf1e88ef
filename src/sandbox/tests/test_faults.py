from __future__ import annotations

from typing import Any

import pytest

from sandbox import selectors
from sandbox.models import Charge, Event, Fault, Refund
from sandbox.tests.calling import BODY, ask, charge
from sandbox.tests.factories import make_charge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]
OFF = {
    "timeout_after_success": False,
    "timeout_seconds": 0,
    "error_after_success": False,
    "unavailable": False,
    "refunds_fail": False,
    "webhooks": {"late_seconds": 0, "doubled": False, "reordered": False, "lost": False},
}


def switch(**faults: Any) -> None:
    assert ask("PUT", "faults", faults).status_code == 200


class TestFaultSettings:
    def test_are_off_at_first(self) -> None:
        assert ask("GET", "faults").json() == OFF

    def test_show_what_was_switched_on(self) -> None:
        wanted = {
            "timeout_after_success": 3,
            "timeout_seconds": 7,
            "error_after_success": True,
            "unavailable": 1,
            "refunds_fail": True,
            "webhooks": {"late_seconds": 60, "doubled": True, "reordered": 2, "lost": 5},
        }

        answer = ask("PUT", "faults", wanted)

        assert answer.json() == ask("GET", "faults").json() == wanted

    @pytest.mark.parametrize("rest", [{}, {"unavailable": False}, {"webhooks": {}}, {"webhooks": {"lost": 0}}])
    def test_switch_off_what_is_left_out(self, rest: dict[str, Any]) -> None:
        switch(error_after_success=True, unavailable=1, webhooks={"late_seconds": 5, "doubled": True})

        assert ask("PUT", "faults", rest).json() == OFF

    @pytest.mark.parametrize(
        "wrong",
        [
            {"unavailable": "yes"},
            {"unavailable": -1},
            {"unavailable": 1001},
            {"unavailable": 1.5},
            {"unavailable": None},
            {"timeout_seconds": 61},
            {"timeout_seconds": True},
            {"webhooks": {"late_seconds": -1}},
            {"webhooks": {"late_seconds": 10**9}},
            {"webhooks": {"lost": "all"}},
            {"webhooks": {"burnt": True}},
            {"webhooks": None},
            {"webhooks": []},
            {"fire": True},
        ],
        ids=repr,
    )
    def test_refuse_what_is_malformed_and_switch_nothing(self, wrong: dict[str, Any]) -> None:
        answer = ask("PUT", "faults", {"error_after_success": True} | wrong)

        assert answer.status_code == 400
        assert not Fault.objects.exists()


class TestUnavailable:
    def test_does_nothing(self) -> None:
        switch(unavailable=True)

        answer = ask("POST", "charges", BODY, key="k")

        assert (answer.status_code, answer.json()["code"]) == (503, "sandbox.unavailable")
        assert not Charge.objects.exists()

    def test_befalls_questions_too(self) -> None:
        made = charge()
        switch(unavailable=True)

        assert ask("GET", f"charges/{made['id']}").status_code == 503

    def test_ends_after_so_many_requests(self) -> None:
        switch(unavailable=2)

        assert [ask("POST", "charges", BODY, key="k").status_code for _ in range(3)] == [503, 503, 201]

    def test_leaves_tests_their_switches_and_books(self) -> None:
        switch(unavailable=True)

        assert [ask("GET", path).status_code for path in ("faults", "books", "events")] == [200, 200, 200]


@pytest.mark.parametrize(("fault", "status"), [("error_after_success", 500), ("timeout_after_success", 504)])
class TestLostAnswer:
    def test_r29_the_charge_is_made(self, fault: str, status: int) -> None:
        switch(**{fault: 1})

        lost, found = (ask("POST", "charges", BODY, key="k") for _ in range(2))

        assert (lost.status_code, lost.json()["code"]) == (status, f"sandbox.{fault}")
        assert (found.status_code, found.json()["status"]) == (201, "captured")
        assert Charge.objects.count() == 1

    def test_r29_the_refund_is_made(self, fault: str, status: int) -> None:
        made = charge()
        switch(**{fault: 1})

        answers = [ask("POST", f"charges/{made['id']}/refunds", {"amount": 250}, key="k") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [status, 201]
        assert selectors.totals()["GBP"]["refunded"] == 250

    def test_leaves_questions_and_refusals_alone(self, fault: str, status: int) -> None:
        made = charge(capture=False)
        switch(**{fault: 1})

        refused = ask("POST", f"charges/{made['id']}/refunds", {"amount": 1})
        asked = ask("GET", f"charges/{made['id']}")

        assert (refused.status_code, asked.status_code) == (409, 200)
        assert ask("GET", "faults").json()[fault] == 1

    def test_lasts_until_it_is_switched_off(self, fault: str, status: int) -> None:
        switch(**{fault: True})
        answers = [ask("POST", "charges", BODY, key="k").status_code for _ in range(2)]
        switch()

        assert [*answers, ask("POST", "charges", BODY, key="k").status_code] == [status, status, 201]


class TestTimeout:
    def test_holds_the_answer_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held_back: list[float] = []
        monkeypatch.setattr("time.sleep", held_back.append)
        switch(timeout_after_success=True, timeout_seconds=30)

        ask("POST", "charges", BODY)

        assert held_back == [30]


class TestRefundsFail:
    def test_gives_nothing_back(self) -> None:
        made = charge()
        switch(refunds_fail=1)

        failed, given = (ask("POST", f"charges/{made['id']}/refunds", {"amount": 1250}).json() for _ in range(2))

        assert (failed["status"], given["status"]) == ("failed", "succeeded")
        assert (Refund.objects.count(), selectors.totals()["GBP"]["refunded"]) == (2, 1250)
        assert Event.objects.filter(type="charge.refunded").count() == 1


class TestWebhookFaults:
    def test_r31_change_how_a_webhook_is_sent(self) -> None:
        switch(webhooks={"late_seconds": 3600, "doubled": 1, "reordered": 1})
        charge()

        event = Event.objects.get()

        assert (event.copies, event.is_reordered) == (2, True)
        assert event.due_at is not None
        assert (event.due_at - event.created_at).total_seconds() == 3600

    def test_count_the_webhooks(self) -> None:
        switch(webhooks={"lost": 1})
        charge()
        charge()

        lost, sent = Event.objects.order_by("pk")

        assert (lost.copies, lost.due_at) == (0, None)
        assert (sent.copies, sent.due_at) == (1, sent.created_at)

    def test_leave_the_money_alone(self) -> None:
        switch(webhooks={"lost": True, "doubled": True})

        make_charge()

        assert selectors.totals()["GBP"]["captured"] == 1250
