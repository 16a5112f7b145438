"""What people were told, how it reached them, and whom tenants let be told.

Addresses and secrets of robots and of calendar feeds are nowhere on these pages: whoever knows
one may write there, or read along.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin import health_parts
from platforms.admin.conditions import (
    ROBOTS,
    SENDINGS,
    FaultFilter,
    SearchedByPath,
    by_condition,
    by_platform,
)
from platforms.admin.filters import ChosenStore
from platforms.models import CalendarFeed, ChatRobot, Notice, Occasion, RobotStore, Sending
from platforms.notices.recipients import stores_about
from platforms.notices.texts import NoticeText, text_of
from platforms.robots import KINDS
from tenants.admin import when
from tenants.support import (
    ChosenTenant,
    DeskAdmin,
    chosen,
    links,
    list_address,
    page_link,
    table,
    words,
)

PLATFORMS_OF_A_NOTICE = ("store__platform", "authorization__platform", "app__platform")
SENDINGS_SHOWN = 100
STORES_SHOWN = 200


def text(notice: Notice) -> NoticeText:
    """As a manager of the tenant reads it, in our reader's language and time zone."""
    zone = timezone.get_current_timezone()
    return text_of(notice, stores=stores_about(notice), zone=zone, can_manage=True)


@admin.register(Notice)
class NoticeAdmin(SearchedByPath, DeskAdmin):
    list_display = ("created_at", "title", "tenant", "store_page", "fault_words")
    list_filter = (
        ChosenTenant, ChosenStore, by_platform(*PLATFORMS_OF_A_NOTICE), "occasion", FaultFilter,
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant", "authorization", "app")
    search_fields = (
        "store__account_name", "store__display_name", "tenant__slug", "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "created_at", "occasion", "title", "sentences", "store_page",
        "authorization_page", "app_page", "fault_words", "sent", "public_id",
    )  # fmt: skip
    readonly_fields = (
        "title", "sentences", "store_page", "authorization_page", "app_page", "fault_words",
        "sent", "public_id",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        rows: QuerySet[Notice] = super().get_queryset(request)
        return rows.prefetch_related("authorization__stores")

    @admin.display(description=gettext_lazy("notice"))
    def title(self, row: Notice) -> str:
        return text(row).title

    @admin.display(description=gettext_lazy("text"))
    def sentences(self, row: Notice) -> str:
        return " ".join(text(row).sentences)

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: Notice) -> str | SafeString:
        return health_parts.store_link(row.store)

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, row: Notice) -> str | SafeString:
        return page_link(row.authorization)

    @admin.display(description=gettext_lazy("application"))
    def app_page(self, row: Notice) -> str | SafeString:
        return page_link(row.app)

    @admin.display(description=gettext_lazy("fault"), ordering="fault")
    def fault_words(self, row: Notice) -> str | SafeString:
        return health_parts.fault_in_words(row.fault)

    @admin.display(description=gettext_lazy("sent to"))
    def sent(self, row: Notice) -> str | SafeString:
        sendings = row.sendings.select_related("membership__user", "robot").order_by("pk")
        return table(
            [_("To"), _("State"), _("Sent"), _("Next try"), _("Tries"), _("Why not")],
            [
                [
                    page_link(each, recipient(each)), each.get_state_display(),
                    when(each.sent_at), when(each.due_at), each.tries, reason(each) or "-",
                ]
                for each in sendings[:SENDINGS_SHOWN]
            ],
        )  # fmt: skip


def recipient(sending: Sending) -> str:
    """A member by e-mail address, a robot by kind and name; never a robot's address."""
    if sending.membership is not None:
        return sending.membership.user.email
    if sending.robot is None:
        return "-"
    return f"{kind_name(sending.robot)}: {sending.robot.name}"


def reason(sending: Sending) -> str:
    """Why it was not sent (yet): a robot's in words, a mail's as it was noted."""
    if sending.why == "not_wanted":
        return _("Not wanted any more")
    return explained(sending.robot, sending.why) if sending.robot else sending.why


def kind_name(robot: ChatRobot) -> str:
    return str(KINDS[robot.kind].name) if robot.kind in KINDS else robot.kind


def explained(robot: ChatRobot, why: str) -> str:
    return KINDS[robot.kind].explain(why) if robot.kind in KINDS else why


@admin.register(Sending)
class SendingAdmin(SearchedByPath, DeskAdmin):
    list_display = ("to", "about", "state", "tries", "due_at", "sent_at", "why", "tenant")
    list_filter = (
        by_condition(SENDINGS, "standing", gettext_lazy("standing")), ChosenTenant,
        by_platform(*(f"notice__{each}" for each in PLATFORMS_OF_A_NOTICE)), "state",
        chosen(ChatRobot, "robot", gettext_lazy("chat robot")),
    )  # fmt: skip
    list_select_related = (
        "tenant", "membership__user", "robot", "notice__store__tenant",
    )  # fmt: skip
    path_prefix = "notice__store__"
    search_fields = (
        "membership__user__email", "robot__name", "notice__store__account_name", "tenant__slug",
        "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "notice_page", "to", "state", "tries", "due_at", "leased_until", "sent_at",
        "reason_in_words", "batch",
    )  # fmt: skip
    readonly_fields = ("notice_page", "to", "reason_in_words", "batch")

    @admin.display(description=gettext_lazy("to"))
    def to(self, row: Sending) -> str:
        return recipient(row)

    @admin.display(description=gettext_lazy("about"))
    def about(self, row: Sending) -> str:
        occasion = str(Occasion(row.notice.occasion).label)
        store = row.notice.store
        return f"{occasion} ({store.path})" if store else occasion

    @admin.display(description=gettext_lazy("notice"))
    def notice_page(self, row: Sending) -> str | SafeString:
        return page_link(row.notice, text(row.notice).title)

    @admin.display(description=gettext_lazy("why it was not sent"))
    def reason_in_words(self, row: Sending) -> str:
        return reason(row) or "-"


@admin.register(ChatRobot)
class ChatRobotAdmin(DeskAdmin):
    """By its hint: host and last four characters of the address."""

    list_display = (
        "name", "tenant", "product", "address_hint", "active", "last_ok_at", "refused_at",
        "refused_why",
    )  # fmt: skip
    list_filter = (
        by_condition(ROBOTS, "standing", gettext_lazy("standing")), ChosenTenant, "active",
    )  # fmt: skip
    list_select_related = ("tenant", "created_by")
    search_fields = ("name", "tenant__slug", "tenant__name", "address_hint")
    fields = (
        "tenant", "name", "product", "address_hint", "signs", "language", "told_of", "stores",
        "active", "created_by", "created_at", "last_ok_at", "refused_at", "refused", "public_id",
        "more",
    )  # fmt: skip
    readonly_fields = (
        "product", "signs", "told_of", "stores", "created_at", "refused", "public_id", "more",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("product"), ordering="kind")
    def product(self, row: ChatRobot) -> str:
        return kind_name(row)

    @admin.display(description=gettext_lazy("signs its messages"), boolean=True)
    def signs(self, row: ChatRobot) -> bool:
        return row.sealed_secret is not None

    @admin.display(description=gettext_lazy("told of"))
    def told_of(self, row: ChatRobot) -> str | SafeString:
        known = {str(each.value): str(each.label) for each in Occasion}
        return words([known.get(str(each), "-") for each in row.occasions])

    @admin.display(description=gettext_lazy("stores"))
    def stores(self, row: ChatRobot) -> str | SafeString:
        if row.all_stores:
            return _("All stores")
        chosen_ones = RobotStore.objects.filter(robot=row).select_related("store__tenant")
        rows = [each.store.path for each in chosen_ones.order_by("pk")[:STORES_SHOWN]]
        return words(rows)

    @admin.display(description=gettext_lazy("why it refused"))
    def refused(self, row: ChatRobot) -> str:
        return explained(row, row.refused_why) or "-"

    @admin.display(description=gettext_lazy("lists"))
    def more(self, row: ChatRobot) -> SafeString:
        here = {"tenant": row.tenant_id, "robot": row.pk}
        return links([(list_address("platforms_sending", **here), _("Sendings"))])


@admin.register(CalendarFeed)
class CalendarFeedAdmin(DeskAdmin):
    """Without the address, and without its hash."""

    list_display = ("member", "tenant", "created_at", "read_at")
    list_filter = (ChosenTenant,)
    list_select_related = ("tenant", "membership__user")
    search_fields = ("membership__user__email", "tenant__slug", "tenant__name")
    fields = ("member_page", "tenant", "created_at", "read_at")
    readonly_fields = ("member_page",)

    @admin.display(description=gettext_lazy("member"))
    def member(self, row: CalendarFeed) -> str:
        return row.membership.user.email

    @admin.display(description=gettext_lazy("member"))
    def member_page(self, row: CalendarFeed) -> Any:
        return page_link(row.membership, row.membership.user.email)
