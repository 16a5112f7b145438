from tenants.models.binding import Binding, Duty
from tenants.models.event import Event, Outcome
from tenants.models.store import Store, StoreState
from tenants.models.tenant import ApiToken, Invitation, Membership, Role, Tenant

__all__ = [
    "ApiToken",
    "Binding",
    "Duty",
    "Event",
    "Invitation",
    "Membership",
    "Outcome",
    "Role",
    "Store",
    "StoreState",
    "Tenant",
]
