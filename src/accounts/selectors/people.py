"""Reads of accounts and profiles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.domain import Visibility
from accounts.errors import ProfileNotFound, UserNotFound
from accounts.models import Profile, User
from core.compiled import Compiled


def get_user(*, user_id: UUID | str) -> User:
    """Return the account with its profile and customer group, deactivated or not. One query.

    :raises UserNotFound: there is none, or the person was forgotten
    """
    user: User | None = _living().filter(pk=user_id).select_related("profile", "customer_group").first()
    if user is None:
        raise UserNotFound
    return user


def find_user(*, email: str) -> User | None:
    """Return the account of that e-mail, in whatever case or width it is written. One query."""
    user: User | None = _living().with_email(email).select_related("profile").first()  # type: ignore[attr-defined]
    return user


def users_by_ids(*, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Return account id -> account with its profile, of those that are there. One query."""
    return {user.pk: user for user in _living().filter(pk__in=user_ids).select_related("profile")}


def erased_since(*, at: datetime | None) -> list[tuple[UUID, datetime]]:
    """Return account and time of those who were erased after that, or ever. One query."""
    erased = User.objects.filter(deleted_at__isnull=False)
    if at is not None:
        erased = erased.filter(deleted_at__gt=at)
    found = erased.order_by("deleted_at", "pk").values_list("pk", "deleted_at")
    return [(user_id, erased_at) for user_id, erased_at in found if erased_at is not None]


def users_with_permission(*, permission: str) -> list[User]:
    """Return the active staff who hold "app.codename", by themselves or through a role, oldest first. One query."""
    app, _, codename = permission.partition(".")
    return _HOLDERS.all(app=app, codename=codename)


def list_users(*, search: str = "", role: str | None = None, is_staff: bool | None = None) -> QuerySet[User]:
    """Return the accounts with profiles, customer groups and roles, for staff; two queries when read.

    :param search: an e-mail, or part of a name, in any case
    :param role: the name of a role that they have
    """
    found = _living().select_related("profile", "customer_group").prefetch_related("groups")
    if search:
        named = Q(profile__first_name__icontains=search) | Q(profile__last_name__icontains=search)
        found = found.filter(Q(email_key__of=search) | named)
    if role is not None:
        found = found.filter(groups__name=role)
    if is_staff is not None:
        found = found.filter(is_staff=is_staff)
    return found


def roles_of(*, user: User) -> list[str]:
    """Return the names of the person's roles in order. One query, none if they were prefetched."""
    return sorted(group.name for group in user.groups.all())


def get_profile(*, user: User) -> Profile:
    """Return the person's own profile. One query."""
    profile: Profile = Profile.objects.get(user=user)
    return profile


def get_public_profile(*, user_id: UUID, viewer: User) -> Profile:
    """Return the profile of a customer who shows it, or one's own. One query.

    :raises ProfileNotFound: there is none, or it is private
    """
    shown = Q(visibility=Visibility.PUBLIC.value) | Q(user=viewer)
    living = Profile.objects.filter(user__is_active=True, user__deleted_at__isnull=True)
    profile: Profile | None = living.filter(shown, user_id=user_id).first()
    if profile is None:
        raise ProfileNotFound
    return profile


def _living() -> QuerySet[User]:
    return User.objects.filter(deleted_at__isnull=True)


def _holders(app: str, codename: str) -> QuerySet[User]:
    direct = Q(user_permissions__codename=codename, user_permissions__content_type__app_label=app)
    by_role = Q(groups__permissions__codename=codename, groups__permissions__content_type__app_label=app)
    staff = _living().filter(is_active=True, is_staff=True)
    return staff.filter(Q(is_superuser=True) | direct | by_role).distinct().order_by("pk")


_HOLDERS: Compiled[User] = Compiled(_holders, app=str, codename=str)
