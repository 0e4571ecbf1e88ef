"""Mail in a folder, for development: one file per mail, readable at ``/dev/mail/``."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMail
from email.utils import getaddresses
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_LOCAL_PART = re.compile(r"<([A-Za-z0-9-]{1,64})@[^<>]*>")


class FolderBackend(BaseEmailBackend):
    """Writes each mail to ``settings.MAIL_FOLDER``, named by its Message-ID: a mail sent twice is one file."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.MAIL_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            mail: Any = message.message()
            _write(folder / f"{_name(str(mail['Message-ID']))}.eml", mail.as_bytes(linesep="\r\n"))
        return len(email_messages)


@dataclass(frozen=True, kw_only=True)
class StoredMail:
    """A mail of the folder, as people and scripts read it."""

    name: str
    written_at: datetime
    headers: list[tuple[str, str]]
    text: str
    html: str

    def header(self, name: str) -> str:
        """Return the first header of that name, or the empty text."""
        return next((value for key, value in self.headers if key.casefold() == name.casefold()), "")

    def is_to(self, address: str) -> bool:
        """Tell whether it went to that address, whatever the case."""
        sent_to = {found.casefold() for _, found in getaddresses([self.header("To")])}
        return address.strip().casefold() in sent_to

    @property
    def links(self) -> list[str]:
        """The addresses in the text, each once, in the order in which they stand there."""
        return list(dict.fromkeys(link.rstrip(".,;:!?)") for link in _LINK.findall(self.text)))

    def as_document(self) -> dict[str, Any]:
        """Return what scripts get."""
        return {
            "id": self.name,
            "to": self.header("To"),
            "from": self.header("From"),
            "subject": self.header("Subject"),
            "kind": self.header("X-Nexus-Kind"),
            "message_id": self.header("Message-ID"),
            "written_at": self.written_at,
            "links": self.links,
            "text": self.text,
            "html": self.html,
        }


def find_mail(*, name: str) -> StoredMail | None:
    """Return one mail of the folder. The name is letters, digits and hyphens, and so never leads out of it."""
    path = Path(settings.MAIL_FOLDER) / f"{name}.eml"
    if NAME.fullmatch(name) is None or not path.is_file():
        return None
    return _read(path)


def list_mails(*, to: str = "", most: int = 100) -> list[StoredMail]:
    """Return the newest mails of the folder, newest first; ``to`` keeps those to one address."""
    paths = sorted(Path(settings.MAIL_FOLDER).glob("*.eml"), key=_written, reverse=True)
    found: list[StoredMail] = []
    for path in paths:
        mail = _read(path)
        if mail is not None and (not to or mail.is_to(to)):
            found.append(mail)
        if len(found) == most:
            break
    return found


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _name(message_id: str) -> str:
    found = _LOCAL_PART.fullmatch(message_id.strip())
    return found.group(1) if found else sha256(message_id.encode("utf-8", "replace")).hexdigest()


def _written(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name


def _read(path: Path) -> StoredMail | None:
    try:
        content, written = path.read_bytes(), path.stat().st_mtime
    except FileNotFoundError:
        return None
    mail: ParsedMail = message_from_bytes(content, policy=policy.default)
    return StoredMail(
        name=path.stem,
        written_at=datetime.fromtimestamp(written, tz=UTC),
        headers=[(name, str(value)) for name, value in mail.items()],
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: ParsedMail, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""
