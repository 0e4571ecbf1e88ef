"""What a web process loads: its memory is paid for as often as there are processes, and its start is waited for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from config.settings.env import SRC

# Who needs each of them, and loads it: workers, the back office's pages, imports, providers that have keys, and `make`.
NEEDED_ELSEWHERE = {
    "celery.apps", "celery.beat", "config.worker", "typst",
    "config.back_office", "core.admin", "orders.admin", "config.dashboard", "openpyxl", "tablib", "numpy", "pandas",
    "ijson", "products.services.importing",
    "stripe",
    "prometheus_client", "opentelemetry", "sentry_sdk", "config.seeing.metrics", "config.seeing.tracing",
    "config.seeing.log", "config.seeing.origin",
    "config.status",
    "config.backups", "boto3", "pyrage", "opensearchpy", "products.engine.opensearch",
    "anymail", "notifications.webhooks", "redis", "config.counting",
    "botocore", "storages", "core.storages.s3", "core.storages.cloudinary", "config.consuming",
    "config.certifying", "config.describing", "jsonschema", "config.demo", "config.diagrams", "config.postman", "tqdm",
}  # fmt: skip
PATHS = ("/healthz", "/api/v1/products", "/api/v1/products?search=lamp", "/api/v1/categories", "/api/v1/cart", "/docs/")
SERVED = """
import json, sys
from django.test import RequestFactory
from config.wsgi import application
statuses = []
for path in sys.argv[1:]:
    asked = RequestFactory().get(path)
    b"".join(application(asked.environ, lambda status, headers: statuses.append(status)))
print(json.dumps([statuses, sorted(sys.modules)]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_web_process_that_serves_loads_nothing_that_only_others_need() -> None:
    place = {"NEXUS_TEST_DATABASE": connection.settings_dict["NAME"], "PYTHONPATH": str(SRC)}
    served = subprocess.run(
        [sys.executable, "-c", SERVED, *PATHS],
        env=os.environ | place | {"DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    statuses, loaded = json.loads(served.stdout.splitlines()[-1])

    assert not [status for status in statuses if status >= "500"]
    assert statuses[0] == "200 OK"
    assert sorted(NEEDED_ELSEWHERE & set(loaded)) == []
