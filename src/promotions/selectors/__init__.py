"""Reads of promotions."""

from promotions.selectors.books import find_differences
from promotions.selectors.buyers import (
    buyer_key,
    is_first_order,
    orders_counted,
    used_by_order,
    used_up_by,
    uses_of_orders,
)
from promotions.selectors.codes import code_key
from promotions.selectors.rules import TimedRule, find_rule, load_rules, rules_of_codes
from promotions.selectors.staff import get_promotion, list_coupons, list_promotions

__all__ = [
    "TimedRule",
    "buyer_key",
    "code_key",
    "find_differences",
    "find_rule",
    "get_promotion",
    "is_first_order",
    "list_coupons",
    "list_promotions",
    "load_rules",
    "orders_counted",
    "rules_of_codes",
    "used_by_order",
    "used_up_by",
    "uses_of_orders",
]
