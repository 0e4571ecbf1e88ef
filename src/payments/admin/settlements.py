"""Settlement files of providers beside our books, in the back office."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from core.admin import ServiceAdmin, StaffForm, money_cell, row_link, status_label, table
from core.api.tables import csv_response
from core.errors import TooLarge
from payments import selectors, services
from payments.models import Settlement, SettlementLine
from payments.settlements import READERS

_COLOURS = status_label(
    {
        "matched": "success",
        "amount_differs": "danger",
        "unknown": "danger",
        "missing": "danger",
        "repeated": "info",
        "settled_later": "info",
    }
)


class SettlementForm(StaffForm):
    """A file, and whose it is."""

    provider = forms.ChoiceField(choices=[(name, name.capitalize()) for name in sorted(READERS)])
    file = forms.FileField(help_text="CSV in UTF-8, as the provider exports it.")


@admin.register(Settlement)
class SettlementAdmin(ServiceAdmin):
    """Files that were taken in. They stay as they are."""

    list_display = ("name", "provider", "begins_at", "ends_at", "created_at", "actor")
    list_filter = ("provider",)
    list_select_related = ("actor",)
    search_fields = ("name",)
    fields = (("name", "provider"), ("begins_at", "ends_at"), ("created_at", "actor"), "totals")
    readonly_fields = ("created_at", "totals")
    ordering = ("-created_at", "-pk")
    actions_list = ("import_file",)
    actions_detail = ("show_lines", "differences")

    @display(description="Comes to")
    def totals(self, row: Settlement) -> SafeString | str:
        heads = ("Kind", "Verdict", "Lines", "Gross", "Fees")
        found = selectors.settlement_totals(settlement_id=row.pk)
        return table(
            heads,
            [
                (
                    *(total.kind, total.verdict, str(total.lines)),
                    *(money_cell(total.gross_minor, total.currency), money_cell(total.fee_minor, total.currency)),
                )
                for total in found
            ],
        )

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_look_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "view")

    @action(description="Import a file", icon="upload", url_path="import", permissions=["import"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        def take(said: dict[str, Any]) -> str:
            file = said["file"]
            if file.size > settings.UPLOAD_MAX_BYTES:
                raise TooLarge(max_bytes=settings.UPLOAD_MAX_BYTES)
            name = "".join(filter(str.isprintable, Path(file.name).name))[-200:]
            taken = services.SettlementFile(provider=said["provider"], name=name, content=file.read())
            settlement = services.import_settlement(file=taken, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"{settlement.name} is compared."

        return self.ask(request, title="Import a settlement file", act=take, form=SettlementForm, button="Import")

    @action(description="Lines", icon="list", permissions=["look"])
    def show_lines(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        address = reverse("admin:payments_settlementline_changelist")
        return HttpResponseRedirect(f"{address}?{urlencode({'settlement__id__exact': row.pk})}")

    @action(description="Differences as CSV", icon="difference", permissions=["look"])
    def differences(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = self.row(request, object_id)
        rows = selectors.settlement_differences(settlement_id=row.pk)
        return csv_response(name=f"differences-{row.pk}.csv", heads=selectors.DIFFERENCE_HEADS, rows=rows)


@admin.register(SettlementLine)
class SettlementLineAdmin(ServiceAdmin):
    """Lines of files, and how each compares with our books."""

    list_display = (
        "position",
        "settlement",
        "kind",
        "shown_verdict",
        "reference",
        "gross",
        "booked",
        "fee",
        "at",
        "about",
    )
    list_filter = ("verdict", "kind", "provider")
    list_select_related = ("settlement", "attempt__payment")
    search_fields = ("reference__iexact",)
    fields = (
        ("settlement", "position"),
        *(("kind", "shown_verdict"), ("reference", "at"), ("gross", "booked", "fee"), "about"),
    )
    readonly_fields = ("shown_verdict", "gross", "booked", "fee", "about")
    ordering = ("-settlement__created_at", "position", "pk")

    @display(description="Verdict", ordering="verdict", label=_COLOURS)
    def shown_verdict(self, row: SettlementLine) -> str:
        return row.verdict

    @display(description="Gross", ordering="gross_minor")
    def gross(self, row: SettlementLine) -> str:
        return money_cell(row.gross_minor, row.currency)

    @display(description="In our books")
    def booked(self, row: SettlementLine) -> str:
        return money_cell(row.booked_minor, row.currency)

    @display(description="Fee")
    def fee(self, row: SettlementLine) -> str:
        return money_cell(row.fee_minor, row.currency)

    @display(description="About")
    def about(self, row: SettlementLine) -> SafeString | str:
        return row_link("order", str(row.attempt.payment.order_id) if row.attempt is not None else "")
