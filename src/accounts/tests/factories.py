"""People for tests."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import pyotp
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.domain import AddressData, Role
from accounts.models import Address, CustomerGroup, Profile, User
from accounts.services import Session, ensure_roles
from accounts.services.second_factor import finish_enrolment, start_enrolment
from accounts.services.sessions import open_session

PASSWORD = "correct horse battery"
_numbers = count(1)
_hashed = cache(make_password)


def make_user(
    email: str | None = None,
    *,
    password: str = PASSWORD,
    roles: Collection[Role | str] = (),
    permissions: Collection[str] = (),
    **fields: Any,
) -> User:
    """Return a customer with a profile; with roles or permissions ("app.codename") one of the staff."""
    email = email or f"person{next(_numbers)}@example.com"
    fields.setdefault("is_staff", bool(roles or permissions or fields.get("is_superuser")))
    user: User = User.objects.create(email=email, password=_hashed(password), **fields)
    Profile.objects.create(user=user)
    if roles:
        names = [role.value if isinstance(role, Role) else role for role in roles]
        if Group.objects.filter(name__in=names).count() < len(names):
            ensure_roles()
        user.groups.set(Group.objects.filter(name__in=names))
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_group(code: str = "wholesale", **fields: Any) -> CustomerGroup:
    """Return a customer group."""
    group: CustomerGroup = CustomerGroup.objects.create(code=code, **({"name": code.title()} | fields))
    return group


def make_session(user: User, *, client: str = "", at: datetime | None = None) -> Session:
    """Return a sign-in of that account."""
    with transaction.atomic():
        return open_session(user=user, client=client, at=at or timezone.now())


def client_of(user: User | None = None) -> APIClient:
    """Return a client that is signed in as that account, or a guest's."""
    client = APIClient()
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_session(user).access}")
    return client


def make_address_data(**fields: str) -> AddressData:
    """Return an address in London."""
    defaults = {
        "name": "Ada Lovelace",
        "line1": "12 St James's Square",
        "city": "London",
        "postal_code": "SW1Y 4JH",
        "country": "GB",
        "phone": "+442079460958",
    }
    return AddressData(**(defaults | fields))


def make_address(user: User, *, is_default: bool = False, **fields: str) -> Address:
    """Return an address of that person's book."""
    address: Address = Address.objects.create(user=user, is_default=is_default, **make_address_data(**fields).as_dict())
    return address


class SecondFactor(NamedTuple):
    """An authenticator app, as its owner holds it."""

    secret: str
    recovery_codes: list[str]

    def code(self, at: datetime) -> str:
        return pyotp.TOTP(self.secret).at(at)


def make_second_factor(user: User, *, at: datetime | None = None) -> SecondFactor:
    """Set up an app, confirmed by the code of two minutes before: all that it shows from now on are fresh."""
    before = (at or timezone.now()) - timedelta(minutes=2)
    secret = start_enrolment(user_id=user.pk, at=before).secret
    codes = finish_enrolment(user_id=user.pk, code=pyotp.TOTP(secret).at(before), at=before)
    user.refresh_from_db()
    return SecondFactor(secret, codes)
