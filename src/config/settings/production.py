"""A real shop: every secret and address comes from the environment, and a missing one stops the boot."""

from __future__ import annotations

from config.settings.base import *  # noqa: F403
from config.settings.base import (
    INSTALLED_APPS,
    broker_settings,
    env,
    mail_settings,
    redis_cache,
)
from config.settings.databases import database, owner
from config.settings.env import field_keys
from config.settings.safety import refuse_unsafe

DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SECRET_KEY = env.str("SECRET_KEY")
FIELD_KEYS = field_keys(env.str("FIELD_KEYS"))
# Hosts that are asked without TLS, since nobody else is on the way: of Compose's own network, of a tunnel.
PLAIN_HOSTS = env.list("PLAIN_HOSTS", default=[])
DATABASES = {"default": database(env.db_url("DATABASE_URL"))}
DATABASE_OWNER = owner(env.str("DATABASE_OWNER_URL", default=""))
REDIS_URL = env.str("REDIS_URL")
CACHES = {"default": redis_cache(REDIS_URL)}
vars().update(broker_settings(env.str("BROKER_URL")))
vars().update(mail_settings())
PUBLIC_URL = env.str("PUBLIC_URL")
STOREFRONT_URL = env.str("STOREFRONT_URL", default="") or PUBLIC_URL

# The gateway for development takes play money, and stops the boot where it is installed without SANDBOX.
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "sandbox"]

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# Sent by no page of another host, and taken from no host but the one that asks.
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=True)
# Browsers come back over TLS only, for a year at least.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)

refuse_unsafe(globals(), env)
