"""Writes of orders. Each locks the order, or the cart it comes from, before anything else."""

from orders.services.agreeing import AgreedItem, place_agreed_order
from orders.services.cancelling import CancelWish, cancel_order
from orders.services.choosing import ItemWish
from orders.services.crediting import Credit, credit_refund, issue_credit_note
from orders.services.drafts import DraftChanges, cancel_draft, create_draft, place_draft, update_draft
from orders.services.editing import EditOrder, OrderChanges, edit_order
from orders.services.forgetting import scrub_customer, scrub_erased
from orders.services.fulfilling import (
    FulfilmentWish,
    ParcelChange,
    deliver_fulfilment,
    fulfil_order,
    update_fulfilment,
)
from orders.services.gift_cards import block_gift_cards, issue_gift_cards
from orders.services.invoicing import invoice_paid_orders, issue_invoice
from orders.services.linking import LinkPage, link_order, make_payment_link, open_payment_link, pay_by_link
from orders.services.moving import expire_unpaid, move_order, move_orders
from orders.services.noting import add_note
from orders.services.paying import Payer, confirm_payment, pay_from_balance, pay_order, show_payment, stop_paying
from orders.services.placing import PlaceOrder, place_order
from orders.services.refunding import (
    RefundItem,
    RefundOrder,
    promise_refund,
    refund_order,
    refund_payment,
    refuse_to_pay_back_twice,
)
from orders.services.returning import record_return
from orders.services.returns import (
    Asker,
    Inspected,
    ReturnItem,
    ReturnWish,
    Settlement,
    add_return_pictures,
    approve_return,
    cancel_return,
    pass_on_exchange,
    receive_return,
    reject_return,
    request_return,
    settle_return,
)
from orders.services.rushing import looking_first
from orders.services.selling import SellerWish, save_seller
from orders.services.withdrawing import (
    Declaration,
    Declared,
    WithdrawnItem,
    confirm_withdrawal,
    declare_withdrawal,
    make_withdrawal_link,
)

__all__ = [
    "AgreedItem",
    "Asker",
    "CancelWish",
    "Credit",
    "Declaration",
    "Declared",
    "DraftChanges",
    "EditOrder",
    "FulfilmentWish",
    "Inspected",
    "ItemWish",
    "LinkPage",
    "OrderChanges",
    "ParcelChange",
    "Payer",
    "PlaceOrder",
    "RefundItem",
    "RefundOrder",
    "ReturnItem",
    "ReturnWish",
    "SellerWish",
    "Settlement",
    "WithdrawnItem",
    "add_note",
    "add_return_pictures",
    "approve_return",
    "block_gift_cards",
    "cancel_draft",
    "cancel_order",
    "cancel_return",
    "confirm_payment",
    "confirm_withdrawal",
    "create_draft",
    "credit_refund",
    "declare_withdrawal",
    "deliver_fulfilment",
    "edit_order",
    "expire_unpaid",
    "fulfil_order",
    "invoice_paid_orders",
    "issue_credit_note",
    "issue_gift_cards",
    "issue_invoice",
    "link_order",
    "looking_first",
    "make_payment_link",
    "make_withdrawal_link",
    "move_order",
    "move_orders",
    "open_payment_link",
    "pass_on_exchange",
    "pay_by_link",
    "pay_from_balance",
    "pay_order",
    "place_agreed_order",
    "place_draft",
    "place_order",
    "promise_refund",
    "receive_return",
    "record_return",
    "refund_order",
    "refund_payment",
    "refuse_to_pay_back_twice",
    "reject_return",
    "request_return",
    "save_seller",
    "scrub_customer",
    "scrub_erased",
    "settle_return",
    "show_payment",
    "stop_paying",
    "update_draft",
    "update_fulfilment",
]
