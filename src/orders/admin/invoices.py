"""Invoices and credit notes to read and to fetch, and who sells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from core.admin import ServiceAdmin, as_words, money_cell, report_page, row_link
from orders import selectors, services
from orders.admin.reports import OrdersForm, TaxForm
from orders.models import Invoice, Seller

_KINDS = {"invoice": "info", "credit note": "warning"}
_SELLER = (
    *("market", "name", "line1", "line2", "city", "region", "postal_code", "country"),
    *("vat_id", "tax_number", "registration", "email", "iban", "invoice_series", "credit_series"),
)
_HELP = {
    "market": "Empty: sells in all markets that have no seller of their own.",
    "country": "ISO 3166-1, such as DE.",
    "vat_id": "With its country's prefix, without spaces.",
    "tax_number": "Where tax is taken under a number that is no VAT id.",
    "registration": "Needed without a VAT id.",
    "invoice_series": "What the numbers of invoices begin with; each series is counted by itself.",
    "credit_series": "The same of credit notes.",
}


@admin.register(Invoice)
class InvoiceAdmin(ServiceAdmin):
    """Papers as they were issued. They stay as they are."""

    list_display = ("number", "shown_kind", "total", "issued_at", "order")
    list_filter = ("kind", "issued_at")
    list_select_related = ("order",)
    search_fields = ("number__iexact", "order__number__iexact")
    fields = ("number", "shown_kind", "total", "issued_at", "shown_order", "of", "reason")
    readonly_fields = ("shown_kind", "total", "shown_order")
    ordering = ("-issued_at", "-pk")
    actions_list = ("tax_report", "orders_report")
    actions_detail = ("pdf", "xml")

    @display(description="Kind", ordering="kind", label=_KINDS)
    def shown_kind(self, row: Invoice) -> str:
        return as_words(row.kind).lower()

    @display(description="Total", ordering="total_minor")
    def total(self, row: Invoice) -> str:
        return money_cell(row.total_minor, row.currency)

    @display(description="Order")
    def shown_order(self, row: Invoice) -> SafeString | str:
        return row_link("order", str(row.order_id))

    def has_fetch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "view") and bool(request.user.has_perm("orders.view_order"))

    def has_view_report_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view") and bool(request.user.has_perm("orders.view_order"))

    @action(description="Tax report", icon="percent", url_path="tax", permissions=["view_report"])
    def tax_report(self, request: HttpRequest) -> HttpResponseBase:
        return report_page(
            self,
            request,
            title="Tax report",
            heads=selectors.TaxRow.HEADS,
            read=selectors.report_tax,
            form=TaxForm,
        )

    @action(description="Orders report", icon="bar_chart", url_path="orders", permissions=["view_report"])
    def orders_report(self, request: HttpRequest) -> HttpResponseBase:
        return report_page(
            self,
            request,
            title="Orders report",
            heads=selectors.OrdersRow.HEADS,
            read=selectors.report_orders,
            form=OrdersForm,
        )

    @action(description="PDF", icon="picture_as_pdf", permissions=["fetch"])
    def pdf(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        return _file(selectors.invoice_as_pdf(invoice=row), "application/pdf", f"{row.number}.pdf")

    @action(description="XML", icon="code", permissions=["fetch"])
    def xml(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        return _file(selectors.invoice_as_xml(invoice=row), "application/xml", f"{row.number}.xml")


@admin.register(Seller)
class SellerAdmin(ServiceAdmin):
    """Who sells in which market. Without one, no invoice is written."""

    can_add = True
    can_change = True

    list_display = ("name", "market", "country", "vat_id", "invoice_series", "credit_series")
    list_select_related = ("market",)
    fields = _SELLER
    ordering = ("market__code", "pk")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in _HELP:
            field.help_text = _HELP[db_field.name]
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("market",)

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        given = {name: form.cleaned_data[name] for name in _SELLER if name in form.cleaned_data}
        market = given.pop("market", None) if is_new else obj.market
        wish = services.SellerWish(market=market.code if market else None, **given)
        obj.pk = services.save_seller(wish=wish).pk


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name.replace("/", "-")}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)
