"""The money ledger, in the back office: to read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from core.admin import ServiceAdmin, ViewInline, as_words, money_cell, row_link
from payments.models import LedgerEntry, Posting


class _Postings(ViewInline):
    model = Posting
    fields = ("account", "shown_amount")
    readonly_fields = fields

    @display(description="Amount")
    def shown_amount(self, row: Posting) -> str:
        return money_cell(row.amount_minor, row.currency)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ServiceAdmin):
    """Facts about money. They stay as they are."""

    list_display = ("shown_kind", "about", "at")
    list_filter = ("kind",)
    search_fields = ("reference",)
    fields = ("shown_kind", "about", "at")
    readonly_fields = ("shown_kind", "about")
    ordering = ("-at", "-pk")
    inlines = (_Postings,)

    @display(description="Kind", ordering="kind")
    def shown_kind(self, row: LedgerEntry) -> str:
        return as_words(row.kind)

    @display(description="About")
    def about(self, row: LedgerEntry) -> SafeString | str:
        return row_link("order", row.reference)
