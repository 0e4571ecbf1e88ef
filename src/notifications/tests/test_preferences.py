from __future__ import annotations

import pytest
from django.core import signing
from django.db import transaction
from pytest_django import Settings

from accounts.tests.factories import make_user
from core.ids import new_id
from notifications import selectors, services
from notifications.domain import TRANSACTIONAL, Channel, Kind
from notifications.errors import AlwaysSent, BadUnsubscribeLink, NoSuchPreference
from notifications.models import Mail, Notification, Preference
from notifications.tests.factories import make_mail, make_notification, make_preference

pytestmark = pytest.mark.django_db


class TestSetPreferences:
    def test_changes_what_is_named_and_nothing_else(self) -> None:
        user = make_user()
        make_preference(user, Kind.WELCOME, Channel.EMAIL, is_wanted=False)

        for wanted in (False, True):
            services.set_preferences(user=user, wishes={Kind.NEW_PRODUCT: {Channel.EMAIL: wanted}})

        wishes = selectors.wishes_of(viewer=user)
        assert wishes[Kind.NEW_PRODUCT] == {Channel.IN_APP: False, Channel.EMAIL: True}
        assert wishes[Kind.WELCOME] == {Channel.IN_APP: True, Channel.EMAIL: False}

    @pytest.mark.parametrize("kind", sorted(TRANSACTIONAL, key=str))
    def test_refuses_to_turn_off_what_is_transactional(self, kind: Kind) -> None:
        user = make_user()

        with pytest.raises(AlwaysSent) as refusal:
            services.set_preferences(
                user=user, wishes={Kind.WELCOME: {Channel.EMAIL: False}, kind: {Channel.EMAIL: False}}
            )

        assert refusal.value.facts == {"kinds": [kind.value]}
        assert not Preference.objects.exists()

    def test_refuses_what_does_not_come_to_this_person_that_way(self) -> None:
        wishes = {Kind.STAFF_NEW_ORDER: {Channel.IN_APP: True}, Kind.VERIFY_EMAIL: {Channel.IN_APP: True}}

        with pytest.raises(NoSuchPreference) as refusal:
            services.set_preferences(user=make_user(), wishes=wishes)

        assert refusal.value.facts == {"preferences": ["staff_new_order.in_app", "verify_email.in_app"]}
        assert not Preference.objects.exists()

    def test_lets_staff_choose_what_concerns_them(self) -> None:
        staff = make_user(is_staff=True)

        services.set_preferences(user=staff, wishes={Kind.STAFF_PRODUCT_CREATED: {Channel.EMAIL: False}})

        assert selectors.wishes_of(viewer=staff)[Kind.STAFF_PRODUCT_CREATED] == {
            Channel.IN_APP: True,
            Channel.EMAIL: False,
        }


class TestReplacePreferences:
    def test_goes_back_to_the_default_for_what_is_not_named(self) -> None:
        user, other = make_user(), make_user()
        for person in (user, other):
            make_preference(person, Kind.WELCOME, Channel.EMAIL, is_wanted=False)

        services.replace_preferences(
            user=user,
            wishes={Kind.NEW_PRODUCT: {Channel.IN_APP: True}, Kind.ORDER_MOVED: {Channel.EMAIL: True}},
        )

        assert list(Preference.objects.filter(user=user).values_list("kind", "channel")) == [("new_product", "in_app")]
        assert Preference.objects.filter(user=other).count() == 1

    def test_changes_nothing_when_it_refuses(self) -> None:
        user = make_user()
        make_preference(user, Kind.WELCOME, Channel.EMAIL, is_wanted=False)

        with pytest.raises(AlwaysSent):
            services.replace_preferences(user=user, wishes={Kind.ORDER_MOVED: {Channel.EMAIL: False}})

        assert Preference.objects.filter(user=user, kind="welcome").exists()


class TestUnsubscribe:
    def test_ends_the_mails_of_that_kind_and_leaves_the_app(self) -> None:
        user = make_user()
        token = selectors.unsubscribe_url(user_id=user.pk, kind=Kind.WELCOME).rpartition("/")[2]

        kinds = [services.unsubscribe(token=token) for _ in range(2)]

        assert kinds == [Kind.WELCOME] * 2
        assert selectors.wishes_of(viewer=user)[Kind.WELCOME] == {Channel.IN_APP: True, Channel.EMAIL: False}

    @pytest.mark.parametrize("token", ["", "x", "a:b:c", "é", "\0", "x" * 5000, "WyJhIl0:1:2"])
    def test_refuses_what_is_not_one_of_our_links(self, token: str) -> None:
        with pytest.raises(BadUnsubscribeLink):
            services.unsubscribe(token=token)

        assert not Preference.objects.exists()

    def test_is_good_under_an_earlier_secret_key(self, settings: Settings) -> None:
        token = selectors.unsubscribe_url(user_id=make_user().pk, kind=Kind.WELCOME).rpartition("/")[2]
        settings.EARLIER_SECRET_KEYS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another secret key, long enough for its purpose"

        assert services.unsubscribe(token=token) is Kind.WELCOME

    @pytest.mark.parametrize("salt", ["accounts", "notifications.unsubscribe2"])
    def test_refuses_what_was_signed_for_something_else(self, salt: str) -> None:
        token = signing.dumps([make_user().pk.hex, "welcome"], salt=salt)

        with pytest.raises(BadUnsubscribeLink):
            services.unsubscribe(token=token)

    @pytest.mark.parametrize("content", [["x", "welcome"], ["0" * 32, "nothing"], "text", 5, [1, 2], ["0" * 32]])
    def test_refuses_a_signed_token_of_another_shape(self, content: object) -> None:
        token = signing.dumps(content, salt="notifications.unsubscribe")

        with pytest.raises(BadUnsubscribeLink):
            services.unsubscribe(token=token)

    def test_forgives_that_the_account_is_gone(self) -> None:
        token = selectors.unsubscribe_url(user_id=new_id(), kind=Kind.WELCOME).rpartition("/")[2]

        kind = services.unsubscribe(token=token)

        assert kind is Kind.WELCOME
        assert not Preference.objects.exists()


class TestForgetUser:
    def test_removes_what_is_about_the_person_and_nothing_of_others(self, django_assert_num_queries: object) -> None:
        user, other = make_user(), make_user()
        for person in (user, other):
            make_notification(person)
            make_mail(user=person)
            make_preference(person, Kind.WELCOME, Channel.EMAIL, is_wanted=False)

        with transaction.atomic(), django_assert_num_queries(5):  # type: ignore[operator]
            services.forget_user(user_id=user.pk)

        for table in (Notification, Mail, Preference):
            assert list(table.objects.values_list("user_id", flat=True)) == [other.pk]
