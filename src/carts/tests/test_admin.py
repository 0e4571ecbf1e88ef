from __future__ import annotations

import pytest
from django.test import Client

from accounts.tests.factories import make_user
from carts.tests.factories import make_cart
from inventory.tests.factories import make_stock
from pricing.tests.rules import tell_of_rules
from promotions.tests.factories import make_promotion


@pytest.mark.django_db
class TestCartPage:
    def test_shows_what_it_costs_now_and_why(self) -> None:
        make_promotion("<b>Spring</b>", percent_bp=1000)
        tell_of_rules()
        cart = make_cart((make_stock(price_minor=1000), 1))
        client = Client()
        client.force_login(make_user(permissions=["carts.view_cart", "carts.view_cartitem"]))

        page = client.get(f"/admin/carts/cart/{cart.pk}/change/").content.decode()

        assert "&lt;b&gt;Spring&lt;/b&gt;" in page
        assert "-1.00" in page
        assert "9.00" in page
