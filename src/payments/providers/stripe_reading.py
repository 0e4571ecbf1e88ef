"""What Stripe's objects say, in the words of payments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.money import digits, portion
from payments.domain import DECLINED, AttemptStatus
from payments.providers.base import Charge, GivenBack, OutcomeUnknown, ProviderRefused, SavedToken
from payments.providers.wire import rescale

# docs.stripe.com/currencies: no decimals where ISO 4217 has two, two where it has none any more.
_PLACES = {"MGA": 0, "ISK": 2, "UGX": 2}
# Of three decimals the last has to be 0.
_COARSE = 3
# How the state of a dispute begins that is no more than a bank's question.
_QUESTION = "warning_"

_STATUS = {
    "requires_payment_method": AttemptStatus.REQUIRES_ACTION,
    "requires_confirmation": AttemptStatus.REQUIRES_ACTION,
    "requires_action": AttemptStatus.REQUIRES_ACTION,
    "processing": AttemptStatus.PENDING,
    "requires_capture": AttemptStatus.AUTHORISED,
    "canceled": AttemptStatus.CANCELLED,
    "succeeded": AttemptStatus.CAPTURED,
}
# Nothing came of it yet: another card, or a confirmation, is waited for.
_WAITS = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_OF_INTENT = frozenset(
    f"payment_intent.{what}"
    for what in (
        "amount_capturable_updated",
        "canceled",
        "payment_failed",
        "processing",
        "requires_action",
        "succeeded",
    )
)
_OF_SESSION = frozenset(
    f"checkout.session.{what}" for what in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
)


def to_stripe(minor: int, currency: str) -> int:
    """Return an amount as Stripe counts it.

    :raises ProviderRefused: it has more digits than Stripe takes
    """
    places = digits(currency)
    if places == _COARSE:
        return rescale(minor, places, 2) * 10
    return rescale(minor, places, _PLACES.get(currency, places))


def from_stripe(amount: int, currency: str) -> int:
    """Return what Stripe counts, in minor units.

    :raises OutcomeUnknown: it has more digits than the currency
    """
    try:
        return rescale(int(amount), _PLACES.get(currency, digits(currency)), digits(currency))
    except ProviderRefused as error:
        raise OutcomeUnknown("unreadable") from error


def is_tried_on_page(intent: Mapping[str, Any]) -> bool:
    """Tell whether it is of a page on which nothing came of it yet: as long as that is open, it says nothing more."""
    return bool((intent.get("metadata") or {}).get("page")) and intent.get("status") in _WAITS


def charge_of_intent(intent: Mapping[str, Any], *, is_over: bool = False) -> Charge:
    """Return what a Payment Intent says, with its latest charge where that was fetched along.

    :param is_over: its page is closed
    :raises OutcomeUnknown: it cannot be read
    """
    try:
        currency = str(intent["currency"]).upper()
        status = _STATUS[intent["status"]]
        metadata = intent.get("metadata") or {}
        failure = _failure_of(intent)
        # On a page the shopper may try another card.
        if failure and intent["status"] == "requires_payment_method" and (is_over or not metadata.get("page")):
            status = AttemptStatus.FAILED
        latest = intent.get("latest_charge")
        latest = latest if isinstance(latest, Mapping) else {}
        return Charge(
            reference=str(intent["id"]),
            key=str(metadata.get("reference") or ""),
            status=status,
            amount_minor=from_stripe(intent["amount"], currency),
            currency=currency,
            captured_minor=from_stripe(intent.get("amount_received") or 0, currency),
            refunded_minor=from_stripe(latest.get("amount_refunded") or 0, currency),
            fee_minor=_fee_of(latest, currency),
            next_action=_action_of(intent),
            failure=failure,
            saved=_saved_of(intent, latest),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutcomeUnknown("unreadable") from error


def charge_of_session(session: Mapping[str, Any], currency: str = "") -> Charge:
    """Return what a Checkout Session says: its Payment Intent's state once something came of that.

    As long as the page is open the shopper may try another card there.

    :param currency: where the session does not tell
    :raises OutcomeUnknown: it cannot be read
    """
    intent, is_complete = session.get("payment_intent"), session.get("status") == "complete"
    if isinstance(intent, Mapping) and (is_complete or intent.get("status") not in _WAITS):
        return charge_of_intent(intent, is_over=is_complete)
    try:
        of = str(session.get("currency") or currency).upper()
        is_over = session["status"] == "expired"
        url = session.get("url")
        return Charge(
            reference="",
            key=str(session.get("client_reference_id") or ""),
            status=AttemptStatus.CANCELLED if is_over else AttemptStatus.REQUIRES_ACTION,
            amount_minor=from_stripe(session.get("amount_total") or 0, of),
            currency=of,
            next_action={"type": "redirect", "url": str(url)} if url and not is_over else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OutcomeUnknown("unreadable") from error


def refund_of(said: Mapping[str, Any]) -> GivenBack:
    """Return what a refund says. ``requires_action`` waits for the shopper, and so does the money.

    :raises OutcomeUnknown: it cannot be read
    """
    try:
        is_done, is_pending = said["status"] == "succeeded", said["status"] in ("pending", "requires_action")
        failure = "" if is_done or is_pending else "refund_failed"
        return GivenBack(reference=str(said["id"]), is_done=is_done, is_pending=is_pending, failure=failure)
    except (KeyError, TypeError) as error:
        raise OutcomeUnknown("unreadable") from error


def reference_of(row: Mapping[str, Any]) -> str:
    """Return our key, where an object of Stripe's carries it; else empty."""
    return str((row.get("metadata") or {}).get("reference") or "")


def charge_told(kind: str, said: Mapping[str, Any]) -> Charge | None:
    """Return what an event tells of a charge of ours, ``None`` where it tells of none.

    :param said: the event's ``data.object``
    :raises OutcomeUnknown: it cannot be read
    """
    if kind in _OF_INTENT:
        charge = charge_of_intent(said)
        return charge if charge.key and not is_tried_on_page(said) else None
    if kind in _OF_SESSION:
        return _session_told(kind, said)
    if kind == "charge.refunded":
        return _refund_told(said)
    if kind.startswith("charge.dispute."):
        return _dispute_told(kind, said)
    return None


def _session_told(kind: str, said: Mapping[str, Any]) -> Charge | None:
    """An event carries the id of the Payment Intent, not the intent."""
    if not said.get("client_reference_id"):
        return None
    currency = str(said["currency"]).upper()
    amount = from_stripe(said["amount_total"], currency)
    is_paid = said.get("payment_status") == "paid"
    status = AttemptStatus.CAPTURED if is_paid else AttemptStatus.PENDING
    if kind.endswith(".expired"):
        status = AttemptStatus.CANCELLED
    elif kind.endswith("_failed"):
        status = AttemptStatus.FAILED
    return Charge(
        reference=str(said.get("payment_intent") or said["id"]),
        key=str(said["client_reference_id"]),
        status=status,
        amount_minor=amount,
        currency=currency,
        captured_minor=amount if status is AttemptStatus.CAPTURED else 0,
        failure=DECLINED if status is AttemptStatus.FAILED else "",
    )


def _refund_told(said: Mapping[str, Any]) -> Charge | None:
    if not said.get("payment_intent") or not (said.get("metadata") or {}).get("reference"):
        return None
    currency = str(said["currency"]).upper()
    return Charge(
        reference=str(said["payment_intent"]),
        key=str(said["metadata"]["reference"]),
        status=AttemptStatus.CAPTURED if said.get("captured") else AttemptStatus.PENDING,
        amount_minor=from_stripe(said["amount"], currency),
        currency=currency,
        captured_minor=from_stripe(said.get("amount_captured") or 0, currency),
        refunded_minor=from_stripe(said["amount_refunded"], currency),
    )


def _dispute_told(kind: str, said: Mapping[str, Any]) -> Charge | None:
    """What the bank took. That it gave it back after all is for staff to book: our totals only grow.

    A bank that only asks takes nothing (docs.stripe.com/disputes/how-disputes-work, inquiries).
    """
    is_question = str(said.get("status") or "").startswith(_QUESTION)
    if not said.get("payment_intent") or is_question or kind == "charge.dispute.funds_reinstated":
        return None
    currency = str(said["currency"]).upper()
    disputed = from_stripe(said["amount"], currency)
    return Charge(
        reference=str(said["payment_intent"]),
        # It was captured; how much is not said here, and is asked for.
        status=AttemptStatus.PENDING,
        amount_minor=disputed,
        currency=currency,
        disputed_minor=disputed,
    )


def _failure_of(intent: Mapping[str, Any]) -> str:
    error = intent.get("last_payment_error") or {}
    if not error:
        return ""
    return DECLINED if error.get("type") == "card_error" else str(error.get("code") or "payment_failed")[:60]


def _action_of(intent: Mapping[str, Any]) -> dict[str, str] | None:
    redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    return {"type": "redirect", "url": str(redirect["url"])} if redirect.get("url") else None


def _fee_of(latest: Mapping[str, Any], currency: str) -> int:
    """Return the fee where it was paid in the charge's own currency; the ledger does not convert.

    To the nearest minor unit: Stripe may tell it with more digits than the currency has.
    """
    paid = latest.get("balance_transaction")
    if not isinstance(paid, Mapping) or str(paid.get("currency") or "").upper() != currency:
        return 0
    scale = 10 ** digits(currency)
    return portion(int(paid.get("fee") or 0), scale, int(10 ** _PLACES.get(currency, digits(currency))))


def _saved_of(intent: Mapping[str, Any], latest: Mapping[str, Any]) -> SavedToken | None:
    """Return the payment method where it was kept: of its card what a shopper knows it by, and nothing else."""
    method, customer = intent.get("payment_method"), intent.get("customer")
    if not intent.get("setup_future_usage") or not method or not customer or intent["status"] != "succeeded":
        return None
    details = latest.get("payment_method_details") or {}
    card = details.get("card") or {}
    return SavedToken(
        token=str(method),
        payer=str(customer),
        brand=str(card.get("brand") or details.get("type") or ""),
        last4=str(card.get("last4") or ""),
        month=card.get("exp_month"),
        year=card.get("exp_year"),
    )
