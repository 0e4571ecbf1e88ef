"""Messages that the broker gave up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display

from core import deadletters
from core.admin.base import ServiceAdmin
from core.models import DeadLetter


@admin.register(DeadLetter)
class DeadLetterAdmin(ServiceAdmin):
    """What took its worker down again and again, or could not be read. Once mended, staff send it again."""

    list_display = ("__str__", "shown_kwargs", "queue", "reason", "noted_at", "resent_at")
    list_filter = ("queue", "reason", "task")
    search_fields = ("task", "body")
    fields = ("task", "shown_kwargs", "body", "queue", "reason", "noted_at", "resent_at")
    readonly_fields = ("shown_kwargs",)
    ordering = ("-noted_at", "-id")
    actions = ("resend_chosen",)
    actions_detail = ("resend",)

    @display(description="Arguments")
    def shown_kwargs(self, row: DeadLetter) -> str:
        return json.dumps(row.kwargs)[:200]

    def has_resend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    @action(description="Send again", permissions=["resend"])
    def resend_chosen(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse:
        return self.ask_about_chosen(request, queryset, title="Send again", act=_resend)

    @action(description="Send again", icon="replay", permissions=["resend"])
    def resend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_about_one(request, object_id, title="Send again", act=lambda _: _resend([UUID(object_id)]))


def _resend(letter_ids: Sequence[UUID]) -> str:
    count = deadletters.resend(letter_ids=letter_ids, now=timezone.now())
    return f"{count} {'message is' if count == 1 else 'messages are'} on the way again."
