"""Codes of an authenticator app (RFC 6238), and the recovery codes that stand in for it."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp
from django.utils.crypto import constant_time_compare

from accounts.domain import CODE_DRIFT, CODE_SECONDS, CODES_PER_ACCOUNT, RECOVERY_CODES
from accounts.errors import SecondFactorMissing, SecondFactorNeeded, SecondFactorRefused
from accounts.models import Authenticator, RecoveryCode, User
from accounts.selectors.tokens import lacks_second_factor
from accounts.services.secrets import digest_of
from accounts.services.throttling import Counter, count_attempt, counter
from core.transactions import step

# Letters that nobody takes for others; 28 of them are 140 bits.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_PARTS, _PART = 7, 4


def code_counters(user: User) -> list[Counter]:
    """Return the counter of tries at an account's codes, from wherever."""
    return [counter(CODES_PER_ACCOUNT, "second factor", str(user.pk))]


def count_code(*, user: User, code: str, at: datetime) -> list[int]:
    """Count a try at an account's codes, if it has a second factor and one is tried; ``forgive`` the returned ones.

    :raises TooManyAttempts: 10 within 15 minutes
    """
    return count_attempt(code_counters(user), at=at) if code and user.second_factor_at is not None else []


@step
def pass_second_factor(*, user: User, code: str, at: datetime) -> None:
    """Let a locked account pass that has no second factor, or whose code this is. At most three statements.

    :raises SecondFactorMissing: staff need one, and the account has none
    :raises SecondFactorNeeded: there is no code
    :raises SecondFactorRefused: it is wrong, or was used before
    """
    if lacks_second_factor(user):
        raise SecondFactorMissing
    if user.second_factor_at is None:
        return
    if not code:
        raise SecondFactorNeeded
    if not (take_code(user=user, code=code, at=at) or _take_recovery_code(user=user, code=code, at=at)):
        raise SecondFactorRefused


@step
def take_code(*, user: User, code: str, at: datetime) -> bool:
    """Use up a code of the app, and every older one. Of two who come with it at once, one wins: locks its row."""
    app: Authenticator | None = Authenticator.objects.filter(user=user).locked().first()
    given = code.replace(" ", "")
    if app is None or not (len(given) == 6 and given.isascii() and given.isdigit()):
        return False
    totp, now = pyotp.TOTP(app.secret, interval=CODE_SECONDS), int(at.timestamp()) // CODE_SECONDS
    for half_minute in range(max(now - CODE_DRIFT, app.last_step + 1), now + CODE_DRIFT + 1):
        if constant_time_compare(totp.generate_otp(half_minute), given):
            app.last_step = half_minute
            app.save(update_fields=["last_step"])
            return True
    return False


@step
def write_recovery_codes(*, user: User, at: datetime) -> list[str]:
    """Make fresh recovery codes in place of the old ones, and return them: only their digests are kept."""
    codes = ["-".join(_word() for _ in range(_PARTS)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user=user, digest=digest_of(_plain(code)), created_at=at) for code in codes]
    )
    return codes


def _take_recovery_code(*, user: User, code: str, at: datetime) -> bool:
    unused = RecoveryCode.objects.filter(user=user, digest=digest_of(_plain(code)), used_at__isnull=True)
    return bool(unused.update(used_at=at))


def _word() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_PART))


def _plain(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()
