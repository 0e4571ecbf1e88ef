"""One laptop: embedded servers in the data folder unless an address says otherwise."""

from __future__ import annotations

from config import embedded
from config.schedule import SANDBOX_SCHEDULE
from config.settings.base import *  # noqa: F403
from config.settings.base import (
    CELERY_BEAT_SCHEDULE,
    DATA,
    PAYMENT_PROVIDERS,
    PUBLIC_URL,
    broker_settings,
    env,
    mail_settings,
    redis_cache,
)
from config.settings.databases import database, owner
from config.settings.env import derived_key, field_keys

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = ["*"]
_secrets = embedded.local_secrets(DATA)
SECRET_KEY = env.str("SECRET_KEY", default=_secrets["secret_key"])
FIELD_KEYS = field_keys(env.str("FIELD_KEYS", default=_secrets["field_keys"]))

DATABASES = {"default": database(env.db_url("DATABASE_URL", default=embedded.database_url(DATA)))}
DATABASE_OWNER = owner(env.str("DATABASE_OWNER_URL", default=""))
REDIS_URL = env.str("REDIS_URL", default=embedded.redis_url(DATA))
CACHES = {"default": redis_cache(REDIS_URL)}
vars().update(broker_settings(env.str("BROKER_URL", default=embedded.broker_url(DATA))))
vars().update(mail_settings(fallback="notifications.mailbox.FolderBackend"))
DEV_PAGES = True

SANDBOX = True
# Where the gateway is: its API below /sandbox/v1, its pages below /sandbox. Its secrets follow from the shop's.
SANDBOX_URL = env.str("SANDBOX_URL", default="") or PUBLIC_URL
# The shop asks its own gateway without a socket; one that is elsewhere over HTTP.
SANDBOX_WSGI = "" if env.str("SANDBOX_URL", default="") else "sandbox.api.inside.application"
SANDBOX_SECRET_KEY = env.str("SANDBOX_SECRET_KEY", default="") or derived_key(SECRET_KEY, "sandbox")
# At our own address it is called without a socket, so that no request waits for a worker that waits for it.
PAYMENT_PROVIDERS = PAYMENT_PROVIDERS | {"sandbox": "payments.providers.sandbox.Sandbox"}
PROVIDER_BOOKS = {"sandbox": "sandbox.selectors.booked"} if SANDBOX_WSGI else {}
# The gateway signs with the first, the shop believes all of them.
SANDBOX_WEBHOOK_SECRETS = env.list("SANDBOX_WEBHOOK_SECRETS", default=[derived_key(SECRET_KEY, "sandbox webhooks")])
SANDBOX_WEBHOOK_URL = env.str("SANDBOX_WEBHOOK_URL", default="") or f"{PUBLIC_URL}/api/v1/webhooks/sandbox"
CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | SANDBOX_SCHEDULE
BENCH = env.bool("NEXUS_BENCH", default=False)
