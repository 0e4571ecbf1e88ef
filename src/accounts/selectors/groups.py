"""Reads of customer groups."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.domain import GROUP_CODE
from accounts.errors import CustomerGroupNotFound
from accounts.models import CustomerGroup


def list_customer_groups() -> QuerySet[CustomerGroup]:
    """Return the customer groups. One query."""
    groups: QuerySet[CustomerGroup] = CustomerGroup.objects.all()
    return groups


def get_customer_group(*, code: str) -> CustomerGroup:
    """Return the customer group of that code. One query.

    :raises CustomerGroupNotFound: there is none
    """
    known = CustomerGroup.objects.filter(code=code) if GROUP_CODE.fullmatch(code) else CustomerGroup.objects.none()
    group: CustomerGroup | None = known.first()
    if group is None:
        raise CustomerGroupNotFound
    return group
