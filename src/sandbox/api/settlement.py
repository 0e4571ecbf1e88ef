"""What the gateway took and gave back, as a file: the settlement of a real provider."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from core.api.fields import DateField
from core.api.serializers import Query
from core.api.tables import csv_response
from sandbox import selectors
from sandbox.api.gateway import GatewayView

if TYPE_CHECKING:
    from typing import Any

    from django.http import StreamingHttpResponse
    from rest_framework.request import Request


class SettlementQuery(Query):
    """The first and the last day, both included, in UTC."""

    to = DateField()

    def get_fields(self) -> dict[str, Any]:
        """Add the one whose name is a word of Python."""
        return {"from": DateField(), **super().get_fields()}


class Settlement(GatewayView):
    """``/settlement``"""

    def get(self, request: Request) -> StreamingHttpResponse:
        """Return all that moved in these days, as CSV."""
        query = SettlementQuery.read(request.query_params)
        begins_at = datetime.combine(query["from"], time.min, tzinfo=UTC)
        ends_at = datetime.combine(query["to"], time.max, tzinfo=UTC)
        rows = selectors.settlement(begins_at=begins_at, ends_at=ends_at)
        name = f"settlement-{query['from']}-{query['to']}.csv"
        return csv_response(name=name, heads=selectors.SETTLEMENT_HEADS, rows=rows)
