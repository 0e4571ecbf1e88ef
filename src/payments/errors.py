"""How payments can refuse."""

from __future__ import annotations

from core.errors import Conflict, Invalid, Malformed, NotFound, TooManyRequests, Unavailable


class DoesNotBalance(ValueError):
    """The postings of an entry do not add up to nothing: a defect of the caller."""


class ChargeMismatch(ValueError):
    """A provider speaks of another currency, or of more than was asked for."""


class PaymentNotFound(NotFound):
    """There is no such payment, or it is someone else's."""

    code = "payments.payment_not_found"
    title = "There is no such payment."


class WebhookNotFound(NotFound):
    """Nobody of that name tells us anything."""

    code = "payments.webhook_not_found"
    title = "There is no such provider."


class ProviderUnknown(Invalid):
    """There is no such provider here."""

    code = "payments.provider_unknown"
    title = "There is no such way to pay here."
    example = {"provider": "barter"}


class AlreadyPaid(Conflict):
    """The order is paid."""

    code = "payments.already_paid"
    title = "This is paid already."


class NotPayable(Conflict):
    """The order waits for no payment."""

    code = "payments.not_payable"
    title = "This order waits for no payment."
    example = {"order_status": "cancelled"}


class PaymentInProgress(Conflict):
    """An earlier attempt has not ended; another one might charge twice."""

    code = "payments.in_progress"
    title = "An earlier attempt to pay has not ended yet."
    example = {"retry_after": 2}

    def __init__(self, *, retry_after: int = 2) -> None:
        super().__init__(retry_after=retry_after)


class TooManyDeclines(TooManyRequests):
    """Too many cards were declined for this order, this account or this address."""

    code = "payments.too_many_declines"
    title = "Too many cards were declined. Try again later."
    example = {"retry_after": 600}


class ProviderDown(Unavailable):
    """The provider does not answer; nothing was charged."""

    code = "payments.provider_unavailable"
    title = "This way to pay is not available at the moment."
    example = {"retry_after": 10}


class RefundTooLarge(Conflict):
    """More than what is left of the captured amount."""

    code = "payments.refund_too_large"
    title = "That is more than there is to give back."
    example = {
        "left": {"amount": "12.50", "currency": "GBP"},
        "variant": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
    }


class RefundNotFound(NotFound):
    """There is no such refund."""

    code = "payments.refund_not_found"
    title = "There is no such refund."


class RefundNotFailed(Conflict):
    """What did not fail is not tried again."""

    code = "payments.refund_not_failed"
    title = "This refund did not fail."
    example = {"refund_status": "pending"}


class RefundNotByHand(Conflict):
    """A provider gives it back; nobody confirms that by hand."""

    code = "payments.refund_not_by_hand"
    title = "This refund is not given back by hand."
    example = {"refund_status": "unknown"}


class NothingToCredit(Invalid):
    """Store credit belongs to an account, and a guest has none."""

    code = "payments.no_account_to_credit"
    title = "Store credit needs a customer's account."


class GiftCardUnknown(Invalid):
    """There is no gift card of that code, or it is blocked: which of the two is not told."""

    code = "payments.gift_card_unknown"
    title = "This gift card is not known here."


class BalanceNotUsable(Invalid):
    """A gift card or store credit that cannot be spent here and now.

    ``reason``: ``empty``, ``expired``, ``currency`` (it is in another one), ``no_account`` (a guest's order).
    """

    code = "payments.balance_not_usable"
    title = "This cannot be used to pay here."
    example = {"reason": "currency", "currency": "EUR"}


class BalanceNotFound(NotFound):
    """There is no such gift card or store credit."""

    code = "payments.balance_not_found"
    title = "There is no such balance."


class SavedMethodNotFound(NotFound):
    """There is no such way to pay that was kept, or it is someone else's."""

    code = "payments.saved_method_not_found"
    title = "There is no such saved way to pay."


class SavingNeedsAccount(Invalid):
    """What is kept belongs to an account, and a guest has none."""

    code = "payments.saving_needs_account"
    title = "Sign in to keep a way to pay."


class CannotSave(Invalid):
    """This provider keeps nothing that could be charged again."""

    code = "payments.cannot_save"
    title = "This way to pay cannot be kept."
    example = {"provider": "manual"}


class WebhookRefused(Malformed):
    """The signature does not fit, the time is too far off, or it cannot be read."""

    code = "payments.webhook_refused"
    title = "This webhook is not accepted."


class SettlementNotFound(NotFound):
    """There is no such settlement."""

    code = "payments.settlement_not_found"
    title = "There is no such settlement."


class SettlementUnreadable(Invalid):
    """The file is none of that provider, or a line of it cannot be read."""

    code = "payments.settlement_unreadable"
    title = "This settlement file cannot be read."
    example = {"reason": "the file is not in UTF-8", "line": 12}
