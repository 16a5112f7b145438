"""The due table, what each pull did, and what could not be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms import due
from platforms.models.linking import FAULTS, Authorization
from tenants.models import Store
from tenants.scope import TenantManager, TenantOwned, TenantQuerySet

# Renewed with every page landed; longer than the longest single call.
LEASE = timedelta(seconds=settings.PULL_LEASE_S)


class Lane(models.IntegerChoices):
    """Who goes first."""

    LINK = 0, _("New links")
    FRESH = 1, _("Incremental")
    BACK_FILL = 2, _("Back-fill")


class StreamQuerySet(TenantQuerySet["Stream"]):
    def standing(self) -> StreamQuerySet:
        """Streams that go on for ever, not the ones for a closed window."""
        return self.filter(ends_at=None)


class Stream(TenantOwned):
    """What is pulled with one cursor. The due table, not the queue, is the truth.

    `watermark`: everything changed before it has landed. `window_until` and `cursor` are set
    while a window is under way, so that a killed pull goes on at its last landed page.
    `ends_at` closes a back-fill: the stream is finished when the watermark reaches it.
    """

    class Kind(models.TextChoices):
        ORDERS = "orders", _("Orders")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    authorization = models.ForeignKey(
        Authorization, on_delete=models.CASCADE, related_name="streams"
    )
    # Null: one call answers for all stores of the authorization.
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.CASCADE, related_name="streams"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ORDERS)
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.LINK)
    starts_at = models.DateTimeField()
    watermark = models.DateTimeField(_("watermark"))
    ends_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    window_until = models.DateTimeField(null=True, blank=True)
    cursor = models.TextField(blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(_("fault"), max_length=30, blank=True, choices=FAULTS)
    fault_detail = models.CharField(max_length=300, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    orders_seen = models.PositiveBigIntegerField(default=0)
    # How long after a pull the next one comes; 0 until it has been seen how busy the store is.
    interval_s = models.PositiveIntegerField(default=0)
    # Read every record anew, also those that are as received before: a replay.
    reread = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    # Of a claimed stream: what `due_at` was set to. An earlier time in the row later is news.
    claimed_due_at: datetime | None = None

    objects: ClassVar[Any] = TenantManager.of(StreamQuerySet)

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        indexes = [
            models.Index(fields=["kind", "lane", "due_at"], name="stream_due"),
            models.Index(fields=["tenant", "authorization"], name="stream_by_authorization"),
        ]

    def __str__(self) -> str:
        return f"{self.authorization} {self.kind}"

    @classmethod
    def claim_due(
        cls,
        *,
        kind: str,
        limit: int,
        now: datetime,
        most_back_fills: int | None = None,
        skip_platforms: Collection[str] = (),
        far_behind: datetime | None = None,
        most_far_behind: int = 0,
    ) -> list[Stream]:
        """Lease up to `limit` due streams of the current scope, in order of lane and due time;
        of back-fills no more than `most_back_fills`, and one before all incremental ones; of the
        incremental ones that have not got as far as `far_behind` no more than `most_far_behind`.

        Any number of workers may claim at once: PostgreSQL skips rows another is claiming,
        SQLite lets one writer in at a time.
        """
        left = limit if most_back_fills is None else min(limit, most_back_fills)
        ahead_of = None if most_far_behind > 0 else far_behind
        lanes: list[due.Lane] = [(Lane.LINK, limit, None), (Lane.FRESH, limit, ahead_of)]
        if left > 0:
            lanes.append((Lane.BACK_FILL, left, None))
        with transaction.atomic():
            asked = due.find_streams(kind, lanes, now=now, skip_platforms=skip_platforms)
            rows = cls._in_turn(cls.objects.raw(*asked))[:limit]
            if far_behind is not None:
                behind = [row.pk for row in rows if row.is_far_behind(far_behind)]
                too_many = set(behind[max(0, most_far_behind) :])
                rows = [row for row in rows if row.pk not in too_many]
            # Made due while it is leased, it is due earlier than that: see claimed_due_at.
            due.lease_streams([row.pk for row in rows], until=now + LEASE)
        for row in rows:
            row.fence += 1
            row.due_at = row.claimed_due_at = row.leased_until = now + LEASE
        return rows

    @staticmethod
    def _in_turn(rows: Iterable[Stream]) -> list[Stream]:
        lanes: dict[int, list[Stream]] = {lane: [] for lane in Lane}
        for row in sorted(rows, key=attrgetter("due_at")):
            lanes[row.lane].append(row)
        back_fills = lanes[Lane.BACK_FILL]
        return [*lanes[Lane.LINK], *back_fills[:1], *lanes[Lane.FRESH], *back_fills[1:]]

    def is_far_behind(self, since: datetime) -> bool:
        return self.lane == Lane.FRESH and self.watermark < since

    @classmethod
    def give_back(cls, rows: Collection[Stream], *, now: datetime) -> None:
        """As if they had not been claimed. In a scope that covers their tenants."""
        mine = Q(pk=None)
        for row in rows:
            mine |= Q(pk=row.pk, fence=row.fence)
        if rows:
            cls.objects.filter(mine).exclude(due_at=None).update(leased_until=None, due_at=now)

    @property
    def progress(self) -> int:
        """How much of a closed window has landed, in per cent."""
        if self.ends_at is None or self.ends_at <= self.starts_at:
            return 100 if self.last_success_at else 0
        share = (self.watermark - self.starts_at) / (self.ends_at - self.starts_at)
        return max(0, min(100, int(share * 100)))


class PullRun(TenantOwned):
    """One pull: what was asked, seen and written."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    pages = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=30, blank=True, choices=FAULTS)
    fault_detail = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("pull")
        verbose_name_plural = _("pulls")
        indexes = [models.Index(fields=["tenant", "stream", "-started_at"], name="pull_by_time")]

    def __str__(self) -> str:
        return f"{self.stream} {self.started_at:%Y-%m-%d %H:%M}"


class QuarantineState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RELEASED = "released", _("Released")
    DISMISSED = "dismissed", _("Dismissed")
    EXPIRED = "expired", _("Emptied by retention")


class Quarantined(TenantOwned):
    """A record we could not read, whole. `raw` is compressed as OrderRaw's."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    stream = models.ForeignKey(Stream, null=True, on_delete=models.SET_NULL, related_name="+")
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=30)
    record_kind = models.CharField(max_length=20, blank=True)
    number = models.CharField(max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    raw = models.BinaryField(editable=False)
    raw_sha256 = models.CharField(max_length=64)
    state = models.CharField(
        max_length=10, choices=QuarantineState.choices, default=QuarantineState.WAITING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("quarantined record")
        verbose_name_plural = _("quarantine")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "stream", "raw_sha256"],
                condition=Q(state="waiting"),
                name="quarantined_once",
            )
        ]
        # The lists of the workplace: what waits, and what was settled.
        indexes = [
            models.Index(
                fields=["tenant", "public_id"],
                condition=Q(state="waiting"),
                name="quarantined_waiting",
            ),
            models.Index(
                fields=["tenant", "public_id"],
                condition=~Q(state="waiting"),
                name="quarantined_settled",
            ),
        ]

    def __str__(self) -> str:
        return self.number or str(self.public_id)
