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


class TestCases:
    """The tables of hard cases: R, A and S."""

    PAGES = ("reliability.md", "security.md")
    ROWS = [
        row
        for page in PAGES
        for row in re.findall(r"^\| ([ARS]\d\d) \| [^|]+ \| (.+) \|$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    ]
    NUMBERS = {
        "R": range(1, 43),
        "A": range(1, 27),
        "S": (*range(1, 6), *range(10, 27), *range(30, 37), 40, 41, *range(45, 53)),
    }
    FILES = sorted([*(ROOT / "src").rglob("test_*.py"), *(ROOT / "tests").rglob("test_*.py")])
    BORN = {
        (str(file.relative_to(ROOT)), name)
        for file in FILES
        for name in re.findall(r"^ *def (test_\w+)\(", file.read_text(), re.MULTILINE)
    }

    def test_have_a_row_each_in_their_order(self) -> None:
        assert [case for case, _ in self.ROWS] == [
            f"{letter}{number:02}" for letter, numbers in self.NUMBERS.items() for number in numbers
        ]

    def test_name_tests_that_are_there_once_and_bear_the_number(self) -> None:
        for case, held in self.ROWS:
            named = _tests_in(held)

            assert [test for test in named if test not in self.BORN or f"_{case.lower()}_" not in test[1]] == [], case
            assert len(set(named)) == len(named), case

    def test_say_how_many_more_bear_the_number(self) -> None:
        wrong = []
        for case, held in self.ROWS:
            bear = {test for test in self.BORN if f"_{case.lower()}_" in test[1]}
            said = len(_tests_in(held)) + sum(map(int, re.findall(r"; and (\d+) more", held)))
            if said != len(bear):
                wrong.append((case, said, len(bear)))

        assert wrong == []


def _tests_in(row: str) -> list[tuple[str, str]]:
    """Return file and name of each test that a row names; a name without a file is of the file before."""
    found, path = [], ""
    for said, name in re.findall(r"(?:`([\w/]+\.py)`: )?`(test_\w+)`", row):
        path = said or path
        found.append((path, name))
    return found


class TestReliability:
    PAGE = (ROOT / "docs" / "reliability.md").read_text()
    ROWS = re.findall(r"^\| (R\d\d) \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE)

    def test_says_of_each_case_what_holds_it_or_why_nothing_does(self) -> None:
        said = dict(self.ROWS)
        reasons = ("later: ", "not applicable", "measured, not tested: ")

        assert [case for case, held in said.items() if "`test_" not in held and not held.startswith(reasons)] == []

    def test_calls_nothing_later_that_has_a_test(self) -> None:
        tests = [*(ROOT / "src").rglob("test_*.py"), *(ROOT / "tests").rglob("test_*.py")]
        names = {name for file in tests for name in re.findall(r"def (test_\w+)", file.read_text())}
        tested = {match[1].upper() for name in names if (match := re.search(r"_(r\d\d)_", name))}

        assert [case for case, held in self.ROWS if "`test_" not in held and case in tested] == []


class TestSecurity:
    """The tables of hard cases and of the ASVS."""

    PAGES = ("security.md", "asvs.md")
    STATES = ("met", "n/a", "open")
    CHAPTERS = (27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7)
    ROWS = re.findall(
        r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$",
        (ROOT / "docs" / "asvs.md").read_text(),
        re.MULTILINE,
    )

    @pytest.mark.parametrize("page", PAGES)
    def test_names_tests_that_are_there(self, page: str) -> None:
        wrong, path = [], ""
        for line in (ROOT / "docs" / page).read_text().splitlines():
            for named, name in re.findall(r"(?:`([\w/]+\.py)`: )?`(test_\w+)`", line):
                path = named or path
                file = ROOT / path
                if not file.is_file() or f"def {name}(" not in file.read_text():
                    wrong.append((path, name))

        assert wrong == []

    def test_has_each_requirement_of_levels_one_and_two_once(self) -> None:
        numbers = [row[0] for row in self.ROWS]
        levels = [row[1] for row in self.ROWS]

        assert len(set(numbers)) == len(numbers)
        assert (levels.count("1"), levels.count("2")) == (70, 183)
        assert tuple(sum(n.startswith(f"{chapter}.") for n in numbers) for chapter in range(1, 18)) == self.CHAPTERS

    def test_says_of_each_where_it_is_met_or_what_is_missing(self) -> None:
        silent = [row[0] for row in self.ROWS if not row[4].strip() or row[3] not in self.STATES]
        unshown = [row[0] for row in self.ROWS if row[3] == "met" and "`test_" not in row[5]]

        assert silent == []
        assert unshown == []

    def test_counts_them_right(self) -> None:
        page = (ROOT / "docs" / "asvs.md").read_text()
        for level in ("1", "2"):
            counts = [sum(row[1] == level and row[3] == state for row in self.ROWS) for state in self.STATES]

            assert f"| {level} | {' | '.join(map(str, [*counts, sum(counts)]))} |" in page

    def test_leads_to_sections_that_are_there(self) -> None:
        targets = re.findall(r"\]\((\w+\.md)#([\w-]+)\)", (ROOT / "docs" / "asvs.md").read_text())

        for page, anchor in targets:
            titles = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
            assert anchor in {title.lower().replace(" ", "-") for title in titles}, (page, anchor)


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
