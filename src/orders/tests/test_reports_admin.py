from __future__ import annotations

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from orders.tests.factories import make_order
from orders.tests.gateway import pay
from orders.tests.sellers import DAY
from pricing.tests.rules import make_rate

PAGES = {
    "/admin/orders/invoice/tax/": "10.00",
    "/admin/orders/invoice/orders/": "12.00",
    "/admin/payments/payment/report/": "sandbox",
}
JUNE = {"begins_on": "2026-06-01", "ends_on": "2026-06-30", "every": "day", "time_zone": "UTC"}


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    make_rate()
    pay(make_order((make_stock(price_minor=1200), 1)), at=DAY)
    return browser_of(Role.ORDER_MANAGER)


class TestReportPages:
    @pytest.mark.parametrize("address", PAGES)
    def test_show_what_the_form_asks_for(self, browser: Client, address: str) -> None:
        [row] = browser.get(address, JUNE).context["rows"]

        assert row[0] in ("2026-06-01", "2026-06-02")
        assert PAGES[address] in row

    @pytest.mark.parametrize("address", PAGES)
    def test_give_it_as_a_file(self, browser: Client, address: str) -> None:
        answer = browser.get(address, JUNE | {"csv": "1"})

        lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        assert len(lines) == 2
        assert PAGES[address] in lines[1].split(",")

    @pytest.mark.parametrize("address", PAGES)
    def test_are_about_this_month_at_first(self, browser: Client, address: str) -> None:
        answer = browser.get(address)

        assert answer.status_code == 200
        assert answer.context["rows"] == []

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"ends_on": "2026-05-01"}, "It ends before it begins."),
            ({"market": "nowhere"}, "There is no such market."),
            ({"time_zone": "Mars"}, "Select a valid choice"),
        ],
    )
    def test_say_in_the_form_what_they_do_not_know(self, browser: Client, wrong: dict[str, str], said: str) -> None:
        answer = browser.get("/admin/orders/invoice/tax/", JUNE | wrong)

        assert said in answer.content.decode()
        assert answer.context["rows"] == []

    def test_stand_in_the_sidebar_of_those_who_may(self, browser: Client) -> None:
        page = browser.get("/admin/").content.decode()

        assert all(address in page for address in PAGES)
        assert all(
            address not in browser_of(Role.CATALOGUE_MANAGER).get("/admin/").content.decode() for address in PAGES
        )

    @pytest.mark.parametrize("address", PAGES)
    def test_are_not_for_who_manages_the_catalogue(self, db: None, address: str) -> None:
        assert browser_of(Role.CATALOGUE_MANAGER).get(address).status_code == 403
