"""What people are told, in the back office. The text of a mail is not shown: it may hold a link that signs one in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display

from core.admin import ServiceAdmin, as_words
from core.admin.base import ids_of
from notifications import services
from notifications.models import Mail, Notification


class _ReadFilter(admin.SimpleListFilter):
    title = "read"
    parameter_name = "read"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Unread"), ("yes", "Read")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        return queryset.filter(read_at__isnull=self.value() == "no") if self.value() in ("yes", "no") else queryset


@admin.register(Notification)
class NotificationAdmin(ServiceAdmin):
    """What people were told in the app."""

    list_display = ("title", "user", "shown_kind", "created_at", "read_at")
    list_filter = ("kind", _ReadFilter)
    list_select_related = ("user",)
    search_fields = ("title", "user__email_key")
    fields = ("user", "shown_kind", "title", "body", "data", "created_at", "read_at")
    readonly_fields = ("shown_kind", "created_at")
    ordering = ("-created_at", "-pk")

    @display(description="Kind", ordering="kind")
    def shown_kind(self, row: Notification) -> str:
        return as_words(row.kind)


@admin.register(Mail)
class MailAdmin(ServiceAdmin):
    """E-mails that are to leave the house. Failed ones can be sent again."""

    list_display = ("subject", "user", "shown_kind", "shown_state", "attempts", "due_at", "sent_at")
    list_select_related = ("user",)
    list_filter = ("state", "kind")
    search_fields = ("subject", "user__email_key")
    fields = ("shown_kind", "user", "subject", "state", "attempts", "due_at", "sent_at", "last_error")
    ordering = ("-due_at", "-pk")
    actions = ("retry_chosen",)
    actions_detail = ("retry",)
    readonly_fields = ("shown_kind",)

    @display(description="Kind", ordering="kind")
    def shown_kind(self, row: Mail) -> str:
        return as_words(row.kind)

    @display(description="State", label={"queued": "info", "sent": "success", "failed": "danger"})
    def shown_state(self, row: Mail) -> str:
        return row.state

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    @action(description="Send the failed ones again", permissions=["retry"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Mail]) -> HttpResponse:
        rows = ids_of(queryset)
        return self.ask(
            request,
            title=f"Send again: {len(rows)} chosen",
            act=lambda _: _told(services.retry_mails(mail_ids=rows, now=timezone.now())),
        )

    @action(description="Send again", icon="replay", permissions=["retry"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        return self.ask_about_one(
            request,
            object_id,
            title="Send again",
            act=lambda _: _told(services.retry_mails(mail_ids=[row.pk], now=timezone.now())),
        )


def _told(count: int) -> str:
    return f"{count} {'mail is' if count == 1 else 'mails are'} queued again."
