"""The withdrawal function, over HTTP: Directive 2011/83/EU, Art. 11a."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from core.api.fields import IdField, IntegerField, TextField
from core.api.pages import PageQuery, list_response, page_of
from core.api.serializers import Input
from core.api.views import ApiView, request_key_of
from orders import selectors, services
from orders.api.returns import asker_of
from orders.api.returns_outputs import LINE_EXAMPLE
from orders.api.views import ORDER_TOKEN, order_token_of
from orders.domain import MAX_ITEMS, WithdrawalStatus
from orders.services import Declaration, WithdrawnItem

if TYPE_CHECKING:
    from orders.models import Withdrawal

STATUSES = [status.value for status in WithdrawalStatus]
_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c060",
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "order_number": "N-7K3-Q9XW",
    "status": "declared",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "items": [{"line": LINE_EXAMPLE, "quantity": 1}],
    "statement": "I withdraw from the contract of the blue mug.",
    "is_late": False,
    "return": None,
    "declared_at": "2026-11-21T12:00:00Z",
    "confirmed_at": None,
}
_SHOWN = OpenApiExample("A withdrawal", value=_EXAMPLE, response_only=True, status_codes=["200", "201"])
_MAILED = {"detail": "If the number and the e-mail address fit, a link to confirm it is on its way there."}


class WithdrawnItemInput(Input):
    """Units of a line, named by the line's id or its SKU."""

    line = IdField(required=False)
    sku = TextField(required=False, max_length=64)
    quantity = IntegerField(min_value=1, max_value=99_999)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("line" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError({"line": ["Give either line or sku."]}, code="either")
        return attrs


class WithdrawalInput(Input):
    """Which order, or which units of it (without items all of it), and who withdraws."""

    order = TextField(max_length=60, help_text="Its number, or its id.")
    name = TextField(required=False, max_length=200)
    email = serializers.EmailField(required=False, max_length=254, help_text="Where it is acknowledged.")
    items = WithdrawnItemInput(many=True, required=False, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    statement = TextField(required=False, allow_blank=True, multiline=True, max_length=2000, default="")

    def wish(self, *, request_key: str) -> Declaration:
        """Return what is declared."""
        given = dict(self.validated_data)
        items = [WithdrawnItem(**item) for item in given.pop("items", [])]
        return Declaration(items=items, request_key=request_key, **given)


class ConfirmInput(Input):
    """The token of the mailed link, of whoever has neither a sign-in nor the order's token."""

    token = TextField(required=False, allow_blank=True, max_length=100, default="")


class WithdrawalQuery(PageQuery):
    """Filters of the list."""

    status = serializers.ChoiceField(choices=STATUSES, required=False)
    order = IdField(required=False)


class WithdrawnOutput(serializers.Serializer[Any]):
    """Units of a line."""

    line = serializers.UUIDField()
    quantity = serializers.IntegerField()


class WithdrawalOutput(serializers.Serializer[Any]):
    """A withdrawal; without `items` from all of the order. `return` is by what the goods come back."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    order_number = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    items = WithdrawnOutput(many=True)
    statement = serializers.CharField(allow_blank=True)
    is_late = serializers.BooleanField()
    declared_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "return": serializers.UUIDField(allow_null=True)}


class WithdrawalListOutput(serializers.Serializer[Any]):
    """A page of withdrawals."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = WithdrawalOutput(many=True)


class MailedOutput(serializers.Serializer[Any]):
    """What whoever is not known is told, whether it fits or not."""

    detail = serializers.CharField()


class WithdrawalCollection(ApiView):
    """Withdrawals, and declaring one."""

    is_counted = True
    in_beats = True

    @extend_schema(
        operation_id="withdrawals_list",
        summary="List withdrawals",
        description="A customer's own; staff with `orders.view_withdrawal` see all.",
        parameters=[WithdrawalQuery],
        responses={200: WithdrawalListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        viewer = customer_of(request)
        filters = WithdrawalQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_withdrawals(viewer=viewer, **filters)
        return list_response(request, rows, page=page, order=("-declared_at", "-pk"), show=withdrawal_document)

    @extend_schema(
        operation_id="withdrawals_create",
        summary="Withdraw from a contract: declare it",
        description=(
            "Behind the words “Withdraw from contract here”. The order's customer, or the guest with its token, "
            "confirms it next. Anybody else gives name, number and e-mail, is answered 202 whether they fit or not, "
            "and confirms by the link that is mailed if they do."
        ),
        parameters=ORDER_TOKEN,
        request=WithdrawalInput,
        responses={201: WithdrawalOutput, 202: MailedOutput},
        examples=[
            OpenApiExample("As its customer", value={"order": "N-7K3-Q9XW"}, request_only=True),
            OpenApiExample(
                "By number and e-mail",
                value={"order": "N-7K3-Q9XW", "name": "Ada Lovelace", "email": "ada@example.com"},
                request_only=True,
            ),
            _SHOWN,
            OpenApiExample("Perhaps mailed", value=_MAILED, response_only=True, status_codes=["202"]),
        ],
    )
    def post(self, request: Request) -> Response:
        body = WithdrawalInput(data=request.data)
        body.is_valid(raise_exception=True)
        declared = services.declare_withdrawal(
            wish=body.wish(request_key=request_key_of(request)),
            asker=asker_of(request),
            address=request.META.get("REMOTE_ADDR", ""),
            at=timezone.now(),
        )
        if declared.withdrawal is None:
            return Response(_MAILED, status=202)
        return Response(
            withdrawal_document(declared.withdrawal),
            status=201,
            headers={"Location": request.build_absolute_uri(f"/api/v1/withdrawals/{declared.withdrawal.pk}")},
        )


class WithdrawalDetail(ApiView):
    """One withdrawal."""

    @extend_schema(
        operation_id="withdrawals_retrieve",
        summary="Show a withdrawal",
        parameters=ORDER_TOKEN,
        responses={200: WithdrawalOutput},
        examples=[_SHOWN],
    )
    def get(self, request: Request, withdrawal_id: UUID) -> Response:
        withdrawal = selectors.get_withdrawal(
            withdrawal_id=withdrawal_id, viewer=viewer_of(request), token=order_token_of(request)
        )
        return Response(withdrawal_document(withdrawal))


class WithdrawalConfirm(ApiView):
    """Confirming it."""

    @extend_schema(
        operation_id="withdrawals_confirm",
        summary="Withdraw from a contract: confirm it",
        description=(
            "Behind the words “Confirm withdrawal”. What was not sent is cancelled, what was sent becomes a return; an "
            "acknowledgement with content and time is mailed at once."
        ),
        parameters=ORDER_TOKEN,
        request=ConfirmInput,
        responses={200: WithdrawalOutput},
        examples=[
            OpenApiExample("As its customer", value={}, request_only=True),
            OpenApiExample("By the mailed link", value={"token": "kq3…"}, request_only=True),
            _SHOWN,
        ],
    )
    def post(self, request: Request, withdrawal_id: UUID) -> Response:
        body = ConfirmInput(data=request.data)
        body.is_valid(raise_exception=True)
        withdrawal = services.confirm_withdrawal(
            withdrawal_id=withdrawal_id,
            asker=asker_of(request),
            link=body.validated_data["token"],
            at=timezone.now(),
        )
        return Response(withdrawal_document(withdrawal))


def withdrawal_document(withdrawal: Withdrawal) -> dict[str, Any]:
    """Return the contract's withdrawal. Reads the order, which the selectors join."""
    return {
        "id": withdrawal.pk,
        "order": withdrawal.order_id,
        "order_number": withdrawal.order.number,
        "status": withdrawal.status,
        "name": withdrawal.name,
        "email": withdrawal.email,
        "items": withdrawal.items,
        "statement": withdrawal.statement,
        "is_late": withdrawal.is_late,
        "return": withdrawal.back_id,
        "declared_at": withdrawal.declared_at,
        "confirmed_at": withdrawal.confirmed_at,
    }
