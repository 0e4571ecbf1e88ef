"""Writes of payments. Each locks the payment before anything else, an order included."""

from payments.services.balances import credit_balance, open_balance, spend_balance
from payments.services.beginning import Attempted, begin_attempt, find_begun, hold_payment, lock_payment
from payments.services.calling import ask, call_off, carry_out, carry_out_refund
from payments.services.changing import abandon, change_amount, settle_by_hand
from payments.services.declining import check_tries, forget_declines
from payments.services.issuing import (
    IssuedGiftCard,
    NewGiftCard,
    change_gift_card,
    grant_store_credit,
    issue_gift_card,
)
from payments.services.ledger import Entry, post_entries, post_entry
from payments.services.making_way import find_in_the_way, lock_balances
from payments.services.notices import receive_notice, take_notice
from payments.services.outcomes import record_outcome, settle_late
from payments.services.passing_on import pass_on_exchange
from payments.services.refund_outcomes import confirm_refund
from payments.services.refunding import find_promised, promise_refund
from payments.services.retrying import retry_refund
from payments.services.rows import lock_payment_of, lock_payments_of
from payments.services.saving import choose_method, forget_methods, remove_method, set_default_method
from payments.services.selling import (
    SoldGiftCard,
    block_gift_cards,
    forget_recipients,
    is_paid_by_gift_card,
    left_to_give_back,
    lock_cards_of_refund,
    lock_sold_gift_cards,
    sell_gift_cards,
    take_back_gift_cards,
)
from payments.services.settling import SettlementFile, import_settlement
from payments.services.sweeping import sweep

__all__ = [
    "Attempted",
    "Entry",
    "IssuedGiftCard",
    "NewGiftCard",
    "SettlementFile",
    "SoldGiftCard",
    "abandon",
    "ask",
    "begin_attempt",
    "block_gift_cards",
    "call_off",
    "carry_out",
    "carry_out_refund",
    "change_amount",
    "change_gift_card",
    "check_tries",
    "choose_method",
    "confirm_refund",
    "credit_balance",
    "find_begun",
    "find_in_the_way",
    "find_promised",
    "forget_declines",
    "forget_methods",
    "forget_recipients",
    "grant_store_credit",
    "hold_payment",
    "import_settlement",
    "is_paid_by_gift_card",
    "issue_gift_card",
    "left_to_give_back",
    "lock_balances",
    "lock_cards_of_refund",
    "lock_payment",
    "lock_payment_of",
    "lock_payments_of",
    "lock_sold_gift_cards",
    "open_balance",
    "pass_on_exchange",
    "post_entries",
    "post_entry",
    "promise_refund",
    "receive_notice",
    "record_outcome",
    "remove_method",
    "retry_refund",
    "sell_gift_cards",
    "set_default_method",
    "settle_by_hand",
    "settle_late",
    "spend_balance",
    "sweep",
    "take_back_gift_cards",
    "take_notice",
]
