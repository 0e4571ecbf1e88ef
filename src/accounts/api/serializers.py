"""What comes in and what goes out. Passwords and tokens come in only; tokens go out only to whom they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers

from accounts import selectors
from accounts.api.fields import CountryField, EmailField, PasswordField, PhoneField, SecretField, check_phone
from accounts.domain import CLIENT_LENGTH, AddressData, Visibility
from core.api.fields import BooleanField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input

if TYPE_CHECKING:
    from accounts.models import Address, CustomerGroup, Profile, TokenFamily, User
    from accounts.services import Session

_VISIBILITIES = [visibility.value for visibility in Visibility]


class CredentialsInput(Input):
    """An e-mail and a password."""

    email = EmailField()
    password = PasswordField()


class SignInInput(CredentialsInput):
    """An e-mail and a password; where there is a second factor, a code of the app, or a recovery code."""

    code = TextField(max_length=64, allow_blank=True, required=False)


class SecondFactorInput(CredentialsInput):
    """An e-mail, a password and a code."""

    code = TextField(max_length=64)


class RefreshInput(Input):
    """A refresh token."""

    refresh = SecretField()


class EmailInput(Input):
    """An e-mail."""

    email = EmailField()


class LinkInput(Input):
    """The token of a mailed link."""

    token = SecretField()


class NewPasswordInput(Input):
    """The token of a mailed link, and the new password."""

    token = SecretField()
    password = PasswordField()


class PasswordChangeInput(Input):
    """The password as it is, and as it shall be."""

    current_password = PasswordField()
    new_password = PasswordField()


class PasswordInput(Input):
    """The password as it is."""

    password = PasswordField()


class ProfileInput(Input):
    """What a person tells about themselves."""

    first_name = TextField(max_length=100, allow_blank=True, required=False)
    last_name = TextField(max_length=100, allow_blank=True, required=False)
    display_name = TextField(max_length=100, allow_blank=True, required=False)
    phone = PhoneField(required=False)
    visibility = serializers.ChoiceField(choices=_VISIBILITIES, required=False)


class AvatarInput(Input):
    """A picture, in a form."""

    avatar = serializers.FileField(help_text="JPEG, PNG or WebP")


class AddressInput(Input):
    """An address, valid by itself: ``AddressData(**validated_data)``. Orders take it, too.

    A telephone number without ``+`` is read as dialled in the address's country.
    """

    name = TextField(max_length=100)
    line1 = TextField(max_length=200)
    line2 = TextField(max_length=200, allow_blank=True, default="")
    city = TextField(max_length=100)
    region = TextField(max_length=100, allow_blank=True, default="")
    postal_code = TextField(max_length=20, allow_blank=True, default="")
    country = CountryField()
    phone = TextField(max_length=40, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "phone" in attrs:
            attrs["phone"] = check_phone(attrs["phone"], country=attrs.get("country"))
        return attrs


class BookAddressInput(AddressInput):
    """An address of the book. In a PATCH, a ``phone`` without ``country`` has to be in international form."""

    is_default = BooleanField(default=False)


def address_data(values: dict[str, Any]) -> AddressData:
    """Return the address in validated values of ``AddressInput`` or ``BookAddressInput``."""
    return AddressData(**{name: value for name, value in values.items() if name != "is_default"})


class UserQuery(PageQuery):
    """Which accounts the staff look for."""

    search = TextField(max_length=100, required=False)
    role = TextField(max_length=150, required=False)
    is_staff = BooleanField(from_text=True, required=False)


class RolesInput(Input):
    """The names of all roles that an account shall have."""

    roles = serializers.ListField(child=TextField(max_length=150), max_length=20)


class UserChanges(Input):
    """What changes of an account: whether it may sign in, its customer group (by code; null: none)."""

    is_active = BooleanField(required=False)
    customer_group = TextField(max_length=50, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"is_active": "Give this or customer_group."}, code="required")
        return attrs


class GroupInput(Input):
    """A new customer group."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)


class GroupChanges(Input):
    """Another name for a customer group."""

    name = TextField(max_length=100)


class AddressOutput(serializers.Serializer[Any]):
    """An address, as orders show it."""

    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.CharField()
    phone = serializers.CharField(allow_blank=True)


class BookAddressOutput(AddressOutput):
    """An address of the book."""

    id = serializers.UUIDField()
    is_default = serializers.BooleanField()


class ProfileOutput(serializers.Serializer[Any]):
    """One's own profile."""

    first_name = serializers.CharField(allow_blank=True)
    last_name = serializers.CharField(allow_blank=True)
    display_name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    avatar = serializers.CharField(allow_null=True)
    visibility = serializers.ChoiceField(choices=_VISIBILITIES)


class PublicProfileOutput(serializers.Serializer[Any]):
    """What other customers see of a public profile."""

    user_id = serializers.UUIDField()
    display_name = serializers.CharField(allow_blank=True)
    avatar = serializers.CharField(allow_null=True)


class UserOutput(serializers.Serializer[Any]):
    """An account."""

    id = serializers.UUIDField()
    email = serializers.CharField()
    email_verified = serializers.BooleanField()
    is_staff = serializers.BooleanField()
    is_active = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.CharField())
    has_second_factor = serializers.BooleanField()
    customer_group = serializers.CharField(allow_null=True)
    profile = ProfileOutput()
    created_at = serializers.DateTimeField()


class UserPageOutput(serializers.Serializer[Any]):
    """A page of accounts."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = UserOutput(many=True)


class GroupOutput(serializers.Serializer[Any]):
    """A customer group."""

    code = serializers.CharField()
    name = serializers.CharField()


class GroupPageOutput(serializers.Serializer[Any]):
    """A page of customer groups."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = GroupOutput(many=True)


class BookPageOutput(serializers.Serializer[Any]):
    """A page of addresses."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = BookAddressOutput(many=True)


class TokensOutput(serializers.Serializer[Any]):
    """An access token (15 minutes) and the refresh token that gets the next pair, once (7 days)."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class SessionOutput(serializers.Serializer[Any]):
    """A sign-in that can still go on: since when, and which device it is of, by its own word."""

    id = serializers.UUIDField()
    began_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(help_text="When it began or was refreshed last.")
    client = serializers.CharField(
        allow_blank=True, max_length=CLIENT_LENGTH, help_text="The User-Agent of then, without control characters."
    )
    is_current = serializers.BooleanField(help_text="Whether it is the one that asks.")


class SessionPageOutput(serializers.Serializer[Any]):
    """A page of sign-ins."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = SessionOutput(many=True)


class EnrolmentOutput(serializers.Serializer[Any]):
    """What an authenticator app needs: the secret, and the same as a link (show it as a QR code)."""

    secret = serializers.CharField()
    uri = serializers.CharField()


class RecoveryCodesOutput(serializers.Serializer[Any]):
    """Codes for the day when the app is lost, each good once. They are shown this one time."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class RegisteredOutput(TokensOutput):
    """A fresh account, signed in."""

    user = UserOutput()


def address_document(address: AddressData) -> dict[str, str]:
    """Show an address."""
    return address.as_dict()


def book_address_document(address: Address) -> dict[str, Any]:
    """Show an address of the book."""
    return {"id": str(address.pk), **address_document(address.as_data()), "is_default": address.is_default}


def profile_document(profile: Profile) -> dict[str, Any]:
    """Show someone their own profile."""
    return {
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "display_name": profile.display_name,
        "phone": profile.phone,
        "avatar": _avatar_url(profile),
        "visibility": profile.visibility,
    }


def public_profile_document(profile: Profile) -> dict[str, Any]:
    """Show a profile to others."""
    return {
        "user_id": str(profile.user_id),
        "display_name": profile.display_name,
        "avatar": _avatar_url(profile),
    }


def user_document(user: User) -> dict[str, Any]:
    """Show an account to its owner or to staff. No query if its profile, group and roles were fetched with it."""
    return {
        "id": str(user.pk),
        "email": user.email,
        "email_verified": user.email_verified_at is not None,
        "is_staff": user.is_staff,
        "is_active": user.is_active,
        "roles": selectors.roles_of(user=user),
        "has_second_factor": user.second_factor_at is not None,
        "customer_group": user.customer_group.code if user.customer_group else None,
        "profile": profile_document(user.profile),
        "created_at": user.created_at,
    }


def group_document(group: CustomerGroup) -> dict[str, str]:
    """Show a customer group."""
    return {"code": group.code, "name": group.name}


def tokens_document(session: Session) -> dict[str, str]:
    """Hand out the tokens of a sign-in."""
    return {"access": session.access, "refresh": session.refresh}


def session_document(family: TokenFamily, *, current_id: UUID) -> dict[str, Any]:
    """Show someone a sign-in of theirs, as ``selectors.list_sessions`` read it.

    :param current_id: of the sign-in that asks
    """
    return {
        "id": str(family.pk),
        "began_at": family.created_at,
        "last_used_at": family.last_used_at,  # type: ignore[attr-defined]
        "client": family.client,
        "is_current": family.pk == current_id,
    }


def _avatar_url(profile: Profile) -> str | None:
    return profile.avatar.url if profile.avatar else None
