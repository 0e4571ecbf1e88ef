from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from config import diagrams
from config.management.commands import draw_diagrams


class TestEntities:
    def test_show_every_table_of_every_app_with_its_keys(self) -> None:
        source = diagrams.entities()

        for floor in diagrams.floors():
            for name in floor:
                for model in apps.get_app_config(name).get_models():
                    made_for_tests = ".tests." in model.__module__
                    assert made_for_tests or f"    {name}_{model.__name__} [label=" in source
        assert "  orders_OrderLine:order -> orders_Order [arrowtail=crow];" in source
        assert "  accounts_Profile:user -> accounts_User [arrowtail=tee];" in source


class TestArchitecture:
    def test_shows_floors_calls_and_reactions(self) -> None:
        source = diagrams.architecture()

        assert all(f"{name} [" in source for floor in diagrams.floors() for name in floor)
        assert "    orders -> inventory [color=" in source
        assert "    orders -> notifications [style=dashed" in source
        assert "    accounts -> carts [style=dotted" in source


class TestDrawDiagrams:
    def test_finds_the_committed_sources_up_to_date(self) -> None:
        call_command("draw_diagrams", check=True)

    def test_refuses_other_sources(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draw_diagrams, "FOLDER", tmp_path)

        with pytest.raises(CommandError, match=r"erd.dot is out of date"):
            call_command("draw_diagrams", check=True)

    def test_refuses_a_source_without_its_picture(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draw_diagrams, "FOLDER", tmp_path)
        (tmp_path / "erd.dot").write_text(diagrams.entities())

        with pytest.raises(CommandError, match=r"erd.png is missing"):
            call_command("draw_diagrams", check=True)

    @pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
    def test_draws_sources_and_pictures(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draw_diagrams, "FOLDER", tmp_path)

        call_command("draw_diagrams")

        call_command("draw_diagrams", check=True)
        assert (tmp_path / "erd.png").read_bytes().startswith(b"\x89PNG")

    def test_says_that_graphviz_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draw_diagrams, "FOLDER", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))

        with pytest.raises(CommandError, match="needs Graphviz"):
            call_command("draw_diagrams")

        assert list(tmp_path.iterdir()) == []
