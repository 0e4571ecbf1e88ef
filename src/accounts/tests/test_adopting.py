from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts import services
from accounts.errors import SignInRefused
from accounts.models import Profile, User
from accounts.tests.factories import PASSWORD, make_user
from core.models import OutboxEvent

NOON = datetime(2011, 11, 21, 12, tzinfo=UTC)


@pytest.mark.django_db
class TestAdoptCustomers:
    def test_makes_the_accounts_that_are_missing(self) -> None:
        there = make_user("ada@example.com")

        adopted = services.adopt_customers(emails=["ADA@example.com", "bob@example.com"], at=NOON)

        assert adopted["ADA@example.com"] == there
        bob = adopted["bob@example.com"]
        assert (bob.email, bob.created_at, bob.email_verified_at, bob.is_staff) == (
            "bob@example.com",
            NOON,
            None,
            False,
        )
        assert Profile.objects.filter(user=bob).exists()
        assert User.objects.count() == 2

    def test_leaves_an_account_that_is_there_as_it_was(self) -> None:
        there = make_user("ada@example.com")

        services.adopt_customers(emails=["ada@example.com"], at=NOON)

        there.refresh_from_db()
        assert there.check_password(PASSWORD)
        assert there.created_at != NOON

    def test_returns_every_spelling_that_was_asked_for(self) -> None:
        adopted = services.adopt_customers(emails=["Ada@Example.com", "ada@example.com"], at=NOON)

        assert set(adopted) == {"Ada@Example.com", "ada@example.com"}
        assert User.objects.count() == 1

    def test_adopts_nobody_twice(self) -> None:
        first, second = (services.adopt_customers(emails=["ada@example.com"], at=NOON) for _ in range(2))

        assert first == second
        assert User.objects.count() == Profile.objects.count() == 1

    def test_gives_no_password_and_welcomes_nobody(self) -> None:
        adopted = services.adopt_customers(emails=["ada@example.com"], at=NOON)

        assert not adopted["ada@example.com"].has_usable_password()
        with pytest.raises(SignInRefused):
            services.sign_in(email="ada@example.com", password="", address="192.0.2.1", at=NOON)
        assert not OutboxEvent.objects.exists()

    @pytest.mark.parametrize("count", [1, 50])
    def test_takes_as_many_statements_for_many(self, count: int, django_assert_num_queries: Any) -> None:
        emails = [f"person{number}@example.org" for number in range(count)]

        with django_assert_num_queries(6):  # with the savepoint of the command in this test
            services.adopt_customers(emails=emails, at=NOON)
