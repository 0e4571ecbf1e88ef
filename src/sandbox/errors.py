"""How the gateway refuses."""

from __future__ import annotations

from core.errors import Conflict, DomainError, NotFound, Unavailable


class ChargeNotFound(NotFound):
    """There is no charge or refund of that id."""

    code = "sandbox.not_found"
    title = "The gateway knows no such thing."


class MethodNotFound(NotFound):
    """No card is kept under that token, or not any more."""

    code = "sandbox.method_not_found"
    title = "The gateway keeps no such card."


class KeyReused(Conflict):
    """The Idempotency-Key was used for something else."""

    code = "sandbox.key_reused"
    title = "This Idempotency-Key was used for a different request."


class NotPossible(Conflict):
    """The charge is in a state in which this cannot be done."""

    code = "sandbox.not_possible"
    title = "The charge is in a state that does not allow this."
    example = {"state": "captured"}

    def __init__(self, *, state: str) -> None:
        """:param state: the status that the charge has"""
        super().__init__(state=state)


class TooLittleLeft(Conflict):
    """More than what is there to be captured or paid back."""

    code = "sandbox.too_much"
    title = "That is more than there is."
    example = {"left": 1250}

    def __init__(self, *, left: int) -> None:
        """:param left: what could be captured or paid back, in minor units"""
        super().__init__(left=left)


class SwitchedOff(Unavailable):
    """A fault that was switched on: nothing was done."""

    code = "sandbox.unavailable"
    title = "The gateway is switched off."


class Broken(DomainError):
    """A fault that was switched on: it was done, and the answer is lost."""

    code = "sandbox.error_after_success"
    title = "The gateway broke after doing it."


class TimedOut(DomainError):
    """A fault that was switched on: it was done, and the answer did not come in time."""

    status = 504
    code = "sandbox.timeout_after_success"
    title = "The gateway did not answer in time."
