"""What people are told, in the back office. The text of a mail is not shown: it may hold a link that signs one in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display

from core.admin import ServiceAdmin, as_words
from notifications import selectors, services
from notifications.domain import STOPS_ALL, ReportKind
from notifications.models import Mail, Notification, Suppression


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
    search_fields = ("title", "user__email_key__of")
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
    search_fields = ("subject", "user__email_key__of")
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
        return self.ask_about_chosen(request, queryset, title="Send again", act=_retry)

    @action(description="Send again", icon="replay", permissions=["retry"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_about_one(request, object_id, title="Send again", act=lambda _: _retry([UUID(object_id)]))


class _ForceFilter(admin.SimpleListFilter):
    title = "in force"
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "In force"), ("no", "Lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> QuerySet[Suppression]:
        return queryset.filter(lifted_at__isnull=self.value() == "yes") if self.value() in ("yes", "no") else queryset


@admin.register(Suppression)
class SuppressionAdmin(ServiceAdmin):
    """Addresses that get no mail, or only what is transactional. Staff lift it when the owner says so."""

    list_display = ("address", "shown_report", "shown_reach", "reason", "created_at", "lifted_at")
    list_filter = (_ForceFilter, "report")
    # Found by the whole address: it is sealed.
    search_fields = ("address_digest",)
    fields = ("address", "shown_report", "shown_reach", "reason", "mail", "created_at", "lifted_at")
    readonly_fields = ("shown_report", "shown_reach", "created_at")
    ordering = ("-created_at", "-pk")
    actions = ("lift_chosen",)
    actions_detail = ("lift",)

    @display(description="Report", ordering="report")
    def shown_report(self, row: Suppression) -> str:
        return as_words(row.report)

    @display(description="Gets")
    def shown_reach(self, row: Suppression) -> str:
        return "no mail" if ReportKind(row.report) in STOPS_ALL else "only what is transactional"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Find by the whole address, whatever its case."""
        known = selectors.list_suppressions(address=search_term.strip())
        return (queryset.filter(pk__in=known.values("pk")) if search_term.strip() else queryset), False

    def has_lift_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    @action(description="Let mail go there again", permissions=["lift"])
    def lift_chosen(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> HttpResponse:
        return self.ask_about_chosen(request, queryset, title="Let mail go there again", act=_lift)

    @action(description="Let mail go there again", icon="undo", permissions=["lift"])
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        title = "Let mail go there again"
        return self.ask_about_one(request, object_id, title=title, act=lambda _: _lift([UUID(object_id)]))


def _lift(suppression_ids: Sequence[UUID]) -> str:
    count = services.lift_suppressions(suppression_ids=suppression_ids, at=timezone.now())
    return f"Mail goes to {count} {'address' if count == 1 else 'addresses'} again."


def _retry(mail_ids: Sequence[UUID]) -> str:
    count = services.retry_mails(mail_ids=mail_ids, now=timezone.now())
    return f"{count} {'mail is' if count == 1 else 'mails are'} queued again."
