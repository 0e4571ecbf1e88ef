"""The pages of the back office: what all apps' pages build on, and those of the outbox."""

from __future__ import annotations

from core.admin import audit, deadletters, outbox
from core.admin.base import ServiceAdmin, ServiceInline, ViewInline
from core.admin.cells import as_words, money_cell, picture, row_link, status_label, table
from core.admin.exports import Exported, SafeResource
from core.admin.forms import StaffForm, dressed
from core.admin.reports import PeriodForm, report_page

__all__ = [
    "Exported",
    "PeriodForm",
    "SafeResource",
    "ServiceAdmin",
    "ServiceInline",
    "StaffForm",
    "ViewInline",
    "as_words",
    "audit",
    "deadletters",
    "dressed",
    "money_cell",
    "outbox",
    "picture",
    "report_page",
    "row_link",
    "status_label",
    "table",
]
