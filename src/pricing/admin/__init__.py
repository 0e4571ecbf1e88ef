"""Shipping and tax, in the back office."""

from pricing.admin.shipping import ShippingMethodAdmin, ShippingZoneAdmin
from pricing.admin.taxes import TaxRateAdmin

__all__ = ["ShippingMethodAdmin", "ShippingZoneAdmin", "TaxRateAdmin"]
