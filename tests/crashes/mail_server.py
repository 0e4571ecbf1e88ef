"""A mail server that tests kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from conftest import free_port


class Mailbox(MessageHandler):
    """Keeps the Message-ID of each mail."""

    ids: list[str]

    def handle_message(self, message: Any) -> None:
        self.ids.append(str(message["Message-ID"]))


class MailServer:
    """A real SMTP server that can go away and come back to the same port."""

    def __init__(self) -> None:
        self.mailbox, self.port = Mailbox(), free_port()
        self.mailbox.ids = []
        self.start()

    def start(self) -> None:
        self.controller = Controller(self.mailbox, hostname="127.0.0.1", port=self.port, ready_timeout=60)
        self.controller.start()

    def kill(self) -> None:
        self.controller.stop()

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        """Leave nothing of it after the block."""
        try:
            yield self
        finally:
            self.controller.stop(no_assert=True)
