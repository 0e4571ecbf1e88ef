"""What PayPal's objects say, in the words of payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.money import digits, to_text
from payments.domain import AttemptStatus
from payments.providers.base import Charge, GivenBack, OutcomeUnknown, SavedToken
from payments.providers.wire import minor_of, whole_text

# developer.paypal.com/api/rest/reference/currency-codes: no decimals, although ISO 4217 has two.
_WHOLE = frozenset({"HUF", "TWD"})
_TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_GIVEN_BACK = "COMPLETED"
_ON_ITS_WAY = "PENDING"
_HELD = frozenset({"CREATED", "PARTIALLY_CAPTURED"})

_STATUS = {
    "CREATED": AttemptStatus.REQUIRES_ACTION,
    "SAVED": AttemptStatus.REQUIRES_ACTION,
    "PAYER_ACTION_REQUIRED": AttemptStatus.REQUIRES_ACTION,
    "APPROVED": AttemptStatus.AUTHORISED,
    "VOIDED": AttemptStatus.CANCELLED,
    "COMPLETED": AttemptStatus.PENDING,
}
_OF_CAPTURE = {
    "PAYMENT.CAPTURE.COMPLETED": AttemptStatus.CAPTURED,
    "PAYMENT.CAPTURE.PENDING": AttemptStatus.PENDING,
    "PAYMENT.CAPTURE.DENIED": AttemptStatus.FAILED,
    "PAYMENT.CAPTURE.DECLINED": AttemptStatus.FAILED,
}
_OF_HOLD = {
    "PAYMENT.AUTHORIZATION.CREATED": AttemptStatus.AUTHORISED,
    "PAYMENT.AUTHORIZATION.VOIDED": AttemptStatus.CANCELLED,
}
# Money that left after it was taken: by us, or by the bank.
_BACK = frozenset({"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"})
_REFUSED = "capture_refused"


def as_amount(minor: int, currency: str) -> dict[str, str]:
    """Return an amount as PayPal writes it.

    :raises ProviderRefused: it has more digits than PayPal takes
    """
    value = whole_text(minor, currency) if currency in _WHOLE else to_text(minor, currency)
    return {"currency_code": currency, "value": value}


def payments_in(order: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    """Return the ``captures``, ``authorizations`` or ``refunds`` of an order."""
    return [
        payment
        for unit in order.get("purchase_units") or []
        for payment in (unit.get("payments") or {}).get(what) or []
    ]


def charge_of_order(order: Mapping[str, Any]) -> Charge:
    """Return what an order says, with its captures and refunds.

    :raises OutcomeUnknown: it cannot be read
    """
    try:
        unit = order["purchase_units"][0]
        amount, currency = _read(unit["amount"])
        captures = payments_in(order, "captures")
        taken = [capture for capture in captures if capture["status"] in _TAKEN]
        given_back = [refund for refund in payments_in(order, "refunds") if refund["status"] == _GIVEN_BACK]
        return Charge(
            reference=str(order["id"]),
            key=str(unit.get("custom_id") or ""),
            status=_status_of(order, captures),
            amount_minor=amount,
            currency=currency,
            captured_minor=_sum(taken),
            refunded_minor=_sum(given_back),
            fee_minor=sum(_fee_of(capture, currency) for capture in taken),
            next_action=_action_of(order),
            failure=_REFUSED if captures and not taken and captures[-1]["status"] in ("DECLINED", "FAILED") else "",
            saved=_saved_of(order) if taken else None,
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise OutcomeUnknown("unreadable") from error


def _status_of(order: Mapping[str, Any], captures: Sequence[Mapping[str, Any]]) -> AttemptStatus:
    said = {capture["status"] for capture in captures}
    if said & _TAKEN:
        return AttemptStatus.CAPTURED
    if "PENDING" in said:
        return AttemptStatus.PENDING
    if said:
        return AttemptStatus.FAILED
    held = {hold["status"] for hold in payments_in(order, "authorizations")}
    if held:
        return AttemptStatus.AUTHORISED if held & _HELD else AttemptStatus.CANCELLED
    return _STATUS[order["status"]]


def refund_of(said: Mapping[str, Any]) -> GivenBack:
    """Return what a refund says.

    :raises OutcomeUnknown: it cannot be read
    """
    try:
        is_done, is_pending = said["status"] == _GIVEN_BACK, said["status"] == _ON_ITS_WAY
        failure = "" if is_done or is_pending else "refund_failed"
        return GivenBack(reference=str(said["id"]), is_done=is_done, is_pending=is_pending, failure=failure)
    except (KeyError, TypeError) as error:
        raise OutcomeUnknown("unreadable") from error


def vault_customer(order: Mapping[str, Any]) -> str:
    """Return for whom something is being kept of which the token was not told yet; empty where nothing is."""
    vault = _vault_of(order)
    return str((vault.get("customer") or {}).get("id") or "") if vault.get("status") == "APPROVED" else ""


def _vault_of(order: Mapping[str, Any]) -> Mapping[str, Any]:
    wallet = (order.get("payment_source") or {}).get("paypal") or {}
    vault: Mapping[str, Any] = (wallet.get("attributes") or {}).get("vault") or {}
    return vault


def _saved_of(order: Mapping[str, Any]) -> SavedToken | None:
    vault = _vault_of(order)
    if vault.get("status") != "VAULTED" or not vault.get("id"):
        return None
    payer = str((vault.get("customer") or {}).get("id") or "")
    return SavedToken(token=str(vault["id"]), payer=payer, brand="paypal")


def charge_told(kind: str, said: Mapping[str, Any]) -> Charge | None:
    """Return what an event tells of a charge of ours, ``None`` where it tells of none.

    :param said: the event's ``resource``
    :raises OutcomeUnknown: it cannot be read
    """
    if kind in ("CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED"):
        charge = charge_of_order(said)
        return charge if charge.key else None
    order_id = str((said.get("supplementary_data") or {}).get("related_ids", {}).get("order_id") or "")
    key = str(said.get("custom_id") or "")
    if not key:
        return None
    if kind in _BACK:
        return _back_told(said, order_id or key, key)
    status = _OF_CAPTURE.get(kind) or _OF_HOLD.get(kind)
    if status is None or not order_id:
        return None
    amount, currency = _read(said["amount"])
    is_taken = status is AttemptStatus.CAPTURED
    return Charge(
        reference=order_id,
        key=key,
        status=status,
        amount_minor=amount,
        currency=currency,
        captured_minor=amount if is_taken else 0,
        fee_minor=_fee_of(said, currency) if is_taken else 0,
        failure=_REFUSED if status is AttemptStatus.FAILED else "",
    )


def _back_told(said: Mapping[str, Any], reference: str, key: str) -> Charge:
    """The running total where PayPal tells it. A refund of ours carries the order's id as ``custom_id``."""
    amount, currency = _read(said["amount"])
    total = (said.get("seller_payable_breakdown") or {}).get("total_refunded_amount")
    given_back = _read(total)[0] if total else amount
    # What is on its way may come back to us, and is asked about.
    given_back = 0 if said.get("status") == _ON_ITS_WAY else given_back
    return Charge(
        reference=reference,
        key=key,
        # It was captured; how much is not said here, and is asked for. At least as much as went back.
        status=AttemptStatus.PENDING,
        amount_minor=amount,
        currency=currency,
        captured_minor=given_back,
        refunded_minor=given_back,
    )


def _read(amount: Mapping[str, Any]) -> tuple[int, str]:
    currency = str(amount["currency_code"])
    # Written with decimals all the same where the currency has none at PayPal.
    return minor_of(amount["value"], currency), currency


def _sum(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(_read(row["amount"])[0] for row in rows)


def _fee_of(capture: Mapping[str, Any], currency: str) -> int:
    """Return the fee where it was paid in the charge's own currency; the ledger does not convert."""
    fee = (capture.get("seller_receivable_breakdown") or {}).get("paypal_fee")
    return _read(fee)[0] if fee and fee["currency_code"] == currency and digits(currency) <= 2 else 0


def _action_of(order: Mapping[str, Any]) -> dict[str, str] | None:
    links = {link.get("rel"): link.get("href") for link in order.get("links") or []}
    url = links.get("payer-action") or links.get("approve")
    return (
        {"type": "redirect", "url": str(url)}
        if url and _STATUS.get(order["status"]) is AttemptStatus.REQUIRES_ACTION
        else None
    )
