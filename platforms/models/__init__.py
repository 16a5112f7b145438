from platforms.models.checking import DataCheck, Diagnosis
from platforms.models.completeness import DayCount, Replay
from platforms.models.deliveries import Delivery, DeliveryState
from platforms.models.keeping import LegalHold, RetentionRule, Scrub
from platforms.models.linking import (
    App,
    Authorization,
    AuthorizationState,
    Consent,
    LinkAttempt,
    PushState,
    Step,
)
from platforms.models.notices import (
    CalendarFeed,
    ChatRobot,
    Notice,
    NoticeChoice,
    NoticeRead,
    Occasion,
    RobotStore,
    Sending,
    SendingState,
    Wanted,
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
from platforms.models.watching import Moment, Outage, TimelineEntry, Trouble

__all__ = [
    "STATUS_LABELS",
    "App",
    "Authorization",
    "AuthorizationState",
    "CalendarFeed",
    "CallStat",
    "ChatRobot",
    "ClockOffset",
    "Consent",
    "DataCheck",
    "DayCount",
    "Delivery",
    "DeliveryState",
    "Diagnosis",
    "Lane",
    "LegalHold",
    "LinkAttempt",
    "Moment",
    "Notice",
    "NoticeChoice",
    "NoticeRead",
    "Occasion",
    "Order",
    "OrderLine",
    "OrderRaw",
    "Outage",
    "PullRun",
    "PushState",
    "QuarantineState",
    "Quarantined",
    "RateBucket",
    "Replay",
    "RetentionRule",
    "RobotStore",
    "Scrub",
    "Sending",
    "SendingState",
    "Step",
    "Stream",
    "TenantKey",
    "TimelineEntry",
    "Trouble",
    "Wanted",
]
