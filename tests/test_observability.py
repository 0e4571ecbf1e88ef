"""The dashboard and the alerts: they name figures that exist, as Prometheus understands it, and each is told of."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.seeing.meters import COUNTERS, GAUGES, HISTOGRAMS, names

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "infra" / "observability"
PAGE = ROOT / "docs" / "observability.md"
_METRIC = re.compile(r"\bnexus_[a-z0-9_]+")
_RECORDED = re.compile(r"\bnexus:[a-z0-9_:]+")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    return found


def questions() -> list[str]:
    """Return what the dashboard asks, as Prometheus gets it."""
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    return [each.replace("$__rate_interval", "5m") for each in asked]


def promtool(*words: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


class TestNames:
    @pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
    def test_are_of_figures_that_exist(self, name: str) -> None:
        text = (FOLDER / name).read_text()

        assert set(_METRIC.findall(text)) <= names()
        assert set(_RECORDED.findall(text)) <= {rule["record"] for rule in rules() if "record" in rule}

    def test_are_all_shown_on_the_dashboard(self) -> None:
        asked = " ".join([*questions(), *(rule["expr"] for rule in rules())])

        shown = set(_METRIC.findall(asked))
        families = {meter.name for meter in (*COUNTERS.values(), *GAUGES.values())}
        assert families <= shown
        assert {f"{meter.name}_bucket" for meter in HISTOGRAMS.values()} <= shown

    def test_end_in_their_unit(self) -> None:
        assert all(meter.name.endswith("_total") for meter in COUNTERS.values())
        assert all(meter.name.endswith("_seconds") for meter in HISTOGRAMS.values())
        assert not [meter.name for meter in GAUGES.values() if meter.name.endswith("_total")]


class TestPrometheus:
    def test_understands_the_rules(self) -> None:
        assert f"{len(rules())} rules found" in promtool("check", "rules", str(FOLDER / "rules.yml"))

    def test_does_as_the_rules_want(self) -> None:
        promtool("test", "rules", str(FOLDER / "rules_test.yml"))

    def test_understands_its_configuration(self) -> None:
        promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))

    def test_understands_what_the_dashboard_asks(self, tmp_path: Path) -> None:
        asked = [{"record": f"asked:{number}", "expr": each} for number, each in enumerate(questions())]
        file = tmp_path / "asked.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}))

        promtool("check", "rules", str(file))


class TestAlerts:
    def test_each_is_tried_and_told_of(self) -> None:
        alerts = [rule for rule in rules() if "alert" in rule]
        tried = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
        fired = {test["alertname"] for case in tried for test in case.get("alert_rule_test", []) if test["exp_alerts"]}
        told = PAGE.read_text()

        assert fired == {rule["alert"] for rule in alerts}
        for rule in alerts:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert f"### {rule['alert']}\n" in told, rule["alert"]

    def test_each_has_a_runbook_which_the_page_links_to(self) -> None:
        sections = dict(re.findall(r"^### (Nexus\w+)\n(.+?)(?=^#|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))

        for rule in (rule for rule in rules() if "alert" in rule):
            runbook = rule["annotations"]["runbook"]
            assert re.fullmatch(r"docs/runbooks/[a-z-]+\.md", runbook), rule["alert"]
            assert (ROOT / runbook).is_file(), runbook
            assert f"({runbook.removeprefix('docs/')})" in sections[rule["alert"]], rule["alert"]


class TestDashboard:
    def test_has_no_two_panels_of_one_number_or_in_one_place(self) -> None:
        panels = dashboard()["panels"]
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells

        assert len({panel["id"] for panel in panels}) == len(panels)

    def test_asks_whichever_prometheus_is_chosen(self) -> None:
        sources = {
            target["datasource"]["uid"] for panel in dashboard()["panels"] for target in panel.get("targets", [])
        }

        assert sources == {"${datasource}"}


class TestPage:
    def test_names_every_figure(self) -> None:
        told = PAGE.read_text()

        families = {meter.name for meter in (*COUNTERS.values(), *HISTOGRAMS.values(), *GAUGES.values())}
        assert {name for name in families if f"`{name}`" not in told} == set()

    def test_names_no_figure_that_does_not_exist(self) -> None:
        families = {meter.name for meter in HISTOGRAMS.values()}

        assert set(_METRIC.findall(PAGE.read_text())) <= names() | families
