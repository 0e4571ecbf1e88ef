"""Reads of what else an account has behind it: when someone signed in, and what was mailed to let them in."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import OneTimeToken, RecoveryCode, TokenFamily, User


def list_sign_ins(*, user_id: UUID) -> QuerySet[TokenFamily]:
    """Return a person's sign-ins with the tokens that followed from each; two queries when read."""
    rows: QuerySet[TokenFamily] = TokenFamily.objects.filter(user=user_id).prefetch_related("tokens")
    return rows


def list_recovery_codes(*, user_id: UUID) -> QuerySet[RecoveryCode]:
    """Return what is kept of a person's recovery codes."""
    rows: QuerySet[RecoveryCode] = RecoveryCode.objects.filter(user=user_id)
    return rows


def list_links(*, user_id: UUID) -> QuerySet[OneTimeToken]:
    """Return what is kept of the links that were mailed to a person."""
    rows: QuerySet[OneTimeToken] = OneTimeToken.objects.filter(user=user_id)
    return rows


def permissions_of(*, user: User) -> list[str]:
    """Return "app.codename" of what the person holds beside their roles, in order. One query."""
    held = user.user_permissions.values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in held)
