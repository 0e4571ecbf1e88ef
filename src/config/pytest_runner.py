"""``manage.py test``: the words of Django's command, run by pytest."""

from __future__ import annotations

import argparse
import os
import subprocess  # nosec B404: runs pytest
import sys
from pathlib import Path

from config.settings.env import ROOT, SRC


def run(words: list[str]) -> int:
    """Run the same tests as ``make test``; labels are paths or dotted names. Return pytest's exit code."""
    parser = argparse.ArgumentParser(prog="manage.py test")
    parser.add_argument("labels", nargs="*")
    parser.add_argument("--failfast", action="store_true")
    parser.add_argument("--keepdb", action="store_true")
    parser.add_argument("--parallel", nargs="?", const="auto")
    parser.add_argument("--noinput", "--no-input", action="store_true")
    parser.add_argument("-v", "--verbosity", type=int, default=1)
    known, others = parser.parse_known_args(words)
    chosen = {
        "-x": known.failfast,
        "--reuse-db": known.keepdb,
        f"-n{known.parallel}": known.parallel is not None,
        "-v": known.verbosity > 1,
    }
    options = [option for option, wanted in chosen.items() if wanted]
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "pytest", *options, *others, *map(_path, known.labels)]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # nosec B603


def _path(label: str) -> str:
    path, separator, name = label.partition("::")
    if not Path(path).exists():
        dotted = SRC.joinpath(*path.split("."))
        path = str(dotted if dotted.is_dir() else dotted.with_suffix(".py"))
    return f"{Path(path).resolve()}{separator}{name}"
