"""What the pages list of the logs is what is written: each event with its facts, and each field of Nginx's."""

from __future__ import annotations

import re

from tests.documented.logged import lines, unnamed
from tests.documented.pages import ROOT, codes, section, table

# No fact of any line is called so: what people are, type, or are let in by.
PERSONAL = {"address", "authorization", "body", "card", "cookie", "email", "ip", "password", "phone", "query", "secret",
            "token"}  # fmt: skip


class TestEvents:
    ROWS = {
        (codes(row[0])[0], row[1]): row for row in table("log.md", "Lines of the log, event by event", first="logger")
    }

    def test_are_those_of_the_page(self) -> None:
        assert self.ROWS.keys() == lines().keys()

    def test_have_the_levels_and_the_facts_of_the_page(self) -> None:
        said = {key: (set(row[2].split(", ")), set(codes(row[3])), "…" in row[3]) for key, row in self.ROWS.items()}

        assert said == {key: (line.levels, line.facts - {"**"}, "**" in line.facts) for key, line in lines().items()}

    def test_are_written_by_their_names(self) -> None:
        assert unnamed() == {"accounts.services.watching", "config.inspecting"}

    def test_have_no_fact_that_is_called_as_what_is_never_logged(self) -> None:
        assert [key for key, line in lines().items() if line.facts & PERSONAL] == []

    def test_have_loggers_of_which_is_said_who_reads_them(self) -> None:
        told = " ".join(cell for row in table("security.md", "What is logged", first="log") for cell in row)

        apart = {logger for logger, _ in self.ROWS if logger.startswith("nexus.")}

        assert apart <= set(codes(told))


class TestNginx:
    def test_logs_the_fields_of_the_page(self) -> None:
        template = (ROOT / "infra" / "nginx" / "templates" / "asking.conf.template").read_text()
        written = re.search(r"log_format shop escape=json\n(.*?);", template, re.DOTALL)
        assert written

        fields = re.findall(r'"(\w+)":', written[1])

        assert codes(section("log.md", "Nginx").partition(":")[2].partition(".")[0]) == fields
        assert {"$request_uri", "$args", "$http_authorization", "$remote_addr"} & set(
            re.findall(r"\$\w+", written[1])
        ) == set()
