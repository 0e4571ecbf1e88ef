"""One laptop: embedded servers in the data folder unless an address says otherwise."""

from __future__ import annotations

from config import embedded
from config.settings.base import *  # noqa: F403
from config.settings.base import DATA, DATABASE_OPTIONS, env
from config.settings.env import field_keys

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = ["*"]
_secrets = embedded.local_secrets(DATA)
SECRET_KEY = env.str("SECRET_KEY", default=_secrets["secret_key"])
FIELD_KEYS = field_keys(env.str("FIELD_KEYS", default=_secrets["field_keys"]))

DATABASES = {"default": env.db_url("DATABASE_URL", default=embedded.database_url(DATA))}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"].setdefault("OPTIONS", {}).update(DATABASE_OPTIONS)
REDIS_URL = env.str("REDIS_URL", default=embedded.redis_url(DATA))
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = env.str("BROKER_URL", default=embedded.broker_url(DATA))
vars().update(env.email_url("EMAIL_URL", default="filemail://"))
if env.str("EMAIL_URL", default="") == "":
    EMAIL_BACKEND = "notifications.mailbox.FolderBackend"
DEV_PAGES = True
BENCH = env.bool("NEXUS_BENCH", default=False)
