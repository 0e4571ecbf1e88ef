"""The test suite: a throwaway PostgreSQL from ``conftest.py``, mail in memory, work done when a test asks for it."""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path

from config.schedule import BEAT_SCHEDULE, SANDBOX_SCHEDULE
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    PAYMENT_PROVIDERS,
    PUBLIC_URL,
    STORAGES,
    broker_settings,
    mail_settings,
)
from config.settings.databases import database, without_pool
from config.settings.env import derived_key, field_keys

DEBUG = False
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
SECRET_KEY = "test-only-" + "0" * 50
FIELD_KEYS = field_keys("t1:" + "A" * 43 + "=")

DATABASES = {
    "default": without_pool(
        database(
            {
                # Workers that a test starts are told its database, broker and folder.
                "NAME": os.environ.get("NEXUS_TEST_DATABASE", "postgres"),
                "USER": "postgres",
                "HOST": os.environ.get("PGSOCK", ""),
                "PORT": os.environ.get("PGPORT", ""),
            }
        )
    )
}
DATA = Path(os.environ.get("NEXUS_TEST_DATA") or Path(tempfile.gettempdir()) / f"nexus-tests-{os.getpid()}")
MEDIA_ROOT = DATA / "media"
STORAGES = STORAGES | {"private": STORAGES["private"] | {"OPTIONS": {"location": DATA / "private"}}}
MAIL_FOLDER = DATA / "mail"
STATIC_ROOT = DATA / "static"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
vars().update(broker_settings(os.environ.get("BROKER_URL", "memory://")))
OUTBOX_COURIER = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
if "NEXUS_TEST_DATABASE" in os.environ:
    vars().update(mail_settings(fallback="notifications.mailbox.FolderBackend"))
    OUTBOX_LEASE = MAIL_LEASE = timedelta(seconds=1)
# Argon2 with its cheapest parameters, so that a thousand test users do not cost minutes.
PASSWORD_HASHERS = ["accounts.authentication.CheapArgon2", "django.contrib.auth.hashers.Argon2PasswordHasher"]
THROTTLES = True
DEV_PAGES = True
SANDBOX = True
SANDBOX_SLOW_SECONDS = 0
SANDBOX_URL = PUBLIC_URL
SANDBOX_WSGI = "sandbox.api.inside.application"
PAYMENT_PROVIDERS = PAYMENT_PROVIDERS | {"sandbox": "payments.providers.sandbox.Sandbox"}
PROVIDER_BOOKS = {"sandbox": "sandbox.selectors.booked"}
SANDBOX_SECRET_KEY = derived_key(SECRET_KEY, "sandbox")
SANDBOX_WEBHOOK_SECRETS = [derived_key(SECRET_KEY, "sandbox webhooks")]
SANDBOX_WEBHOOK_URL = f"{PUBLIC_URL}/api/v1/webhooks/sandbox"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE | SANDBOX_SCHEDULE
MAILGUN_WEBHOOK_SIGNING_KEYS = ["key-new", "key-old"]
MAIL_REPORTERS = {"mailgun": "notifications.webhooks.read_mailgun"}
LOG_LEVEL = "INFO"
