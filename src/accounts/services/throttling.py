"""So many attempts and no more, exactly, whoever races.

An attempt passes the turnstile of its subject: writing that row is the lock under which the earlier ones are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.domain import GUESSES_PER_ADDRESS, Limit
from accounts.errors import TooManyAttempts
from accounts.models import Attempt, Turnstile
from core.auditing import unnoted
from core.quotas import give_back, tell
from core.sweeping import sweep
from core.transactions import command, step

_LONGEST_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Counter:
    """Whose attempts at what are counted, and how many there may be."""

    subject: str
    limit: Limit


def counter(limit: Limit, *parts: str) -> Counter:
    """Return the counter of these words: a purpose, an address, an account. They are kept as a keyed digest."""
    digest = salted_hmac("accounts.throttle", "\0".join(parts), algorithm="sha256").hexdigest()
    return Counter(digest, limit)


@step
def pass_turnstiles(
    counters: Sequence[Counter], *, at: datetime, is_pending: bool = False, is_told: bool = False
) -> list[int]:
    """Count one more attempt on each counter and return their ids. Three statements, none with ``THROTTLES=off``.

    :param is_pending: it may yet turn out not to count; ``forgive`` or ``settle`` says so
    :param is_told: the asker may know how many are left
    :raises TooManyAttempts: a counter is full; nothing is counted then
    """
    if not settings.THROTTLES:
        return []
    gates = [Turnstile(subject=subject, passed_at=at) for subject in sorted({c.subject for c in counters})]
    Turnstile.objects.bulk_create(gates, update_conflicts=True, unique_fields=["subject"], update_fields=["passed_at"])
    seen = list(
        Attempt.objects.filter(subject__in=[c.subject for c in counters], at__gt=at - _LONGEST_WINDOW)
        .order_by("at", "pk")
        .only("subject", "at", "is_pending")
    )
    wait = max(_wait_seconds(counted, seen, at) for counted in counters)
    if is_told:
        for counted in counters:
            times = [row.at for row in seen if row.subject == counted.subject]
            tell(counted.limit.quota(times if wait else [*times, at], at=at))
    if wait:
        raise TooManyAttempts(retry_after=wait)
    rows = [Attempt(subject=c.subject, at=at, is_pending=is_pending) for c in counters]
    return [row.pk for row in Attempt.objects.bulk_create(rows)]


@command
@unnoted
def count_attempt(counters: Sequence[Counter], *, at: datetime, is_pending: bool = False) -> list[int]:
    """Count one more attempt by itself, so that a refusal of what follows does not undo it.

    :raises TooManyAttempts: a counter is full
    """
    return pass_turnstiles(counters, at=at, is_pending=is_pending, is_told=True)


def count_guess(*, of: str, address: str, at: datetime) -> None:
    """Count a try of a secret that someone may be guessing, right or wrong, from that network address.

    :param of: what kind of secret it is, such as ``gift_card``
    :raises TooManyAttempts: 20 within 15 minutes
    """
    count_attempt([counter(GUESSES_PER_ADDRESS, "guess", of, address)], at=at)


@command
@unnoted
def settle(attempt_ids: Sequence[int]) -> None:
    """The attempts failed: they count for the length of their window."""
    Attempt.objects.filter(pk__in=attempt_ids).update(is_pending=False)


@step
def forgive(attempt_ids: Sequence[int], *, counters: Sequence[Counter], at: datetime) -> None:
    """The attempt was right: it counts no more, nor do the earlier failures of the first counter's subject."""
    if attempt_ids:
        first, *others = counters
        Attempt.objects.filter(pk__in=attempt_ids).delete()
        Attempt.objects.filter(subject=first.subject, is_pending=False).delete()
        tell(first.limit.quota([], at=at))
        give_back([other.limit.name for other in others])


@command
@unnoted
def take_back(attempt_ids: Sequence[int], *, counters: Sequence[Counter]) -> None:
    """The attempt was neither right nor wrong: it alone counts no more."""
    if attempt_ids:
        Attempt.objects.filter(pk__in=attempt_ids).delete()
        give_back([each.limit.name for each in counters])


def forget_attempts(*, at: datetime) -> int:
    """Remove attempts that count no more and turnstiles that nobody passed since; return how many attempts."""
    before = at - 2 * _LONGEST_WINDOW
    count = sweep(Attempt.objects.filter(at__lt=before), by="at")
    sweep(Turnstile.objects.filter(passed_at__lt=before), by="passed_at")
    return count


def _wait_seconds(counted: Counter, seen: Sequence[Attempt], at: datetime) -> int:
    mine = [row for row in seen if row.subject == counted.subject]
    failed = counted.limit.wait_seconds([row.at for row in mine if not row.is_pending], at=at)
    # With those being checked right now it may be too many; that is known in a moment.
    return failed or min(1, counted.limit.wait_seconds([row.at for row in mine], at=at))
