"""The addresses of people, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from accounts.api.views import exporting, groups, me, passwords, second_factor, sessions, staff

urlpatterns = [
    path("auth/register", sessions.RegisterView.as_view()),
    path("auth/login", sessions.LoginView.as_view()),
    path("auth/refresh", sessions.RefreshView.as_view()),
    path("auth/logout", sessions.LogoutView.as_view()),
    path("auth/logout-all", sessions.LogoutAllView.as_view()),
    path("auth/password/reset", passwords.ResetView.as_view()),
    path("auth/password/reset/confirm", passwords.ResetConfirmView.as_view()),
    path("auth/password/change", passwords.PasswordChangeView.as_view()),
    path("auth/verify-email", passwords.VerifyEmailView.as_view()),
    path("auth/verify-email/resend", passwords.ResendVerificationView.as_view()),
    path("auth/second-factor/begin", second_factor.BeginView.as_view()),
    path("auth/second-factor/confirm", second_factor.ConfirmView.as_view()),
    path("auth/second-factor/remove", second_factor.RemoveView.as_view()),
    path("me", me.MeView.as_view()),
    path("me/export", exporting.OwnExportView.as_view()),
    path("me/profile", me.ProfileView.as_view()),
    path("me/profile/avatar", me.AvatarView.as_view()),
    path("me/addresses", me.AddressesView.as_view()),
    path("me/addresses/<uuid:address_id>", me.AddressView.as_view()),
    path("me/sessions", me.SessionsView.as_view()),
    path("me/sessions/<uuid:session_id>", me.SessionView.as_view()),
    path("profiles/<uuid:user_id>", me.PublicProfileView.as_view()),
    path("users", staff.UsersView.as_view()),
    path("users/<uuid:user_id>", staff.UserView.as_view()),
    path("users/<uuid:user_id>/export", exporting.UserExportView.as_view()),
    path("users/<uuid:user_id>/roles", staff.UserRolesView.as_view()),
    path("users/<uuid:user_id>/second-factor", staff.UserSecondFactorView.as_view()),
    path("customer-groups", groups.CustomerGroupsView.as_view()),
    path("customer-groups/<str:code>", groups.CustomerGroupView.as_view()),
]
