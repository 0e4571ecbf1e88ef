"""Settlement files of providers beside our books, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of
from core.api.fields import MoneyField
from core.api.pages import PageQuery, list_response, page_of
from core.api.serializers import Input
from core.api.tables import csv_response
from core.api.uploads import UploadParser
from core.api.views import ApiView
from core.money import as_document
from payments import selectors, services
from payments.domain import SettledKind, Verdict
from payments.settlements import READERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import StreamingHttpResponse

    from payments.models import Settlement, SettlementLine

_KINDS = [kind.value for kind in SettledKind]
_VERDICTS = [verdict.value for verdict in Verdict]
_PROVIDERS = sorted(READERS)
_VIEW = ("payments.view_settlement",)
_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c040",
    "provider": "stripe",
    "name": "balance-2026-06.csv",
    "begins_at": "2026-06-01T07:12:00Z",
    "ends_at": "2026-06-30T21:40:11Z",
    "created_at": "2026-07-01T08:00:00Z",
}
_TOTAL = {
    "kind": "charge",
    "verdict": "matched",
    "lines": 120,
    "gross": {"amount": "4820.00", "currency": "GBP"},
    "fee": {"amount": "96.40", "currency": "GBP"},
}
_LINE = {
    "position": 12,
    "kind": "charge",
    "verdict": "amount_differs",
    "reference": "pi_3PX8mK2eZvKYlo2C1a2b3c4d",
    "gross": {"amount": "24.00", "currency": "GBP"},
    "booked": {"amount": "25.00", "currency": "GBP"},
    "fee": {"amount": "0.56", "currency": "GBP"},
    "at": "2026-06-03T10:00:00Z",
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "payment": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c041",
}


class SettlementInput(Input):
    """A file, and whose it is."""

    provider = serializers.ChoiceField(choices=_PROVIDERS)
    file = serializers.FileField(help_text="CSV in UTF-8, as the provider exports it.")


class SettlementQuery(PageQuery):
    """Of all providers, or of one."""

    provider = serializers.ChoiceField(choices=_PROVIDERS, required=False)


class SettlementLineQuery(PageQuery):
    """All lines, or those of a verdict or kind."""

    verdict = serializers.ChoiceField(choices=_VERDICTS, required=False)
    kind = serializers.ChoiceField(choices=_KINDS, required=False)


class SettlementOutput(serializers.Serializer[Any]):
    """A settlement file that was taken in."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    name = serializers.CharField()
    begins_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class SettlementTotalOutput(serializers.Serializer[Any]):
    """The lines of one kind, verdict and currency together."""

    kind = serializers.ChoiceField(choices=_KINDS)
    verdict = serializers.ChoiceField(choices=_VERDICTS)
    lines = serializers.IntegerField()
    gross = MoneyField()
    fee = MoneyField()


class SettlementDetailOutput(SettlementOutput):
    """A settlement with what it comes to."""

    totals = SettlementTotalOutput(many=True)


class SettlementLineOutput(serializers.Serializer[Any]):
    """A line beside what our books say."""

    position = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=_KINDS)
    verdict = serializers.ChoiceField(choices=_VERDICTS)
    reference = serializers.CharField(allow_blank=True)
    gross = MoneyField()
    booked = MoneyField(allow_null=True)
    fee = MoneyField()
    at = serializers.DateTimeField(allow_null=True)
    order = serializers.UUIDField(allow_null=True)
    payment = serializers.UUIDField(allow_null=True)


class _Page(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class SettlementListOutput(_Page):
    """A page of settlements."""

    results = SettlementOutput(many=True)


class SettlementLineListOutput(_Page):
    """A page of a settlement's lines."""

    results = SettlementLineOutput(many=True)


def _page(row: dict[str, Any]) -> OpenApiExample:
    said = {"count": 1, "next": None, "previous": None, "results": [row]}
    return OpenApiExample("A page", value=said, response_only=True)


class SettlementCollection(ApiView):
    """The files that were taken in, and taking one in."""

    parser_classes = [UploadParser]
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": _VIEW, "POST": ("payments.add_settlement",)}

    @extend_schema(
        operation_id="settlements_list",
        summary="List settlements (staff)",
        parameters=[SettlementQuery],
        responses={200: SettlementListOutput},
        examples=[_page(_EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        filters = SettlementQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_settlements(**filters)
        return list_response(request, rows, page=page, order=("-created_at", "-pk"), show=settlement_document)

    @extend_schema(
        operation_id="settlements_create",
        summary="Compare a provider's settlement file with our books (staff)",
        description=(
            "Charges, refunds and charge-backs are compared; fees and payouts are booked, once. What our books have in "
            "the file's time and the file lacks is listed as `missing`. The same file twice is the same settlement."
        ),
        request={"multipart/form-data": SettlementInput},
        responses={201: SettlementOutput},
        examples=[
            OpenApiExample(
                "A file",
                value={"provider": "stripe", "file": "payouts-june.csv"},
                request_only=True,
                media_type="multipart/form-data",
            ),
            OpenApiExample("Taken in", value=_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = SettlementInput(data=request.data)
        body.is_valid(raise_exception=True)
        upload = body.validated_data["file"]
        settlement = services.import_settlement(
            file=services.SettlementFile(
                provider=body.validated_data["provider"], name=_name(upload.name), content=upload.read()
            ),
            actor=customer_of(request),
            at=timezone.now(),
        )
        address = request.build_absolute_uri(f"{request.path.rstrip('/')}/{settlement.pk}")
        return Response(settlement_document(settlement), status=201, headers={"Location": address})


class SettlementDetail(ApiView):
    """One file."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": _VIEW}

    @extend_schema(
        operation_id="settlements_retrieve",
        summary="Show a settlement and what it comes to (staff)",
        responses={200: SettlementDetailOutput},
        examples=[OpenApiExample("A settlement", value=_EXAMPLE | {"totals": [_TOTAL]}, response_only=True)],
    )
    def get(self, request: Request, settlement_id: UUID) -> Response:
        settlement = selectors.get_settlement(settlement_id=settlement_id)
        totals = selectors.settlement_totals(settlement_id=settlement_id)
        return Response(settlement_document(settlement) | {"totals": [_total_document(total) for total in totals]})


class SettlementLines(ApiView):
    """The lines of one file."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": _VIEW}

    @extend_schema(
        operation_id="settlements_lines_list",
        summary="List a settlement's lines beside our books (staff)",
        parameters=[SettlementLineQuery],
        responses={200: SettlementLineListOutput},
        examples=[_page(_LINE)],
    )
    def get(self, request: Request, settlement_id: UUID) -> Response:
        filters = SettlementLineQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_settlement_lines(settlement_id=settlement_id, **filters)
        return list_response(request, rows, page=page, order=("position", "pk"), show=line_document)


class SettlementDifferences(ApiView):
    """What somebody has to look at."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": _VIEW}

    @extend_schema(
        operation_id="settlements_differences",
        summary="A settlement's differences as CSV (staff)",
        description="Lines that are `amount_differs`, `unknown` or `missing`.",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, settlement_id: UUID) -> StreamingHttpResponse:
        rows = selectors.settlement_differences(settlement_id=settlement_id)
        return csv_response(name=f"differences-{settlement_id}.csv", heads=selectors.DIFFERENCE_HEADS, rows=rows)


def _name(given: str) -> str:
    """Return what a file is called, without a path and without what cannot be shown."""
    return "".join(filter(str.isprintable, Path(given).name))[-200:]


def settlement_document(settlement: Settlement) -> dict[str, Any]:
    """Return a settlement as the API shows it."""
    return {name: getattr(settlement, name) for name in _EXAMPLE}


def line_document(line: SettlementLine) -> dict[str, Any]:
    """Return a line as the API shows it."""
    payment = line.attempt.payment if line.attempt is not None else None
    return {
        "position": line.position,
        "kind": line.kind,
        "verdict": line.verdict,
        "reference": line.reference,
        "gross": as_document(line.gross_minor, line.currency),
        "booked": None if line.booked_minor is None else as_document(line.booked_minor, line.currency),
        "fee": as_document(line.fee_minor, line.currency),
        "at": line.at,
        "order": payment.order_id if payment is not None else None,
        "payment": payment.pk if payment is not None else None,
    }


def _total_document(total: selectors.SettlementTotal) -> dict[str, Any]:
    return {
        "kind": total.kind,
        "verdict": total.verdict,
        "lines": total.lines,
        "gross": as_document(total.gross_minor, total.currency),
        "fee": as_document(total.fee_minor, total.currency),
    }
