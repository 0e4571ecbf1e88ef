"""What a provider says and cannot be: another currency, or more than was asked for. Nothing of it is believed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.ids import new_id
from core.sql import insert_missing
from core.transactions import command, step
from payments.errors import ChargeMismatch
from payments.models import ProviderEvent
from payments.providers import Charge
from payments.services.alerting import alert_staff
from payments.services.outcomes import record_outcome
from payments.services.rows import lock_attempt

_KIND = "charge_mismatch"


def take_in(*, attempt_id: UUID, charge: Charge, at: datetime) -> None:
    """Do what ``record_outcome`` does. Of what cannot be, staff are told once, and nothing is taken in.

    :raises PaymentNotFound: there is no such attempt
    """
    try:
        record_outcome(attempt_id=attempt_id, charge=charge, at=at)
    except ChargeMismatch:
        _report(attempt_id=attempt_id, charge=charge, at=at)


@command
def _report(*, attempt_id: UUID, charge: Charge, at: datetime) -> None:
    report_mismatch(attempt_id=attempt_id, charge=charge, at=at)


@step
def report_mismatch(*, attempt_id: UUID, charge: Charge, at: datetime) -> None:
    """Keep what a provider said of an attempt, unprocessed, and ask staff to look at it; the same thing once."""
    payment, attempt = lock_attempt(attempt_id=attempt_id)
    kept = ProviderEvent(
        id=new_id(),
        provider=attempt.provider,
        event_id=f"{_KIND}:{attempt.pk}:{charge.currency}:{charge.captured_minor}",
        kind=_KIND,
        charge=charge.as_dict(),
        received_at=at,
    )
    if insert_missing(kept):
        alert_staff(payment=payment, what=_KIND, amount_minor=attempt.amount_minor, at=at)
