"""Importing catalogues from files: call ``import_file``."""

from products.services.importing.checking import Preview, Refusal, check_file
from products.services.importing.mappings import known_mappings
from products.services.importing.running import ImportWish, Outcome, import_file
from products.services.importing.writing import refresh_statistics

__all__ = [
    "ImportWish",
    "Outcome",
    "Preview",
    "Refusal",
    "check_file",
    "import_file",
    "known_mappings",
    "refresh_statistics",
]
