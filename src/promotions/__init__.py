"""Coupons and discounts: their rules, and who used them. What a cart costs with them is priced by ``pricing``."""
