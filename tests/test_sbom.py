"""The list of what the shop is made of has everything that is installed for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sbom
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


# As an image of Debian has them.
RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
STATUS = """
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.17-1~deb12u2
Description: Secure Sockets Layer toolkit
 Version: 9 is what a description may say.

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: libstdc++6
Status: install ok installed
Architecture: amd64
Version: 1:12.2.0-14+deb12u1
"""


class TestDebianPackages:
    def test_are_those_that_are_installed_by_their_package_urls(self, tmp_path: Path) -> None:
        target = tmp_path / "sbom.json"
        target.write_text(json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "django", "version": "5"}]}))

        counts = [sbom.main(target, RELEASE + STATUS) for _ in range(2)]

        assert counts == [2, 2]
        parts = json.loads(target.read_text())["components"]
        assert [(part["name"], part["version"]) for part in parts] == [
            ("django", "5"),
            ("libssl3", "3.0.17-1~deb12u2"),
            ("libstdc++6", "1:12.2.0-14+deb12u1"),
        ]
        assert [part["purl"] for part in parts[1:]] == [
            "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12",
            "pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12",
        ]
        assert parts[1]["properties"] == [{"name": "nexus:debian:source", "value": "openssl"}]

    def test_of_an_image_without_any_are_a_refusal(self, tmp_path: Path) -> None:
        target = tmp_path / "sbom.json"
        target.write_text('{"components": []}')

        with pytest.raises(SystemExit):
            sbom.main(target, RELEASE)

        assert target.read_text() == '{"components": []}'

    @pytest.mark.parametrize("pipeline", [".github/workflows/pipeline.yml", "infra/jenkins/Jenkinsfile"])
    def test_are_listed_and_kept_by_both_pipelines(self, pipeline: str) -> None:
        said = (ROOT / pipeline).read_text()

        assert re.search(r"make sbom PACKAGES=\S+", said)
        assert re.search(r"(?:path: |archiveArtifacts ')[^'\n]*\bsbom\.json", said)
