"""Invoices, credit notes and packing slips, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import viewer_of
from core.api.fields import MoneyField
from core.api.views import ApiView
from core.money import as_document
from orders import selectors, services
from orders.api.views import ORDER_TOKEN, order_token_of
from orders.domain import PaperKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orders.models import Invoice

_SHOWN = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c030",
    "kind": "invoice",
    "number": "INV-000042",
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "issued_at": "2026-11-21T12:00:00Z",
    "total": {"amount": "26.45", "currency": "GBP"},
    "credits": None,
    "reason": "",
}
_EXAMPLE = OpenApiExample("An invoice", value=_SHOWN, response_only=True)
_PDF = {(200, "application/pdf"): OpenApiTypes.BINARY}
_XML = {(200, "application/xml"): OpenApiTypes.BINARY}


class InvoiceOutput(serializers.Serializer[Any]):
    """An invoice, or a credit note that takes something of one back."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in PaperKind])
    number = serializers.CharField()
    order = serializers.UUIDField()
    issued_at = serializers.DateTimeField()
    total = MoneyField()
    credits = serializers.UUIDField(allow_null=True, help_text="Of a credit note: the invoice.")
    reason = serializers.CharField(allow_blank=True)


class InvoiceListOutput(serializers.Serializer[Any]):
    """All of an order's, oldest first. Staff are told in `missing` why there is none yet."""

    results = InvoiceOutput(many=True)
    missing = serializers.CharField(allow_null=True)


class OrderInvoices(ApiView):
    """The papers of one order."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("orders.add_invoice",)}

    @extend_schema(
        operation_id="orders_invoices_list",
        summary="List an order's invoice and credit notes",
        description=(
            "An order is invoiced when it is paid. Where it could not be, staff see in `missing` why: `not_paid`, "
            "`no_seller`, `seller_without_tax_number` or `does_not_add_up`."
        ),
        parameters=ORDER_TOKEN,
        responses={200: InvoiceListOutput},
        examples=[OpenApiExample("Papers", value={"results": [_SHOWN], "missing": None}, response_only=True)],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        found = selectors.list_invoices(
            order_id=order_id, viewer=viewer_of(request), token=order_token_of(request), at=timezone.now()
        )
        results = [invoice_document(invoice) for invoice in found.invoices]
        return Response({"results": results, "missing": found.missing})

    @extend_schema(
        operation_id="orders_invoices_create",
        summary="Invoice a paid order that has no invoice yet (staff)",
        description="For orders that were paid before there was a seller. The same order twice is the same invoice.",
        request=None,
        responses={201: InvoiceOutput},
        examples=[_EXAMPLE],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        invoice = services.issue_invoice(order_id=order_id, at=timezone.now())
        return Response(invoice_document(invoice), status=201)


class InvoiceDetail(ApiView):
    """One paper."""

    @extend_schema(
        operation_id="invoices_retrieve",
        summary="Show an invoice or a credit note",
        parameters=ORDER_TOKEN,
        responses={200: InvoiceOutput},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request, invoice_id: UUID) -> Response:
        return Response(invoice_document(_asked(request, invoice_id)))


class InvoicePdf(ApiView):
    """A paper to print."""

    @extend_schema(
        operation_id="invoices_pdf",
        summary="An invoice or a credit note as PDF",
        parameters=ORDER_TOKEN,
        responses=_PDF,
    )
    def get(self, request: Request, invoice_id: UUID) -> HttpResponse:
        invoice = _asked(request, invoice_id)
        return _file(selectors.invoice_as_pdf(invoice=invoice), "application/pdf", f"{invoice.number}.pdf")


class InvoiceXml(ApiView):
    """A paper for machines."""

    @extend_schema(
        operation_id="invoices_xml",
        summary="An invoice or a credit note as UBL 2.1 by EN 16931",
        parameters=ORDER_TOKEN,
        responses=_XML,
    )
    def get(self, request: Request, invoice_id: UUID) -> HttpResponse:
        invoice = _asked(request, invoice_id)
        return _file(selectors.invoice_as_xml(invoice=invoice), "application/xml", f"{invoice.number}.xml")


class PackingSlip(ApiView):
    """What lies in the parcel."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("orders.view_order",)}

    @extend_schema(operation_id="orders_packing_slip", summary="An order's packing slip as PDF (staff)", responses=_PDF)
    def get(self, request: Request, order_id: UUID) -> HttpResponse:
        return pdf_response(selectors.packing_slip(order_id=order_id), "packing-slip.pdf")


def invoice_document(invoice: Invoice) -> dict[str, Any]:
    """Return the invoice as the API shows it."""
    return {
        "id": invoice.pk,
        "kind": invoice.kind,
        "number": invoice.number,
        "order": invoice.order_id,
        "issued_at": invoice.issued_at,
        "total": as_document(invoice.total_minor, invoice.currency),
        "credits": invoice.of_id,
        "reason": invoice.reason,
    }


def _asked(request: Request, invoice_id: UUID) -> Invoice:
    return selectors.get_invoice(invoice_id=invoice_id, viewer=viewer_of(request), token=order_token_of(request))


def pdf_response(content: bytes, name: str) -> HttpResponse:
    """Return a paper to save."""
    return _file(content, "application/pdf", name)


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{name.replace("/", "-")}"',
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)
