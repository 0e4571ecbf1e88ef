"""The codes of promotions, over HTTP; for staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from core.api.pages import list_response, page_of
from core.api.views import ApiView
from promotions import selectors, services
from promotions.api.serializers import CouponInput, CouponPage, CouponQuery, CouponsMadeOutput, coupon_document
from promotions.services import BatchData, CouponData

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

_SHOWN = {
    "id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f5",
    "code": "FLYER-7K3MQ2X9AB",
    "batch": "Flyer",
    "usage_limit": 1,
    "per_customer_limit": None,
    "uses": 0,
    "created_at": "2026-11-21T12:00:00Z",
}


class CouponCollection(ApiView):
    """``promotions/{id}/coupons``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("promotions.view_promotion",),
        "POST": ("promotions.change_promotion",),
    }

    @extend_schema(
        operation_id="list_coupons",
        summary="The coupons of a promotion (staff)",
        parameters=[CouponQuery],
        responses={200: CouponPage},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [_SHOWN]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, promotion_id: UUID) -> Response:
        filters = CouponQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_coupons(promotion_id=promotion_id, **filters)
        return list_response(request, rows, page=page, order=("-pk",), show=coupon_document)

    @extend_schema(
        operation_id="create_coupons",
        summary="Make one coupon, or a batch (staff)",
        description="A code is compared without regard to case and width (NFKC, case-folded). A batch has codes that "
        "nobody guesses. The promotion must need a code.",
        request=CouponInput,
        responses={201: CouponsMadeOutput},
        examples=[
            OpenApiExample("One code for many", value={"code": "SUMMER10", "usage_limit": 500}, request_only=True),
            OpenApiExample(
                "Codes for a flyer", value={"count": 2, "batch": "Flyer", "prefix": "FLYER-"}, request_only=True
            ),
            OpenApiExample(
                "The codes",
                value={"count": 2, "codes": ["FLYER-7K3MQ2X9AB", "FLYER-0ZT5HN8WRC"]},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, promotion_id: UUID) -> Response:
        body = CouponInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        if "code" in wanted:
            codes = [services.create_coupon(promotion_id=promotion_id, data=CouponData(**wanted))]
        else:
            codes = services.create_coupon_batch(promotion_id=promotion_id, data=BatchData(**wanted))
        return Response({"count": len(codes), "codes": codes}, status=201)
