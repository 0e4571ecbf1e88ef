"""Customers who come with their history from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.hashers import make_password

from accounts.domain import email_key
from accounts.models import Profile, User
from core.transactions import command


@command
def adopt_customers(*, emails: Sequence[str], at: datetime) -> dict[str, User]:
    """Return the account of each e-mail; missing ones are made, without a password: its owner may ask for a reset.

    Nobody is welcomed. Four statements for any number.
    """
    by_key = {email_key(email): email for email in emails}
    there = {email_key(user.email) for user in User.objects.with_emails(emails)}
    users = [
        User(email=email, password=make_password(None), created_at=at)
        for key, email in by_key.items()
        if key not in there
    ]
    User.objects.bulk_create(users)
    Profile.objects.bulk_create(Profile(user=user) for user in users)
    found = {email_key(user.email): user for user in User.objects.with_emails(emails).select_related("profile")}
    return {email: found[email_key(email)] for email in emails}
