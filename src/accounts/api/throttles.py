"""What is counted before a handler runs: outside its transaction, so that a refusal does not undo the count."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.throttling import BaseThrottle

from accounts import services
from accounts.api.client import address_of


class RegistrationThrottle(BaseThrottle):
    """Registrations per network address."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """:raises TooManyAttempts: too many within the hour"""
        services.count_registration(address=address_of(request), at=timezone.now())
        return True


class ExportThrottle(BaseThrottle):
    """Exports of personal data per account that asks."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """:raises TooManyAttempts: too many within the hour"""
        if request.user is not None:
            services.count_export(user_id=request.user.pk, at=timezone.now())
        return True


class ResetThrottle(BaseThrottle):
    """Requests for a reset mail per network address."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """:raises TooManyAttempts: too many within the hour"""
        services.count_reset_request(address=address_of(request), at=timezone.now())
        return True
