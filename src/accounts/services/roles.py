"""Who may do what: roles are groups of Django, and nobody grants what they do not hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission

from accounts.domain import ROLE_PERMISSIONS, Role
from accounts.errors import AboveYourRole, OwnAccess, UnknownRole, UserNotFound
from accounts.models import User
from accounts.services.sessions import end_sessions, make_account
from accounts.services.strength import check_strength
from accounts.services.watching import tell, warn
from core.transactions import command


@command
def ensure_roles() -> None:
    """Make the ready-made roles that are missing. Those that are there stay as the merchant made them, but that the
    administrator gets whatever permission is new."""
    held = {f"{p.content_type.app_label}.{p.codename}": p for p in Permission.objects.select_related("content_type")}
    for role, patterns in ROLE_PERMISSIONS.items():
        group, created = Group.objects.get_or_create(name=role.value)
        if created or role is Role.ADMINISTRATOR:
            group.permissions.add(*_matching(held, patterns))


def _matching(held: dict[str, Permission], patterns: Iterable[str]) -> list[Permission]:
    found: list[Permission] = []
    for pattern in patterns:
        if pattern.endswith(".*"):
            found += [permission for name, permission in held.items() if name.startswith(pattern[:-1])]
        else:
            found.append(held[pattern])
    return found


def create_staff(
    *, email: str, password: str, roles: Collection[str] = (), is_superuser: bool = False, at: datetime
) -> User:
    """Make an account for someone who works here, verified, with these roles. For set-up by command, not for the API.

    :raises PasswordTooWeak: the validators refuse the password
    :raises EmailTaken: there is an account of that e-mail
    :raises UnknownRole: a role is not there
    """
    check_strength(password=password, email=email)
    return _store_staff(email=email, hashed=make_password(password), roles=roles, is_superuser=is_superuser, at=at)


@command
def _store_staff(*, email: str, hashed: str, roles: Collection[str], is_superuser: bool, at: datetime) -> User:
    groups = find_groups(roles)
    user = make_account(email=email, hashed=hashed, at=at, is_staff=True, is_superuser=is_superuser)
    user.email_verified_at = at
    user.save(update_fields=["email_verified_at"])
    user.groups.set(groups)
    return user


@command
def set_roles(*, user_id: UUID, roles: Collection[str], actor: User, at: datetime) -> User:
    """Give an account exactly these roles and end its sign-ins. With any role it is staff, without it is not.

    :raises UserNotFound: there is no such account
    :raises UnknownRole: a role is not there
    :raises OwnAccess: it is the account of ``actor``
    :raises AboveYourRole: the roles, or what the account holds already, go beyond what ``actor`` holds
    """
    user = lock_user(user_id)
    groups = find_groups(roles)
    check_reach(actor, user, groups)
    check_other(actor, user)
    user.groups.set(groups)
    user.is_staff = bool(groups) or user.is_superuser
    user.save(update_fields=["is_staff"])
    end_sessions(user=user, at=at)
    tell("roles changed", user_id=user.pk, by=actor.pk, roles=sorted(group.pk for group in groups))
    return user


def lock_user(user_id: UUID) -> User:
    """Return the account that was not forgotten, active or not, locked.

    :raises UserNotFound: there is none
    """
    user: User | None = User.objects.filter(pk=user_id, deleted_at__isnull=True).locked().first()
    if user is None:
        raise UserNotFound
    return user


def lock_anothers(user_id: UUID, *, actor: User) -> User:
    """Return the account of someone else whom ``actor`` reaches, locked.

    :raises UserNotFound: there is no such account
    :raises AboveYourRole: the account holds more than ``actor``
    :raises OwnAccess: it is the account of ``actor``
    """
    user = lock_user(user_id)
    check_reach(actor, user, [])
    check_other(actor, user)
    return user


def find_groups(names: Collection[str]) -> list[Group]:
    """Return the roles of these names. One query.

    :raises UnknownRole: naming those that are not there
    """
    groups = list(Group.objects.filter(name__in=names).order_by("pk"))
    unknown = sorted(set(names) - {group.name for group in groups})
    if unknown:
        raise UnknownRole(unknown=unknown)
    return groups


def check_other(actor: User, user: User) -> None:
    """Check that the account is somebody else's.

    :raises OwnAccess: it is not
    """
    if actor.pk == user.pk:
        raise OwnAccess


def check_reach(actor: User, user: User, groups: list[Group]) -> None:
    """Check that ``actor`` holds all that the roles grant and that ``user`` holds already. At most two queries.

    :raises AboveYourRole: they do not
    """
    if actor.is_superuser:
        return
    granted = Permission.objects.filter(group__in=groups).values_list("content_type__app_label", "codename")
    reached = {f"{app}.{codename}" for app, codename in granted}
    # Asked of the tables, not of ``has_perms``: an inactive account holds none.
    own = Permission.objects.filter(group__user=user) | Permission.objects.filter(user=user)
    reached |= {f"{app}.{codename}" for app, codename in own.values_list("content_type__app_label", "codename")}
    if user.is_superuser or not reached <= actor.get_all_permissions():
        warn("more than one holds", user_id=user.pk, by=actor.pk)
        raise AboveYourRole
