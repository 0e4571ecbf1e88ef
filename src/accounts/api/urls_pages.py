"""Pages for people, included at the root: what mailed links open."""

from __future__ import annotations

from django.urls import path

from accounts.api import pages

urlpatterns = [
    path("verify-email", pages.verify_email),
    path("reset-password", pages.reset_password),
    path("forgot-password", pages.forgot_password),
]
