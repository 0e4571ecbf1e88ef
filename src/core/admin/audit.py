"""What staff had carried out. It stays as it is."""

from __future__ import annotations

from django.contrib import admin

from core.admin.base import ServiceAdmin
from core.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ServiceAdmin):
    """The log of the staff's actions; ``manage.py verify_audit`` looks at its chain."""

    list_display = ("position", "at", "actor_id", "via", "action", "path")
    list_filter = ("via",)
    search_fields = ("actor_id", "action", "path")
    fields = ("position", "at", "actor_id", "via", "request_id", "path", "action", "details", "previous", "hash")
    ordering = ("-position",)
