"""Pages that read tables and write through services.

Django's pages open a transaction and write rows themselves. Here a page calls one command, which opens its own; what
the command refuses is shown in the form that asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin as PlainAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from unfold.admin import ModelAdmin, TabularInline

from core.admin.finding import LongPaginator, find_whole
from core.admin.forms import StaffForm
from core.admin.once import PAGE_KEY, act_once, page_key_of
from core.errors import DomainError

CONFIRMED = "_confirmed"
# What a changelist sends along with an action, and what its page sends again once it is confirmed.
_OF_CHANGELIST = (ACTION_CHECKBOX_NAME, "action", "select_across", "index")


def in_words(refusal: DomainError) -> str:
    """Return a refusal as a sentence, with the facts that staff can act on."""
    said = refusal.detail or refusal.title
    errors = refusal.facts.get("errors")
    if errors:
        return " ".join([said, *(str(error["message"]) for error in errors)])
    facts = "; ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in refusal.facts.items())
    return f"{said} ({facts})" if facts else said


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, (list, tuple)) else str(value)


class _Untied(PlainAdmin):  # type: ignore[type-arg]
    """Django's form pages without its transaction: between the theme's mixins and Django's own class."""

    @method_decorator(csrf_protect)
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]


class ServiceAdmin(ModelAdmin, _Untied):  # type: ignore[misc]
    """A table's pages: read-only, unless ``can_add`` or ``can_change`` say that ``write`` calls a command.

    Rows are never deleted by these pages: where there is a service for it, an action asks first (``ask``).
    """

    can_add: ClassVar[bool] = False
    can_change: ClassVar[bool] = False

    # What an index serves -> what else holds of its rows. A search for a whole number, SKU or address that finds
    # something there finds nothing else.
    whole_fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    paginator = LongPaginator
    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    compressed_fields = True
    warn_unsaved_form = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.can_add and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_change and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().replace("\0", "")
        if term and self.whole_fields and (found := find_whole(self.model, self.whole_fields, term)):
            # As the list is filtered: a SKU that one has who is alive may be that of one deleted before, too.
            whole = queryset.filter(pk__any_of=found)
            if whole.exists():
                return whole, False
        return super().get_search_results(request, queryset, search_term)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        # Of a table that staff only read, the theme's page of who changed what would always be empty.
        context["show_history"] = self.can_change or bool(self.actions_detail)
        return super().render_change_form(request, context, *args, **kwargs)

    def may(self, request: HttpRequest, action: str) -> bool:
        """Tell whether the person holds that permission on this model: ``add``, ``move``, …"""
        return bool(request.user.has_perm(f"{self.opts.app_label}.{action}_{self.opts.model_name}"))

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        """Call the one command that takes over what the form says. A new object's ``pk`` is set on ``obj``.

        :raises DomainError: shown in the form
        """
        raise PermissionDenied

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing yet: ``save_related`` sees the inlines too."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        self.write(request=request, obj=form.instance, form=form, formsets=formsets, is_new=not change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return super().construct_change_message(request, form, [], add)

    def _changeform_view(self, request: HttpRequest, *args: Any) -> Any:
        try:
            return super()._changeform_view(request, *args)
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
        return super()._changeform_view(request, *args)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        refusal: DomainError | None = getattr(request, "refusal", None)
        return form if refusal is None else _refusing(form, refusal)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        _note(request, [obj], message, ADDITION)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        _note(request, [obj], message)

    def ask(
        self,
        request: HttpRequest,
        *,
        title: str,
        act: Callable[[dict[str, Any]], str],
        form: type[forms.Form] = StaffForm,
        initial: Mapping[str, Any] | None = None,
        objects: Sequence[Any] = (),
        changed: Iterable[Any] = (),
        button: str | None = None,
        back: str | None = None,
    ) -> HttpResponse:
        """Show the page of an action; once it is confirmed, act, say so, and go back. The same page acts once.

        :param act: takes what the form holds, calls one command, and returns what to tell
        :param objects: the names of what is chosen
        :param changed: the rows in whose history the outcome is noted
        :param button: what the button says; without it, the title
        :param back: where to go afterwards; without it, to the list
        """
        is_confirmed = request.method == "POST" and CONFIRMED in request.POST
        bound = form(request.POST, request.FILES) if is_confirmed else form(initial=dict(initial or {}))
        where = back or self.list_url()
        # Read before they change: afterwards a filter may not find them.
        rows = list(changed) if is_confirmed else []
        if is_confirmed and bound.is_valid():
            try:
                told, is_again = act_once(request, lambda: act(bound.cleaned_data))
                self.message_user(request, told, messages.SUCCESS)
                _note(request, [] if is_again else rows, told)
                return HttpResponseRedirect(where)
            except DomainError as refusal:
                bound.add_error(None, in_words(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "button": button or title,
            "opts": self.opts,
            "form": bound,
            "objects": [str(each) for each in objects[:20]],
            "more": max(0, len(objects) - 20),
            "kept": [(name, value) for name in _OF_CHANGELIST for value in request.POST.getlist(name)],
            "confirmed": CONFIRMED,
            "page_key": (PAGE_KEY, page_key_of(request)),
            "back": where,
        }
        return TemplateResponse(request, "core/admin/ask.html", context)

    def ask_about_one(self, request: HttpRequest, object_id: str, **page: Any) -> HttpResponse:
        """``ask`` of one row's page, and go back to that page.

        The title names the row, and its history keeps the outcome.
        """
        row = self.row(request, object_id)
        page.setdefault("back", self.row_url(row))
        page.setdefault("changed", [row])
        return self.ask(request, **(page | {"title": f"{page['title']}: {row}", "button": page["title"]}))

    def ask_about_chosen(
        self, request: HttpRequest, rows: QuerySet[Any], *, title: str, act: Callable[[list[UUID]], str]
    ) -> HttpResponse:
        """``ask`` of the rows chosen in the list, of which ``act`` takes the ids. The title says how many they are."""
        ids = ids_of(rows)
        return self.ask(request, title=f"{title}: {len(ids)} chosen", act=lambda _: act(ids))

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row that an action is about.

        :raises Http404: there is none
        """
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def list_url(self) -> str:
        """Where the table is listed."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def row_url(self, row: Model) -> str:
        """Where one row is shown."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])


def ids_of(rows: QuerySet[Any]) -> list[UUID]:
    """Return the ids of the chosen rows, in order."""
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _note(request: HttpRequest, rows: Sequence[Any], told: str | list[Any], flag: int = CHANGE) -> None:
    """Note in the history what was done to these rows, by their ids: what a row is called may be somebody's e-mail."""
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=cast("UUID", request.user.pk),
            content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
            object_id=row.pk,
            object_repr=str(row.pk),
            action_flag=flag,
            change_message=told if isinstance(told, str) else json.dumps(told),
        )
        for row in rows
    )


def _refusing(form: Any, refusal: DomainError) -> Any:
    def clean(self: Any) -> Any:
        form.clean(self)
        raise ValidationError(in_words(refusal))

    return type(form.__name__, (form,), {"clean": clean})


class ServiceInline(TabularInline):  # type: ignore[misc]
    """Rows that belong to another, written by the owner's command."""

    extra = 0
    show_change_link = False


class ViewInline(ServiceInline):
    """Rows that belong to another, shown and never written here. Their cells say it all: no line above names them."""

    hide_title = True
    can_delete = False
    max_num = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
