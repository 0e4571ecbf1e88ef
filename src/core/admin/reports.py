"""Reports by period, in the back office: asked for in a form, shown as a table, taken away as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import available_timezones

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminDateWidget

from core.admin.base import in_words
from core.admin.forms import StaffForm
from core.api.tables import csv_response
from core.errors import DomainError
from core.periods import Every, Period

if TYPE_CHECKING:
    from core.admin.base import ServiceAdmin

_SHOWN = 1000
_PAGE = "core/admin/report.html"


class ReportRow(Protocol):
    """A row of a report as texts."""

    @property
    def cells(self) -> Sequence[str]:
        """By the report's heads."""


class PeriodForm(StaffForm):
    """From when to when. A report adds its filters by subclassing; what is empty is not passed on."""

    begins_on = forms.DateField(label="From", widget=UnfoldAdminDateWidget)
    ends_on = forms.DateField(label="To", widget=UnfoldAdminDateWidget)
    every = forms.ChoiceField(label="By", choices=[(every.value, every.value) for every in Every])
    time_zone = forms.ChoiceField(
        choices=[(name, name) for name in sorted(available_timezones())], help_text="Where days begin."
    )

    def clean(self) -> dict[str, Any]:
        """Make one period of the parts."""
        said: dict[str, Any] = super().clean() or {}
        if self.errors:
            return said
        try:
            every = Every(said.pop("every"))
            period = Period(every=every, **{name: said.pop(name) for name in ("begins_on", "ends_on", "time_zone")})
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return {"period": period, **{name: value for name, value in said.items() if value}}


def report_page(
    pages: ServiceAdmin,
    request: HttpRequest,
    *,
    title: str,
    heads: Sequence[str],
    read: Callable[..., Iterable[ReportRow]],
    form: type[PeriodForm] = PeriodForm,
) -> HttpResponseBase:
    """Show a report of what the form asks for, of this month at first; with ``csv`` as a file.

    :param read: takes ``period`` and what else the form has
    """
    bound = form(_asked(request))
    rows: list[Sequence[str]] = []
    if bound.is_valid():
        try:
            rows = [row.cells for row in read(**bound.cleaned_data)]
        except DomainError as refusal:
            bound.add_error(None, in_words(refusal))
        else:
            if "csv" in request.GET:
                return csv_response(name=f"{title.lower().replace(' ', '-')}.csv", heads=heads, rows=rows)
    context = {
        **pages.admin_site.each_context(request),
        "title": title,
        "opts": pages.opts,
        "form": bound,
        "heads": [head.replace("_", " ").capitalize() for head in heads],
        "rows": rows[:_SHOWN],
        "more": max(0, len(rows) - _SHOWN),
        "query": request.GET.urlencode(),
        "back": pages.list_url(),
    }
    return TemplateResponse(request, _PAGE, context)


def _asked(request: HttpRequest) -> Mapping[str, Any]:
    if "begins_on" in request.GET:
        return request.GET
    today = timezone.now().date()
    return {
        "begins_on": today.replace(day=1).isoformat(),
        "ends_on": today.isoformat(),
        "every": Every.MONTH.value,
        "time_zone": "UTC",
    }
