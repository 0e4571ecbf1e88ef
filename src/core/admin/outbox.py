"""Facts, what is owed of them, and what was given up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from core import outbox
from core.admin.base import ServiceAdmin, ViewInline
from core.admin.cells import row_link
from core.models import Delivery, OutboxEvent
from core.selectors import STATES, list_deliveries


class _StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() not in STATES:
            return queryset
        return queryset.filter(pk__in=list_deliveries(state=self.value()).order_by().values("pk"))


@admin.register(Delivery)
class DeliveryAdmin(ServiceAdmin):
    """Who is to hear of a fact. Dead ones were tried too often; staff owe them again."""

    list_display = ("handler_name", "event_name", "shown_state", "attempts", "due_at", "last_error")
    list_filter = (_StateFilter, "handler")
    list_select_related = ("event",)
    search_fields = ("handler", "event__name", "aggregate", "last_error")
    fields = ("event", "about", "handler", "attempts", "due_at", "done_at", "dead_at", "last_error")
    readonly_fields = ("about",)
    ordering = ("-due_at", "-pk")
    actions = ("retry_chosen",)
    actions_detail = ("retry",)

    @display(description="Handler")
    def handler_name(self, row: Delivery) -> str:
        return row.handler.rpartition(".")[2].replace("_", " ")

    @display(description="Event")
    def event_name(self, row: Delivery) -> str:
        return row.event.name

    @display(description="About")
    def about(self, row: Delivery) -> SafeString | str:
        return _about(row.event)

    @display(description="State", label={"owed": "info", "done": "success", "dead": "danger"})
    def shown_state(self, row: Delivery) -> str:
        return row.state

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    @action(description="Deliver the dead ones again", permissions=["retry"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse:
        return self.ask_about_chosen(request, queryset, title="Deliver again", act=_retry)

    @action(description="Deliver again", icon="replay", permissions=["retry"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_about_one(request, object_id, title="Deliver again", act=lambda _: _retry([UUID(object_id)]))


def _retry(delivery_ids: Collection[UUID]) -> str:
    count = outbox.retry_dead(delivery_ids=delivery_ids, now=timezone.now())
    return f"{count} {'delivery is' if count == 1 else 'deliveries are'} owed again."


def _about(event: OutboxEvent) -> SafeString | str:
    keys = (key for key, value in event.payload.items() if str(value) == event.aggregate)
    return row_link(next(keys, "").removesuffix("_id"), event.aggregate)


class _Deliveries(ViewInline):
    model = Delivery
    fields = ("handler", "attempts", "due_at", "done_at", "dead_at", "last_error")
    readonly_fields = fields


@admin.register(OutboxEvent)
class OutboxEventAdmin(ServiceAdmin):
    """Facts that happened. They stay as they are."""

    list_display = ("name", "about", "occurred_at")
    list_filter = ("name",)
    search_fields = ("name", "aggregate")
    fields = ("name", "about", "payload", "occurred_at")
    readonly_fields = ("about",)
    ordering = ("-occurred_at", "-pk")
    inlines = (_Deliveries,)

    @display(description="About")
    def about(self, row: OutboxEvent) -> SafeString | str:
        return _about(row)
