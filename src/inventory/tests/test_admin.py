from __future__ import annotations

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.models import Movement
from inventory.tests.factories import make_stock

LIST = "/admin/inventory/stock/"
YES = {"_confirmed": "yes"}


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.mark.django_db
class TestStockPages:
    def test_count_goes_through_the_ledger(self) -> None:
        stock = make_stock(on_hand=5)
        said = {"quantity": "8", "expected": "5", "reason": "Counted"}

        response = browser_of(Role.CATALOGUE_MANAGER).post(f"{LIST}{stock.pk}/count/", YES | said)

        stock.refresh_from_db()
        assert response.status_code == 302
        assert stock.on_hand == 8
        assert Movement.objects.filter(stock=stock, difference=3, reference="Counted").exists()

    def test_count_is_refused_where_stock_moved_meanwhile(self) -> None:
        stock = make_stock(on_hand=5)
        said = {"quantity": "8", "expected": "4", "reason": "Counted"}

        response = browser_of(Role.CATALOGUE_MANAGER).post(f"{LIST}{stock.pk}/count/", YES | said)

        stock.refresh_from_db()
        assert response.status_code == 200
        assert response.context["form"].errors
        assert stock.on_hand == 5

    def test_adjusting_many_is_all_or_none(self) -> None:
        plenty, scarce = make_stock(on_hand=9), make_stock(on_hand=1)
        browser = browser_of(Role.CATALOGUE_MANAGER)
        chosen = {"_selected_action": [str(plenty.pk), str(scarce.pk)], "action": "adjust_chosen", "reason": "x"} | YES

        refused = browser.post(LIST, chosen | {"difference": "-2"})
        taken = browser.post(LIST, chosen | {"difference": "3"})

        plenty.refresh_from_db()
        scarce.refresh_from_db()
        assert (refused.status_code, taken.status_code) == (200, 302)
        assert (plenty.on_hand, scarce.on_hand) == (12, 4)

    def test_is_read_only_for_support(self) -> None:
        stock = make_stock(on_hand=5)
        said = {"quantity": "8", "expected": "5", "reason": "Counted"}

        response = browser_of(Role.CUSTOMER_SUPPORT).post(f"{LIST}{stock.pk}/count/", YES | said)

        stock.refresh_from_db()
        assert response.status_code == 403
        assert stock.on_hand == 5
