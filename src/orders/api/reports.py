"""Reports by period, over HTTP: as JSON, or as a table in CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from core.api.fields import MoneyField, TextField
from core.api.periods import PeriodQuery
from core.api.tables import csv_response
from core.api.views import ApiView
from core.money import Money
from orders import selectors
from orders.domain import OrderStatus
from payments import selectors as payment_reads
from payments.domain import AttemptStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from core.periods import Period

_CSV = (200, "text/csv")
_PENCE = {"amount": "0.00", "currency": "GBP"}
_TAX_ROW = {
    "period": "2026-06",
    "country": "GB",
    "region": "",
    "tax_class": "standard",
    "percent": "20",
    "is_reversed": False,
    "net": {"amount": "1000.00", "currency": "GBP"},
    "tax": {"amount": "200.00", "currency": "GBP"},
    "credited_net": {"amount": "50.00", "currency": "GBP"},
    "credited_tax": {"amount": "10.00", "currency": "GBP"},
}
_ORDERS_ROW = {
    "period": "2026-06",
    "market": "uk",
    "status": "paid",
    "orders": 12,
    "units": 30,
    "subtotal": {"amount": "1150.00", "currency": "GBP"},
    "discount": _PENCE,
    "shipping": {"amount": "50.00", "currency": "GBP"},
    "tax": {"amount": "200.00", "currency": "GBP"},
    "total": {"amount": "1200.00", "currency": "GBP"},
    "refunded": _PENCE,
}
_PAYMENTS_ROW = {
    "period": "2026-06",
    "provider": "stripe",
    "status": "captured",
    "attempts": 12,
    "declines": 0,
    "captured": {"amount": "1200.00", "currency": "GBP"},
    "refunded": {"amount": "60.00", "currency": "GBP"},
    "credited": _PENCE,
    "charged_back": _PENCE,
    "fees": {"amount": "30.60", "currency": "GBP"},
}


class TaxReportQuery(PeriodQuery):
    """Of all markets, or of one."""

    market = TextField(max_length=20, required=False, help_text="A market's code.")


class OrdersReportQuery(TaxReportQuery):
    """Of all states, or of one."""

    status = serializers.ChoiceField(choices=[status.value for status in OrderStatus], required=False)


class PaymentsReportQuery(PeriodQuery):
    """Of all providers and states, or of one."""

    provider = TextField(max_length=30, required=False)
    status = serializers.ChoiceField(choices=[status.value for status in AttemptStatus], required=False)


class _Row(serializers.Serializer[Any]):
    """A row of a report; its amounts are the row's minor units with its currency."""

    period = serializers.CharField(help_text="`2026-06`, or `2026-06-01`.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Show amounts as money."""
        return {
            name: field.to_representation(
                Money(getattr(instance, f"{name}_minor"), instance.currency)
                if isinstance(field, MoneyField)
                else getattr(instance, name)
            )
            for name, field in self.fields.items()
        }


class TaxRowOutput(_Row):
    """What was sold at one rate, and what of such sales was paid back."""

    country = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    tax_class = serializers.CharField()
    percent = serializers.CharField()
    is_reversed = serializers.BooleanField(help_text="The buyers owe the tax (reverse charge).")
    net = MoneyField()
    tax = MoneyField()
    credited_net = MoneyField()
    credited_tax = MoneyField()


class OrdersRowOutput(_Row):
    """The orders that were placed in the period and stand at this status now."""

    market = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in OrderStatus])
    orders = serializers.IntegerField()
    units = serializers.IntegerField()
    subtotal = MoneyField()
    discount = MoneyField()
    shipping = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    refunded = MoneyField()


class PaymentsRowOutput(_Row):
    """The attempts that were begun in the period and stand at this status now."""

    provider = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in AttemptStatus])
    attempts = serializers.IntegerField()
    declines = serializers.IntegerField()
    captured = MoneyField()
    refunded = MoneyField()
    credited = MoneyField(help_text="Given back as store credit or for an exchange.")
    charged_back = MoneyField()
    fees = MoneyField()


class _ReportOutput(serializers.Serializer[Any]):
    """A report with its period."""

    begins_on = serializers.DateField()
    ends_on = serializers.DateField()
    by = serializers.CharField()
    time_zone = serializers.CharField()


class TaxReportOutput(_ReportOutput):
    """Tax by period, place, rate and class."""

    results = TaxRowOutput(many=True)


class OrdersReportOutput(_ReportOutput):
    """Orders by period, market and state."""

    results = OrdersRowOutput(many=True)


class PaymentsReportOutput(_ReportOutput):
    """Attempts to pay by period, provider and state."""

    results = PaymentsRowOutput(many=True)


def _example(row: dict[str, Any]) -> OpenApiExample:
    said = {"begins_on": "2026-06-01", "ends_on": "2026-06-30", "by": "month", "time_zone": "UTC", "results": [row]}
    return OpenApiExample("A month", value=said, response_only=True, media_type="application/json")


class TaxReport(ApiView):
    """What is owed to the treasury."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("orders.view_invoice",)}

    @extend_schema(
        operation_id="reports_tax",
        summary="Tax by rate and period (staff)",
        description=(
            "An order counts when it is paid; what is paid back, on its own day, of all rates of its order alike."
        ),
        parameters=[TaxReportQuery],
        responses={200: TaxReportOutput, _CSV: OpenApiTypes.STR},
        examples=[_example(_TAX_ROW)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = TaxReportQuery.read(request.GET, now=timezone.now())
        as_csv = asked.pop("as_csv")
        rows = selectors.report_tax(**asked)
        return _answer("tax", asked["period"], rows, TaxRowOutput, selectors.TaxRow.HEADS if as_csv else ())


class OrdersReport(ApiView):
    """How the shop goes."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("orders.view_order", "orders.view_invoice")}

    @extend_schema(
        operation_id="reports_orders",
        summary="Orders by period, market and state (staff)",
        description="By the day on which they were placed, and the state in which they are now.",
        parameters=[OrdersReportQuery],
        responses={200: OrdersReportOutput, _CSV: OpenApiTypes.STR},
        examples=[_example(_ORDERS_ROW)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = OrdersReportQuery.read(request.GET, now=timezone.now())
        as_csv = asked.pop("as_csv")
        rows = selectors.report_orders(**asked)
        return _answer("orders", asked["period"], rows, OrdersRowOutput, selectors.OrdersRow.HEADS if as_csv else ())


class PaymentsReport(ApiView):
    """How the ways to pay go."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("payments.view_payment", "payments.view_ledgerentry")
    }

    @extend_schema(
        operation_id="reports_payments",
        summary="Attempts to pay by period, provider and state (staff)",
        description="By the day on which they were begun, and the state in which they are now.",
        parameters=[PaymentsReportQuery],
        responses={200: PaymentsReportOutput, _CSV: OpenApiTypes.STR},
        examples=[_example(_PAYMENTS_ROW)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = PaymentsReportQuery.read(request.GET, now=timezone.now())
        as_csv = asked.pop("as_csv")
        rows = payment_reads.report_payments(**asked)
        heads = payment_reads.PaymentsRow.HEADS if as_csv else ()
        return _answer("payments", asked["period"], rows, PaymentsRowOutput, heads)


def _answer(
    name: str, period: Period, rows: Sequence[Any], output: type[_Row], heads: Sequence[str]
) -> HttpResponseBase:
    """Show the rows; with ``heads`` as CSV."""
    if heads:
        file = f"{name}-{period.begins_on}-{period.ends_on}.csv"
        return csv_response(name=file, heads=heads, rows=(row.cells for row in rows))
    return Response(
        {
            "begins_on": period.begins_on,
            "ends_on": period.ends_on,
            "by": period.every.value,
            "time_zone": period.time_zone,
            "results": output(rows, many=True).data,
        }
    )
