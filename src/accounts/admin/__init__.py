"""People, roles and customer groups, in the back office."""

from accounts.admin.groups import CustomerGroupAdmin
from accounts.admin.people import RoleAdmin, UserAdmin

__all__ = ["CustomerGroupAdmin", "RoleAdmin", "UserAdmin"]
