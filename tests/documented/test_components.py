"""What the pages promise of weak components is within reach: each is pinned, watched, and asked about often enough."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documented.pages import ROOT, numbers, table

# Severities of CVSS (3.1, section 5).
SEVERITIES = ("critical", "high", "medium", "low")
DAYS = {"daily": 1, "weekly": 7, "monthly": 30}
ROWS = {row[0]: int(numbers(row[1])[0]) for row in table("security.md", "Components", first="severity (CVSS)")}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def watched() -> dict[str, tuple[set[str], int]]:
    """Return what Dependabot watches: ecosystem -> folders, and how many days pass between two looks."""
    told = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    return {
        each["package-ecosystem"]: (
            set(each.get("directories", [each.get("directory")])),
            DAYS[each["schedule"]["interval"]],
        )
        for each in told
    }


def days_between(cron: str) -> int:
    """Return how many days pass at most between two runs of a schedule that names days of the week, or none."""
    days = cron.split()[4]
    return 1 if days == "*" else 7 // len(days.split(","))


def with_images() -> set[str]:
    """Return the folders that name images of others, in the ways that Dependabot reads."""
    infra = ROOT / "infra"
    named = {path.parent for path in infra.rglob("Dockerfile")}
    for path in (infra / "k8s" / "base").rglob("*.yaml"):
        images = re.findall(r"^\s*(?:- )?image: (\S+)$", path.read_text(), re.MULTILINE)
        named |= {path.parent for image in images if not image.startswith("nexus")}
    return {f"/{folder.relative_to(ROOT)}" for folder in named}


class TestTimes:
    def test_are_said_of_each_severity_and_are_shorter_for_worse_ones(self) -> None:
        days = list(ROWS.values())

        assert [re.split(r"\W", name)[0] for name in ROWS] == list(SEVERITIES)
        assert days == sorted(set(days))

    def test_are_longer_than_it_takes_to_ask_about_packages(self) -> None:
        text = (ROOT / ".github" / "workflows" / "weaknesses.yml").read_text()
        workflow: dict[Any, Any] = yaml.safe_load(text)

        [schedule] = workflow[True]["schedule"]  # YAML 1.1 reads `on` as a boolean

        assert "run: make audit" in text
        assert days_between(schedule["cron"]) <= ROWS["critical, or exploited already"]
        assert workflow[True]["pull_request"]["paths"][0] == "requirements/**"

    def test_are_longer_than_it_takes_to_ask_about_images(self) -> None:
        assert watched()["docker"][1] <= ROWS["critical, or exploited already"]

    def test_of_updates_are_longer_than_it_takes_to_look_for_them(self) -> None:
        assert max(days for _, days in watched().values()) <= ROWS["high"]


class TestComponents:
    def test_are_all_watched(self) -> None:
        found = watched()

        assert found["docker"][0] == with_images()
        assert found["pip"][0] == {"/requirements"}
        assert found["github-actions"][0] == {"/"}

    def test_of_the_image_are_asked_about_and_judged_by_their_hashes(self) -> None:
        makefile = (ROOT / "Makefile").read_text()

        assert re.search(
            r"^audit:.*\n\t.*pip-audit --strict .*--require-hashes -r requirements/base\.txt$", makefile, re.MULTILINE
        )

    @pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
    def test_are_pinned_with_hashes(self, path: Path) -> None:
        pins = re.split(r"\n(?=[A-Za-z0-9])", "\n" + path.read_text())[1:]

        assert pins
        assert [pin.split()[0] for pin in pins if not re.match(r"\S+==\S+", pin) or "--hash=sha256:" not in pin] == []

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
    def test_of_the_pipeline_are_pinned_by_commit(self, path: Path) -> None:
        used = re.findall(r"uses: (\S+)", path.read_text())

        assert used
        assert [
            each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each) and not each.startswith("./")
        ] == []
