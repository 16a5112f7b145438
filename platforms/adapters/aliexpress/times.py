"""AliExpress states and takes times of US Pacific, daylight saving included (fact sheet §3).

In autumn an hour comes twice and the platform does not say which one it means. What is asked
for then begins before that hour and ends after it; a change within it is dated to its end, so
that no later change looks older than one before it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from platforms import reading

PACIFIC = ZoneInfo("America/Los_Angeles")
_FORM = "%Y-%m-%d %H:%M:%S"


def earliest(moment: datetime) -> str:
    """A time to ask from that is not after `moment`, whichever way it is read."""
    local = moment.astimezone(PACIFIC)
    if _comes_twice(local):
        local = local.replace(minute=0, second=0) - timedelta(seconds=1)
    return local.strftime(_FORM)


def latest(moment: datetime) -> str:
    """A time to ask until that is not before `moment`, whichever way it is read."""
    local = (moment + timedelta(seconds=1, microseconds=-1)).astimezone(PACIFIC)
    if _comes_twice(local):
        local = local.replace(minute=0, second=0) + timedelta(hours=1)
    return local.strftime(_FORM)


def read(value: str) -> datetime:
    """Aware UTC; of an hour that comes twice the first. Raises ValueError."""
    return reading.moment(_local(value))


def read_change(value: str) -> datetime:
    """Aware UTC; of an hour that comes twice its very end. Raises ValueError."""
    local = _local(value)
    if _comes_twice(local):
        local = local.replace(minute=59, second=59, fold=1)
    return reading.moment(local)


def _local(value: str) -> datetime:
    return datetime.strptime(value.strip(), _FORM).replace(tzinfo=PACIFIC)


def _comes_twice(local: datetime) -> bool:
    first, second = local.replace(fold=0), local.replace(fold=1)
    # In spring the offsets differ as well, the other way round: that hour does not exist.
    return first.astimezone(UTC) < second.astimezone(UTC)
