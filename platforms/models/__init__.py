from platforms.models.deliveries import Delivery, DeliveryState
from platforms.models.linking import (
    App,
    Authorization,
    AuthorizationState,
    Consent,
    LinkAttempt,
    PushState,
    Step,
)
from platforms.models.order import STATUS_LABELS, Order, OrderLine, OrderRaw
from platforms.models.pulling import (
    Lane,
    PullRun,
    Quarantined,
    QuarantineState,
    Stream,
)
from platforms.models.traffic import CallStat, ClockOffset, RateBucket, TenantKey

__all__ = [
    "STATUS_LABELS",
    "App",
    "Authorization",
    "AuthorizationState",
    "CallStat",
    "ClockOffset",
    "Consent",
    "Delivery",
    "DeliveryState",
    "Lane",
    "LinkAttempt",
    "Order",
    "OrderLine",
    "OrderRaw",
    "PullRun",
    "PushState",
    "QuarantineState",
    "Quarantined",
    "RateBucket",
    "Step",
    "Stream",
    "TenantKey",
]
