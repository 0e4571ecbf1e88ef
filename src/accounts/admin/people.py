"""People and roles, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from import_export.fields import Field
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import AuthenticationForm

from accounts import selectors, services
from accounts.admin.second_factor import HOW_TO_ENROL, begin_enrolment, enrolment_page, may_enter
from accounts.errors import SecondFactorMissing
from accounts.models import Address, Profile, User
from core.admin import Exported, SafeResource, ServiceAdmin, StaffForm, ViewInline, dressed
from core.admin.base import in_words
from core.api.streams import json_response
from core.errors import DomainError

admin.site.unregister(Group)


def _address_of(request: HttpRequest | None) -> str:
    return "" if request is None else str(request.META.get("REMOTE_ADDR", ""))


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """The sign-in of the back office: tries are counted, and who fails too often waits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["code"] = dressed(
            forms.CharField(
                required=False,
                max_length=64,
                label="Code of your authenticator app",
                widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text"}),
            )
        )

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            try:
                self.user_cache = services.check_staff_password(
                    email=email,
                    password=password,
                    code=self.cleaned_data.get("code", ""),
                    address=_address_of(self.request),
                    at=timezone.now(),
                )
            except SecondFactorMissing as refusal:
                begin_enrolment(self.request, email)
                raise ValidationError(HOW_TO_ENROL) from refusal
            except DomainError as refusal:
                raise ValidationError(in_words(refusal)) from refusal
        return self.cleaned_data  # type: ignore[no-any-return]


class PasswordForm(StaffForm):
    """A new password, twice."""

    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False)
    again = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("password") != said.get("again"):
            raise ValidationError("The two passwords are not the same.")
        return said


class OwnPasswordForm(PasswordForm):
    """Another password for oneself."""

    field_order = ("current", "password", "again")
    current = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), strip=False)


class AddUserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new account. Without a role it is a customer's."""

    email = forms.EmailField(max_length=254)
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False)

    class Meta:
        model = User
        fields = ("email", "groups")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dressed(self.fields["email"])
        dressed(self.fields["password"])


class _Profile(ViewInline):
    model = Profile
    fields = ("first_name", "last_name", "display_name", "phone", "visibility")
    readonly_fields = fields


class _Addresses(ViewInline):
    model = Address
    fields = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone", "is_default")
    readonly_fields = fields
    ordering = ("pk",)


class UserResource(SafeResource):
    """What an export of accounts holds: no password, no name, no telephone number, no address."""

    roles = Field(column_name="roles")

    class Meta:
        model = User
        fields = ("id", "email", "is_active", "is_staff", "roles", "email_verified_at", "created_at", "last_login")
        export_order = fields

    def dehydrate_roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))


@admin.register(User)
class UserAdmin(Exported):
    """Accounts. What they hold is given by roles, and nobody gives more than they hold themselves."""

    can_add = True
    can_change = True

    resource_classes = (UserResource,)
    list_display = ("email", "shown_name", "shown_roles", "is_active", "is_staff", "created_at")
    list_filter = ("is_staff", "is_active", "groups")
    list_select_related = ("profile",)
    search_fields = ("email_key__of", "profile__first_name", "profile__last_name")
    fields = (
        ("email", "is_active"),
        ("groups", "customer_group"),
        ("is_staff", "is_superuser"),
        ("email_verified_at", "last_login"),
        ("second_factor_at", "live_sign_ins"),
        "created_at",
    )
    readonly_fields = (
        "email", "is_staff", "is_superuser", "email_verified_at", "last_login", "second_factor_at",
        "live_sign_ins", "created_at",
    )  # fmt: skip
    autocomplete_fields = ("groups", "customer_group")
    ordering = ("-created_at", "-pk")
    inlines = (_Profile, _Addresses)
    actions_detail = ("set_password", "sign_out", "remove_second_factor", "export_person", "erase")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request).filter(deleted_at__isnull=True)
        return rows.prefetch_related("groups")

    @display(description="Name")
    def shown_name(self, row: User) -> str:
        return f"{row.profile.first_name} {row.profile.last_name}".strip() or "-"

    @display(description="Live sign-ins")
    def live_sign_ins(self, row: User) -> int:
        return selectors.list_sessions(user=row, at=timezone.now()).count()

    @display(description="Roles")
    def shown_roles(self, row: User) -> str:
        return ", ".join(sorted(group.name for group in row.groups.all())) or "customer"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = AddUserForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("email", "password", "groups") if obj is None else super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else super().get_readonly_fields(request, obj)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else super().get_inlines(request, obj)

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said, at = form.cleaned_data, timezone.now()
        roles = [group.name for group in said["groups"]]
        if is_new:
            obj.pk = services.add_user(
                email=said["email"],
                password=said["password"],
                roles=roles,
                actor=request.user,  # type: ignore[arg-type]
                at=at,
            ).pk
        else:
            services.edit_user(
                user_id=obj.pk,
                is_active=said["is_active"],
                roles=roles,
                customer_group_id=said["customer_group"].pk if said["customer_group"] else None,
                actor=request.user,  # type: ignore[arg-type]
                at=at,
            )

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    @action(description="Set a password", icon="key", permissions=["edit"])
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def change(said: dict[str, Any]) -> str:
            services.set_password(
                user_id=row.pk,
                password=said["password"],
                email=row.email,
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
            return "The password is set, and all sign-ins have ended."

        return self.ask_about_one(request, object_id, title="Set a password", act=change, form=PasswordForm)

    @action(description="End all sign-ins", icon="logout", permissions=["edit"], variant=ActionVariant.DANGER)
    def sign_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def end(_: dict[str, Any]) -> str:
            services.sign_out_everywhere(user_id=row.pk, at=timezone.now())
            return "All sign-ins with the API have ended."

        return self.ask_about_one(request, object_id, title="End all sign-ins", act=end)

    @action(
        description="Remove the second factor",
        icon="phonelink_erase",
        permissions=["edit"],
        variant=ActionVariant.DANGER,
    )
    def remove_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def remove(_: dict[str, Any]) -> str:
            services.reset_second_factor(
                user_id=row.pk,
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
            return "The second factor is removed, and all sign-ins have ended."

        return self.ask_about_one(request, object_id, title="Remove the second factor", act=remove)

    def has_export_person_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.export_person"))

    @action(description="Export personal data", icon="download", permissions=["export_person"])
    def export_person(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = self.row(request, object_id)
        files: list[HttpResponseBase] = []

        def hand_out(_: dict[str, Any]) -> str:
            document = services.export_account(
                user_id=row.pk,
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
            files.append(json_response(name="personal-data.json", document=document))
            return "What the shop holds of the person was handed out."

        page = self.ask_about_one(request, object_id, title="Export personal data", act=hand_out)
        return files[0] if files else page

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description="Erase the person", icon="person_remove", permissions=["erase"], variant=ActionVariant.DANGER)
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def forget(_: dict[str, Any]) -> str:
            services.erase_account(user_id=row.pk, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return "The person is erased. Their orders stay, without the name."

        return self.ask_about_one(
            request, object_id, title="Erase the person for good", act=forget, changed=(), back=self.list_url()
        )


def _change_own_password(request: HttpRequest) -> HttpResponse:
    pages = cast("UserAdmin", admin.site.get_model_admin(User))

    def change(said: dict[str, Any]) -> str:
        user = services.change_password(
            user=request.user,  # type: ignore[arg-type]
            current=said["current"],
            new=said["password"],
            address=_address_of(request),
            at=timezone.now(),
        ).user
        update_session_auth_hash(request, user)
        return "Your password is changed, and your other sign-ins have ended."

    return pages.ask(
        request, title="Change your password", act=change, form=OwnPasswordForm, back=reverse("admin:index")
    )


def _own_pages() -> list[URLPattern]:
    return [
        path("password_change/", admin.site.admin_view(_change_own_password), name="password_change"),
        path("second-factor/", enrolment_page, name="second_factor"),
    ]


admin.site.login_form = SignInForm
admin.site.login_template = "accounts/admin/login.html"
admin.site.has_permission = may_enter  # type: ignore[method-assign]
admin.site.extra_urls = _own_pages  # type: ignore[attr-defined]


@admin.register(Group)
class RoleAdmin(ServiceAdmin, PlainGroupAdmin):
    """Roles: what those who have them may do."""

    can_add = True
    can_change = True

    list_display = ("name", "people", "permission_count")
    search_fields = ("name",)
    ordering = ("name", "pk")
    filter_horizontal = ("permissions",)
    actions_detail = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        rows: QuerySet[Group] = super().get_queryset(request)
        return rows.annotate(
            members=Count("user", filter=Q(user__deleted_at__isnull=True), distinct=True),
            permitted=Count("permissions", distinct=True),
        )

    @display(description="People", ordering="members")
    def people(self, row: Any) -> int:
        return int(row.members)

    @display(description="Permissions", ordering="permitted")
    def permission_count(self, row: Any) -> int:
        return int(row.permitted)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and field is not None:
            # Of Django's own tables, which have no pages here.
            field.queryset = field.queryset.exclude(content_type__app_label__in=("admin", "contenttypes", "sessions"))
        return field

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        role = services.save_role(
            name=form.cleaned_data["name"],
            permission_ids=[permission.pk for permission in form.cleaned_data["permissions"]],
            actor=request.user,  # type: ignore[arg-type]
            role_id=None if is_new else obj.pk,
        )
        obj.pk = role.pk

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_role(role_id=row.pk, actor=request.user)  # type: ignore[arg-type]
            return f"The role {row.name} is gone."

        return self.ask_about_one(request, object_id, title="Delete the role", act=delete, back=self.list_url())
