"""Writes of the rules that price a cart: shipping and tax. Each makes everybody read the rules anew."""

from pricing.services.methods import MethodData, RateData, create_method, delete_method, update_method
from pricing.services.tables import known_tax_tables, load_tax_table
from pricing.services.taxes import TaxRateData, create_tax_rate, delete_tax_rate, update_tax_rate
from pricing.services.zones import ZoneData, create_zone, delete_zone, update_zone

__all__ = [
    "MethodData",
    "RateData",
    "TaxRateData",
    "ZoneData",
    "create_method",
    "create_tax_rate",
    "create_zone",
    "delete_method",
    "delete_tax_rate",
    "delete_zone",
    "known_tax_tables",
    "load_tax_table",
    "update_method",
    "update_tax_rate",
    "update_zone",
]
