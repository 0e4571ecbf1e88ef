from __future__ import annotations

from core.errors import Conflict, Invalid, NotFound


class ZoneNotFound(NotFound):
    """There is no shipping zone of that id."""

    code = "pricing.zone_not_found"
    title = "There is no such shipping zone."


class MethodNotFound(NotFound):
    """There is no shipping method of that id."""

    code = "pricing.method_not_found"
    title = "There is no such shipping method."


class TaxRateNotFound(NotFound):
    """There is no tax rate of that id."""

    code = "pricing.tax_rate_not_found"
    title = "There is no such tax rate."


class ShippingInvalid(Invalid):
    """A shipping zone or method cannot be like that."""

    code = "pricing.shipping_invalid"
    title = "A shipping zone or method cannot be like that."
    example = {"field": "regions", "unknown": ["GB-XX"], "inside": ["GB-NIR"], "doubled": ["GB"]}


class ShippingExists(Conflict):
    """The name of the zone, or the code of the method in its zone, is taken."""

    code = "pricing.shipping_exists"
    title = "There is a shipping zone or method of that name."
    example = {"field": "code"}


class TaxRateInvalid(Invalid):
    """A tax rate cannot be like that."""

    code = "pricing.tax_rate_invalid"
    title = "A tax rate cannot be like that."
    example = {"field": "region"}


class TaxRatesOverlap(Conflict):
    """Another rate holds there for that class on some of those days."""

    code = "pricing.tax_rates_overlap"
    title = "Another rate holds there on some of those days."


class UnknownTaxTable(Invalid):
    """There is no ready-made table of that name."""

    code = "pricing.unknown_tax_table"
    title = "There is no ready-made table of that name."
    example = {"known": ["eu", "uk"]}
