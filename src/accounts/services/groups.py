"""Customer groups, and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import ProtectedError

from accounts.domain import GROUP_CODE
from accounts.errors import CustomerGroupInUse, CustomerGroupInvalid, CustomerGroupNotFound, CustomerGroupTaken
from accounts.models import CustomerGroup, User
from accounts.services.roles import lock_anothers
from accounts.services.sessions import end_sessions
from core.transactions import command


@command
def create_customer_group(*, code: str, name: str, at: datetime) -> CustomerGroup:
    """Make a customer group.

    :raises CustomerGroupInvalid: the code is no slug
    :raises CustomerGroupTaken: there is one of that code
    """
    if not GROUP_CODE.fullmatch(code):
        raise CustomerGroupInvalid("A code is up to 50 letters, digits, - and _ of ASCII.", field="code")
    group, created = CustomerGroup.objects.get_or_create(code=code, defaults={"name": name, "created_at": at})
    if not created:
        raise CustomerGroupTaken(group=code)
    made: CustomerGroup = group
    return made


@command
def rename_customer_group(*, code: str, name: str) -> CustomerGroup:
    """Give a customer group another name. Its code stays.

    :raises CustomerGroupNotFound: there is none
    """
    group = _lock_group(code)
    group.name = name
    group.save(update_fields=["name", "updated_at"])
    return group


@command
def delete_customer_group(*, code: str) -> None:
    """Remove a customer group; who was in it is in none.

    :raises CustomerGroupNotFound: there is none
    :raises CustomerGroupInUse: there are price lists for it
    """
    group = _lock_group(code)
    try:
        group.delete()
    except ProtectedError as error:
        raise CustomerGroupInUse(group=code) from error


@command
def change_user(*, user_id: UUID, changes: Mapping[str, Any], actor: User, at: datetime) -> User:
    """Let an account sign in, or not (``is_active``), or put it in a customer group (``customer_group``: code or none).

    Its sign-ins end if it may no longer, or may again sign in.

    :raises UserNotFound: there is no such account
    :raises CustomerGroupInvalid: there is no such group
    :raises OwnAccess: it is the account of ``actor``
    :raises AboveYourRole: the account holds more than ``actor``
    """
    user = lock_anothers(user_id, actor=actor)
    if "customer_group" in changes:
        user.customer_group = _group_named(changes["customer_group"])
    if "is_active" in changes:
        user.is_active = changes["is_active"]
        end_sessions(user=user, at=at)
    user.save(update_fields=["is_active", "customer_group", "updated_at"])
    return user


def _group_named(code: str | None) -> CustomerGroup | None:
    if code is None:
        return None
    group: CustomerGroup | None = CustomerGroup.objects.filter(code=code).first()
    if group is None:
        raise CustomerGroupInvalid("There is no such customer group.", field="customer_group")
    return group


def _lock_group(code: str) -> CustomerGroup:
    group: CustomerGroup | None = CustomerGroup.objects.filter(code=code).locked().first()
    if group is None:
        raise CustomerGroupNotFound
    return group
