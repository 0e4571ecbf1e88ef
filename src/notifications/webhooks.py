"""What Mailgun reports of mails, checked and put into our words. Loaded by the first report where it is set up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from django.conf import settings

from notifications.domain import Report, ReportKind
from notifications.errors import ReportRefused

# Mailgun tries for eight hours to be heard, with the same signature.
_OLDEST = timedelta(hours=24)
_AHEAD = timedelta(minutes=15)
_KINDS = {
    "bounced": ReportKind.BOUNCED,
    "complained": ReportKind.COMPLAINED,
    "unsubscribed": ReportKind.UNSUBSCRIBED,
}


def read_mailgun(*, body: bytes, at: datetime) -> Report:
    """Return what a webhook of Mailgun says, signed with one of ``settings.MAILGUN_WEBHOOK_SIGNING_KEYS``.

    The signature covers a time and a token, not the body: a token is good once, which is the caller's to see to.
    What bounced for now only is none of the kinds that stop mail.

    :raises ReportRefused: forged, stale or unreadable
    """
    try:
        signature = json.loads(body)["signature"]
        signed_at = datetime.fromtimestamp(int(signature["timestamp"]), tz=UTC)
        token = str(signature["token"])
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError) as error:
        raise ReportRefused("It cannot be read.") from error
    if not at - _OLDEST <= signed_at <= at + _AHEAD:
        raise ReportRefused("Its time is too far off.")

    asked: Any = SimpleNamespace(content_type="application/json", body=body, META={})
    view = _signed(asked)
    try:
        (event,) = view.parse_events(asked)
    except Exception as error:
        # Signed, but of a shape that the library did not expect: whatever that leads it to raise.
        raise ReportRefused("It cannot be read.") from error
    return Report(
        key=f"mailgun.{token}",
        kind=_KINDS.get(event.event_type, ReportKind.OTHER),
        address=str(event.recipient or ""),
        message_id=str(event.message_id or ""),
        reason=str(event.mta_response or event.description or event.reject_reason or ""),
    )


def _signed(asked: Any) -> Any:
    for key in settings.MAILGUN_WEBHOOK_SIGNING_KEYS:
        view: Any = MailgunTrackingWebhookView(webhook_signing_key=key)
        try:
            view.validate_request(asked)
        except (AnymailWebhookValidationFailure, TypeError, ValueError):
            continue
        return view
    raise ReportRefused("The signature does not fit.")
