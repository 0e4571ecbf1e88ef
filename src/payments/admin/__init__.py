"""Payments and the money ledger, in the back office."""

from payments.admin import balances, methods, payments, refunds, settlements

__all__ = ["balances", "methods", "payments", "refunds", "settlements"]
