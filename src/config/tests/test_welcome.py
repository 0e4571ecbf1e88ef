from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


class TestWelcome:
    def test_leads_a_newcomer_on(self, client: Client) -> None:
        answer = client.get("/")

        assert answer.status_code == 200
        for address in ("/api/v1/products", "/docs/", "/admin/", "/dev/mail/"):
            assert f'href="{address}"' in answer.content.decode()

    def test_hides_the_mailbox_outside_of_development(self, client: Client, settings: Any) -> None:
        settings.DEV_PAGES = False

        assert "/dev/mail/" not in client.get("/").content.decode()

    @pytest.mark.parametrize(
        "path", ["products", "products/dark-chocolate", "orders/0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"]
    )
    def test_names_the_document_behind_a_storefronts_address(self, client: Client, path: str) -> None:
        answer = client.get(f"/{path}", {"number": "<b>"})

        assert answer.status_code == 200
        assert f'href="/api/v1/{path}"' in answer.content.decode()

    @pytest.mark.parametrize("path", ["/orders/1", "/products/a/b", "/products/%3Cscript%3E"])
    def test_knows_no_other_address(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404
