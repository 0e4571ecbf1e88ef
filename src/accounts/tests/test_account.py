from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from accounts import selectors, services
from accounts.errors import (
    AddressBookFull,
    AddressNotFound,
    PasswordTooWeak,
    SignInRefused,
    TokenRefused,
    TooManyAttempts,
    UserNotFound,
    WrongPassword,
)
from accounts.models import Address, OneTimeToken, Profile, TokenFamily, User
from accounts.tests.factories import PASSWORD, make_address, make_address_data, make_session, make_user
from accounts.tests.test_links import make_link
from accounts.tests.test_sessions import HOME, in_threads, try_to_sign_in
from core.models import OutboxEvent
from core.tests.threads import in_thread, waits_for_a_lock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = "another horse battery"


@pytest.mark.django_db
class TestChangePassword:
    def test_s12_ends_other_sign_ins_and_begins_one(self) -> None:
        user = make_user()
        old = make_session(user, at=NOON)

        fresh = services.change_password(user=user, current=PASSWORD, new=NEW, address=HOME, at=NOON)

        assert selectors.user_of_token(token=fresh.access, at=NOON)[0] == user
        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=old.access, at=NOON)
        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=old.refresh, at=NOON)
        assert OutboxEvent.objects.get().name == "accounts.password_changed"

    def test_refuses_a_wrong_password_and_changes_nothing(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)

        with pytest.raises(WrongPassword):
            services.change_password(user=user, current="wrong", new=NEW, address=HOME, at=NOON)

        assert selectors.user_of_token(token=session.access, at=NOON)[0].check_password(PASSWORD)

    def test_refuses_a_weak_one(self) -> None:
        user = make_user()

        with pytest.raises(PasswordTooWeak):
            services.change_password(user=user, current=PASSWORD, new="short", address=HOME, at=NOON)

        user.refresh_from_db()
        assert user.check_password(PASSWORD)

    def test_s15_counts_wrong_ones_as_sign_ins(self) -> None:
        user = make_user()
        for _ in range(5):
            with pytest.raises(WrongPassword):
                services.change_password(user=user, current="wrong", new=NEW, address=HOME, at=NOON)

        with pytest.raises(TooManyAttempts):
            services.change_password(user=user, current=PASSWORD, new=NEW, address=HOME, at=NOON)
        assert try_to_sign_in(user.email, password=PASSWORD) == "too_many_attempts"

    def test_refuses_when_the_password_changed_meanwhile(self) -> None:
        user = make_user()
        User.objects.filter(pk=user.pk).update(password="!")

        with pytest.raises(WrongPassword):
            services.change_password(user=user, current=PASSWORD, new=NEW, address=HOME, at=NOON)


@pytest.mark.django_db
class TestDeleteAccount:
    def test_scrubs_the_person_and_keeps_the_row(self, django_capture_on_commit_callbacks: Any) -> None:
        user = make_user("ada@example.com", permissions=["accounts.view_user"], email_verified_at=NOON)
        avatar = default_storage.save("avatars/a.webp", ContentFile(b"x"))
        Profile.objects.filter(user=user).update(first_name="Ada", phone="", avatar=avatar, visibility="public")
        make_address(user), make_session(user), make_link(user)

        with django_capture_on_commit_callbacks(execute=True):
            services.delete_account(user=user, password=PASSWORD, address=HOME, at=NOON)

        row = User.objects.get(pk=user.pk)
        assert row.email == f"{user.pk}@deleted.invalid"
        assert selectors.find_user(email="ada@example.com") is None
        assert (row.is_active, row.is_staff, row.deleted_at, row.email_verified_at) == (False, False, NOON, None)
        assert not row.has_usable_password()
        assert not row.user_permissions.exists()
        profile = Profile.objects.get(user=user)
        assert (profile.first_name, profile.visibility, bool(profile.avatar)) == ("", "private", False)
        assert not default_storage.exists(avatar)
        for kept in (Address, TokenFamily, OneTimeToken):
            assert not kept.objects.exists()
        assert OutboxEvent.objects.get().payload == {"user_id": str(user.pk)}

    def test_frees_the_email(self) -> None:
        user = make_user("ada@example.com")
        services.delete_account(user=user, password=PASSWORD, address=HOME, at=NOON)

        assert services.register(email="ada@example.com", password=PASSWORD, at=NOON).user.pk != user.pk

    def test_refuses_a_wrong_password_and_keeps_everything(self) -> None:
        user = make_user("ada@example.com")

        with pytest.raises(WrongPassword):
            services.delete_account(user=user, password="wrong", address=HOME, at=NOON)

        assert selectors.get_user(user_id=user.pk).email == "ada@example.com"
        assert not OutboxEvent.objects.exists()

    def test_is_hidden_afterwards(self) -> None:
        user = make_user("ada@example.com")
        services.delete_account(user=user, password=PASSWORD, address=HOME, at=NOON)

        with pytest.raises(UserNotFound):
            selectors.get_user(user_id=user.pk)
        assert selectors.find_user(email="ada@example.com") is None
        assert not selectors.list_users().exists()
        assert selectors.users_by_ids(user_ids=[user.pk]) == {}


@pytest.mark.django_db(transaction=True)
class TestDeleteAccountRaces:
    @pytest.mark.parametrize("what", ["name", "picture"])
    def test_s51_what_waits_for_it_writes_nothing_personal_again(self, what: str) -> None:
        user = make_user()

        def write() -> None:
            if what == "name":
                services.update_profile(user=user, changes={"first_name": "Ada", "phone": "+442079460000"})
            else:
                services.set_avatar(user=user, stored_name="avatars/ada.webp")

        with ThreadPoolExecutor(max_workers=1) as thread:
            with transaction.atomic():
                # As erasing does until it commits: the account, then the profile.
                erased = User.objects.locked().get(pk=user.pk)
                Profile.objects.locked().get(user=user)
                working = thread.submit(in_thread, write)
                assert waits_for_a_lock(working)
                erased.deleted_at = NOON
                erased.save()
            with pytest.raises(SignInRefused):
                working.result()

        profile = Profile.objects.get(user=user)
        assert (profile.first_name, profile.phone, profile.avatar.name) == ("", "", "")


@pytest.mark.django_db
class TestAddAddress:
    def test_makes_the_first_the_default(self) -> None:
        user = make_user()

        first = services.add_address(user=user, data=make_address_data(), at=NOON)
        services.add_address(user=user, data=make_address_data(), at=NOON)

        assert selectors.default_address(user=user) == first

    def test_moves_the_default(self) -> None:
        user = make_user()
        services.add_address(user=user, data=make_address_data(), at=NOON)

        second = services.add_address(user=user, data=make_address_data(), is_default=True, at=NOON)

        assert selectors.default_address(user=user) == second

    def test_refuses_the_fifty_first(self) -> None:
        user = make_user()
        Address.objects.bulk_create([Address(user=user, **make_address_data().as_dict()) for _ in range(50)])

        with pytest.raises(AddressBookFull):
            services.add_address(user=user, data=make_address_data(), at=NOON)

        assert Address.objects.count() == 50

    def test_refuses_an_account_that_has_ended(self) -> None:
        user = make_user(is_active=False)

        with pytest.raises(SignInRefused):
            services.add_address(user=user, data=make_address_data(), at=NOON)

    def test_s50_seals_what_is_personal(self) -> None:
        address = services.add_address(user=make_user(), data=make_address_data(), at=NOON)

        with connection.cursor() as cursor:
            cursor.execute("SELECT name, line1, city, postal_code, phone FROM accounts_address")
            stored = " ".join(cursor.fetchone())
        assert "Lovelace" not in stored
        assert "442079460958" not in stored
        assert Address.objects.get(pk=address.pk).as_data() == make_address_data()


@pytest.mark.django_db
class TestUpdateAddress:
    def test_changes_fields_and_the_default(self) -> None:
        user = make_user()
        first, second = make_address(user, is_default=True), make_address(user)

        services.update_address(user=user, address_id=second.pk, changes={"city": "Leeds", "is_default": True})

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.is_default, second.is_default, second.city) == (False, True, "Leeds")

    def test_leaves_the_default_where_it_is(self) -> None:
        user = make_user()
        address = make_address(user, is_default=True)

        services.update_address(user=user, address_id=address.pk, changes={"is_default": False})

        assert selectors.default_address(user=user) == address

    def test_s01_a12_refuses_that_of_another(self) -> None:
        theirs = make_address(make_user())

        with pytest.raises(AddressNotFound):
            services.update_address(user=make_user(), address_id=theirs.pk, changes={"city": "Leeds"})

        theirs.refresh_from_db()
        assert theirs.city == "London"


@pytest.mark.django_db
class TestDeleteAddress:
    def test_hands_the_default_to_the_newest(self) -> None:
        user = make_user()
        first, _, newest = make_address(user, is_default=True), make_address(user), make_address(user)

        services.delete_address(user=user, address_id=first.pk)

        assert selectors.default_address(user=user) == newest

    def test_leaves_the_default_when_another_goes(self) -> None:
        user = make_user()
        first, second = make_address(user, is_default=True), make_address(user)

        services.delete_address(user=user, address_id=second.pk)
        assert selectors.default_address(user=user) == first
        services.delete_address(user=user, address_id=first.pk)
        assert selectors.default_address(user=user) is None

    def test_s01_refuses_that_of_another(self) -> None:
        theirs = make_address(make_user())

        with pytest.raises(AddressNotFound):
            services.delete_address(user=make_user(), address_id=theirs.pk)

        assert Address.objects.filter(pk=theirs.pk).exists()


@pytest.mark.django_db(transaction=True)
class TestAddressRaces:
    def test_keep_one_default(self) -> None:
        user = make_user()

        def run(_: int) -> str:
            services.add_address(user=user, data=make_address_data(), is_default=True, at=NOON)
            return "added"

        assert in_threads(6, run) == ["added"] * 6
        assert Address.objects.filter(is_default=True).count() == 1


@pytest.mark.django_db
class TestGetAddress:
    def test_takes_one_query(self, django_assert_num_queries: Any) -> None:
        user = make_user()
        address = make_address(user)

        with django_assert_num_queries(1):
            assert selectors.get_address(user=user, address_id=address.pk) == address

    def test_a10_refuses_a_foreign_one(self) -> None:
        theirs = make_address(make_user())

        with pytest.raises(AddressNotFound):
            selectors.get_address(user=make_user(), address_id=theirs.pk)

    def test_a11_gives_a_guest_nothing(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0), pytest.raises(AddressNotFound):
            selectors.get_address(user=None, address_id=uuid4())
