"""What holds everywhere."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from config import queues
from config.schedule import BEAT_SCHEDULE, SEARCH_SCHEDULE
from config.settings import processes, storage
from config.settings.backoffice import SEES_STATUS, UNFOLD  # noqa: F401 - settings
from config.settings.backups import (  # noqa: F401 - settings
    BACKUP_EVERY_HOURS,
    BACKUP_FOLLOWS,
    BACKUP_IDENTITIES,
    BACKUP_KEEP_DAYS,
    BACKUP_RECIPIENTS,
    BACKUP_URL,
    POSTGRES_PROGRAMS,
    STATUS_BACKUPS,
)
from config.settings.databases import replicas
from config.settings.env import SRC, data_folder, env, origins
from config.settings.kept import CACHE_KEPT_SECONDS, CACHE_PURGE_URLS  # noqa: F401 - settings
from config.settings.limits import RATE_LIMITS
from config.settings.mail import (  # noqa: F401 - settings
    ANYMAIL,
    DEFAULT_FROM_EMAIL,
    MAIL_REPORTERS,
    MAILGUN_WEBHOOK_SIGNING_KEYS,
    mail_settings,
)
from config.settings.search import (  # noqa: F401 - settings
    SEARCH_CA_FILE,
    SEARCH_INDEX,
    SEARCH_TIMEOUT_SECONDS,
    SEARCH_URL,
)
from config.settings.seeing import (  # noqa: F401 - settings
    LOG_SENDERS,
    LOG_WATCHERS,
    METRICS_CACHE_SECONDS,
    METRICS_FOLDER,
    METRICS_HOST,
    METRICS_PORT,
    METRICS_TOKEN,
    OTEL_BELIEVE_CALLERS,
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BLRP_MAX_QUEUE_SIZE,
    OTEL_BLRP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
    OTEL_SERVICE_NAME,
    SEEING,
    SEEING_MIDDLEWARE,
    SENTRY_DSN,
    SENTRY_ENVIRONMENT,
    WEB_LISTENERS,
    WSGI_WRAPPERS,
)
from config.subscriptions import (
    CONDITIONS,
    HANDLERS_OF_MANY,
    HANDLERS_OUTSIDE,
    INLINE_SUBSCRIPTIONS,
    PERSONAL_PARTS,
    SUBSCRIPTIONS,
)
from config.version import VERSION
from notifications.domain import Kind
from orders.domain import DraftStatus, OrderStatus, PaperKind, Resolution, ReturnStatus
from payments.domain import AttemptStatus, BalanceKind, PaymentStatus, RefundStatus, RefundTo, SettledKind
from pricing.domain.shipping import ShippingKind

DATA = data_folder()

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    # Its pages are loaded with its addresses (config.back_office).
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "config",
    "core",
    "markets",
    "accounts",
    "products",
    "inventory",
    "promotions",
    "payments",
    "sandbox",
    "pricing",
    "carts",
    "orders",
    "notifications",
]

MIDDLEWARE = [
    "core.middleware.RequestScope",
    "core.middleware.SecurityHeaders",
    "core.middleware.AdminOnly",
    *SEEING_MIDDLEWARE,
]
# What only the pages with a session need; ``core.middleware.AdminOnly`` runs them below these addresses.
SESSION_PATHS = ("/admin/",)
# Addresses below these bear a token: they are not logged whole.
KEY_PATHS = ("/pay/", "/unsubscribe/")
SESSION_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.SessionEnds",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.middleware.BackOfficePolicy",
    "core.middleware.StaffActions",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LOGIN_REDIRECT_URL = "admin:index"
# Not in a cookie of their own, which would have no prefix that keeps it on the host.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Only the admin's pages redirect: the API's addresses answer either way (core.middleware.RequestScope).
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SRC / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {}
# Who owns the tables, where that is another than who serves; named where one migrates or backs up, and nowhere else.
DATABASE_OWNER: dict[str, Any] = {}
# Where public reads of products go, as libpq's words; nothing: to the same database.
DATABASE_READ = replicas(env.str("DATABASE_READ_URL", default=""))
# So many bytes of lists each web process remembers, for as long as nothing in them has changed.
LIST_MEMORY = env.int("LIST_MEMORY_MB", default=4) * 2**20
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
] + [{"NAME": "accounts.authentication.ContextWordValidator"}]
# What the shop is called, beside the hosts of its addresses: no password is little more than one of these.
PASSWORD_WORDS = env.list("PASSWORD_WORDS", default=[])

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
# An image brings its own, collected when it was built.
STATIC_ROOT = Path(env.str("STATIC_ROOT", default="") or DATA / "static")
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA / "media"
STORAGES: dict[str, dict[str, Any]] = {
    **storage.storages(DATA),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PRIVATE_FOLDERS = storage.PRIVATE_FOLDERS
UPLOAD_TTL = storage.UPLOAD_TTL
MAIL_FOLDER = DATA / "mail"

# Bodies of JSON above this are refused with 413; uploads have limits of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# The form of a product with 200 variants has 2,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
UPLOAD_MAX_BYTES = 10 * 1024 * 1024
UPLOAD_MAX_PIXELS = 40_000_000
# Of a file that staff import, unpacked. Whoever imports at the machine itself is not limited.
IMPORT_MAX_UNPACKED_BYTES = 100 * 1024 * 1024

IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.QuickNegotiation",
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.NexusSchema",
    "DEFAULT_THROTTLE_CLASSES": [],
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    # Only JSON is served: no ``?format=``.
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Nexus",
    "DESCRIPTION": "A headless commerce backend.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PUBLIC": True,
    # Choices that stand in several places under several names.
    "ENUM_NAME_OVERRIDES": {
        "AttemptStatus": [status.value for status in AttemptStatus],
        "BalanceKind": [kind.value for kind in BalanceKind],
        "DraftStatus": [status.value for status in DraftStatus],
        "PaperKind": [kind.value for kind in PaperKind],
        "PaymentStatus": [status.value for status in PaymentStatus],
        "RefundStatus": [status.value for status in RefundStatus],
        "RefundTo": [to.value for to in RefundTo],
        "OrderStatus": [status.value for status in OrderStatus],
        "ReturnStatus": [status.value for status in ReturnStatus],
        "ReturnResolution": [resolution.value for resolution in Resolution],
        "MessageKind": [kind.value for kind in Kind],
        "SettledKind": [kind.value for kind in SettledKind],
        "ShippingKind": [kind.value for kind in ShippingKind],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.add_problems",
        "config.refusals.add_examples",
    ],
}

EVENT_SUBSCRIPTIONS = SUBSCRIPTIONS
EVENT_INLINE_SUBSCRIPTIONS = INLINE_SUBSCRIPTIONS
EVENT_CONDITIONS = CONDITIONS
EVENT_HANDLERS_OF_MANY = HANDLERS_OF_MANY
EVENT_HANDLERS_OUTSIDE = HANDLERS_OUTSIDE
PERSONAL_DATA = PERSONAL_PARTS
OUTBOX_COURIER = True
# How long a worker that took a delivery has, before another may take it.
OUTBOX_LEASE = timedelta(seconds=30)
# The same for a mail. Longer than the mail server is waited for.
MAIL_LEASE = timedelta(minutes=2)
IDEMPOTENCY_TTL = timedelta(hours=24)

# Who takes money: name -> class.
PAYMENT_PROVIDERS = {"manual": "payments.providers.manual.Manual"}
# Provider -> its own books, where they are in this house: `verify_books` compares them with ours.
PROVIDER_BOOKS: dict[str, str] = {}
# The providers, each where the environment has its keys. They are loaded by the first process that asks for one.
PAYMENT_TIMEOUT_SECONDS = env.float("PAYMENT_TIMEOUT_SECONDS", default=10.0)
# Of one provider in one process: a thread is left to everybody else, however long it takes.
PAYMENT_CALLS_AT_ONCE = max(1, processes.WEB_THREADS - 1)
# What a provider's page says that is paid for.
PAYMENT_TITLE = env.str("PAYMENT_TITLE", default="Your order")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
PAYPAL_CLIENT_ID = env.str("PAYPAL_CLIENT_ID", default="")
PAYPAL_CLIENT_SECRET = env.str("PAYPAL_CLIENT_SECRET", default="")
PAYPAL_API_BASE = env.str("PAYPAL_API_BASE", default="https://api-m.paypal.com")
# The ids of our webhooks at PayPal, which are part of what is signed, and its certificates (PEM), which sign.
PAYPAL_WEBHOOK_IDS = env.list("PAYPAL_WEBHOOK_IDS", default=[])
PAYPAL_WEBHOOK_CERTIFICATES = env.str("PAYPAL_WEBHOOK_CERTIFICATES", default="")
FLUTTERWAVE_SECRET_KEY = env.str("FLUTTERWAVE_SECRET_KEY", default="")
FLUTTERWAVE_WEBHOOK_SECRETS = env.list("FLUTTERWAVE_WEBHOOK_SECRETS", default=[])
FLUTTERWAVE_API_BASE = env.str("FLUTTERWAVE_API_BASE", default="https://api.flutterwave.com")
# Flutterwave wants an address with each charge, and is not told the shopper's.
FLUTTERWAVE_EMAIL = env.str("FLUTTERWAVE_EMAIL", default="shop@localhost")
if STRIPE_SECRET_KEY:
    PAYMENT_PROVIDERS["stripe"] = "payments.providers.stripe.Stripe"
if PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET:
    PAYMENT_PROVIDERS["paypal"] = "payments.providers.paypal.PayPal"
if FLUTTERWAVE_SECRET_KEY:
    PAYMENT_PROVIDERS["flutterwave"] = "payments.providers.flutterwave.Flutterwave"
# The payment gateway for development: config.settings.local and .test switch it on, nothing else may.
SANDBOX = False
# The gateway's application, to be called without a socket where it runs in this process; empty: over HTTP.
SANDBOX_WSGI = ""
# How long a charge by the slow card is pending.
SANDBOX_SLOW_SECONDS = env.int("SANDBOX_SLOW_SECONDS", default=5)

# What SECRET_KEY was before, the latest first. What stays good for years is still known by them: codes of gift cards,
# suppressed addresses, links that unsubscribe. Nobody is signed in by them: Django's SECRET_KEY_FALLBACKS stays empty.
EARLIER_SECRET_KEYS = env.list("EARLIER_SECRET_KEYS", default=[])

# Whoever works here signs in with a code of an authenticator app, too.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=False)
# What the app calls the shop.
SECOND_FACTOR_ISSUER = env.str("SECOND_FACTOR_ISSUER", default="Nexus")
ACCESS_TOKEN_TTL = timedelta(minutes=15)
REFRESH_TOKEN_TTL = timedelta(days=7)
# However often it is refreshed, a sign-in ends after so long.
SIGN_IN_TTL = timedelta(days=30)
# A session of the back office ends an hour after its last request, and in any case after a working day.
SESSION_IDLE_SECONDS = 3600
SESSION_COOKIE_AGE = 12 * 3600
ONE_TIME_TOKEN_TTL = timedelta(minutes=30)
UNPAID_ORDER_TTL = timedelta(hours=env.float("UNPAID_ORDER_HOURS", default=24))
# What staff wrote, and goods sent in exchange, may be paid for longer.
DRAFT_ORDER_TTL = timedelta(days=14)
ABANDONED_CART_TTL = timedelta(days=30)
CART_MAX_LINES = 100
CART_MAX_QUANTITY = 999

THROTTLES = env.str("THROTTLES", default="on") != "off"
# The innermost: who is refused is measured, too.
WSGI_WRAPPERS = [*(["config.pacing.Paced"] if THROTTLES and RATE_LIMITS else []), *WSGI_WRAPPERS]

# The storefronts and apps at other origins, whose scripts may call the API. No cookie is ever sent or taken there.
CORS_ALLOWED_ORIGINS = origins(env.list("CORS_ALLOWED_ORIGINS", default=[]))
# 0: browsers may come over plain HTTP (RFC 6797).
SECURE_HSTS_SECONDS = 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_HSTS_PRELOAD = False


def redis_cache(url: str) -> dict[str, Any]:
    """Return the cache at that address, for ``CACHES``. Nobody waits long for one that does not answer."""
    backend = "django.core.cache.backends.redis.RedisCache"
    options = {"serializer": "core.caching.JsonSerializer", "socket_connect_timeout": 1, "socket_timeout": 3}
    return {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}


# Where workers are asked to work. Settings for a surrounding name the broker and call `broker_settings`.
# Among workers that read the same queue, RabbitMQ serves those of the highest priority first.
WORKER_PRIORITY = env.int("WORKER_PRIORITY", default=0)


def broker_settings(url: str) -> dict[str, Any]:
    """Return what follows from the broker's address: its queues, and how they are used."""
    address, tls = queues.tls_at(url)
    return {
        "CELERY_BROKER_URL": address,
        "CELERY_BROKER_USE_SSL": tls or False,
        "CELERY_TASK_QUEUES": queues.queues_at(url, priority=WORKER_PRIORITY),
        "CELERY_BROKER_TRANSPORT_OPTIONS": queues.transport_at(url),
        # Where the broker puts what it gives up; empty: it gives nothing up.
        "DEAD_LETTER_QUEUE": queues.DEAD if queues.has_dead_letters(url) else "",
    }


CELERY_BROKER_URL = ""
DEAD_LETTER_QUEUE = ""
CELERY_TASK_DEFAULT_QUEUE = queues.BULK
CELERY_TASK_ROUTES = (queues.route,)
CELERY_WORKER_CONSUMER = "config.consuming:Consumer"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Once, at once: whoever sends over a connection whose broker went away makes a new one.
CELERY_TASK_PUBLISH_RETRY = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE | (SEARCH_SCHEDULE if SEARCH_URL else {})
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

DEFAULT_MARKET = {
    "code": "uk",
    "name": "United Kingdom",
    "countries": ["GB"],
    "currency": "GBP",
    "language": "en",
    "prices_include_tax": True,
}
# The networks of our own proxies, such as 10.0.0.0/8: only from these is X-Forwarded-For believed.
TRUSTED_PROXIES = [ip_network(network) for network in env.list("TRUSTED_PROXIES", default=[])]
# Where this shop is reached by people. Links in mails are never made from a request's Host header.
PUBLIC_URL = env.str("PUBLIC_URL", default="") or f"http://{processes.HOST}:{processes.PORT}"
# Where most links in mails lead: the storefront of the merchant, or, while there is none, plain pages of the shop.
STOREFRONT_URL = env.str("STOREFRONT_URL", default="") or PUBLIC_URL

LOGGING_CONFIG = None
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
DEV_PAGES = False
# The reference views of `make bench`: only config.settings.local lets the environment turn them on.
BENCH = False
SILENCED_SYSTEM_CHECKS = [
    # The admin's middleware is there, but only below SESSION_PATHS (core.middleware.AdminOnly).
    "admin.E408",
    "admin.E409",
    "admin.E410",
    "security.W002",
    "security.W003",
    # core.middleware.SecurityHeaders says what Django's own would, for the short way of public reads too.
    "security.W001",
]
