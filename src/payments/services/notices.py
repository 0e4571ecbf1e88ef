"""Webhooks in: checked, stored once, answered at once; taken in by a worker, as often as it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core import courier, outbox
from core.compiled import Compiled
from core.ids import new_id
from core.sql import insert_missing, update_together
from core.transactions import command, step
from payments.domain import AttemptStatus
from payments.errors import ChargeMismatch, PaymentNotFound, ProviderUnknown, WebhookNotFound
from payments.events import NoticeReceived
from payments.models import Attempt, ProviderEvent
from payments.providers import Charge, Notice, find_provider
from payments.services.mismatches import report_mismatch
from payments.services.outcomes import take_charge
from payments.services.rows import lock_attempt

SWEEP = "payments.tasks.sweep"

_NOTICE: Compiled[ProviderEvent] = Compiled(
    lambda notice: ProviderEvent.objects.defer("body").filter(pk=notice).locked(), notice=UUID
)
_BY_REFERENCE: Compiled[tuple[UUID]] = Compiled(
    # That it is not empty lets PostgreSQL use the index whatever the reference.
    lambda provider, reference: (
        Attempt.objects.exclude(provider_reference="")
        .filter(provider=provider, provider_reference=reference)
        .values_list("pk")
    ),
    provider=str,
    reference=str,
)
_BY_KEY: Compiled[tuple[UUID]] = Compiled(
    lambda provider, key: Attempt.objects.filter(provider=provider, idempotency_key=key).values_list("pk"),
    provider=str,
    key=str,
)


def receive_notice(*, provider: str, body: bytes, headers: Mapping[str, str], at: datetime) -> None:
    """Check a webhook on its raw bytes and keep it; a repetition changes nothing. Three statements.

    :raises WebhookNotFound: there is no such provider
    :raises WebhookRefused: forged, altered, stale, or unreadable
    """
    try:
        teller = find_provider(provider)
    except ProviderUnknown as error:
        raise WebhookNotFound from error
    notice = teller.parse_webhook(body=body, headers=headers, at=at)
    _keep(provider=provider, notice=notice, body=body, at=at)


@command
def _keep(*, provider: str, notice: Notice, body: bytes, at: datetime) -> None:
    row = ProviderEvent(
        id=new_id(),
        provider=provider,
        event_id=notice.event_id[:200],
        kind=notice.kind[:60],
        body=body.decode("utf-8", "replace"),
        charge=notice.charge.as_dict() if notice.charge else None,
        received_at=at,
    )
    if insert_missing(row):
        outbox.publish(NoticeReceived(notice_id=row.pk), at=at)


@step
def take_notice(*, notice_id: UUID, at: datetime) -> None:
    """Take in a kept webhook; once is enough. One of which staff were told that it cannot be stays unprocessed.

    :raises PaymentNotFound: we know no such charge, as yet: try again later
    """
    row = _NOTICE.first(notice=notice_id)
    if row is None:
        raise ProviderEvent.DoesNotExist
    if row.processed_at is not None:
        return
    if row.charge is not None and not _take(row.provider, Charge.from_dict(row.charge), at):
        return
    row.processed_at = at
    update_together((row, ("processed_at",)))


def _take(provider: str, charge: Charge, at: datetime) -> bool:
    """Take in what a webhook says of a charge; tell whether it could be."""
    attempt_id = _find(provider, charge)
    if charge.status is AttemptStatus.CREATED:
        _ask_soon(attempt_id, at)
        return True
    try:
        with transaction.atomic():
            take_charge(attempt_id=attempt_id, charge=charge, at=at)
    except ChargeMismatch:
        report_mismatch(attempt_id=attempt_id, charge=charge, at=at)
        return False
    return True


def _ask_soon(attempt_id: UUID, at: datetime) -> None:
    """Have the provider asked by the sweep, at once: the webhook vouched for no more than that there is news.

    A page on which one card was refused, or that we gave up, may be paid on all the same.
    """
    _, attempt = lock_attempt(attempt_id=attempt_id)
    if attempt.state is not AttemptStatus.CAPTURED:
        attempt.ask_at = at
        attempt.save(update_fields=["ask_at", "updated_at"])
        transaction.on_commit(_wake)


def _wake() -> None:
    courier.wake(SWEEP)


def _find(provider: str, charge: Charge) -> UUID:
    """Return the attempt by the provider's name of the charge, else by our own, which says so whatever it is called."""
    found = _BY_REFERENCE.first(provider=provider, reference=charge.reference) if charge.reference else None
    found = found or _BY_KEY.first(provider=provider, key=charge.key)
    if found is None:
        raise PaymentNotFound
    return found[0]
