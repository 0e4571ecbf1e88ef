"""Which fact is followed by which reaction, and who holds what of a person: the only place that joins them.

``SUBSCRIPTIONS`` run after the commit, in a worker, as often as it takes. ``INLINE_SUBSCRIPTIONS`` are steps
of an upper floor that must be whole or nothing with the change itself: they run inside the publishing
transaction and refuse it by raising.
"""

from __future__ import annotations

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "core.public_reads_changed": ("core.handlers.tell_caches",),
    "core.cache_missed": ("core.handlers.tell_cache_again",),
    "accounts.user_registered": (
        "notifications.handlers.welcome_customer",
        "notifications.handlers.alert_staff_of_registration",
    ),
    "accounts.email_verification_requested": ("notifications.handlers.send_verification",),
    "accounts.password_reset_requested": ("notifications.handlers.send_password_reset",),
    "accounts.password_changed": ("notifications.handlers.confirm_password_change",),
    "accounts.user_deleted": (
        "orders.handlers.scrub_customer",
        "payments.handlers.forget_methods",
        "notifications.handlers.forget_user",
    ),
    "markets.market_saved": ("products.handlers.render_market",),
    "products.market_part_rendered": ("products.handlers.render_market",),
    "products.products_rendered": ("products.handlers.index_products",),
    "products.product_created": (
        "notifications.handlers.alert_staff_of_new_product",
        "notifications.handlers.announce_new_product",
    ),
    "products.product_deleted": ("notifications.handlers.alert_staff_of_deleted_product",),
    "products.image_added": ("products.handlers.make_thumbnails",),
    "orders.order_placed": ("notifications.handlers.confirm_order",),
    "orders.order_moved": (
        "notifications.handlers.report_order_move",
        "orders.handlers.stop_paying",
        "orders.handlers.invoice_order",
    ),
    "orders.gift_cards_sold": ("orders.handlers.issue_gift_cards",),
    "orders.part_fulfilled": ("notifications.handlers.report_parcel",),
    "orders.part_cancelled": ("notifications.handlers.report_part_cancelled",),
    "orders.order_edited": ("notifications.handlers.report_order_edit",),
    "orders.order_to_pay": ("notifications.handlers.send_payment_link",),
    "orders.return_moved": (
        "notifications.handlers.report_return_move",
        "notifications.handlers.alert_staff_of_return",
    ),
    "orders.withdrawal_declared": ("notifications.handlers.send_withdrawal_link",),
    "orders.withdrawal_confirmed": (
        "notifications.handlers.acknowledge_withdrawal",
        "notifications.handlers.alert_staff_of_withdrawal",
    ),
    "payments.notice_received": ("payments.handlers.take_notice",),
    "payments.payment_refunded": (
        "orders.handlers.credit_refund",
        "orders.handlers.pass_on_exchange",
        "notifications.handlers.report_refund",
    ),
    "payments.gift_card_issued": ("notifications.handlers.send_gift_card",),
    "notifications.announcement_part_told": ("notifications.handlers.announce_new_product",),
    "payments.staff_needed": (
        "notifications.handlers.alert_staff_of_payment",
        "orders.handlers.block_gift_cards",
    ),
}

# A handler -> what the facts hold that concern it, where not all do: of others nothing is owed to it.
CONDITIONS: dict[str, dict[str, str]] = {
    "orders.handlers.stop_paying": {"to_status": "cancelled"},
    "orders.handlers.invoice_order": {"to_status": "paid"},
    "orders.handlers.block_gift_cards": {"what": "charged_back"},
    "notifications.handlers.alert_staff_of_return": {"to_status": "requested"},
}

# A handler that locks nothing, or rows of one kind -> its like that takes many facts in one transaction, with a few
# statements for all, and locks in the order of ids.
HANDLERS_OF_MANY: dict[str, str] = {
    "orders.handlers.invoice_order": "orders.handlers.invoice_orders",
    "notifications.handlers.confirm_order": "notifications.handlers.confirm_orders",
    "notifications.handlers.report_order_move": "notifications.handlers.report_order_moves",
}

# Handlers that call others, of many facts at once: while they run, no transaction is open. They may run twice, and at
# the same time.
HANDLERS_OUTSIDE: tuple[str, ...] = (
    "core.handlers.tell_cache_again",
    "core.handlers.tell_caches",
    "products.handlers.index_products",
)

INLINE_SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "accounts.signed_in": ("carts.handlers.merge_guest_cart",),
    "payments.payment_captured": ("orders.handlers.confirm_payment",),
    "payments.refund_tried_again": ("orders.handlers.refuse_to_pay_back_twice",),
    "products.stock_declared": ("inventory.handlers.set_declared_stock",),
}

# What each app holds of a person, as a ``core.personal.PersonalPart``: what ``accounts.user_deleted`` makes it forget.
PERSONAL_PARTS: tuple[str, ...] = (
    "accounts.api.personal.PART",
    "carts.api.personal.PART",
    "orders.api.personal.PART",
    "payments.api.personal.PART",
    "notifications.api.personal.PART",
)
