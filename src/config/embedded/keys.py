"""The keys of a shop that was given none."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path

from config.embedded.refusal import Refusal


def local_secrets(data: Path) -> dict[str, str]:
    """The shop's own keys: ``secret_key``, and ``field_keys`` as ``id:base64 of 32 bytes``.

    Made once per data folder. Of several first starts at the same moment one wins, and all read its keys.

    :raises Refusal: the folder cannot be used
    """
    path = data / "secrets.json"
    try:
        if not path.exists():
            _make_secrets(path)
        kept: dict[str, str] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Refusal(f"cannot use the data folder: {error}") from error
    return kept


def _make_secrets(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(64),
        "field_keys": f"local1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    }
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")  # mode 0600
    with os.fdopen(descriptor, "w") as file:
        json.dump(made, file)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    Path(draft).unlink()
