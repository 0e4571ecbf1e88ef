from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from payments.models import Settlement
from payments.tests.files import SANDBOX, table, take

LIST = "/admin/payments/settlement/"
LINES = "/admin/payments/settlementline/"
ROWS = [["captured", "ch_1", "ch_1", "r", "GBP", "9.00", "2026-06-01T12:00:00+00:00"]]


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.ORDER_MANAGER)


class TestSettlements:
    def test_are_imported_by_hand_and_shown_with_what_they_come_to(self, browser: Client) -> None:
        file = SimpleUploadedFile("june.csv", table(SANDBOX, ROWS), "text/csv")

        told = browser.post(f"{LIST}import/", {"_confirmed": "yes", "provider": "sandbox", "file": file}, follow=True)

        settlement = Settlement.objects.get()
        page = browser.get(f"{LIST}{settlement.pk}/change/").content.decode()
        assert "june.csv is compared." in told.content.decode()
        assert "unknown" in page
        assert "9.00 GBP" in page
        assert settlement.actor is not None

    def test_say_in_the_form_why_a_file_is_refused(self, browser: Client) -> None:
        file = SimpleUploadedFile("june.csv", b"\xff\xff", "text/csv")

        told = browser.post(f"{LIST}import/", {"_confirmed": "yes", "provider": "sandbox", "file": file})

        assert "not in UTF-8" in told.content.decode()
        assert not Settlement.objects.exists()

    def test_lead_to_their_lines_and_differences(self, browser: Client) -> None:
        settlement = take(table(SANDBOX, ROWS), "sandbox")
        take(table(SANDBOX, [["captured", "ch_2", *ROWS[0][2:]]]), "sandbox")

        lines = browser.get(f"{LIST}{settlement.pk}/show_lines/", follow=True)
        file = browser.get(f"{LIST}{settlement.pk}/differences/")

        assert [row.reference for row in lines.context["cl"].result_list] == ["ch_1"]
        assert b"ch_1" in b"".join(file.streaming_content)  # type: ignore[attr-defined]

    def test_are_not_for_who_manages_the_catalogue(self, db: None) -> None:
        settlement = take(table(SANDBOX, ROWS), "sandbox")
        browser = browser_of(Role.CATALOGUE_MANAGER)

        for address in (LIST, LINES, f"{LIST}import/", f"{LIST}{settlement.pk}/differences/"):
            assert browser.get(address).status_code == 403
