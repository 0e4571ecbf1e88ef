"""Writes of payments. Each locks the payment before anything else, an order included."""

from payments.services.beginning import (
    Attempted,
    abandon,
    begin_attempt,
    find_begun,
    hold_payment,
    lock_payment,
    settle_by_hand,
)
from payments.services.calling import ask, call_off, carry_out, carry_out_refund
from payments.services.declining import check_tries, forget_declines
from payments.services.ledger import Entry, post_entries, post_entry
from payments.services.notices import receive_notice, take_notice
from payments.services.outcomes import record_outcome, settle_late
from payments.services.refunding import find_promised, promise_refund
from payments.services.sweeping import sweep

__all__ = [
    "Attempted",
    "Entry",
    "abandon",
    "ask",
    "begin_attempt",
    "call_off",
    "carry_out",
    "carry_out_refund",
    "check_tries",
    "find_begun",
    "find_promised",
    "forget_declines",
    "hold_payment",
    "lock_payment",
    "post_entries",
    "post_entry",
    "promise_refund",
    "receive_notice",
    "record_outcome",
    "settle_by_hand",
    "settle_late",
    "sweep",
    "take_notice",
]
