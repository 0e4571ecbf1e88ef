"""What staff do to accounts and roles in the back office. Nobody grants, takes or touches more than they hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission

from accounts.errors import AboveYourRole, RoleInUse, RoleTaken, SignInRefused, UnknownRole
from accounts.events import PasswordChanged
from accounts.models import User
from accounts.services.codes import code_counters, count_code, pass_second_factor
from accounts.services.roles import check_other, check_reach, find_groups, lock_user
from accounts.services.sessions import (
    end_sessions,
    facts_of,
    judged,
    lock_account,
    make_account,
    password_counters,
    prove_password,
)
from accounts.services.strength import check_strength
from accounts.services.throttling import Counter, forgive, settle
from accounts.services.watching import marks_of, tell, warn, watched
from core import outbox
from core.transactions import command


def check_staff_password(*, email: str, password: str, code: str = "", address: str, at: datetime) -> User:
    """Return the account of staff that signs in at the back office; tries are counted as those of the API are.

    :param address: the network address that asks
    :raises TooManyAttempts: 5 failures of the account from that address, or 20 of the address, within 15 minutes
    :raises SignInRefused: the e-mail or the password is wrong, or the account is not one of active staff
    :raises SecondFactorNeeded: there is no code, and the account wants one
    :raises SecondFactorRefused: the code is wrong or was used before; it counts as a failure
    :raises SecondFactorMissing: a second factor is needed, and the account has none
    """
    counters = password_counters(email=email, address=address)
    with watched("sign in", via="admin", **marks_of(counters)) as told:
        user, attempt_ids = prove_password(email=email, password=password, counters=counters, at=at)
        told.update(facts_of(user))
        if not user.is_staff:
            settle(attempt_ids)
            raise SignInRefused
        with judged(attempt_ids, counters):
            taken = count_code(user=user, code=code, at=at)
            return _admit(user.pk, code, [(taken, code_counters(user)), (attempt_ids, counters)], at=at)


@command
def _admit(user_id: UUID, code: str, tries: Sequence[tuple[Sequence[int], Sequence[Counter]]], *, at: datetime) -> User:
    user = lock_account(user_id=user_id)
    pass_second_factor(user=user, code=code, at=at)
    for attempt_ids, counters in tries:
        forgive(attempt_ids, counters=counters, at=at)
    return user


def add_user(*, email: str, password: str, roles: Collection[str], actor: User, at: datetime) -> User:
    """Make an account, verified, with these roles; with any it is staff.

    :raises PasswordTooWeak: the validators refuse the password
    :raises EmailTaken: there is an account of that e-mail
    :raises UnknownRole: a role is not there
    :raises AboveYourRole: the roles go beyond what ``actor`` holds
    """
    check_strength(password=password, email=email)
    return _store_user(email=email, hashed=make_password(password), roles=roles, actor=actor, at=at)


@command
def _store_user(*, email: str, hashed: str, roles: Collection[str], actor: User, at: datetime) -> User:
    groups = find_groups(roles)
    user = make_account(email=email, hashed=hashed, at=at, is_staff=bool(groups))
    check_reach(actor, user, groups)
    user.email_verified_at = at
    user.last_login = None
    user.save(update_fields=["email_verified_at", "last_login"])
    user.groups.set(groups)
    return user


@command
def edit_user(
    *,
    user_id: UUID,
    is_active: bool,
    roles: Collection[str],
    actor: User,
    at: datetime,
    customer_group_id: UUID | None = None,
) -> User:
    """Let an account sign in, or not, and give it exactly these roles; its sign-ins end if that changes anything.

    :param customer_group_id: the customer group that it is in

    :raises UserNotFound: there is no such account
    :raises UnknownRole: a role is not there
    :raises OwnAccess: something would change, and it is the account of ``actor``
    :raises AboveYourRole: the roles, or what the account holds already, go beyond what ``actor`` holds
    """
    user = lock_user(user_id)
    groups = find_groups(roles)
    check_reach(actor, user, groups)
    is_same = user.is_active == is_active and set(user.groups.all()) == set(groups)
    if is_same and user.customer_group_id == customer_group_id:
        return user
    check_other(actor, user)
    user.customer_group_id = customer_group_id
    user.save(update_fields=["customer_group"])
    if is_same:
        return user
    user.groups.set(groups)
    user.is_active = is_active
    user.is_staff = bool(groups) or user.is_superuser
    user.save(update_fields=["is_active", "is_staff"])
    end_sessions(user=user, at=at)
    tell("roles changed", user_id=user.pk, by=actor.pk, roles=sorted(group.pk for group in groups))
    return user


def set_password(*, user_id: UUID, password: str, email: str, actor: User, at: datetime) -> None:
    """Set another's password; their sign-ins end, and they are told by mail.

    :raises PasswordTooWeak: the validators refuse it
    :raises UserNotFound: there is no such account
    :raises AboveYourRole: the account holds more than ``actor``
    """
    check_strength(password=password, email=email)
    _write_password(user_id=user_id, hashed=make_password(password), actor=actor, at=at)


@command
def _write_password(*, user_id: UUID, hashed: str, actor: User, at: datetime) -> None:
    user = lock_user(user_id)
    check_reach(actor, user, [])
    user.password = hashed
    user.save(update_fields=["password"])
    end_sessions(user=user, at=at)
    outbox.publish(PasswordChanged(user_id=user.pk), at=at)
    tell("password changed", user_id=user.pk, by=actor.pk)


@command
def save_role(*, name: str, permission_ids: Collection[int], actor: User, role_id: int | None = None) -> Group:
    """Make a role, or give one another name and exactly these permissions.

    :raises UnknownRole: there is none of that id
    :raises RoleTaken: another has the name
    :raises AboveYourRole: what it grants, or granted before, goes beyond what ``actor`` holds
    """
    role = _lock_role(role_id) if role_id is not None else Group(name=name)
    wanted = list(Permission.objects.filter(pk__in=permission_ids).select_related("content_type"))
    before = list(role.permissions.select_related("content_type")) if role_id is not None else []
    _check_grants(actor, [*wanted, *before])
    if Group.objects.filter(name=name).exclude(pk=role.pk).exists():
        raise RoleTaken(role=name)
    role.name = name
    role.save()
    role.permissions.set(wanted)
    tell("role changed", role=role.pk, by=actor.pk)
    return role


@command
def delete_role(*, role_id: int, actor: User) -> None:
    """Remove a role that nobody has.

    :raises UnknownRole: there is none of that id
    :raises RoleInUse: someone has it
    :raises AboveYourRole: it grants more than ``actor`` holds
    """
    role = _lock_role(role_id)
    _check_grants(actor, list(role.permissions.select_related("content_type")))
    holders = User.objects.filter(groups=role).count()
    if holders:
        raise RoleInUse(holders=holders)
    role.delete()


def _lock_role(role_id: int) -> Group:
    role = Group.objects.select_for_update().filter(pk=role_id).first()
    if role is None:
        raise UnknownRole(unknown=[str(role_id)])
    return role


def _check_grants(actor: User, permissions: list[Any]) -> None:
    if actor.is_superuser:
        return
    reached = {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}
    if not reached <= actor.get_all_permissions():
        warn("more than one holds", by=actor.pk)
        raise AboveYourRole
