"""What can be done at the gateway; the webhooks, whose library is large, only tasks send: ``sending``."""

from __future__ import annotations

from sandbox.services.charging import (
    authenticate,
    capture_charge,
    create_charge,
    look_up,
    look_up_all,
    pay,
    settle_due,
    void_charge,
)
from sandbox.services.faults import set_faults, take_fault
from sandbox.services.keeping import find_method, remove_method
from sandbox.services.refunding import dispute_charge, refund_charge

__all__ = [
    "authenticate",
    "capture_charge",
    "create_charge",
    "dispute_charge",
    "find_method",
    "look_up",
    "look_up_all",
    "pay",
    "refund_charge",
    "remove_method",
    "set_faults",
    "settle_due",
    "take_fault",
    "void_charge",
]
