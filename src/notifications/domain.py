"""Kinds of message, channels, and who may turn what off."""

from __future__ import annotations

from enum import Enum


class Channel(Enum):
    """How someone is told."""

    IN_APP = "in_app"
    EMAIL = "email"


class Kind(Enum):
    """What someone is told of. The value is stable: templates and preferences go by it."""

    WELCOME = "welcome"
    VERIFY_EMAIL = "verify_email"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of message
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of message
    ORDER_PLACED = "order_placed"
    ORDER_MOVED = "order_moved"
    NEW_PRODUCT = "new_product"
    STAFF_REGISTRATION = "staff_registration"
    STAFF_PRODUCT_CREATED = "staff_product_created"
    STAFF_PRODUCT_DELETED = "staff_product_deleted"
    STAFF_NEW_ORDER = "staff_new_order"


# Sent whatever someone prefers: they asked for it, or it concerns their money or their account.
TRANSACTIONAL = frozenset(
    {Kind.VERIFY_EMAIL, Kind.PASSWORD_RESET, Kind.PASSWORD_CHANGED, Kind.ORDER_PLACED, Kind.ORDER_MOVED}
)
# Off until someone asks for it.
OPT_IN = frozenset({Kind.NEW_PRODUCT})
