"""What is seen of a shop from outside. Each part is off unless the environment says where to: it then costs nothing."""

from __future__ import annotations

import socket
from pathlib import Path

from config.settings.env import data_folder, env

# Whoever bears it may read /metrics; without it nothing is counted, and there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Where a worker answers /metrics, which has no other address, and the web processes of Gunicorn do besides. 0: nowhere.
METRICS_PORT = env.int("METRICS_PORT", default=0)
METRICS_HOST = env.str("METRICS_HOST", default="127.0.0.1")
# Where the processes of one machine keep their figures; each machine, or container, has its own.
METRICS_FOLDER = Path(env.str("METRICS_FOLDER", default="") or data_folder() / "metrics" / socket.gethostname())
# How long what the database tells is shown again before it is asked again.
METRICS_CACHE_SECONDS = env.float("METRICS_CACHE_SECONDS", default=10.0)

# The collector of traces and of the log; the SDK reads this and its other OTEL_ variables by itself, too.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
# Where the log is sent, by its whole address: there alone, or there and not to the collector of traces.
OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", default="")
if not OTEL_EXPORTER_OTLP_LOGS_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT:
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = f"{OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/logs"
# "none" for a collector that takes traces alone.
if env.str("OTEL_LOGS_EXPORTER", default="") == "none":
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = ""
# How long lines are gathered, how many of them are sent at a time, and how many may wait.
OTEL_BLRP_SCHEDULE_DELAY = env.int("OTEL_BLRP_SCHEDULE_DELAY", default=1000)
OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = env.int("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", default=512)
OTEL_BLRP_MAX_QUEUE_SIZE = env.int("OTEL_BLRP_MAX_QUEUE_SIZE", default=2048)
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", default="") or "nexus"
# Whether a trace that a caller began goes on here. Anybody could write anything into it: only behind a front of ours.
OTEL_BELIEVE_CALLERS = env.bool("OTEL_BELIEVE_CALLERS", default=False)

SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")

_METERED, _TRACED = bool(METRICS_TOKEN), bool(OTEL_EXPORTER_OTLP_ENDPOINT)
_SENT = bool(OTEL_EXPORTER_OTLP_LOGS_ENDPOINT)
# Called once the apps are ready, in every process.
SEEING = [
    *(["config.seeing.metrics.switch_on"] if _METERED else []),
    *(["config.seeing.tracing.switch_on"] if _TRACED else []),
    *(["config.seeing.statements.switch_on"] if _METERED or _TRACED else []),
    *(["config.seeing.defects.switch_on"] if SENTRY_DSN else []),
    *(["config.seeing.log.switch_on"] if _SENT else []),
]
# Called in each web process of Gunicorn's.
WEB_LISTENERS = ["config.seeing.listener.listen_beside_web"] if _METERED and METRICS_PORT else []
# What each event of the log is shown to, and what each line is, once nothing personal is in it.
LOG_WATCHERS = ["config.seeing.defects.report"] if SENTRY_DSN else []
LOG_SENDERS = ["config.seeing.log.take"] if _SENT else []
# Around Django alone, the first one outermost.
SEEING_MIDDLEWARE = ["config.seeing.routes.RouteNoted"] if _METERED or _TRACED else []
# Around the whole of a web process, the last one outermost.
WSGI_WRAPPERS = [
    *(["config.seeing.tracing.Traced"] if _TRACED else []),
    *(["config.seeing.metrics.Metered"] if _METERED else []),
]
