"""Who sells, over HTTP: staff's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import RegexValidator
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import TextField
from core.api.serializers import Input
from core.api.views import ApiView
from orders import selectors, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orders.models import Seller

_FIELDS = (
    *("name", "line1", "line2", "city", "region", "postal_code", "country", "vat_id", "tax_number"),
    *("registration", "email", "iban", "invoice_series", "credit_series"),
)
_GIVEN = {
    "name": "Nexus Ltd",
    "line1": "1 High Street",
    "line2": "",
    "city": "London",
    "region": "",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
    "vat_id": "GB980780684",
    "tax_number": "",
    "registration": "01234567",
    "email": "billing@example.com",
    "iban": "",
    "invoice_series": "INV-",
    "credit_series": "CN-",
}
_SHOWN = {"market": "uk"} | _GIVEN
_COUNTRY = RegexValidator(r"^[A-Z]{2}$", "Two capital letters (ISO 3166-1).")
_DEFAULT = "default"


class SellerInput(Input):
    """Who sells. What is left out is empty."""

    name = TextField()
    line1 = TextField()
    line2 = TextField(required=False, allow_blank=True)
    city = TextField(max_length=100)
    region = TextField(max_length=100, required=False, allow_blank=True)
    postal_code = TextField(max_length=20, required=False, allow_blank=True)
    country = TextField(max_length=2, validators=[_COUNTRY])
    vat_id = TextField(
        max_length=20, required=False, allow_blank=True, help_text="With its country's prefix, without spaces."
    )
    tax_number = TextField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="Where tax is taken under a number that is no VAT id.",
    )
    registration = TextField(max_length=60, required=False, allow_blank=True, help_text="Needed without a VAT id.")
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    iban = TextField(max_length=34, required=False, allow_blank=True)
    invoice_series = TextField(max_length=20, required=False, help_text="What the numbers of invoices begin with.")
    credit_series = TextField(max_length=20, required=False, help_text="The same of credit notes.")


class SellerOutput(serializers.Serializer[Any]):
    """A seller; `market` is null for who sells wherever no other does."""

    market = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.CharField()
    vat_id = serializers.CharField(allow_blank=True)
    tax_number = serializers.CharField(allow_blank=True)
    registration = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    iban = serializers.CharField(allow_blank=True)
    invoice_series = serializers.CharField()
    credit_series = serializers.CharField()


class SellerListOutput(serializers.Serializer[Any]):
    """All, by market; the default last."""

    results = SellerOutput(many=True)


class SellerCollection(ApiView):
    """``sellers``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("orders.view_seller",)}

    @extend_schema(
        operation_id="sellers_list",
        summary="Who sells in which market (staff)",
        responses={200: SellerListOutput},
        examples=[OpenApiExample("Sellers", value={"results": [_SHOWN]}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response({"results": [seller_document(seller) for seller in selectors.list_sellers()]})


class SellerDetail(ApiView):
    """``sellers/{market}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"PUT": ("orders.add_seller", "orders.change_seller")}

    @extend_schema(
        operation_id="sellers_update",
        summary="Say who sells in a market (staff)",
        description="`default` stands for all markets that have no seller of their own. Without a seller no invoice "
        "is written.",
        request=SellerInput,
        responses={200: SellerOutput},
        examples=[
            OpenApiExample("A company", value=_GIVEN, request_only=True),
            OpenApiExample("The seller", value=_SHOWN, response_only=True),
        ],
    )
    def put(self, request: Request, market: str) -> Response:
        body = SellerInput(data=request.data)
        body.is_valid(raise_exception=True)
        code = None if market == _DEFAULT else market
        seller = services.save_seller(wish=services.SellerWish(market=code, **body.validated_data))
        return Response(seller_document(seller))


def seller_document(seller: Seller) -> dict[str, Any]:
    """Return the seller as the API shows it."""
    market = {"market": seller.market.code if seller.market else None}
    return market | {name: getattr(seller, name) for name in _FIELDS}
