"""How the shop is, on one page of the back office: what is up, what waits, what was given up, and when it was saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_http_methods

from config.schedule import EVERY_SECONDS
from config.seeing.figures import MOST, Figures, read_figures
from core import health, inspections, outbox
from core import selectors as core_reads
from core.admin.base import in_words
from core.errors import DomainError
from products import selectors as product_reads

RETRY = "core.change_delivery"
_DELIVERIES, _MAIL, _PAYMENTS = "core.view_delivery", "notifications.view_mail", "payments.view_payment"
# Seconds after which staff should look.
_LATE, _SILENT, _UNKNOWN = 60.0, 4 * EVERY_SECONDS, 15 * 60.0
_OLD_BACKUP = timedelta(hours=26)
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing: how it is (``ok``, ``look``, ``down`` or ``unknown``), in words, and where more of it stands."""

    name: str
    state: str
    told: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines that one permission shows."""

    title: str
    permission: str
    lines: Callable[[Figures, datetime], list[Line]]


def _services(figures: Figures, _: datetime) -> list[Line]:
    asked = {
        "Database": health.database_state,
        "Migrations": health.migrations_state,
        "Broker": health.broker_state,
        "Cache": health.cache_state,
    }
    lines = [
        Line(name=name, state="ok" if (said := ask()) == "ok" else "down", told=said) for name, ask in asked.items()
    ]
    if (search := product_reads.search_state()) != "off":
        states = {"ok": "ok", "filling": "look"}
        told = {"away": "away: PostgreSQL answers", "filling": "an index is not whole yet: PostgreSQL answers"}
        lines.append(Line(name="Search", state=states.get(search, "down"), told=told.get(search, search)))
    for queue, (silent, _took) in sorted(figures.heartbeats.items()):
        state = "ok" if silent < _SILENT else "down"
        lines.append(Line(name=f"Workers of {queue}", state=state, told=f"last heard of {_ago(silent)}"))
    if not figures.heartbeats:
        lines.append(Line(name="Workers", state="unknown", told="no worker was heard of yet"))
    return lines


def _queues(figures: Figures, _: datetime) -> list[Line]:
    list_of = reverse("admin:core_delivery_changelist")
    lines = [
        Line(name=f"Queue: {queue}", state=_by_age(age), told=f"first in it overdue for {_seconds(age)}")
        for queue, age in sorted(figures.queue_ages(EVERY_SECONDS).items())
    ]
    owed = f"{_many(figures.owed)} owed, the oldest for {_seconds(figures.lag_seconds)}"
    return [
        *lines,
        Line(name="Outbox", state=_by_age(figures.lag_seconds), told=owed, url=f"{list_of}?state=owed"),
        Line(
            name="Dead deliveries",
            state="look" if figures.dead else "ok",
            told=_many(figures.dead),
            url=f"{list_of}?state=dead",
        ),
        Line(
            name="Messages given up",
            state="look" if figures.dead_letters else "ok",
            told=_many(figures.dead_letters),
            url=reverse("admin:core_deadletter_changelist"),
        ),
    ]


def _checks(figures: Figures, now: datetime) -> list[Line]:
    """Lines of what the clock looks into each day."""
    return [
        _check("Books", figures.inspections.get(inspections.BOOKS), "differences", now),
        _check("Audit log", figures.inspections.get(inspections.AUDIT), "breaks", now),
    ]


def _check(name: str, known: tuple[float, int] | None, what: str, now: datetime) -> Line:
    good_at, found = known or (0.0, 0)
    if not good_at:
        return Line(name=name, state="unknown", told="not verified yet")
    age = now.timestamp() - good_at
    state = "down" if found else "look" if age > _OLD_BACKUP.total_seconds() else "ok"
    return Line(name=name, state=state, told=f"{_many(found)} {what}, verified {_ago(age)}")


def _mail(figures: Figures, _: datetime) -> list[Line]:
    told = f"{_many(figures.mails_waiting)} waiting, the first overdue for {_seconds(figures.mail_age_seconds)}"
    url = reverse("admin:notifications_mail_changelist", query={"state__exact": "queued"})
    return [Line(name="Mails", state=_by_age(figures.mail_age_seconds), told=told, url=url)]


def _payments(figures: Figures, _: datetime) -> list[Line]:
    url = reverse("admin:payments_payment_changelist")
    unknown, rest = figures.unresolved.get("unknown", 0), dict(figures.unresolved)
    rest.pop("unknown", None)
    under_way = (
        ", ".join(f"{_many(many)} {status.replace('_', ' ')}" for status, many in sorted(rest.items())) or "none"
    )
    state = "ok" if figures.unknown_seconds < _UNKNOWN else "look"
    told = f"{_many(unknown)}, the oldest for {_seconds(figures.unknown_seconds)}"
    return [
        Line(name="Payments whose end is not known", state=state, told=told, url=url),
        Line(name="Payments under way", state="ok", told=under_way, url=url),
        Line(name="Refunds not confirmed", state="ok", told=_many(figures.refunds_unresolved)),
    ]


def _backups(_: Figures, now: datetime) -> list[Line]:
    """Lines of what ``settings.STATUS_BACKUPS`` knows, the newest first: (name, when it was whole)."""
    if not settings.STATUS_BACKUPS:
        return [Line(name="Backups", state="unknown", told="this shop does not know of any")]
    try:
        known: list[tuple[str, datetime]] = import_string(settings.STATUS_BACKUPS)()
    except Exception as error:  # noqa: BLE001 - wherever they are kept may be away, and the page is for that
        return [Line(name="Backups", state="down", told=f"not to be asked: {type(error).__name__}")]
    if not known:
        return [Line(name="Backups", state="look", told="none")]
    newest = max(at for _, at in known)
    return [
        Line(
            name=f"Backup {name}",
            state="look" if at == newest and now - at > _OLD_BACKUP else "ok",
            told=_ago((now - at).total_seconds()),
        )
        for name, at in sorted(known, key=lambda each: each[1], reverse=True)[:3]
    ]


SECTIONS = (
    Section(title="Services", permission=_DELIVERIES, lines=_services),
    Section(title="Queues", permission=_DELIVERIES, lines=_queues),
    Section(title="Checks", permission=_DELIVERIES, lines=_checks),
    Section(title="Mail", permission=_MAIL, lines=_mail),
    Section(title="Payments", permission=_PAYMENTS, lines=_payments),
    Section(title="Backups", permission=_DELIVERIES, lines=_backups),
)


def may_see(request: HttpRequest) -> bool:
    """Tell whether there is anything on the page for this person."""
    return any(request.user.has_perm(section.permission) for section in SECTIONS)


@require_http_methods(["GET", "HEAD", "POST"])
def status_page(request: HttpRequest) -> HttpResponse:
    """Show what the person may see; deliver the dead deliveries that it shows again.

    :raises PermissionDenied: there is nothing for them
    """
    if not may_see(request):
        raise PermissionDenied
    if request.method == "POST":
        return _retry(request)
    figures, now = read_figures(), timezone.now()
    context = {
        **admin.site.each_context(request),
        "title": "Status",
        "sections": [
            {"title": section.title, "lines": section.lines(figures, now)}
            for section in SECTIONS
            if request.user.has_perm(section.permission)
        ],
        "dead": _dead(request),
        "may_retry": request.user.has_perm(RETRY),
    }
    return TemplateResponse(request, "config/status.html", context)


def _dead(request: HttpRequest) -> list[Mapping[str, Any]]:
    if not request.user.has_perm(_DELIVERIES):
        return []
    rows = core_reads.list_deliveries(state="dead").order_by("-dead_at", "-pk")[:_SHOWN]
    return [
        {
            "id": row.pk,
            "url": reverse("admin:core_delivery_change", args=[row.pk]),
            "handler": str(row),
            "event": row.event.name,
            "dead_at": row.dead_at,
            "error": row.last_error,
        }
        for row in rows
    ]


def _retry(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(RETRY):
        raise PermissionDenied
    try:
        chosen = [UUID(key) for key in request.POST.getlist("delivery")]
        count = outbox.retry_dead(delivery_ids=chosen, now=timezone.now())
        messages.success(request, f"{count} {'delivery is' if count == 1 else 'deliveries are'} owed again.")
    except DomainError as refusal:
        messages.error(request, in_words(refusal))
    except ValueError:
        messages.error(request, "There is no such delivery.")
    return HttpResponseRedirect(reverse("admin:status"))


def _by_age(seconds: float) -> str:
    return "ok" if seconds < _LATE else "look"


def _many(count: int) -> str:
    return f"{MOST:,} or more" if count >= MOST else f"{count:,}"


def _seconds(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _ago(seconds: float) -> str:
    return f"{_seconds(seconds)} ago"
