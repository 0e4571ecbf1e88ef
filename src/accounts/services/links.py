"""Links in mails: a token that is good once, for half an hour, for one account in its present state."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.domain import MAILS_PER_ACCOUNT, RESETS_PER_ADDRESS, Purpose, email_key
from accounts.errors import LinkRefused, TooManyAttempts, UserNotFound
from accounts.events import EmailVerificationRequested, PasswordChanged, PasswordResetRequested
from accounts.models import OneTimeToken, User
from accounts.services.secrets import digest_of
from accounts.services.sessions import end_sessions
from accounts.services.strength import check_strength
from accounts.services.throttling import count_attempt, counter, pass_turnstiles
from accounts.services.watching import tell, watched
from core import outbox
from core.transactions import command, step


@step
def make_one_time_token(*, user_id: UUID | str, purpose: Purpose, now: datetime) -> str:
    """Return a fresh token for a mail. Only its digest is kept. Two statements.

    :raises UserNotFound: there is no such active account
    """
    user: User | None = User.objects.filter(pk=user_id, is_active=True, deleted_at__isnull=True).first()
    if user is None:
        raise UserNotFound
    token = secrets.token_urlsafe(32)
    OneTimeToken.objects.create(
        user=user,
        purpose=purpose.value,
        digest=digest_of(token),
        bound_to=_state_of(user, purpose),
        created_at=now,
        expires_at=now + settings.ONE_TIME_TOKEN_TTL,
    )
    return token


def count_reset_request(*, address: str, at: datetime) -> None:
    """Count a request for a reset mail from that network address.

    :raises TooManyAttempts: 30 within the hour
    """
    count_attempt([counter(RESETS_PER_ADDRESS, "reset", address)], at=at)


def request_password_reset(*, email: str, at: datetime) -> None:
    """Have a reset link mailed, if the account is there and was not sent five within the hour.

    Nothing tells the caller which; the work is the same but for the event, and small beside the password hash that is
    computed to drown the difference (HARD-CASES S14).
    """
    make_password(email)
    _promise_reset(email=email, at=at)


@command
def _promise_reset(*, email: str, at: datetime) -> None:
    try:
        pass_turnstiles([counter(MAILS_PER_ACCOUNT, "reset mail", email_key(email))], at=at)
    except TooManyAttempts:
        return
    user = User.objects.with_email(email).filter(is_active=True, deleted_at__isnull=True).first()
    if user is not None:
        outbox.publish(PasswordResetRequested(user_id=user.pk), at=at)
        tell("password reset asked for", user_id=user.pk)


@command
def confirm_password_reset(*, token: str, password: str, at: datetime) -> None:
    """Set a new password by a mailed token; all sign-ins end. Locks the account.

    :raises LinkRefused: unknown, used or expired, or the account changed since
    :raises PasswordTooWeak: the validators refuse the password; the token stays good
    """
    with watched("password changed", via="link") as told:
        user = _spend(token=token, purpose=Purpose.RESET_PASSWORD, at=at)
        told["user_id"] = user.pk
        check_strength(password=password, email=user.email)
        user.set_password(password)
        user.save(update_fields=["password"])
        end_sessions(user=user, at=at)
        outbox.publish(PasswordChanged(user_id=user.pk), at=at)


@command
def verify_email(*, token: str, at: datetime) -> None:
    """Record that the e-mail reaches the account's owner. It proves nothing else: no order or cart follows from it.

    :raises LinkRefused: unknown, used or expired, or the account changed since
    """
    user = _spend(token=token, purpose=Purpose.VERIFY_EMAIL, at=at)
    user.email_verified_at = at
    user.save(update_fields=["email_verified_at"])


@command
def request_email_verification(*, user_id: UUID, at: datetime) -> None:
    """Have the verification link mailed again, unless the e-mail is verified.

    :raises TooManyAttempts: five within the hour
    """
    pass_turnstiles([counter(MAILS_PER_ACCOUNT, "verification mail", str(user_id))], at=at, is_told=True)
    if User.objects.filter(pk=user_id, email_verified_at__isnull=True).exists():
        outbox.publish(EmailVerificationRequested(user_id=user_id), at=at)


@step
def _spend(*, token: str, purpose: Purpose, at: datetime) -> User:
    """Use up a token and return its account, locked: of two who come at once, one wins."""
    named = OneTimeToken.objects.filter(digest=digest_of(token), purpose=purpose.value)
    owner_ids = list(named.values_list("user_id", flat=True))
    user: User | None = User.objects.filter(pk__in=owner_ids, is_active=True, deleted_at__isnull=True).locked().first()
    # Read again, under the account's lock.
    found: OneTimeToken | None = named.filter(used_at__isnull=True, expires_at__gt=at).first()
    if user is None or found is None or not constant_time_compare(found.bound_to, _state_of(user, purpose)):
        raise LinkRefused
    found.used_at = at
    found.save(update_fields=["used_at"])
    return user


def _state_of(user: User, purpose: Purpose) -> str:
    """What a token is bound to: a new password or e-mail makes it void, and that which verifies, a verification."""
    state = [purpose.value, str(user.pk), user.password, email_key(user.email)]
    if purpose is Purpose.VERIFY_EMAIL:
        state.append(str(user.email_verified_at))
    return salted_hmac("accounts.links", "\0".join(state), algorithm="sha256").hexdigest()
