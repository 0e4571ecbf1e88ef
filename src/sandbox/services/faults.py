"""Faults that are switched on, in every process at once."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from core.sql import upsert_values
from core.transactions import command, step
from sandbox.domain import FaultName, Switch
from sandbox.models import Fault


@command
def set_faults(*, switches: Mapping[FaultName, Switch]) -> None:
    """Switch on what is named, and all else off. One statement."""
    off = Switch(times=0)
    rows = [
        {"name": name.value, "times": switch.times, "seconds": switch.seconds}
        for name, switch in ((name, switches.get(name, off)) for name in FaultName)
    ]
    upsert_values(Fault, rows, unique=["name"], change=["times", "seconds"])


@command
def take_fault(*, name: FaultName) -> Switch | None:
    """Return the fault if it is still switched on, and count it."""
    return take(name=name)


@step
def take(*, name: FaultName) -> Switch | None:
    """Return the fault if it is still switched on, and count it: of ``times`` requests each meets it once."""
    is_on = Q(times__isnull=True) | Q(times__gt=0)
    fault: Fault | None = Fault.objects.filter(is_on, name=name.value).locked().first()
    if fault is None:
        return None
    if fault.times is not None:
        fault.times -= 1
        fault.save(update_fields=["times"])
    return Switch(fault.times, fault.seconds)
