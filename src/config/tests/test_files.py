"""Static files and media, as a laptop's shop serves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.http import Http404
from django.test import RequestFactory

from config.files import serve_media, with_static_files


def ask(application: Any, path: str) -> tuple[str, bytes]:
    said: list[str] = []
    body = application({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda status, headers: said.append(status))
    return said[0], b"".join(body)


def rest(_: dict[str, Any], start: Any) -> list[bytes]:
    start("418 Teapot", [])
    return [b"rest"]


class TestWithStaticFiles:
    def test_serves_the_apps_files_without_collecting_them(self) -> None:
        status, body = ask(with_static_files(rest), "/static/admin/css/base.css")

        assert status == "200 OK"
        assert b"{" in body

    def test_serves_the_collected_folder_where_there_is_one(self, tmp_path: Path, settings: Any) -> None:
        (tmp_path / "only.css").write_text("here")
        settings.STATIC_ROOT = tmp_path

        assert ask(with_static_files(rest), "/static/only.css") == ("200 OK", b"here")

    @pytest.mark.parametrize("path", ["/api/v1/products", "/static/none.css", "/static/../manage.py"])
    def test_leaves_the_rest_to_django(self, path: str) -> None:
        assert ask(with_static_files(rest), path)[0] == "418 Teapot"


class TestServeMedia:
    @pytest.fixture(autouse=True)
    def media(self, tmp_path: Path, settings: Any) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        (tmp_path / "media").mkdir()
        (tmp_path / "secrets.json").write_text("{}")
        for name in ("cup.png", "page.html", "drawing.svg"):
            (tmp_path / "media" / name).write_bytes(b"<script>")

    def test_shows_a_picture(self) -> None:
        answer = serve_media(RequestFactory().get("/"), "cup.png")

        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("inline")

    @pytest.mark.parametrize("name", ["page.html", "drawing.svg"])
    def test_what_could_run_is_downloaded_and_sandboxed(self, name: str) -> None:
        answer = serve_media(RequestFactory().get("/"), name)

        assert answer.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("path", ["../secrets.json", "%2e%2e/secrets.json", "none.png", "", "a\0b", "x" * 300])
    def test_finds_nothing_outside_or_missing(self, path: str) -> None:
        with pytest.raises(Http404):
            serve_media(RequestFactory().get("/"), path)
