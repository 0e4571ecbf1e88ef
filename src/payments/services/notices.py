"""Webhooks in: checked, stored once, answered at once; taken in by a worker, as often as it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core import outbox
from core.ids import new_id
from core.sql import insert_missing
from core.transactions import command, step
from payments.errors import PaymentNotFound, ProviderUnknown, WebhookNotFound
from payments.events import NoticeReceived
from payments.models import Attempt, ProviderEvent
from payments.providers import Charge, Notice, find_provider
from payments.services.outcomes import take_charge


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
    """Take in a kept webhook; once is enough.

    :raises PaymentNotFound: we know no such charge, as yet: try again later
    """
    row: ProviderEvent = ProviderEvent.objects.filter(pk=notice_id).locked().get()
    if row.processed_at is not None:
        return
    if row.charge is not None:
        charge = Charge.from_dict(row.charge)
        take_charge(attempt_id=_find(row.provider, charge), charge=charge, at=at)
    row.processed_at = at
    row.save(update_fields=["processed_at"])


def _find(provider: str, charge: Charge) -> UUID:
    mine = Attempt.objects.filter(provider=provider)
    found: UUID | None = (
        mine.filter(provider_reference=charge.reference).values_list("pk", flat=True).first()
        or mine.filter(idempotency_key=charge.key, provider_reference="").values_list("pk", flat=True).first()
    )
    if found is None:
        raise PaymentNotFound
    return found
