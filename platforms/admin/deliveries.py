"""What marketplaces pushed to us, and working on one of it again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms.admin.conditions import PUSHES, by_condition
from platforms.admin.filters import PlatformFilter
from platforms.flows.work_deliveries import replay
from platforms.models import Delivery
from tenants.support import CappedPaginator, DeskAdmin, page_link


@admin.register(Delivery)
class DeliveryAdmin(DeskAdmin):
    """Newest first. Bodies are not shown: they hold buyers' data."""

    list_display = (
        "received_at", "platform", "topic", "authorization", "state", "outcome", "tries",
    )  # fmt: skip
    list_filter = (
        by_condition(PUSHES, "standing", gettext_lazy("standing")), PlatformFilter, "state",
    )  # fmt: skip
    list_select_related = ("authorization",)
    ordering = ("-received_at",)
    sortable_by = ()
    paginator = CappedPaginator
    actions = ("work_again",)
    fields = (
        "received_at", "platform", "topic", "authorization_page", "state", "outcome",
        "tries", "worked_at", "due_at", "public_id",
    )  # fmt: skip
    readonly_fields = ("authorization_page", "public_id")

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, row: Delivery) -> str | SafeString:
        return page_link(row.authorization) if row.authorization else "–"

    @admin.action(description=gettext_lazy("Work on them again"), permissions=["view"])
    def work_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        done = 0
        for row in rows:
            try:
                replay(delivery=row, now=timezone.now())
            except ValueError:
                self.message_user(
                    request, _("%(push)s is not kept any more.") % {"push": row}, messages.WARNING
                )
            else:
                done += 1
        if done:
            text = ngettext(
                "%(n)s push is worked on again.", "%(n)s pushes are worked on again.", done
            )
            self.message_user(request, text % {"n": done})
