"""A real shop: every secret and address comes from the environment, and a missing one stops the boot."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import DATABASE_OPTIONS, INSTALLED_APPS, METRICS_TOKEN, THROTTLES, env
from config.settings.env import field_keys

DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SECRET_KEY = env.str("SECRET_KEY")
FIELD_KEYS = field_keys(env.str("FIELD_KEYS"))
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"].setdefault("OPTIONS", {}).update(DATABASE_OPTIONS)
REDIS_URL = env.str("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = env.str("BROKER_URL")
vars().update(env.email_url("EMAIL_URL"))
PUBLIC_URL = env.str("PUBLIC_URL")
STOREFRONT_URL = env.str("STOREFRONT_URL", default="") or PUBLIC_URL

# The gateway for development takes play money, and stops the boot where it is installed without SANDBOX.
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "sandbox"]

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the shop's hosts")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("METRICS_TOKEN must have at least 16 characters")
if env.bool("SANDBOX", default=False):
    raise ImproperlyConfigured("SANDBOX=on is for play money, not for production")
if not THROTTLES:
    raise ImproperlyConfigured("THROTTLES=off is for load tests, not for production")
