"""The pages for people: what they point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
RUNBOOKS = [page for page in sorted((ROOT / "docs" / "runbooks").glob("*.md")) if page.name != "README.md"]
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


class TestReliability:
    PAGE = (ROOT / "docs" / "reliability.md").read_text()
    ROWS = re.findall(r"^\| (R\d\d) \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE)

    def test_says_of_each_case_what_holds_it_or_why_nothing_does(self) -> None:
        said = dict(self.ROWS)
        reasons = ("later: ", "not applicable", "measured, not tested: ")

        assert list(said) == [f"R{number:02}" for number in range(1, 43)]
        assert [case for case, held in said.items() if "`test_" not in held and not held.startswith(reasons)] == []

    def test_names_tests_that_are_there_and_bear_the_number(self) -> None:
        wrong = []
        for case, held in self.ROWS:
            for path, name in re.findall(r"`([\w/]+\.py)`: `(test_\w+)`", held):
                file = ROOT / path
                if not file.exists() or f"def {name}(" not in file.read_text() or f"_{case.lower()}_" not in name:
                    wrong.append((case, path, name))

        assert wrong == []

    def test_calls_nothing_later_that_has_a_test(self) -> None:
        tests = [*(ROOT / "src").rglob("test_*.py"), *(ROOT / "tests").rglob("test_*.py")]
        names = {name for file in tests for name in re.findall(r"def (test_\w+)", file.read_text())}
        tested = {match[1].upper() for name in names if (match := re.search(r"_(r\d\d)_", name))}

        assert [case for case, held in self.ROWS if "`test_" not in held and case in tested] == []


class TestRunbooks:
    HEADINGS = ("## Symptom", "## How to see", "## What to do", "## How to know that it is over")

    @pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
    def test_have_the_same_parts_in_the_same_order(self, page: Path) -> None:
        found = [line for line in page.read_text().splitlines() if line.startswith("## ")]

        assert found == list(self.HEADINGS)

    def test_are_all_in_the_index(self) -> None:
        index = (ROOT / "docs" / "runbooks" / "README.md").read_text()

        assert [page.name for page in RUNBOOKS if f"({page.name})" not in index] == []

    @pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
    def test_name_commands_and_options_that_there_are(self, page: Path) -> None:
        known = get_commands()
        wrong = []
        for name, rest in re.findall(r"manage\.py (\w+)([^`\n]*)", page.read_text()):
            if name not in known:
                wrong.append(name)
                continue
            app = known[name]
            command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
            options = command.create_parser("manage.py", name)._option_string_actions
            wrong += [f"{name} {option}" for option in re.findall(r"--[a-z-]+", rest) if option not in options]

        assert wrong == []

    @pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
    def test_name_files_addresses_and_settings_that_there_are(self, page: Path) -> None:
        text = page.read_text()
        schema = (ROOT / "docs" / "api" / "openapi.yaml").read_text()
        settings = "\n".join(file.read_text() for file in (ROOT / "src" / "config").rglob("*.py"))

        files = re.findall(r"`((?:src|tests|scripts|docs)/[\w./-]+)`", text)
        paths = [path.partition("?")[0] for path in re.findall(r"`(?:GET|POST|PATCH|DELETE) (/api/[^` ]+)`", text)]
        named = re.findall(r"`([A-Z]+_[A-Z_]+)[`=]", text)

        assert [path for path in files if not (ROOT / path).exists()] == []
        assert [path for path in paths if f"\n  {path}:" not in schema] == []
        assert [name for name in named if name not in settings] == []


class TestTroubleshooting:
    def test_quotes_what_is_really_said(self) -> None:
        said = "\n".join(file.read_text() for file in [ROOT / "Makefile", *(ROOT / "src" / "config").rglob("*.py")])
        rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)

        parts = [part.strip() for row in rows for part in re.split(r"…|127\.0\.0\.1:8000|DATA ", row)]

        assert len(rows) > 10
        assert [part for part in parts if part not in said] == []
