"""The list of what the shop is made of has everything that is installed for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from config.settings.env import ROOT


def test_names_every_pinned_package(tmp_path: Path) -> None:
    text = (ROOT / "requirements/base.txt").read_text()
    pinned = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE)
    target = tmp_path / "sbom.json"

    subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", "requirements", "-o", target, "requirements/base.txt"],
        cwd=ROOT, check=True, timeout=300, capture_output=True,
    )  # fmt: skip

    document = json.loads(target.read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert len(pinned) > 50
    assert {(part["name"], part["version"]) for part in document["components"]} >= set(pinned)
