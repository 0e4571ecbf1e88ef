"""The first page of the back office: what waits for whom, as far as they may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core import selectors as core_reads
from core.admin import money_cell
from inventory import selectors as inventory_reads
from notifications import selectors as message_reads
from orders import selectors as order_reads
from orders.domain import OrderStatus

_LATEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number that staff act on, and the list behind it."""

    title: str
    icon: str
    permission: str
    page: str
    query: Mapping[str, str]
    count: Callable[[User], int]


_TILES = (
    Tile(
        title="Orders to be paid",
        icon="hourglass_top",
        permission="orders.view_order",
        page="orders_order",
        query={"status__exact": OrderStatus.PENDING.value},
        count=lambda viewer: order_reads.list_orders(viewer=viewer, status=OrderStatus.PENDING.value).count(),
    ),
    Tile(
        title="Orders to ship",
        icon="local_shipping",
        permission="orders.view_order",
        page="orders_order",
        query={"status__exact": OrderStatus.PAID.value},
        count=lambda viewer: order_reads.list_orders(viewer=viewer, status=OrderStatus.PAID.value).count(),
    ),
    Tile(
        title="Variants sold out",
        icon="production_quantity_limits",
        permission="inventory.view_stock",
        page="inventory_stock",
        query={"free": "none"},
        count=lambda _: inventory_reads.list_stock(below=1).count(),
    ),
    Tile(
        title="Mails that failed",
        icon="mail_off",
        permission="notifications.view_mail",
        page="notifications_mail",
        query={"state__exact": "failed"},
        count=lambda _: message_reads.list_mails(state="failed").count(),
    ),
    Tile(
        title="Dead deliveries",
        icon="error",
        permission="core.view_delivery",
        page="core_delivery",
        query={"state": "dead"},
        count=lambda _: core_reads.list_deliveries(state="dead").count(),
    ),
)


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the page what its viewer may see. At most ten queries, whatever the number of rows."""
    viewer: User = request.user  # type: ignore[assignment]
    context["title"] = "Overview"
    allowed = [tile for tile in _TILES if viewer.has_perm(tile.permission)]
    context["tiles"] = [
        {
            "title": tile.title,
            "icon": tile.icon,
            "count": tile.count(viewer),
            "url": reverse(f"admin:{tile.page}_changelist", query=tile.query),
        }
        for tile in allowed
    ]
    if viewer.has_perm("orders.view_order"):
        context["week"] = order_reads.list_orders(
            viewer=viewer, placed_after=timezone.now() - timedelta(days=7)
        ).count()
        context["latest"] = _latest(viewer)
    return context


def _latest(viewer: User) -> list[dict[str, Any]]:
    orders = order_reads.list_orders(viewer=viewer).prefetch_related(None).order_by("-placed_at", "-pk")[:_LATEST]
    return [
        {
            "url": reverse("admin:orders_order_change", args=[order.pk]),
            "number": order.number,
            "status": order.status,
            "email": order.email,
            "total": money_cell(order.total_minor, order.currency),
            "placed_at": order.placed_at,
        }
        for order in orders
    ]
