"""Balances that several credit at once."""

from __future__ import annotations

import pytest

from accounts.tests.factories import make_user
from core.money import Money
from core.tests.threads import at_once
from payments import selectors, services
from payments.tests.factories import NOON


@pytest.mark.django_db(transaction=True)
def test_all_is_added_that_several_grant_at_once() -> None:
    customer, staff = make_user(), make_user()

    def grant(_: int) -> None:
        services.grant_store_credit(
            customer_id=customer.pk, amount=Money(500, "GBP"), note="Sorry.", actor=staff, at=NOON
        )

    at_once(grant, range(12))

    assert [balance.left_minor for balance in selectors.store_credit(customer_id=customer.pk)] == [6000]
    assert selectors.find_differences() == []
