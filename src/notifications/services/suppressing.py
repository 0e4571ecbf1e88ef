"""Addresses that get no more mail, by what providers report: bounces and complaints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from core.transactions import command
from notifications.domain import STOPS_ALL, STOPS_REST, Report
from notifications.errors import ReporterNotFound, SuppressionNotFound
from notifications.models import Mail, MailReport, Suppression
from notifications.selectors import address_digest

log = structlog.get_logger(__name__)

_LONGEST_KEY = 200
_LONGEST_ADDRESS = 320


def receive_report(*, provider: str, body: bytes, at: datetime) -> None:
    """Check a provider's report and take it in, once.

    :raises ReporterNotFound: no such provider is set up
    :raises ReportRefused: forged, stale or unreadable
    """
    reader = settings.MAIL_REPORTERS.get(provider)
    if reader is None:
        raise ReporterNotFound
    take_report(report=import_string(reader)(body=body, at=at), at=at)


@command
def take_report(*, report: Report, at: datetime) -> bool:
    """Suppress the address if the report asks for that; return whether the report is new. Five statements at most."""
    _, is_new = MailReport.objects.get_or_create(key=report.key[:_LONGEST_KEY], defaults={"noted_at": at})
    address = parseaddr(report.address)[1][:_LONGEST_ADDRESS]
    if not is_new or report.kind not in STOPS_ALL | STOPS_REST or not address:
        return is_new
    mail = _find_mail(report.message_id)
    Suppression.objects.bulk_create(
        [
            Suppression(
                address_digest=address_digest(address),
                address=address,
                report=report.kind.value,
                reason=_without(address, report.reason),
                mail=mail,
                created_at=at,
            )
        ],
        ignore_conflicts=True,
    )
    log.info("address suppressed", report=report.kind.value, mail_id=str(mail.pk) if mail else None)
    return True


@command
def lift_suppressions(*, suppression_ids: Collection[UUID], at: datetime) -> int:
    """Let mail go to these addresses again, and return how many there were.

    :raises SuppressionNotFound: none of them is in force
    """
    rows = Suppression.objects.filter(pk__in=suppression_ids, lifted_at=None).locked()
    in_force: Sequence[UUID] = [row.pk for row in rows]
    if not in_force:
        raise SuppressionNotFound
    Suppression.objects.filter(pk__in=in_force).update(lifted_at=at, updated_at=at)
    return len(in_force)


def _find_mail(message_id: str) -> Mail | None:
    try:
        return Mail.objects.filter(pk=UUID(message_id.strip().strip("<>").partition("@")[0])).only("pk").first()
    except ValueError:
        return None


def _without(address: str, reason: str) -> str:
    """Return what the server said, without the address that servers like to repeat."""
    said = "".join(sign if sign.isprintable() else " " for sign in reason)
    position = said.casefold().find(address.casefold())
    while position >= 0:
        said = f"{said[:position]}…{said[position + len(address) :]}"
        position = said.casefold().find(address.casefold())
    return said[:300]
