"""What ``manage.py`` does: Django's commands, with the embedded servers running for as long as one needs them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config import embedded, pytest_runner, supervisor
from config.embedded import Refusal
from config.roles import ROLES, play

# These never ask the database.
WITHOUT_SERVERS = {
    "", "check", "check_schema", "collectstatic", "compilemessages", "diffsettings", "draw_diagrams", "findstatic",
    "help", "list_problems", "make_postman", "makemessages", "makemigrations", "restore", "spectacular", "startapp",
    "startproject", "version", "--help", "-h", "--version",
}  # fmt: skip


def main() -> None:
    """Run one command. What keeps it from starting is one line on standard error and exit code 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if command == "test":
            sys.exit(pytest_runner.run(sys.argv[2:]))
        if command == "run":
            supervisor.run()
            return
        if command in ROLES:
            play(command)
            return
        with _servers(command):
            execute_from_command_line(sys.argv)
    except (Refusal, ImproperlyConfigured) as error:
        sys.exit(f"nexus: {error}")


@contextlib.contextmanager
def _servers(command: str) -> Iterator[None]:
    if command in WITHOUT_SERVERS or not (wanted := supervisor.needed_servers()):
        yield
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with embedded.shared(settings.DATA, wanted):
        yield
