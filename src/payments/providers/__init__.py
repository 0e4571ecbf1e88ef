"""Those who take money for us, each behind the one ``Provider`` of ``base``. The settings say which there are."""

from payments.providers.base import (
    Charge,
    GivenBack,
    NewCharge,
    NewRefund,
    Notice,
    OutcomeUnknown,
    Provider,
    ProviderRefused,
    ProviderUnavailable,
    SavedToken,
)
from payments.providers.calling import call, find_provider, forget_failures

__all__ = [
    "Charge",
    "GivenBack",
    "NewCharge",
    "NewRefund",
    "Notice",
    "OutcomeUnknown",
    "Provider",
    "ProviderRefused",
    "ProviderUnavailable",
    "SavedToken",
    "call",
    "find_provider",
    "forget_failures",
]
