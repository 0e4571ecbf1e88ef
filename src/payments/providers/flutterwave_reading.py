"""What Flutterwave's objects say, in the words of payments."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.money import digits
from payments.domain import DECLINED, AttemptStatus
from payments.providers.base import Charge, GivenBack, OutcomeUnknown, SavedToken
from payments.providers.wire import minor_of

_STATUS = {
    "successful": AttemptStatus.CAPTURED,
    "succeeded": AttemptStatus.CAPTURED,
    "pending": AttemptStatus.PENDING,
    "failed": AttemptStatus.FAILED,
    "cancelled": AttemptStatus.CANCELLED,
}
_REDIRECT = "redirect"
# Of a refund; each may go on with how it went, as ``completed-bank-transfer``.
_FAILED = "failed"
_DONE = ("completed", "successful", "succeeded")
_CENTURY = 2000


def charge_of(said: Mapping[str, Any]) -> Charge:
    """Return what a transaction says.

    :raises OutcomeUnknown: it cannot be read
    """
    try:
        currency = str(said["currency"])
        status = _STATUS[str(said["status"]).lower()]
        amount = minor_of(said["amount"], currency)
        is_taken = status is AttemptStatus.CAPTURED
        action = _action_of(said) if status is AttemptStatus.PENDING else None
        return Charge(
            reference=str(said["tx_ref"]),
            key=str(said["tx_ref"]),
            status=AttemptStatus.REQUIRES_ACTION if action else status,
            amount_minor=amount,
            currency=currency,
            captured_minor=amount if is_taken else 0,
            refunded_minor=0,
            fee_minor=_fee_of(said, currency) if is_taken else 0,
            next_action=action,
            failure=DECLINED if status is AttemptStatus.FAILED else "",
            saved=_saved_of(said) if is_taken else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutcomeUnknown("unreadable") from error


def opened(reference: str, amount_minor: int, currency: str, link: str) -> Charge:
    """Return a charge of which there is no more than a page."""
    return Charge(
        reference=reference,
        key=reference,
        status=AttemptStatus.REQUIRES_ACTION,
        amount_minor=amount_minor,
        currency=currency,
        next_action={"type": _REDIRECT, "url": link} if link else None,
    )


def to_be_asked(charge: Charge) -> Charge:
    """Return nothing but which charge it is: the sweep asks."""
    return Charge(
        reference=charge.reference,
        key=charge.key,
        status=AttemptStatus.CREATED,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
    )


def refund_of(said: Mapping[str, Any]) -> GivenBack:
    """Return what a refund says.

    :raises OutcomeUnknown: it cannot be read
    """
    try:
        status = str(said.get("status") or "").lower()
        has_failed, is_done = status.startswith(_FAILED), status.startswith(_DONE)
        return GivenBack(
            reference=str(said["id"]),
            is_done=is_done,
            is_pending=not is_done and not has_failed,
            failure="refund_failed" if has_failed else "",
        )
    except (KeyError, AttributeError) as error:
        raise OutcomeUnknown("unreadable") from error


def _action_of(said: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the bank's page, where a card that was kept has to be confirmed there."""
    asked = (said.get("meta") or {}).get("authorization") or {}
    url = asked.get("redirect") if asked.get("mode") == _REDIRECT else None
    return {"type": _REDIRECT, "url": str(url)} if url else None


def _saved_of(said: Mapping[str, Any]) -> SavedToken | None:
    """Return the card's token: it is charged under the e-mail address by which it was made. Of its number the end."""
    card = said.get("card") or {}
    if not card.get("token"):
        return None
    month, _, year = str(card.get("expiry") or "").partition("/")
    is_dated = month.isdecimal() and year.isdecimal()
    return SavedToken(
        token=str(card["token"]),
        payer=str((said.get("customer") or {}).get("email") or ""),
        brand=str(card.get("type") or "").lower(),
        last4=str(card.get("last_4digits") or "")[-4:],
        month=int(month) if is_dated else None,
        year=_CENTURY + int(year) % 100 if is_dated else None,
    )


def _fee_of(said: Mapping[str, Any], currency: str) -> int:
    """Return the fee, to the nearest minor unit: it is told with more digits than the currency has."""
    return minor_of(round(Decimal(str(said.get("app_fee") or 0)), digits(currency)), currency)
