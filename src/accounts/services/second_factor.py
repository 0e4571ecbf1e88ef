"""Setting up an authenticator app, and doing without it again.

Whoever sets one up proves the password: who must have one has no token before. The app counts from its first code on;
until then nothing has changed, and beginning again replaces it. A lost app is removed by a recovery code; without any,
by another one of the staff who holds as much, or by ``manage.py reset_second_factor``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
from django.conf import settings

from accounts.errors import SecondFactorExists, SecondFactorRefused
from accounts.models import Authenticator, RecoveryCode, User
from accounts.services.codes import code_counters, count_code, pass_second_factor, take_code, write_recovery_codes
from accounts.services.roles import lock_anothers, lock_user
from accounts.services.sessions import end_sessions, facts_of, judged, lock_account, password_counters, prove_password
from accounts.services.throttling import Counter, forgive
from accounts.services.watching import marks_of, tell, watched
from core.transactions import command, step

Tries = Sequence[tuple[Sequence[int], Sequence[Counter]]]


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an authenticator app is told: the secret, and the same as a link."""

    secret: str
    uri: str


def begin_second_factor(*, email: str, password: str, address: str, at: datetime) -> Enrolment:
    """Make the secret of an app that is to be set up. Tries at the password are counted as sign-ins are.

    :raises SecondFactorExists: there is one already
    :raises SignInRefused: the e-mail or the password is wrong
    :raises TooManyAttempts: wrong too often
    """
    user, tries = _known(email=email, password=password, address=address, at=at)
    _forgive(tries, at=at)
    return start_enrolment(user_id=user.pk, at=at)


@command
def start_enrolment(*, user_id: UUID, at: datetime) -> Enrolment:
    """The same for someone whose password was proven.

    :raises SecondFactorExists: there is one already
    """
    user = lock_account(user_id=user_id)
    _check_none(user)
    Authenticator.objects.filter(user=user).delete()
    return _told(Authenticator.objects.create(user=user, secret=pyotp.random_base32(), created_at=at))


def find_enrolment(*, user_id: UUID) -> Enrolment | None:
    """Return what the app is told that someone is about to set up. One query."""
    rows = Authenticator.objects.filter(user_id=user_id, user__second_factor_at__isnull=True)
    app = rows.select_related("user").first()
    return None if app is None else _told(app)


def confirm_second_factor(*, email: str, password: str, code: str, address: str, at: datetime) -> list[str]:
    """Let the app count, by its first code, and return the recovery codes. All sign-ins end.

    :raises SecondFactorRefused: the code is not the app's
    :raises SecondFactorExists: there is one already
    :raises SignInRefused: the e-mail or the password is wrong
    :raises TooManyAttempts: wrong too often
    """
    user, tries = _known(email=email, password=password, address=address, at=at)
    with judged(*tries[0]):
        codes = finish_enrolment(user_id=user.pk, code=code, at=at)
    _forgive(tries, at=at)
    return codes


@command
def finish_enrolment(*, user_id: UUID, code: str, at: datetime) -> list[str]:
    """The same for someone whose password was proven. Locks the account, then the app.

    :raises SecondFactorRefused: the code is not the app's
    :raises SecondFactorExists: there is one already
    """
    user = lock_account(user_id=user_id)
    _check_none(user)
    with watched("second factor set up", user_id=user.pk):
        if not take_code(user=user, code=code, at=at):
            raise SecondFactorRefused
    user.second_factor_at = at
    user.save(update_fields=["second_factor_at"])
    end_sessions(user=user, at=at)
    return write_recovery_codes(user=user, at=at)


def remove_second_factor(*, email: str, password: str, code: str, address: str, at: datetime) -> None:
    """Do without one's app again, by its code or a recovery code. All sign-ins end.

    :raises SecondFactorRefused: the code is wrong or was used before
    :raises SignInRefused: the e-mail or the password is wrong
    :raises TooManyAttempts: wrong too often
    """
    user, tries = _known(email=email, password=password, address=address, at=at)
    with judged(*tries[0]):
        taken = count_code(user=user, code=code, at=at)
        _remove(user_id=user.pk, code=code, tries=[(taken, code_counters(user)), *tries], at=at)


@command
def _remove(*, user_id: UUID, code: str, tries: Tries, at: datetime) -> None:
    user = lock_account(user_id=user_id)
    with watched("second factor removed", user_id=user.pk):
        if user.second_factor_at is not None:
            pass_second_factor(user=user, code=code, at=at)
        _forget(user, at=at)
    _forgive_all(tries, at=at)


@command
def reset_second_factor(*, user_id: UUID, actor: User, at: datetime) -> None:
    """Let someone else in without their app, who lost it and the recovery codes. Their sign-ins end.

    :raises UserNotFound: there is no such account
    :raises AboveYourRole: the account holds more than ``actor``
    :raises OwnAccess: it is the account of ``actor``
    """
    user = lock_anothers(user_id, actor=actor)
    _forget(user, at=at)
    tell("second factor removed", user_id=user.pk, by=actor.pk)


@command
def forget_second_factor(*, user_id: UUID, at: datetime) -> None:
    """The same at the machine itself, for the last administrator."""
    _forget(lock_user(user_id), at=at)
    tell("second factor removed", user_id=user_id, via="command")


@step
def _forget(user: User, *, at: datetime) -> None:
    user.second_factor_at = None
    user.save(update_fields=["second_factor_at"])
    Authenticator.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    end_sessions(user=user, at=at)


def _check_none(user: User) -> None:
    if user.second_factor_at is not None:
        raise SecondFactorExists


def _told(app: Authenticator) -> Enrolment:
    totp = pyotp.TOTP(app.secret)
    uri = totp.provisioning_uri(name=app.user.email, issuer_name=settings.SECOND_FACTOR_ISSUER)
    return Enrolment(secret=app.secret, uri=uri)


def _known(*, email: str, password: str, address: str, at: datetime) -> tuple[User, Tries]:
    counters = password_counters(email=email, address=address)
    with watched("password asked again", **marks_of(counters)) as told:
        user, attempt_ids = prove_password(email=email, password=password, counters=counters, at=at)
        told.update(facts_of(user))
    return user, [(attempt_ids, counters)]


@command
def _forgive(tries: Tries, *, at: datetime) -> None:
    _forgive_all(tries, at=at)


@step
def _forgive_all(tries: Tries, *, at: datetime) -> None:
    for attempt_ids, counters in tries:
        forgive(attempt_ids, counters=counters, at=at)
