"""What someone does to their own account: password, sign-ins, profile, avatar, leaving."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.db.models import QuerySet

from accounts.domain import Visibility
from accounts.errors import SessionNotFound, SignInRefused, WrongPassword
from accounts.events import PasswordChanged, UserDeleted
from accounts.models import Address, Authenticator, OneTimeToken, Profile, RecoveryCode, TokenFamily, User
from accounts.services.roles import lock_anothers
from accounts.services.sessions import (
    Session,
    check_own_password,
    end_sessions,
    lock_account,
    open_session,
    password_counters,
)
from accounts.services.strength import check_strength
from accounts.services.throttling import forgive
from accounts.services.watching import tell
from core import outbox
from core.media import forget_files, keep_files
from core.transactions import command, step


def change_password(*, user: User, current: str, new: str, address: str, client: str = "", at: datetime) -> Session:
    """Set another password; all sign-ins end, and the returned one begins.

    :param address: the network address that asks: tries at the current password are counted as sign-ins are
    :param client: what the device calls itself
    :raises WrongPassword: ``current`` is another one
    :raises PasswordTooWeak: the validators refuse ``new``
    :raises TooManyAttempts: wrong too often
    """
    attempt_ids = _check(user=user, password=current, address=address, at=at)
    check_strength(password=new, email=user.email)
    return _set_password(
        verified=user, hashed=make_password(new), attempt_ids=attempt_ids, address=address, client=client, at=at
    )


@command
def _set_password(
    *, verified: User, hashed: str, attempt_ids: Sequence[int], address: str, client: str, at: datetime
) -> Session:
    user = _lock_verified(verified)
    user.password = hashed
    user.save(update_fields=["password"])
    end_sessions(user=user, at=at)
    forgive(attempt_ids, counters=password_counters(email=user.email, address=address), at=at)
    outbox.publish(PasswordChanged(user_id=user.pk), at=at)
    tell("password changed", user_id=user.pk, via="account")
    return open_session(user=user, client=client, at=at)


def end_session(*, user: User, session_id: UUID, password: str, address: str, at: datetime) -> None:
    """End one of the person's sign-ins, wherever it began, with its access tokens (ASVS 5.0, 7.5.2).

    A refresh that comes at the same moment is refused, or what it got ends with the rest.

    :param address: the network address that asks: tries at the password are counted as sign-ins are
    :raises SessionNotFound: there is none of that id, it is another's, or it has ended; the password is not looked at
    :raises WrongPassword: it is another one
    :raises TooManyAttempts: wrong too often
    """
    if not _open_session_of(user, session_id).exists():
        raise SessionNotFound
    attempt_ids = _check(user=user, password=password, address=address, at=at)
    _end_session(user=user, session_id=session_id, attempt_ids=attempt_ids, address=address, at=at)


@command
def _end_session(*, user: User, session_id: UUID, attempt_ids: Sequence[int], address: str, at: datetime) -> None:
    # Where another request was faster it has ended, too, which is what was asked for.
    _open_session_of(user, session_id).update(revoked_at=at)
    forgive(attempt_ids, counters=password_counters(email=user.email, address=address), at=at)
    tell("sign out", user_id=user.pk, family_id=session_id, via="account")


def _open_session_of(user: User, session_id: UUID) -> QuerySet[TokenFamily]:
    found: QuerySet[TokenFamily] = TokenFamily.objects.filter(pk=session_id, user=user, revoked_at__isnull=True)
    return found


def delete_account(*, user: User, password: str, address: str, at: datetime) -> None:
    """Forget a person for good. The row stays for what refers to it; orders scrub theirs when they hear of it.

    :param address: the network address that asks: tries at the password are counted as sign-ins are
    :raises WrongPassword: it is another one
    :raises TooManyAttempts: wrong too often
    """
    attempt_ids = _check(user=user, password=password, address=address, at=at)
    _forget(verified=user, attempt_ids=attempt_ids, address=address, at=at)


@command
def _forget(*, verified: User, attempt_ids: Sequence[int], address: str, at: datetime) -> None:
    user = _lock_verified(verified)
    forgive(attempt_ids, counters=password_counters(email=user.email, address=address), at=at)
    _erase(user, at=at)


@command
def erase_account(*, user_id: UUID, actor: User, at: datetime) -> None:
    """Forget a person who asked the staff for it, as if they had done it themselves. For good.

    :raises UserNotFound: there is no such account
    :raises AboveYourRole: the account holds more than ``actor``
    :raises OwnAccess: it is the account of ``actor``
    """
    user = lock_anothers(user_id, actor=actor)
    _erase(user, at=at)


@command
def erase_again(*, user_id: UUID, at: datetime) -> bool:
    """Forget a person who was forgotten before, in a database of before that; tell whether they were there.

    :param at: when it was
    """
    user: User | None = User.objects.filter(pk=user_id, deleted_at__isnull=True).locked().first()
    if user is None:
        return False
    _erase(user, at=at)
    return True


@step
def _erase(user: User, *, at: datetime) -> None:
    # The top-level domain of RFC 2606, section 2: it never reaches anyone.
    user.email = f"{user.pk}@deleted.invalid"
    user.set_unusable_password()
    user.is_active = user.is_staff = user.is_superuser = False
    user.email_verified_at = user.last_login = user.second_factor_at = None
    user.token_version += 1
    user.deleted_at = at
    user.save()
    user.groups.clear()
    user.user_permissions.clear()
    _scrub_profile(user)
    for kept in (Address, Authenticator, RecoveryCode, TokenFamily, OneTimeToken):
        kept.objects.filter(user=user).delete()
    # The history of the back office calls each row by its name: an account by its e-mail.
    LogEntry.objects.filter(content_type__app_label="accounts", object_id=str(user.pk)).update(object_repr="")
    outbox.publish(UserDeleted(user_id=user.pk), at=at)
    tell("account erased", user_id=user.pk)


def _scrub_profile(user: User) -> None:
    profile: Profile = Profile.objects.filter(user=user).locked().get()
    forget_files([profile.avatar.name])
    profile.first_name = profile.last_name = profile.display_name = profile.phone = ""
    profile.avatar = ""
    profile.visibility = Visibility.PRIVATE.value
    profile.save()


@command
def update_profile(*, user: User, changes: dict[str, Any]) -> Profile:
    """Change some of ``first_name, last_name, display_name, phone`` (E.164 or empty) and ``visibility``.

    Four statements; locks the account, so that nobody who is forgotten meanwhile gets a name again, then the profile.
    """
    profile = _lock_profile(user)
    for name, value in changes.items():
        setattr(profile, name, value)
    profile.save(update_fields=[*changes, "updated_at"])
    return profile


@command
def set_avatar(*, user: User, stored_name: str) -> Profile:
    """Take a file of the media storage as the avatar, or none for the empty name; the former file goes.

    Locks the account, then the profile.

    :param stored_name: of a picture that ``core.media`` stored
    """
    profile = _lock_profile(user)
    forget_files([profile.avatar.name])
    keep_files([stored_name])
    profile.avatar = stored_name
    profile.save(update_fields=["avatar", "updated_at"])
    return profile


def _lock_profile(user: User) -> Profile:
    lock_account(user_id=user.pk)
    profile: Profile = Profile.objects.filter(user=user).locked().get()
    return profile


def _check(*, user: User, password: str, address: str, at: datetime) -> Sequence[int]:
    try:
        return check_own_password(user=user, password=password, address=address, at=at)
    except SignInRefused as error:
        raise WrongPassword from error


def _lock_verified(verified: User) -> User:
    user = lock_account(user_id=verified.pk)
    if user.password != verified.password:
        raise WrongPassword
    return user
