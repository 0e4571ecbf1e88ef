from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q

from accounts.domain import AddressData, Purpose, Visibility, email_key
from core.fields import BlindIndexField, EncryptedTextField, LateSealedTextField
from core.models import Entity, LockingQuerySet


class UserQuerySet(LockingQuerySet["User"]):
    """Users by what they sign in with."""

    def with_email(self, email: str) -> UserQuerySet:
        return self.filter(email_key__of=email)

    def with_emails(self, emails: Iterable[str]) -> UserQuerySet:
        return self.filter(email_key__of=emails)

    def get_by_natural_key(self, email: str) -> User:
        return self.with_email(email).get()


class CustomerGroup(Entity):
    """Customers with prices and promotions of their own, such as wholesale."""

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="customer_group_named")]

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser, PermissionsMixin, Entity):
    """Someone who can sign in. The e-mail is the name, compared in case-folded NFKC form."""

    email = LateSealedTextField()
    email_key = BlindIndexField(of="email", fold=email_key, max_length=300, unique=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Tokens carry it; raising it ends them all.
    token_version = models.PositiveIntegerField(default=0)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # Since when nobody gets in without a code, too.
    second_factor_at = models.DateTimeField(null=True, blank=True)
    customer_group = models.ForeignKey(
        CustomerGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="customers"
    )

    USERNAME_FIELD = "email_key"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[Any] = UserQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at"], name="user_newest"),
            models.Index(fields=["deleted_at"], name="user_erased", condition=Q(deleted_at__isnull=False)),
        ]
        permissions = [
            ("receive_registration_alerts", "Is told of new registrations"),
            ("export_person", "Hands out all that the shop holds of a person"),
        ]

    def __str__(self) -> str:
        return str(self.email)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Let sessions of the back office end with all other sign-ins, and when a second factor is set up."""
        base: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        since = "" if self.second_factor_at is None else int(self.second_factor_at.timestamp())
        return f"{base}.{self.token_version}.{since}"


class Profile(Entity):
    """What a person tells about themselves. Made with the account."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    display_name = models.CharField(max_length=100, blank=True)
    phone = EncryptedTextField(blank=True)
    avatar = models.ImageField(upload_to="avatars/", blank=True)
    visibility = models.CharField(
        max_length=10, choices=[(v.value, v.value) for v in Visibility], default=Visibility.PRIVATE.value
    )

    def __str__(self) -> str:
        return self.display_name or f"profile {self.pk}"


class Address(Entity):
    """An address in someone's book; lines and phone are sealed at rest."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    name = EncryptedTextField()
    line1 = EncryptedTextField()
    line2 = EncryptedTextField(blank=True)
    city = EncryptedTextField()
    region = models.CharField(max_length=100, blank=True)
    postal_code = EncryptedTextField(blank=True)
    country = models.CharField(max_length=2)
    phone = EncryptedTextField(blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(is_default=True), name="address_one_default"),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="address_country_iso"),
        ]

    def __str__(self) -> str:
        return f"address {self.pk}"

    def as_data(self) -> AddressData:
        """Return the address without its place in the book: what orders keep."""
        return AddressData(**{field.name: getattr(self, field.name) for field in fields(AddressData)})


class Authenticator(Entity):
    """The app that makes someone's codes (RFC 6238). It counts once ``User.second_factor_at`` is set."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    secret = EncryptedTextField()
    # The half minute of the newest code that was taken: no code is good twice.
    last_step = models.BigIntegerField(default=0)


class RecoveryCode(Entity):
    """What stands in for a lost app, once. Kept as a digest."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True, blank=True)


class TokenFamily(Entity):
    """One sign-in: the chain of refresh tokens that followed from it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    # What the device called itself at its last use.
    client = EncryptedTextField(blank=True, default="", db_default="")


class RefreshToken(Entity):
    """One refresh token, by its digest. Spent at its first use."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True, blank=True)


class OneTimeToken(Entity):
    """A link in a mail: good once, for one account in its present state."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="one_time_tokens")
    purpose = models.CharField(max_length=20, choices=[(p.value, p.value) for p in Purpose])
    digest = models.CharField(max_length=64, unique=True)
    # What the account looked like (password, e-mail) when the token was made.
    bound_to = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)


class Attempt(models.Model):
    """Something that may be done only so often: a try at a password, a registration. Subjects are keyed digests.

    A try at a password is pending while it is checked; it counts until it turns out to be right.
    """

    subject = models.CharField(max_length=64)
    at = models.DateTimeField()
    is_pending = models.BooleanField(default=False)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["subject", "at"], name="attempt_subject"),
            models.Index(fields=["at"], name="attempt_at"),
        ]


class Turnstile(models.Model):
    """What attempts of one subject pass one at a time: writing its row is the lock."""

    subject = models.CharField(max_length=64, primary_key=True)
    passed_at = models.DateTimeField(db_index=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()
