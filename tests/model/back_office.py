"""What staff do in the shop beside moving orders on: they write and change orders, and take goods back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orders.models import Return
from tests.model.real import Real
from tests.model.taking_back import Inspection

_ANSWERS = {"approved": "approve", "rejected": "reject", "cancelled": "cancel"}
_RESOLUTIONS = {"payment": "refund"}


def _pounds(pence: int) -> str:
    return f"{pence / 100:.2f}"


class BackOffice(Real):
    """The whole shop."""

    def draft(self, who: str, units: Mapping[str, int], coupon: str, agreed: Mapping[str, int]) -> Any:
        """Write an order for a customer, and place it."""
        items = [
            {"sku": sku, "quantity": n} | ({"unit_price": _pounds(agreed[sku])} if sku in agreed else {})
            for sku, n in units.items()
        ]
        wish = {"customer": self.customers[who], "items": items, "coupon": coupon}
        draft = self.write("POST", "draft-orders", wish, self.boss)
        order = self.write("POST", f"draft-orders/{draft['id']}/place", {}, self.boss)
        self.orders.append(order | {"who": who, "token": ""})
        return order

    def edit(self, number: int, units: Mapping[str, int], changes: Mapping[str, str]) -> Any:
        """Say anew what is in an order, and what else is changed."""
        items = [{"variant": self.variants[sku], "quantity": n} for sku, n in units.items()]
        wish = {"items": items, "reason": "They rang.", **changes}
        said = self.write("PATCH", f"orders/{self.orders[number]['id']}", wish, self.boss)
        self.orders[number] = self.orders[number] | {"items": said["items"]}
        return said

    def ask_back(self, number: int, units: Mapping[str, int], wanted: str, instead: str) -> Any:
        """Ask to send units back, as who bought them."""
        why = {"reason": "faulty"} | ({"wanted_variant": self.variants[instead]} if instead else {})
        items = [item | why for item in self.units(number, units)]
        body = {"items": items, "wanted": _RESOLUTIONS.get(wanted, wanted)}
        return self.write("POST", f"orders/{self.orders[number]['id']}/returns", body, self.buyer(number))

    def answer_return(self, place: int, to: str, number: int) -> Any:
        """Approve or reject a return, or call it off as who bought the goods."""
        body = {"answer": "It was worn."} if to != "cancelled" else None
        headers = self.buyer(number) if to == "cancelled" else self.boss
        return self._handle(place, _ANSWERS[to], body, headers)

    def receive(self, place: int, number: int, units: Mapping[str, int]) -> Any:
        return self._handle(place, "receive", {"items": self.units(number, units)}, self.boss)

    def settle_return(self, place: int, number: int, found: Inspection, first: Mapping[str, int], fault: str) -> Any:
        items = [
            {"line": item["line"], "accepted": item["quantity"], "restocked": item["quantity"] * found.is_restocked}
            for item in self.units(number, first)
        ]
        body = {"items": items, "restock": found.is_restocked, "deduction": _pounds(found.kept)}
        body |= {"with_delivery": found.with_delivery}
        body |= {"resolution": _RESOLUTIONS.get(found.to, found.to)} if found.to else {}
        said = self.at_risk(fault, lambda: self._handle(place, "settle", body, self.boss))
        pk = said["exchange_order"]
        if pk is not None and pk not in [known["id"] for known in self.orders]:
            who = self.orders[number]["who"]
            self.orders.append(self.read(f"orders/{pk}", self.headers[who]) | {"who": who, "token": ""})
        return said

    def _handle(self, place: int, what: str, body: Any, headers: dict[str, str]) -> Any:
        back = Return.objects.order_by("pk")[place]
        return self.write("POST", f"returns/{back.pk}/{what}", body, headers)

    def state(self) -> dict[str, Any]:
        """Return what every change may touch, the returns included."""
        returns = Return.objects.order_by("pk").values_list("status", flat=True)
        return super().state() | {"returns": list(returns)}
