from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import selectors, services
from accounts.domain import Role
from accounts.errors import (
    AboveYourRole,
    EmailTaken,
    OwnAccess,
    PasswordTooWeak,
    TokenRefused,
    UnknownRole,
    UserNotFound,
)
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_session, make_user

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.django_db
class TestEnsureRoles:
    def test_makes_the_four_and_again_changes_nothing(self) -> None:
        services.ensure_roles()
        before = {group.name: group.permissions.count() for group in Group.objects.all()}
        services.ensure_roles()

        assert set(before) == {role.value for role in Role}
        assert {group.name: group.permissions.count() for group in Group.objects.all()} == before

    def test_leaves_a_role_as_the_merchant_made_it(self) -> None:
        services.ensure_roles()
        support = Group.objects.get(name=Role.CUSTOMER_SUPPORT.value)
        support.permissions.clear()

        services.ensure_roles()

        assert not support.permissions.exists()

    def test_brings_the_administrator_what_is_new(self) -> None:
        services.ensure_roles()
        group = Group.objects.get(name=Role.ADMINISTRATOR.value)
        group.permissions.remove(Permission.objects.get(codename="move_order"))

        services.ensure_roles()

        assert group.permissions.filter(codename="move_order").exists()

    @pytest.mark.parametrize(
        ("role", "may", "may_not"),
        [
            (Role.CUSTOMER_SUPPORT, "orders.view_order", "accounts.change_user"),
            (Role.CATALOGUE_MANAGER, "products.add_product", "orders.view_order"),
            (Role.CATALOGUE_MANAGER, "products.receive_catalogue_alerts", "accounts.view_user"),
            (Role.ORDER_MANAGER, "orders.move_order", "products.change_product"),
            (Role.ORDER_MANAGER, "orders.receive_order_alerts", "accounts.change_user"),
            (Role.ADMINISTRATOR, "accounts.change_user", "admin.add_logentry"),
        ],
    )
    def test_s02_gives_each_role_its_own(self, role: Role, may: str, may_not: str) -> None:
        user = make_user(roles=[role])

        assert user.has_perm(may)
        assert not user.has_perm(may_not)


@pytest.mark.django_db
class TestUsersWithPermission:
    def test_returns_active_staff_in_one_query(self, django_assert_num_queries: Any) -> None:
        permission = "products.receive_catalogue_alerts"
        by_role = make_user(roles=[Role.CATALOGUE_MANAGER, Role.ADMINISTRATOR])
        direct = make_user(permissions=[permission])
        root = make_user(is_superuser=True)
        make_user()
        make_user(roles=[Role.CATALOGUE_MANAGER], is_active=False)
        make_user(permissions=[permission], is_staff=False)
        make_user(permissions=["products.add_product"])

        with django_assert_num_queries(1):
            found = selectors.users_with_permission(permission=permission)

        assert found == [by_role, direct, root]


@pytest.mark.django_db
class TestCreateStaff:
    def test_makes_a_verified_account_with_roles(self) -> None:
        services.ensure_roles()

        user = services.create_staff(email="s@example.com", password=PASSWORD, roles=["administrator"], at=NOON)

        assert (user.is_staff, user.is_superuser, user.email_verified_at) == (True, False, NOON)
        assert selectors.roles_of(user=user) == ["administrator"]

    def test_refuses_unknown_roles_weak_passwords_and_taken_emails(self) -> None:
        make_user("taken@example.com")

        with pytest.raises(UnknownRole):
            services.create_staff(email="s@example.com", password=PASSWORD, roles=["king"], at=NOON)
        with pytest.raises(PasswordTooWeak):
            services.create_staff(email="s@example.com", password="short", at=NOON)
        with pytest.raises(EmailTaken):
            services.create_staff(email="taken@example.com", password=PASSWORD, at=NOON)

        assert User.objects.count() == 1


@pytest.mark.django_db
class TestSetRoles:
    def test_s12_gives_and_takes_roles_and_ends_sign_ins(self) -> None:
        boss, user = make_user(roles=[Role.ADMINISTRATOR]), make_user()
        session = make_session(user, at=NOON)

        hired = services.set_roles(user_id=user.pk, roles=["order manager"], actor=boss, at=NOON)
        assert (hired.is_staff, selectors.roles_of(user=hired)) == (True, ["order manager"])
        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON)

        fired = services.set_roles(user_id=user.pk, roles=[], actor=boss, at=NOON)
        assert (fired.is_staff, selectors.roles_of(user=fired)) == (False, [])

    def test_refuses_to_grant_more_than_the_actor_holds(self) -> None:
        clerk = make_user(roles=[Role.CUSTOMER_SUPPORT], permissions=["accounts.change_user"])
        user = make_user()
        services.ensure_roles()

        with pytest.raises(AboveYourRole):
            services.set_roles(user_id=user.pk, roles=["administrator"], actor=clerk, at=NOON)

        user.refresh_from_db()
        assert (user.is_staff, user.token_version) == (False, 0)

    def test_refuses_to_demote_who_holds_more(self) -> None:
        clerk = make_user(roles=[Role.CUSTOMER_SUPPORT], permissions=["accounts.change_user"])
        for above in (make_user(roles=[Role.ADMINISTRATOR], is_active=False), make_user(is_superuser=True)):
            with pytest.raises(AboveYourRole):
                services.set_roles(user_id=above.pk, roles=[], actor=clerk, at=NOON)

    def test_refuses_to_change_ones_own(self) -> None:
        boss = make_user(roles=[Role.ADMINISTRATOR])

        with pytest.raises(OwnAccess):
            services.set_roles(user_id=boss.pk, roles=[], actor=boss, at=NOON)

        boss.refresh_from_db()
        assert (boss.is_staff, selectors.roles_of(user=boss), boss.token_version) == (True, ["administrator"], 0)

    def test_lets_a_superuser_do_anything(self) -> None:
        services.ensure_roles()
        root, user = make_user(is_superuser=True), make_user()

        assert services.set_roles(user_id=user.pk, roles=["administrator"], actor=root, at=NOON).is_staff

    def test_refuses_what_is_not_there(self) -> None:
        root = make_user(is_superuser=True)

        with pytest.raises(UserNotFound):
            services.set_roles(user_id=uuid4(), roles=[], actor=root, at=NOON)
        with pytest.raises(UnknownRole) as refusal:
            services.set_roles(user_id=root.pk, roles=["king"], actor=root, at=NOON)
        assert refusal.value.facts == {"unknown": ["king"]}


@pytest.mark.django_db
class TestChangeUser:
    def test_refuses_to_shut_oneself_out(self) -> None:
        boss = make_user(is_superuser=True)

        with pytest.raises(OwnAccess):
            services.change_user(user_id=boss.pk, changes={"is_active": False}, actor=boss, at=NOON)

        boss.refresh_from_db()
        assert (boss.is_active, boss.token_version) == (True, 0)

    def test_s12_deactivates_at_once_and_lets_in_again(self) -> None:
        boss, user = make_user(roles=[Role.ADMINISTRATOR]), make_user()
        session = make_session(user, at=NOON)

        services.change_user(user_id=user.pk, changes={"is_active": False}, actor=boss, at=NOON)
        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON)
        services.change_user(user_id=user.pk, changes={"is_active": True}, actor=boss, at=NOON)

        user.refresh_from_db()
        assert user.is_active
        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON)

    def test_refuses_to_touch_who_holds_more(self) -> None:
        clerk = make_user(permissions=["accounts.change_user"])
        boss = make_user(roles=[Role.ADMINISTRATOR])

        with pytest.raises(AboveYourRole):
            services.change_user(user_id=boss.pk, changes={"is_active": False}, actor=clerk, at=NOON)

        boss.refresh_from_db()
        assert boss.is_active


@pytest.mark.django_db
class TestListUsers:
    def test_finds_by_email_part_of_a_name_role_and_staff(self) -> None:
        ada, bob = make_user("Ada@example.com"), make_user("bob@example.com", roles=[Role.ORDER_MANAGER])
        services.update_profile(user=bob, changes={"last_name": "Lovelace"})

        assert list(selectors.list_users(search="ADA@Example.com")) == [ada]
        assert list(selectors.list_users(search="lovel")) == [bob]
        assert list(selectors.list_users(role="order manager")) == [bob]
        assert list(selectors.list_users(is_staff=False)) == [ada]
        assert set(selectors.list_users()) == {ada, bob}
