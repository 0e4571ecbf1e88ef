"""Tables as CSV and XLSX files that a spreadsheet does not run."""

from __future__ import annotations

from typing import Any

from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource
from unfold.contrib.import_export.forms import SelectableFieldsExportForm

from core.admin.base import ServiceAdmin
from core.tables import harmless


class SafeResource(ModelResource):  # type: ignore[misc]
    """What an export holds of each row: cells that no spreadsheet runs."""

    def export_field(self, field: Any, instance: Any, **kwargs: Any) -> Any:
        return harmless(super().export_field(field, instance, **kwargs))

    def export_resource(self, instance: Any, selected_fields: Any = None, **kwargs: Any) -> Any:
        return [harmless(value) for value in super().export_resource(instance, selected_fields, **kwargs)]


class Exported(ExportMixin, ServiceAdmin):  # type: ignore[misc]
    """A table that whoever may see it may also take away as CSV or XLSX, as searched and filtered."""

    formats = (CSV, XLSX)
    export_form_class = SelectableFieldsExportForm

    def get_export_formats(self) -> list[Any]:
        return list(self.formats)
