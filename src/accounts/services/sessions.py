"""Registering, signing in and out, and the tokens of each sign-in.

One sign-in is a family of refresh tokens, each good once. A spent one that comes again means that two hold it, and the
family ends with all its access tokens. Except: within five seconds of the spending, and while no later token of the
family was used, it is taken for the same client asking twice (two tabs, a retried request) and gets a token of its own.
A thief who is that fast is found out by the next use of the token that he did not see.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.domain import (
    REFRESH_GRACE,
    REGISTRATIONS_PER_ADDRESS,
    SIGN_IN_PER_ACCOUNT,
    SIGN_IN_PER_ADDRESS,
    Claims,
    client_name,
    email_key,
)
from accounts.errors import (
    EmailTaken,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorNeeded,
    SecondFactorRefused,
    SignInRefused,
    TokenRefused,
    TokenReused,
    TooManyAttempts,
)
from accounts.events import EmailVerificationRequested, SignedIn, UserRegistered
from accounts.models import Profile, RefreshToken, TokenFamily, User
from accounts.selectors.tokens import ALGORITHM, AUDIENCE, ISSUER, lacks_second_factor, read_token, token_key
from accounts.services.codes import code_counters, count_code, pass_second_factor
from accounts.services.secrets import digest_of
from accounts.services.strength import check_strength
from accounts.services.throttling import Counter, count_attempt, counter, forgive, settle, take_back
from accounts.services.watching import marks_of, tell, warn, watched
from core import outbox
from core.ids import new_id
from core.transactions import command, step


@dataclass(frozen=True, kw_only=True)
class Session:
    """Someone signed in, with the tokens that say so."""

    user: User
    access: str
    refresh: str


def count_registration(*, address: str, at: datetime) -> None:
    """Count a try to register from that network address.

    :raises TooManyAttempts: 100 within the hour
    """
    count_attempt([counter(REGISTRATIONS_PER_ADDRESS, "register", address)], at=at)


def register(*, email: str, password: str, cart_token: str | None = None, client: str = "", at: datetime) -> Session:
    """Make an account without any role, and sign in. A verification mail follows.

    Unlike sign-in and reset, this tells that an e-mail is taken, since it cannot hand out tokens of another's
    account; it takes the same time, and tries are counted (``count_registration``).

    :param cart_token: SHA-256 of the guest's cart token, in hex; that cart is merged in the same transaction
    :param client: what the device calls itself
    :raises PasswordTooWeak: the validators refuse the password
    :raises EmailTaken: there is an account of that e-mail
    """
    with watched("register") as told:
        check_strength(password=password, email=email)
        session = _store_account(
            email=email, hashed=make_password(password), cart_token=cart_token, client=client, at=at
        )
        told["user_id"] = session.user.pk
    return session


@command
def _store_account(*, email: str, hashed: str, cart_token: str | None, client: str, at: datetime) -> Session:
    user = make_account(email=email, hashed=hashed, at=at)
    outbox.publish_many([(UserRegistered(user_id=user.pk), at), (EmailVerificationRequested(user_id=user.pk), at)])
    if cart_token:
        outbox.publish(SignedIn(user_id=user.pk, cart_token=cart_token), at=at)
    return open_session(user=user, client=client, at=at)


@step
def make_account(*, email: str, hashed: str, at: datetime, **fields: bool) -> User:
    """Write an account with its profile.

    :param hashed: the password as ``make_password`` returns it
    :raises EmailTaken: there is an account of that e-mail
    """
    user = User(email=email, password=hashed, created_at=at, last_login=at, **fields)
    # The constraint knows no account whose index is still that of an older key.
    if User.objects.with_email(email).exists():
        raise EmailTaken
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise EmailTaken from error
    Profile.objects.create(user=user, created_at=at)
    return user


def sign_in(
    *,
    email: str,
    password: str,
    code: str = "",
    address: str,
    cart_token: str | None = None,
    client: str = "",
    at: datetime,
) -> Session:
    """Sign in, as long as neither the account (from this address) nor the address failed too often (HARD-CASES S15).

    The password is looked at between two transactions; that of an unknown account costs as much.

    :param code: of the authenticator app, or a recovery code, where the account has a second factor
    :param address: the network address that asks
    :param cart_token: SHA-256 of the guest's cart token, in hex; that cart is merged in the same transaction
    :param client: what the device calls itself
    :raises TooManyAttempts: 5 failures of the account from that address, or 20 of the address, within 15 minutes
    :raises SignInRefused: the e-mail or the password is wrong, or the account is not active
    :raises SecondFactorNeeded: there is no code, and the account wants one
    :raises SecondFactorRefused: the code is wrong or was used before; it counts as a failure
    :raises SecondFactorMissing: staff need a second factor, and the account has none
    """
    counters = password_counters(email=email, address=address)
    with watched("sign in", via="api", **marks_of(counters)) as told:
        user, attempt_ids = prove_password(email=email, password=password, counters=counters, at=at)
        told.update(facts_of(user))
        with judged(attempt_ids, counters):
            taken = count_code(user=user, code=code, at=at)
            return _begin_session(
                verified=user,
                code=code,
                cart_token=cart_token,
                client=client,
                tries=[(taken, code_counters(user)), (attempt_ids, counters)],
                at=at,
            )


def prove_password(*, email: str, password: str, counters: Sequence[Counter], at: datetime) -> tuple[User, list[int]]:
    """Return the account whose password this is, and the ids of the try, which is to be forgiven or settled.

    :raises TooManyAttempts: a counter is full
    :raises SignInRefused: the e-mail or the password is wrong, or the account is not active
    """
    attempt_ids = count_attempt(counters, at=at, is_pending=True)
    user = authenticate(username=email, password=password)
    if not isinstance(user, User) or user.deleted_at is not None:
        settle(attempt_ids)
        raise SignInRefused
    return user, attempt_ids


def facts_of(user: User) -> dict[str, Any]:
    """Return what the log is told of someone who knows the password: who, and what else is wanted of them."""
    return {"user_id": user.pk, "factors": 1 if user.second_factor_at is None else 2}


@contextmanager
def judged(attempt_ids: Sequence[int], counters: Sequence[Counter]) -> Iterator[None]:
    """Let a try at a password that was right count after all where the code is wrong, and not where none was given."""
    try:
        yield
    except (SecondFactorNeeded, SecondFactorMissing, SecondFactorExists):
        take_back(attempt_ids, counters=counters)
        raise
    except (SecondFactorRefused, TooManyAttempts):
        settle(attempt_ids)
        raise


def check_own_password(*, user: User, password: str, address: str, at: datetime) -> Sequence[int]:
    """Tell whether the person knows the password, counted as sign-ins are; ``forgive`` the returned attempts.

    :raises TooManyAttempts: as ``sign_in``
    :raises SignInRefused: it is another one
    """
    counters = password_counters(email=user.email, address=address)
    with watched("password asked again", user_id=user.pk, **marks_of(counters)):
        attempt_ids = count_attempt(counters, at=at, is_pending=True)
        if not user.check_password(password):
            settle(attempt_ids)
            raise SignInRefused
    return attempt_ids


def password_counters(*, email: str, address: str) -> list[Counter]:
    """Return the counters of tries at a password: of the account from that address, and of the address."""
    return [
        counter(SIGN_IN_PER_ACCOUNT, "sign in", address, email_key(email)),
        counter(SIGN_IN_PER_ADDRESS, "sign in", address),
    ]


@command
def _begin_session(
    *,
    verified: User,
    code: str,
    cart_token: str | None,
    client: str,
    tries: Sequence[tuple[Sequence[int], Sequence[Counter]]],
    at: datetime,
) -> Session:
    if cart_token:
        # Before the account's lock: carts are locked first, everywhere.
        outbox.publish(SignedIn(user_id=verified.pk, cart_token=cart_token), at=at)
    user = lock_account(user_id=verified.pk)
    if user.password != verified.password:
        raise SignInRefused
    pass_second_factor(user=user, code=code, at=at)
    user.last_login = at
    user.save(update_fields=["last_login"])
    for attempt_ids, counters in tries:
        forgive(attempt_ids, counters=counters, at=at)
    return open_session(user=user, client=client, at=at)


@step
def lock_account(*, user_id: UUID) -> User:
    """Return the active account, locked.

    :raises SignInRefused: it was deactivated or forgotten meanwhile
    """
    user: User | None = User.objects.filter(pk=user_id, is_active=True, deleted_at__isnull=True).locked().first()
    if user is None:
        raise SignInRefused
    return user


@step
def open_session(*, user: User, client: str = "", at: datetime) -> Session:
    """Begin a family of tokens. Two statements.

    :param client: what the device calls itself
    """
    family = TokenFamily.objects.create(
        user=user, created_at=at, expires_at=at + settings.REFRESH_TOKEN_TTL, client=client_name(client)
    )
    return _issue(user=user, family=family, at=at)


def refresh_session(*, refresh: str, client: str = "", at: datetime) -> Session:
    """Spend a refresh token and return the next pair, unless the sign-in is as old as ``settings.SIGN_IN_TTL``.

    About seven statements; locks the family.

    :param client: what the device calls itself now
    :raises TokenReused: it was spent before (see the module); the family has ended
    :raises TokenRefused: forged, expired or ended
    """
    claims = read_token(token=refresh, kind="refresh", at=at)
    try:
        return _rotate(refresh=refresh, claims=claims, client=client, at=at)
    except TokenReused:
        warn("token reused", user_id=claims.user_id, family_id=claims.family_id)
        _end_family(family_id=claims.family_id, at=at)
        raise


@command
def _rotate(*, refresh: str, claims: Claims, client: str, at: datetime) -> Session:
    began_after = at - settings.SIGN_IN_TTL
    family: TokenFamily | None = (
        TokenFamily.objects.filter(
            pk=claims.family_id, user_id=claims.user_id, revoked_at__isnull=True, created_at__gt=began_after
        )
        .locked()
        .first()
    )
    user: User | None = User.objects.filter(
        pk=claims.user_id, is_active=True, deleted_at__isnull=True, token_version=claims.token_version
    ).first()
    token: RefreshToken | None = RefreshToken.objects.filter(
        family_id=claims.family_id, digest=digest_of(refresh)
    ).first()
    if family is None or user is None or token is None or lacks_second_factor(user):
        raise TokenRefused
    if token.spent_at is None:
        token.spent_at = at
        token.save(update_fields=["spent_at"])
    elif not _is_same_client(token, at=at):
        raise TokenReused
    family.expires_at = at + settings.REFRESH_TOKEN_TTL
    family.client = client_name(client)
    family.save(update_fields=["expires_at", "client"])
    return _issue(user=user, family=family, at=at)


def _is_same_client(token: RefreshToken, *, at: datetime) -> bool:
    assert token.spent_at is not None
    later = RefreshToken.objects.filter(family_id=token.family_id, created_at__gte=token.spent_at)
    is_soon = at - token.spent_at <= REFRESH_GRACE
    return is_soon and not later.exclude(pk=token.pk).filter(spent_at__isnull=False).exists()


def sign_out(*, refresh: str, at: datetime) -> None:
    """End the sign-in that the refresh token belongs to, with its access tokens. Again is no error.

    :raises TokenRefused: forged or expired
    """
    claims = read_token(token=refresh, kind="refresh", at=at)
    _end_family(family_id=claims.family_id, at=at)
    tell("sign out", user_id=claims.user_id, family_id=claims.family_id)


@command
def _end_family(*, family_id: UUID, at: datetime) -> None:
    TokenFamily.objects.filter(pk=family_id, revoked_at__isnull=True).update(revoked_at=at)


@command
def sign_out_everywhere(*, user_id: UUID, at: datetime) -> None:
    """End all sign-ins of an account at once."""
    end_sessions(user=lock_account(user_id=user_id), at=at)


@step
def end_sessions(*, user: User, at: datetime) -> None:
    """End all sign-ins of a locked account, those of the back office too. Two statements."""
    tell("all sign-ins ended", user_id=user.pk)
    user.token_version += 1
    user.save(update_fields=["token_version"])
    TokenFamily.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=at)


def _issue(*, user: User, family: TokenFamily, at: datetime) -> Session:
    access = _token(user, family, kind="access", at=at, until=at + settings.ACCESS_TOKEN_TTL)
    until = at + settings.REFRESH_TOKEN_TTL
    refresh = _token(user, family, kind="refresh", at=at, until=until)
    RefreshToken.objects.create(id=new_id(), family=family, digest=digest_of(refresh), created_at=at, expires_at=until)
    return Session(user=user, access=access, refresh=refresh)


def _token(user: User, family: TokenFamily, *, kind: str, at: datetime, until: datetime) -> str:
    return jwt.encode(
        {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": kind,
            "sub": str(user.pk),
            "ver": user.token_version,
            "fam": str(family.pk),
            "jti": secrets.token_urlsafe(16),
            "iat": int(at.timestamp()),
            "exp": int(until.timestamp()),
        },
        token_key(settings.SECRET_KEY),
        algorithm=ALGORITHM,
    )
