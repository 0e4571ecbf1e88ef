"""The second and third beat: ask a provider, with no transaction open, and take in what it says."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from payments import selectors
from payments.domain import (
    ARRIVES_WITHIN,
    IN_FLIGHT,
    LIVE,
    NEVER_ARRIVED,
    OPEN_REFUNDS,
    UNAVAILABLE,
    AttemptStatus,
    RefundStatus,
    pause,
)
from payments.errors import ProviderDown
from payments.models import Attempt, Refund
from payments.providers import (
    Charge,
    GivenBack,
    NewCharge,
    NewRefund,
    OutcomeUnknown,
    Provider,
    ProviderRefused,
    ProviderUnavailable,
    call,
    find_provider,
)
from payments.services.alone import alone_with
from payments.services.mismatches import take_in
from payments.services.refund_outcomes import record_refund, record_refund_unknown
from payments.services.saving import payer_of, token_of

_RETRY_SECONDS = 10


def carry_out(*, attempt: Attempt, at: datetime) -> None:
    """Ask the provider for the money of an attempt, and take in its answer. What was asked already is not repeated.

    After a time-out the attempt is ``unknown``: it is asked about, and never tried under another key.

    :param attempt: with its payment, as ``begin_attempt`` returned it
    :raises ProviderDown: it was not reached, and nothing was charged (503); the attempt is over
    """
    attempt_id = attempt.pk
    if attempt.state is AttemptStatus.UNKNOWN:
        ask(attempt_id=attempt_id, at=at)
    if attempt.state is not AttemptStatus.CREATED:
        return
    if attempt.amount_minor == 0:
        take_in(attempt_id=attempt_id, charge=_said(attempt, AttemptStatus.CAPTURED), at=at)
        return
    wanted = NewCharge(
        key=attempt.idempotency_key,
        amount_minor=attempt.amount_minor,
        currency=attempt.payment.currency,
        return_url=attempt.return_url,
        method=attempt.method,
        capture=True,
        save=attempt.is_saving,
        saved=token_of(attempt=attempt),
        payer=payer_of(attempt=attempt),
    )
    try:
        charge = call(attempt.provider, lambda provider: provider.create(wanted))
    except ProviderUnavailable as error:
        take_in(attempt_id=attempt_id, charge=_said(attempt, AttemptStatus.FAILED, UNAVAILABLE), at=at)
        raise ProviderDown(retry_after=_RETRY_SECONDS) from error
    except OutcomeUnknown:
        charge = _said(attempt, AttemptStatus.UNKNOWN)
    except ProviderRefused as refusal:
        charge = _said(attempt, AttemptStatus.FAILED, refusal.code)
    take_in(attempt_id=attempt_id, charge=charge, at=at)
    if charge.status is AttemptStatus.AUTHORISED:
        ask(attempt_id=attempt_id, at=at)


def ask(*, attempt_id: UUID, at: datetime) -> None:
    """Ask the provider how an attempt stands, and take it in; never charge again.

    What nobody wants any more is called off; what was authorised is captured. A charge that the provider does not know
    a minute after we asked for it never arrived. One that is over is asked about for what was to be kept of it, and
    once more where a webhook had news of it.
    """
    attempt = selectors.get_attempt(attempt_id=attempt_id)
    if attempt.state not in LIVE and not attempt.is_saving and attempt.ask_at is None:
        return
    if find_provider(attempt.provider).is_by_hand:
        # Nobody could be charged twice: what a crash left undone is done now.
        carry_out(attempt=attempt, at=at)
        return
    try:
        charge = call(attempt.provider, lambda provider: _look(provider, attempt))
    except (ProviderUnavailable, OutcomeUnknown, ProviderRefused):
        return
    if charge is not None:
        take_in(attempt_id=attempt_id, charge=charge, at=at)
    elif attempt.state in IN_FLIGHT and at - attempt.created_at >= ARRIVES_WITHIN:
        take_in(attempt_id=attempt_id, charge=_said(attempt, AttemptStatus.FAILED, NEVER_ARRIVED), at=at)
    elif attempt.state not in LIVE and attempt.state is not AttemptStatus.CAPTURED:
        take_in(attempt_id=attempt_id, charge=_said(attempt, attempt.state), at=at)


def _look(provider: Provider, attempt: Attempt) -> Charge | None:
    charge = provider.fetch(reference=attempt.provider_reference, key=attempt.idempotency_key)
    if charge is None or charge.status not in LIVE:
        return charge
    if attempt.unwanted_at is not None:
        return provider.void(reference=charge.reference, key=f"{attempt.idempotency_key}-void")
    if charge.status is AttemptStatus.AUTHORISED:
        return provider.capture(
            reference=charge.reference,
            amount_minor=attempt.amount_minor,
            currency=charge.currency,
            key=f"{attempt.idempotency_key}-capture",
        )
    return charge


def call_off(*, attempt_id: UUID, at: datetime) -> None:
    """Call a live attempt off at its provider, as long as nothing was captured, and take in what it says.

    :raises ProviderDown: it did not answer (503)
    """
    attempt = selectors.get_attempt(attempt_id=attempt_id)
    key = f"{attempt.idempotency_key}-void"
    try:
        charge = call(attempt.provider, lambda provider: provider.void(reference=attempt.provider_reference, key=key))
    except (ProviderUnavailable, OutcomeUnknown, ProviderRefused) as error:
        raise ProviderDown(retry_after=_RETRY_SECONDS) from error
    take_in(attempt_id=attempt_id, charge=charge, at=at)


def carry_out_refund(*, refund_id: UUID, at: datetime) -> None:
    """Tell the provider of a promised refund, and take in its answer. Repeated under the same key until it answers.

    What the provider took on and has not ended is asked about. One caller at a time: others leave it to that one, for
    not every provider knows keys.
    """
    with alone_with(row_id=refund_id) as is_free:
        if is_free:
            _carry_out_refund(refund_id, at)


def _carry_out_refund(refund_id: UUID, at: datetime) -> None:
    refund = selectors.get_refund(refund_id=refund_id)
    status = RefundStatus(refund.status)
    if status not in OPEN_REFUNDS or refund.is_by_hand:
        return
    try:
        said = call(refund.attempt.provider, lambda provider: _tell(provider, refund))
    except (ProviderUnavailable, OutcomeUnknown):
        said = None
    except ProviderRefused as refusal:
        # What was taken on is not undone by a question that was refused.
        is_over = status is not RefundStatus.PENDING
        said = GivenBack(reference="", is_done=False, failure=refusal.code) if is_over else None
    if said is None:
        ask_at = at + pause(age=at - refund.created_at, is_in_flight=status is not RefundStatus.PENDING)
        record_refund_unknown(refund_id=refund_id, ask_at=ask_at)
    else:
        record_refund(refund_id=refund_id, said=said, at=at)


def _tell(provider: Provider, refund: Refund) -> GivenBack:
    wanted = NewRefund(
        key=refund.idempotency_key,
        reference=refund.attempt.provider_reference,
        amount_minor=refund.amount_minor,
        currency=refund.payment.currency,
    )
    if RefundStatus(refund.status) is RefundStatus.PENDING:
        return provider.fetch_refund(wanted=wanted, reference=refund.provider_reference)
    return provider.refund(wanted)


def _said(attempt: Attempt, status: AttemptStatus, failure: str = "") -> Charge:
    """Return what we know ourselves of an attempt, in the words of a provider."""
    return Charge(
        reference=attempt.provider_reference,
        status=status,
        amount_minor=attempt.amount_minor,
        currency=attempt.payment.currency,
        failure=failure,
    )
