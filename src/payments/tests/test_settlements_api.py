from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from payments.models import Settlement
from payments.tests.factories import make_captured
from payments.tests.files import SANDBOX, table, take

URL = "/api/v1/settlements"


@pytest.fixture(autouse=True)
def _no_orders(settings: Settings) -> None:
    """Orders are of another app: nobody waits for a capture here."""
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}


def auditor() -> User:
    return make_user(permissions=["payments.view_settlement", "payments.add_settlement"])


def row(reference: str, amount: str = "25.00", kind: str = "captured") -> list[str]:
    return [kind, reference, reference, "r", "GBP", amount, "2026-06-01T12:00:00+00:00"]


def post(user: User | None, content: bytes, provider: str = "sandbox", name: str = "june.csv", **more: Any) -> Any:
    body = {"provider": provider, "file": SimpleUploadedFile(name, content, "text/csv")} | more
    return client_of(user).post(URL, body, format="multipart")


@pytest.mark.django_db
class TestSettlementsCreate:
    def test_takes_a_file_in(self) -> None:
        attempt = make_captured()

        answer = post(auditor(), table(SANDBOX, [row(attempt.provider_reference)]), name="../../june\u202e.csv")

        shown = answer.json()
        assert answer.status_code == 201
        assert answer["Location"].endswith(f"{URL}/{shown['id']}")
        assert (shown["provider"], shown["name"]) == ("sandbox", "june.csv")
        assert (shown["begins_at"], shown["ends_at"]) == ("2026-06-01T12:00:00Z", "2026-06-01T12:00:00Z")

    def test_answers_the_same_file_with_the_same_settlement(self) -> None:
        content, user = table(SANDBOX, [row("ch_1")]), auditor()

        assert post(user, content).json() == post(user, content).json()
        assert Settlement.objects.count() == 1

    @pytest.mark.parametrize(
        ("content", "status"),
        [(b"", 400), (b"\xff\xfe\x00", 422), (b"x,y\n", 422), (table(SANDBOX, [row("c", "=1+1")]), 422)],
        ids=["empty", "encoding", "heads", "formula"],
    )
    def test_refuses_what_is_no_such_file(self, content: bytes, status: int) -> None:
        assert post(auditor(), content).status_code == status
        assert not Settlement.objects.exists()

    def test_refuses_fifty_megabytes(self) -> None:
        answer = post(auditor(), b"x" * 50 * 1024 * 1024)

        assert answer.status_code == 413
        assert not Settlement.objects.exists()

    @pytest.mark.parametrize("more", [{"provider": "manual"}, {"provider": ""}, {"extra": "x"}])
    def test_refuses_other_fields_and_providers(self, more: dict[str, str]) -> None:
        assert post(auditor(), table(SANDBOX, [row("ch_1")]), **more).status_code == 400

    def test_s02_is_for_those_who_may(self) -> None:
        content = table(SANDBOX, [row("ch_1")])
        askers = [None, make_user(), make_user(is_staff=True), make_user(permissions=["payments.view_settlement"])]

        assert [post(asker, content).status_code for asker in askers] == [401, 403, 403, 403]
        assert not Settlement.objects.exists()


@pytest.mark.django_db
class TestSettlementsRead:
    def test_lists_the_newest_first_and_by_provider(self) -> None:
        first = take(table(SANDBOX, [row("ch_1")]), "sandbox")
        second = take(table(SANDBOX, [row("ch_2")]), "sandbox")
        client = client_of(auditor())

        shown = client.get(URL).json()
        other = client.get(URL, {"provider": "stripe"}).json()

        assert [each["id"] for each in shown["results"]] == [str(second.pk), str(first.pk)]
        assert other["count"] == 0

    def test_shows_what_a_settlement_comes_to(self) -> None:
        attempt = make_captured()
        rows = [row(attempt.provider_reference), row("ch_x", "9.00"), row("ch_y", "1.00")]
        settlement = take(table(SANDBOX, rows), "sandbox")

        shown = client_of(auditor()).get(f"{URL}/{settlement.pk}").json()

        assert [(total["verdict"], total["lines"], total["gross"]["amount"]) for total in shown["totals"]] == [
            ("matched", 1, "25.00"),
            ("unknown", 2, "10.00"),
        ]

    def test_lists_lines_by_verdict_beside_our_books(self) -> None:
        attempt = make_captured()
        rows = [row(attempt.provider_reference, "24.00"), row("ch_x")]
        settlement = take(table(SANDBOX, rows), "sandbox")
        client = client_of(auditor())

        shown = client.get(f"{URL}/{settlement.pk}/lines", {"verdict": "amount_differs"}).json()

        assert shown["results"] == [
            {
                "position": 1,
                "kind": "charge",
                "verdict": "amount_differs",
                "reference": attempt.provider_reference,
                "gross": {"amount": "24.00", "currency": "GBP"},
                "booked": {"amount": "25.00", "currency": "GBP"},
                "fee": {"amount": "0.00", "currency": "GBP"},
                "at": "2026-06-01T12:00:00Z",
                "order": str(attempt.payment.order_id),
                "payment": str(attempt.payment_id),
            }
        ]

    def test_s25_gives_the_differences_as_a_table_that_no_spreadsheet_runs(self) -> None:
        attempt = make_captured()
        rows = [row(attempt.provider_reference), row("=cmd|' /C calc'!A0", "9.00"), row("@x", "-1.00")]
        settlement = take(table(SANDBOX, rows), "sandbox")

        answer = client_of(auditor()).get(f"{URL}/{settlement.pk}/differences.csv")

        lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert lines == [
            "position,kind,verdict,reference,currency,gross,booked,fee,at,order,payment",
            "2,charge,unknown,'=cmd|' /C calc'!A0,GBP,9.00,,0.00,2026-06-01T12:00:00+00:00,,",
            "3,charge,unknown,'@x,GBP,-1.00,,0.00,2026-06-01T12:00:00+00:00,,",
        ]

    def test_knows_no_other_settlement(self) -> None:
        client = client_of(auditor())

        for path in ("", "/lines", "/differences.csv"):
            assert client.get(f"{URL}/{new_id()}{path}").status_code == 404

    def test_s02_is_for_those_who_may(self) -> None:
        settlement = take(table(SANDBOX, [row("ch_1")]), "sandbox")

        for path in (URL, f"{URL}/{settlement.pk}", f"{URL}/{settlement.pk}/lines"):
            askers = [None, make_user(), make_user(is_staff=True)]
            assert [client_of(asker).get(path).status_code for asker in askers] == [401, 403, 403]
