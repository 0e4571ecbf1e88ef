"""Charges, refunds, faults and books."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import Input
from sandbox import selectors, services
from sandbox.api.gateway import GatewayView, key_of
from sandbox.api.serializers import (
    CaptureInput,
    ChargeInput,
    ChargeQuery,
    EventQuery,
    FaultsInput,
    NothingInput,
    RefundInput,
    faults_document,
    read_id,
)
from sandbox.domain import NewCharge

_MOST_EVENTS = 200


class ChargeCollection(GatewayView):
    """``/charges``"""

    def get(self, request: Request) -> Response:
        """List the charges of one reference."""
        query = ChargeQuery.read(request.query_params)
        charges = services.look_up_all(**query, at=timezone.now())
        return Response({"results": [selectors.charge_document(charge=charge) for charge in charges]})

    def post(self, request: Request) -> Response:
        """Make a charge."""
        wanted = NewCharge(**_read(ChargeInput, request))
        charge = services.create_charge(wanted=wanted, key=key_of(request), at=timezone.now())
        return Response(selectors.charge_document(charge=charge), status=201)


class ChargeDetail(GatewayView):
    """``/charges/{id}``"""

    def get(self, request: Request, charge_id: str) -> Response:
        """Return a charge."""
        charge = services.look_up(charge_id=read_id(charge_id, "ch"), at=timezone.now())
        return Response(selectors.charge_document(charge=charge))


class ChargeCapture(GatewayView):
    """``/charges/{id}/capture``"""

    def post(self, request: Request, charge_id: str) -> Response:
        """Take what was authorised."""
        body = _read(CaptureInput, request)
        charge = services.capture_charge(
            charge_id=read_id(charge_id, "ch"), **body, key=key_of(request), at=timezone.now()
        )
        return Response(selectors.charge_document(charge=charge))


class ChargeVoid(GatewayView):
    """``/charges/{id}/void``"""

    def post(self, request: Request, charge_id: str) -> Response:
        """Give a charge up."""
        _read(NothingInput, request)
        charge = services.void_charge(charge_id=read_id(charge_id, "ch"), key=key_of(request), at=timezone.now())
        return Response(selectors.charge_document(charge=charge))


class ChargeDispute(GatewayView):
    """``/charges/{id}/dispute``"""

    def post(self, request: Request, charge_id: str) -> Response:
        """Be the shopper's bank, and charge back what is left."""
        _read(NothingInput, request)
        charge = services.dispute_charge(charge_id=read_id(charge_id, "ch"), key=key_of(request), at=timezone.now())
        return Response(selectors.charge_document(charge=charge))


class RefundCollection(GatewayView):
    """``/charges/{id}/refunds``"""

    def get(self, request: Request, charge_id: str) -> Response:
        """List the refunds of a charge."""
        refunds = selectors.list_refunds(charge_id=read_id(charge_id, "ch"))
        return Response({"results": [selectors.refund_document(refund=refund) for refund in refunds]})

    def post(self, request: Request, charge_id: str) -> Response:
        """Give something back."""
        body = _read(RefundInput, request)
        refund = services.refund_charge(
            charge_id=read_id(charge_id, "ch"), **body, key=key_of(request), at=timezone.now()
        )
        return Response(selectors.refund_document(refund=refund), status=201)


class RefundDetail(GatewayView):
    """``/refunds/{id}``"""

    def get(self, request: Request, refund_id: str) -> Response:
        """Return a refund."""
        refund = selectors.get_refund(refund_id=read_id(refund_id, "re"))
        return Response(selectors.refund_document(refund=refund))


class MethodDetail(GatewayView):
    """``/methods/{token}``"""

    def get(self, request: Request, token: str) -> Response:
        """Return a card that is kept."""
        method = services.find_method(token=token)
        return Response(selectors.method_document(method_id=method.pk, card=method.card))

    def delete(self, request: Request, token: str) -> Response:
        """Forget a card."""
        services.remove_method(token=token, at=timezone.now())
        return Response(status=204)


class EventCollection(GatewayView):
    """``/events``"""

    can_fail = False

    def get(self, request: Request) -> Response:
        """List webhooks with their bytes and tries, the newest first."""
        query = EventQuery.read(request.query_params)
        charge_id = read_id(query["charge"], "ch") if query["charge"] else None
        events = selectors.list_events(charge_id=charge_id, reference=query["reference"])[:_MOST_EVENTS]
        return Response({"results": [selectors.event_document(event=event) for event in events]})


class FaultSettings(GatewayView):
    """``/faults``"""

    can_fail = False

    def get(self, request: Request) -> Response:
        """Return what is switched on."""
        return Response(faults_document(dict(selectors.faults())))

    def put(self, request: Request) -> Response:
        """Switch faults on, and all others off."""
        body = FaultsInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.set_faults(switches=body.switches())
        return Response(faults_document(dict(selectors.faults())))


class Books(GatewayView):
    """``/books``"""

    can_fail = False

    def get(self, request: Request) -> Response:
        """Return the sums of the ledger, every charge, and where they differ."""
        return Response(
            {
                "currencies": selectors.totals(),
                "differences": selectors.find_differences(),
                "charges": [selectors.charge_document(charge=charge) for charge in selectors.all_charges()],
            }
        )


def _read(kind: type[Input], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
