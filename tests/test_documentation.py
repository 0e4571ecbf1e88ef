"""The pages for people: what they point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


class TestPages:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
    def test_lead_to_files_that_are_there(self, page: Path) -> None:
        targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]

        missing = [target for target in targets if not (page.parent / target).exists()]

        assert missing == []

    def test_name_the_checks_and_targets_of_the_makefile(self) -> None:
        makefile = (ROOT / "Makefile").read_text()

        named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text())}

        assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


class TestTroubleshooting:
    def test_quotes_what_is_really_said(self) -> None:
        said = "\n".join(file.read_text() for file in [ROOT / "Makefile", *(ROOT / "src" / "config").rglob("*.py")])
        rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)

        parts = [part.strip() for row in rows for part in re.split(r"…|127\.0\.0\.1:8000|DATA ", row)]

        assert len(rows) > 10
        assert [part for part in parts if part not in said] == []
