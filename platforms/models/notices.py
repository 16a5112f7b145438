"""What people are told about their stores, and how it reaches them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms.models.linking import FAULTS, App, Authorization
from tenants.models import Membership, Store
from tenants.scope import TenantOwned


class Occasion(models.TextChoices):
    """What a notice is about."""

    BROKE = "broke", _("A store stopped working")
    HEALED = "healed", _("A store works again")
    ENDS_SOON = "ends_soon", _("A permission ends soon")
    SECRET_ENDS = "secret_ends", _("An application's secret ends soon")
    CHECK_SUGGESTED = "check_suggested", _("A data check is suggested")


class Notice(TenantOwned):
    """Something people should know, written once (`key`), in the transaction of what happened.

    `data` holds facts for the texts (dates, days left, names), never secrets or buyer data.
    The texts are made when they are read, in the reader's language.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    occasion = models.CharField(max_length=20, choices=Occasion.choices)
    key = models.CharField(max_length=150)
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="notices")
    authorization = models.ForeignKey(
        Authorization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    app = models.ForeignKey(App, null=True, on_delete=models.CASCADE, related_name="+")
    fault = models.CharField(max_length=30, blank=True, choices=FAULTS)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="notice_once")]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="notice_by_time")]

    def __str__(self) -> str:
        return f"{self.occasion} {self.key}"


class ChatRobot(TenantOwned):
    """A robot in a team's chat (or a webhook of theirs) that is told.

    The address is a secret too: whoever knows it can write into the chat.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=20)  # platforms.robots.KINDS
    name = models.CharField(_("name"), max_length=60)
    sealed_address = models.BinaryField(editable=False)
    address_hint = models.CharField(max_length=80, blank=True)  # host and last four characters
    sealed_secret = models.BinaryField(null=True, editable=False)
    language = models.CharField(
        _("language"), max_length=10, default="zh-hans", choices=settings.LANGUAGES
    )
    occasions = models.JSONField(default=list)  # of Occasion
    all_stores = models.BooleanField(_("all stores"), default=True)
    active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_ok_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)  # of the newest attempt, null if it went well
    refused_why = models.CharField(max_length=60, blank=True)  # reason code of the robot's kind

    class Meta:
        verbose_name = _("chat robot")
        verbose_name_plural = _("chat robots")
        indexes = [models.Index(fields=["tenant", "active"], name="robot_by_tenant")]

    def __str__(self) -> str:
        return self.name


class RobotStore(TenantOwned):
    """A store that a robot with `all_stores` off is told of."""

    robot = models.ForeignKey(ChatRobot, on_delete=models.CASCADE, related_name="chosen")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "robot", "store"], name="robot_store_once")
        ]

    def __str__(self) -> str:
        return f"{self.robot_id}:{self.store_id}"


class SendingState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    GIVEN_UP = "given_up", _("Could not be sent")
    DROPPED = "dropped", _("Not wanted any more")


class Sending(TenantOwned):
    """One notice on its way to one member (by e-mail) or robot, at most once each.

    `batch` is the same for all that went out in one message (a digest); it is the message's
    id on the wire, so that a repetition after a crash can be told.
    """

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="sendings")
    membership = models.ForeignKey(
        Membership, null=True, on_delete=models.CASCADE, related_name="+"
    )
    robot = models.ForeignKey(
        ChatRobot, null=True, on_delete=models.CASCADE, related_name="sendings"
    )
    state = models.CharField(
        max_length=10, choices=SendingState.choices, default=SendingState.WAITING
    )
    due_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    batch = models.UUIDField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=100, blank=True)  # why it was not sent (yet)

    class Meta:
        verbose_name = _("sending")
        verbose_name_plural = _("sendings")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "notice", "membership"],
                condition=Q(robot=None),
                name="sent_once_to_member",
            ),
            models.UniqueConstraint(
                fields=["tenant", "notice", "robot"],
                condition=Q(membership=None),
                name="sent_once_to_robot",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="sending_due"),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.state}"


class NoticeRead(TenantOwned):
    """A member has seen a notice in the workspace."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="reads")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "notice", "membership"], name="notice_read_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}:{self.membership_id}"


class Wanted(models.TextChoices):
    """What a member wants by e-mail."""

    ALL = "all", _("Everything")
    URGENT = "urgent", _("Only what stopped working, and when it works again")
    NONE = "none", _("Nothing")


class NoticeChoice(TenantOwned):
    """What a member wants to be sent about one store, or, without one, about all others."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.ALL)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "membership", "store"], name="choice_once_per_store"
            ),
            models.UniqueConstraint(
                fields=["tenant", "membership"], condition=Q(store=None), name="one_choice_for_all"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership_id}:{self.store_id} {self.wanted}"


class CalendarFeed(TenantOwned):
    """A member's private address of the expiry calendar; only its hash is kept."""

    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")

    def __str__(self) -> str:
        return f"feed of {self.membership_id}"
