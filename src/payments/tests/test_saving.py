from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import make_user
from core.ids import new_id
from core.tests.threads import at_once
from payments import selectors, services
from payments.domain import AttemptStatus, Wish
from payments.errors import CannotSave, ProviderUnknown, SavedMethodNotFound, SavingNeedsAccount
from payments.models import Attempt, SavedMethod
from payments.providers import ProviderUnavailable, SavedToken
from payments.services.saving import carry_out_removal
from payments.tests.factories import NOON, charge_of, make_attempt, make_saved_method

TOKEN = "pm_0192f3c47bd97cc28b5de0a6f0a3b1f4"
VISA = SavedToken(token=TOKEN, payer="cus_1", brand="visa", last4="4242", month=12, year=2034)


@pytest.fixture(autouse=True)
def _no_orders(settings: Settings) -> None:
    """Orders are of another app: nobody waits for a capture here."""
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}


def choose(customer: User | None, **wish: Any) -> Wish:
    with transaction.atomic():
        usual: dict[str, Any] = {"provider": "sandbox"}
        return services.choose_method(wish=Wish(**usual | wish), customer_id=customer.pk if customer else None)


def capture(attempt: Attempt, saved: SavedToken | None = VISA, *, minutes: int = 0) -> None:
    charge = charge_of(attempt, AttemptStatus.CAPTURED, saved=saved)
    services.record_outcome(attempt_id=attempt.pk, charge=charge, at=NOON + timedelta(minutes=minutes))
    attempt.refresh_from_db()


def saving(customer: User) -> Attempt:
    return make_attempt(is_saving=True, customer_id=customer.pk)


def set_default(customer: User, method_id: UUID, *, is_default: bool = True) -> SavedMethod:
    return services.set_default_method(customer_id=customer.pk, method_id=method_id, is_default=is_default)


@pytest.mark.django_db
class TestChooseMethod:
    def test_says_who_the_provider_is(self) -> None:
        customer = make_user()
        method = make_saved_method(customer, provider="manual")

        wish = choose(customer, provider="", saved_method_id=method.pk)

        assert (wish.provider, wish.customer_id) == ("manual", customer.pk)

    def test_does_not_know_what_is_a_strangers_or_gone_or_a_guests(self) -> None:
        customer = make_user()
        gone = make_saved_method(customer, removed_at=NOON, ask_at=NOON)
        of_stranger = make_saved_method(make_user())

        for who, method_id in [(customer, gone.pk), (customer, of_stranger.pk), (None, of_stranger.pk)]:
            with pytest.raises(SavedMethodNotFound):
                choose(who, saved_method_id=method_id)
        with pytest.raises(SavedMethodNotFound):
            choose(customer, saved_method_id=new_id())

    def test_refuses_to_keep_what_cannot_be_kept(self) -> None:
        with pytest.raises(SavingNeedsAccount):
            choose(None, is_saving=True)
        with pytest.raises(CannotSave):
            choose(make_user(), is_saving=True, provider="manual")
        with pytest.raises(ProviderUnknown):
            choose(make_user(), is_saving=True, provider="barter")

    def test_locks_what_pays(self, django_assert_num_queries: Any) -> None:
        customer = make_user()
        method = make_saved_method(customer)

        with transaction.atomic(), django_assert_num_queries(1) as captured:
            services.choose_method(wish=Wish(provider="", saved_method_id=method.pk), customer_id=customer.pk)

        assert "FOR UPDATE" in captured.captured_queries[0]["sql"]

    def test_costs_nothing_where_nothing_is_kept(self, django_assert_num_queries: Any) -> None:
        with transaction.atomic(), django_assert_num_queries(0):
            services.choose_method(wish=Wish(provider="sandbox"), customer_id=new_id())


@pytest.mark.django_db
class TestKeepMethod:
    def test_keeps_what_a_customer_paid_with_sealed_and_as_the_default(self) -> None:
        customer = make_user()
        attempt = saving(customer)

        capture(attempt)

        method = SavedMethod.objects.get()
        assert (method.customer_id, method.provider, method.token, method.payer) == (
            customer.pk,
            "sandbox",
            TOKEN,
            "cus_1",
        )
        assert (method.brand, method.last4, method.expires_month, method.expires_year) == ("visa", "4242", 12, 2034)
        assert (method.is_default, attempt.is_saving, attempt.ask_at) == (True, False, None)
        with connection.cursor() as cursor:
            cursor.execute("SELECT token, payer FROM payments_savedmethod")
            assert TOKEN not in str(cursor.fetchall())

    def test_keeps_nothing_that_nobody_asked_to_keep(self) -> None:
        capture(make_attempt())

        assert not SavedMethod.objects.exists()

    def test_keeps_nothing_of_what_was_not_paid(self) -> None:
        attempt = saving(make_user())

        services.record_outcome(
            attempt_id=attempt.pk, charge=charge_of(attempt, AttemptStatus.FAILED, saved=VISA), at=NOON
        )

        assert not SavedMethod.objects.exists()

    def test_has_the_token_asked_for_that_was_not_told(self) -> None:
        attempt = saving(make_user())

        capture(attempt, saved=None)

        assert (attempt.is_saving, attempt.ask_at) == (True, NOON + timedelta(seconds=15))
        capture(attempt, minutes=1)
        assert (attempt.is_saving, attempt.ask_at, SavedMethod.objects.count()) == (False, None, 1)

    def test_waits_three_days_for_a_token_and_no_longer(self) -> None:
        attempt = saving(make_user())

        capture(attempt, saved=None, minutes=3 * 24 * 60)

        assert (attempt.is_saving, attempt.ask_at) == (False, None)

    def test_keeps_the_same_token_once_and_shows_it_again(self) -> None:
        customer = make_user()
        method = make_saved_method(customer, TOKEN, removed_at=NOON, ask_at=NOON)

        capture(saving(customer))

        method.refresh_from_db()
        assert SavedMethod.objects.count() == 1
        assert (method.removed_at, method.ask_at) == (None, None)

    def test_has_the_provider_forget_what_a_closed_account_wanted_to_keep(self) -> None:
        customer = make_user()
        attempt = saving(customer)
        User.objects.filter(pk=customer.pk).update(deleted_at=NOON)

        capture(attempt)

        method = SavedMethod.objects.get()
        assert (method.removed_at, method.ask_at, method.is_default) == (NOON, NOON, False)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_two_first_ones_one_is_the_default(self) -> None:
        customer = make_user()
        attempts = [saving(customer) for _ in range(4)]

        def keep(attempt: Attempt) -> None:
            capture(attempt, SavedToken(token=f"pm_{attempt.pk.hex}"))

        at_once(keep, attempts)

        assert SavedMethod.objects.filter(customer=customer).count() == 4
        assert SavedMethod.objects.filter(customer=customer, is_default=True).count() == 1

    def test_of_many_defaults_the_last_stays(self) -> None:
        customer = make_user()
        methods = [make_saved_method(customer) for _ in range(6)]

        at_once(lambda method: set_default(customer, method.pk), methods)

        assert SavedMethod.objects.filter(is_default=True).count() == 1


@pytest.mark.django_db
class TestSetDefaultMethod:
    def test_moves_the_mark(self) -> None:
        customer = make_user()
        former, other = make_saved_method(customer, is_default=True), make_saved_method(customer)

        set_default(customer, other.pk)

        former.refresh_from_db()
        other.refresh_from_db()
        assert (former.is_default, other.is_default) == (False, True)

    def test_takes_the_mark_away(self) -> None:
        customer = make_user()
        method = make_saved_method(customer, is_default=True)

        shown = set_default(customer, method.pk, is_default=False)

        method.refresh_from_db()
        assert (shown.is_default, method.is_default) == (False, False)

    def test_leaves_a_strangers_alone(self) -> None:
        theirs = make_saved_method(make_user())

        with pytest.raises(SavedMethodNotFound):
            set_default(make_user(), theirs.pk)

        theirs.refresh_from_db()
        assert not theirs.is_default

    def test_is_kept_to_one_by_the_database(self) -> None:
        customer = make_user()
        make_saved_method(customer, is_default=True)

        with pytest.raises(IntegrityError), transaction.atomic():
            make_saved_method(customer, is_default=True)


@pytest.mark.django_db
class TestRemoveMethod:
    def test_hides_it_at_once_and_leaves_the_rest_to_the_sweep(self) -> None:
        customer = make_user()
        method = make_saved_method(customer, is_default=True)

        services.remove_method(customer_id=customer.pk, method_id=method.pk, at=NOON)

        method.refresh_from_db()
        assert not selectors.list_saved_methods(customer=customer).exists()
        assert (method.removed_at, method.ask_at, method.is_default) == (NOON, NOON, False)

    def test_leaves_a_strangers_alone(self) -> None:
        theirs = make_saved_method(make_user())

        with pytest.raises(SavedMethodNotFound):
            services.remove_method(customer_id=make_user().pk, method_id=theirs.pk, at=NOON)

        theirs.refresh_from_db()
        assert theirs.removed_at is None

    def test_twice_is_of_nothing(self) -> None:
        method = make_saved_method(make_user(), removed_at=NOON, ask_at=NOON)

        with pytest.raises(SavedMethodNotFound):
            services.remove_method(method_id=method.pk, at=NOON)


@pytest.mark.django_db
class TestCarryOutRemoval:
    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Tokens that the sandbox was told to forget."""
        found: list[str] = []
        monkeypatch.setattr("payments.providers.sandbox.Sandbox.remove", lambda _, saved: found.append(saved.token))
        return found

    def test_tells_the_provider_and_forgets_it(self, told: list[str]) -> None:
        attempt_of = make_saved_method(make_user(), TOKEN, removed_at=NOON, ask_at=NOON)

        services.sweep(now=NOON)

        assert told == [TOKEN]
        assert not SavedMethod.objects.filter(pk=attempt_of.pk).exists()

    def test_leaves_alone_what_is_kept(self, told: list[str]) -> None:
        method = make_saved_method(make_user())

        carry_out_removal(method_id=method.pk, at=NOON)

        assert told == []
        assert SavedMethod.objects.filter(pk=method.pk).exists()

    def test_tells_it_again_where_it_was_not_reached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def be_away(*_: object) -> None:
            raise ProviderUnavailable

        monkeypatch.setattr("payments.providers.sandbox.Sandbox.remove", be_away)
        method = make_saved_method(make_user(), removed_at=NOON, ask_at=NOON)

        services.sweep(now=NOON)

        method.refresh_from_db()
        assert method.ask_at == NOON + timedelta(seconds=15)

    def test_waits_for_a_provider_that_is_not_here_any_more(self) -> None:
        method = make_saved_method(make_user(), provider="barter", removed_at=NOON, ask_at=NOON)

        services.sweep(now=NOON)

        method.refresh_from_db()
        assert method.ask_at == NOON + timedelta(seconds=15)

    def test_leaves_the_attempts_that_it_paid(self, told: list[str]) -> None:
        customer = make_user()
        method = make_saved_method(customer, TOKEN)
        attempt = make_attempt(saved_method_id=method.pk, customer_id=customer.pk)
        services.remove_method(method_id=method.pk, at=NOON)

        services.sweep(now=NOON)

        attempt.refresh_from_db()
        assert (told, attempt.saved_method_id) == ([TOKEN], None)


@pytest.mark.django_db
class TestForgetMethods:
    def test_follows_the_closing_of_an_account(self) -> None:
        customer, other = make_user(), make_user()
        mine = [make_saved_method(customer) for _ in range(3)]
        theirs = make_saved_method(other)

        with transaction.atomic():
            services.forget_methods(customer_id=customer.pk, at=NOON)

        assert SavedMethod.objects.filter(pk__in=[method.pk for method in mine], ask_at=NOON).count() == 3
        theirs.refresh_from_db()
        assert theirs.removed_at is None
