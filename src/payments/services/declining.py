"""Against the testing of stolen cards (HARD-CASES, S35): who was declined too often waits, and then waits long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac

from core.quotas import Quota, tell, use_up
from core.sweeping import sweep
from core.transactions import step
from payments.domain import DECLINE_LIMITS, decline_wait_seconds
from payments.errors import TooManyDeclines
from payments.models import Decline

_LONGEST = max(limit.within for limit in DECLINE_LIMITS)


def digest_of(*words: str) -> str:
    """Return who or what is counted, as a keyed digest: no address stands in the table."""
    return salted_hmac("payments.declines", "\0".join(words), algorithm="sha256").hexdigest()


@step
def check_tries(*, subjects: Sequence[tuple[str, str]], at: datetime) -> list[str]:
    """Return the digests of who tries, unless one of them was declined too often. One statement.

    :param subjects: kind and value: an order, an account, a network address
    :raises TooManyDeclines: more than five declines; the wait grows with them
    """
    digests = [digest_of(kind, value) for kind, value in subjects if value]
    if not settings.THROTTLES:
        return digests
    rows = Decline.objects.filter(subject__in=digests, at__gt=at - _LONGEST).values_list("subject", "at")
    times: dict[str, list[datetime]] = {}
    for subject, declined_at in rows:
        times.setdefault(subject, []).append(declined_at)
    for limit in DECLINE_LIMITS:
        # Who comes in several ways is told of the narrowest.
        tell(min((limit.quota(found, at=at) for found in times.values()), key=_left, default=limit.quota((), at=at)))
    wait = max((decline_wait_seconds(found, at=at) for found in times.values()), default=0)
    if wait:
        raise TooManyDeclines(retry_after=wait)
    return digests


@step
def note_decline(*, triers: Sequence[str], at: datetime) -> None:
    """Count one more decline against each of them. One statement."""
    Decline.objects.bulk_create([Decline(subject=subject, at=at) for subject in triers])
    use_up({limit.name: int(limit.wait.total_seconds()) for limit in DECLINE_LIMITS})


def _left(quota: Quota) -> int:
    return quota.left


def forget_declines(*, now: datetime) -> int:
    """Remove declines that count no more, and return how many there were."""
    return sweep(Decline.objects.filter(at__lte=now - 2 * _LONGEST), by="at")
