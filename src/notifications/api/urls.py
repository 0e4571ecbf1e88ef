from __future__ import annotations

from django.urls import path

from notifications.api import reports, views

urlpatterns = [
    path("notifications", views.NotificationCollection.as_view()),
    path("notifications/read", views.NotificationsRead.as_view()),
    path("notifications/delete", views.NotificationsDelete.as_view()),
    path("notifications/unread-count", views.UnreadCount.as_view()),
    path("notifications/preferences", views.Preferences.as_view()),
    path("notifications/unsubscribe", views.Unsubscribe.as_view()),
    path("webhooks/mail/<str:provider>", reports.MailReports.as_view()),
    path("notifications/<str:key>", views.NotificationDetail.as_view()),
    path("notifications/<str:key>/read", views.NotificationRead.as_view()),
]
