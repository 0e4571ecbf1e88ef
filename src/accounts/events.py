"""Facts about people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class _UserEvent(Event):
    aggregate_field: ClassVar[str | None] = "user_id"

    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class UserRegistered(_UserEvent):
    """Someone made an account."""

    name: ClassVar[str] = "accounts.user_registered"


@dataclass(frozen=True, kw_only=True)
class EmailVerificationRequested(_UserEvent):
    """A verification link is wanted. The handler makes the token, so that none stands in the outbox."""

    name: ClassVar[str] = "accounts.email_verification_requested"


@dataclass(frozen=True, kw_only=True)
class PasswordResetRequested(_UserEvent):
    """A reset link is wanted. The handler makes the token, so that none stands in the outbox."""

    name: ClassVar[str] = "accounts.password_reset_requested"


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(_UserEvent):
    """The password is another one now."""

    name: ClassVar[str] = "accounts.password_changed"


@dataclass(frozen=True, kw_only=True)
class UserDeleted(_UserEvent):
    """The person asked to be forgotten; the account is scrubbed."""

    name: ClassVar[str] = "accounts.user_deleted"


@dataclass(frozen=True, kw_only=True)
class SignedIn(_UserEvent):
    """Someone registered or signed in who carried a guest's cart; told inline, so that cart and sign-in are one."""

    name: ClassVar[str] = "accounts.signed_in"

    cart_token: str
    """SHA-256 of the guest's token, in hex."""
