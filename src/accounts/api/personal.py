"""What accounts hold of a person: the account and its profile, addresses, sign-ins and mailed links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers

from accounts import selectors
from accounts.api.serializers import BookAddressOutput, UserOutput, book_address_document, user_document
from accounts.domain import Purpose
from core.pagination import walk
from core.personal import PersonalPart

if TYPE_CHECKING:
    from accounts.models import OneTimeToken, TokenFamily, User


class HeldAccountOutput(UserOutput):
    """The account with its profile."""

    email_verified_at = serializers.DateTimeField(allow_null=True)
    last_login = serializers.DateTimeField(allow_null=True)
    second_factor_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField()
    permissions = serializers.ListField(child=serializers.CharField(), help_text="Beside those of the roles.")


class SignInOutput(serializers.Serializer[Any]):
    """A sign-in, until when it was good, by which device, and when it was used to go on."""

    began_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    client = serializers.CharField(allow_blank=True)
    continued_at = serializers.ListField(child=serializers.DateTimeField())


class LinkOutput(serializers.Serializer[Any]):
    """A link that was mailed."""

    purpose = serializers.ChoiceField(choices=[purpose.value for purpose in Purpose])
    sent_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)


class RecoveryCodeOutput(serializers.Serializer[Any]):
    """A recovery code, which itself is not kept."""

    made_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)


class PersonalAccountsOutput(serializers.Serializer[Any]):
    """The person's account and what belongs to it."""

    account = HeldAccountOutput()
    addresses = BookAddressOutput(many=True)
    sign_ins = SignInOutput(many=True)
    recovery_codes = RecoveryCodeOutput(many=True)
    links = LinkOutput(many=True)


def _read(user_id: UUID) -> Mapping[str, Any]:
    user = selectors.get_user(user_id=user_id)
    addresses = selectors.list_addresses(user=user).order_by("created_at", "pk")
    return {
        "account": _account(user),
        "addresses": (book_address_document(address) for address in addresses),
        "sign_ins": _sign_ins(user_id),
        "recovery_codes": (
            {"made_at": code.created_at, "used_at": code.used_at}
            for code in selectors.list_recovery_codes(user_id=user_id).order_by("pk")
        ),
        "links": _links(user_id),
    }


def _account(user: User) -> dict[str, Any]:
    more = ("email_verified_at", "last_login", "second_factor_at", "updated_at")
    return {
        **user_document(user),
        **{name: getattr(user, name) for name in more},
        "permissions": selectors.permissions_of(user=user),
    }


def _sign_ins(user_id: UUID) -> Iterator[dict[str, Any]]:
    for families in walk(selectors.list_sign_ins(user_id=user_id), order=("pk",)):
        yield from map(_sign_in, families)


def _sign_in(family: TokenFamily) -> dict[str, Any]:
    return {
        "began_at": family.created_at,
        "expires_at": family.expires_at,
        "ended_at": family.revoked_at,
        "client": family.client,
        "continued_at": sorted(token.spent_at for token in family.tokens.all() if token.spent_at is not None),
    }


def _links(user_id: UUID) -> Iterator[dict[str, Any]]:
    for links in walk(selectors.list_links(user_id=user_id), order=("pk",)):
        yield from map(_link, links)


def _link(link: OneTimeToken) -> dict[str, Any]:
    return {
        "purpose": link.purpose,
        "sent_at": link.created_at,
        "expires_at": link.expires_at,
        "used_at": link.used_at,
    }


PART = PersonalPart(name="accounts", output=PersonalAccountsOutput, read=_read)
