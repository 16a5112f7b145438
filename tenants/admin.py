"""Tenants, their people and their trail in the support pages."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from tenants.flows.record_event import verify_chain
from tenants.models import (
    ApiToken,
    Binding,
    Event,
    Invitation,
    Membership,
    Outcome,
    Store,
    Tenant,
)
from tenants.support import (
    Button,
    ChosenTenant,
    DeskAdmin,
    chosen,
    links,
    list_address,
    note,
    page_link,
    table,
    words,
)
from tenants.verbs import sentence

# The way back to the workspace is in templates/admin/base_site.html.
admin.site.site_url = None


def check_trail(request: HttpRequest, tenant: Tenant) -> None:
    """Tell staff whether the tenant's trail is whole; that it was checked is an event too."""
    broken = verify_chain(tenant)
    names: dict[str, object] = {"tenant": tenant, "sequence": broken}
    if broken is None:
        messages.success(request, _("The audit trail of %(tenant)s is whole.") % names)
    else:
        messages.error(
            request,
            _("The audit trail of %(tenant)s was changed at event %(sequence)s.") % names,
        )
    note(
        request,
        "trail.checked",
        tenant=tenant,
        outcome=Outcome.DONE if broken is None else Outcome.FAILED,
        detail={} if broken is None else {"sequence": broken},
    )


class TenantAdmin(DeskAdmin):
    """Registered by platforms/admin/tenants.py, which knows what a tenant has there."""

    list_display = ("name", "slug", "members", "stores", "require_mfa", "created_at")
    list_filter = ("require_mfa",)
    search_fields = ("name", "slug")
    actions = ("check_trails",)
    fields: ClassVar[tuple[str, ...]] = (
        "name", "slug", "public_id", "time_zone", "require_mfa", "retention_days",
        "freshness_minutes", "created_at",
        "people", "trail",
    )  # fmt: skip
    readonly_fields: ClassVar[tuple[str, ...]] = ("public_id", "people", "trail")
    buttons: ClassVar[tuple[Button, ...]] = (
        Button(
            name="check_trail",
            label=gettext_lazy("Check the audit trail"),
            permission="tenants.view_event",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        def how_many(rows: QuerySet[Any]) -> Coalesce:
            counted = rows.filter(tenant=OuterRef("pk")).order_by().values("tenant")
            counts = Subquery(counted.annotate(n=Count("pk")).values("n"))
            return Coalesce(counts, 0, output_field=IntegerField())

        return (
            super()
            .get_queryset(request)
            .annotate(
                how_many_members=how_many(Membership.objects.current()),
                how_many_stores=how_many(Store.objects.exclude(state="unlinked")),
            )
        )

    @admin.display(description=gettext_lazy("members"))
    def members(self, tenant: Any) -> int:
        return int(tenant.how_many_members)

    @admin.display(description=gettext_lazy("stores"))
    def stores(self, tenant: Any) -> int:
        return int(tenant.how_many_stores)

    @admin.display(description=gettext_lazy("people"))
    def people(self, tenant: Tenant) -> SafeString:
        return links(
            [
                (list_address("tenants_membership", tenant=tenant.pk), _("Members")),
                (list_address("tenants_invitation", tenant=tenant.pk), _("Invitations")),
                (list_address("tenants_apitoken", tenant=tenant.pk), _("API tokens")),
            ]
        )

    @admin.display(description=gettext_lazy("audit trail"))
    def trail(self, tenant: Tenant) -> SafeString:
        return links([(list_address("tenants_event", tenant=tenant.pk), _("Events"))])

    def do_check_trail(self, request: HttpRequest, tenant: Tenant) -> None:
        check_trail(request, tenant)

    @admin.action(description=gettext_lazy("Check the audit trail"), permissions=["view"])
    def check_trails(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        for tenant in queryset:
            check_trail(request, tenant)


@admin.register(Membership)
class MembershipAdmin(DeskAdmin):
    list_display = ("user", "tenant", "role", "joined_at", "left_at")
    list_filter = (ChosenTenant, "role", ("left_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "user__name", "tenant__slug", "tenant__name")
    fields = ("person", "company", "role", "joined_at", "left_at", "bindings")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("person"))
    def person(self, membership: Membership) -> str | SafeString:
        return page_link(membership.user)

    @admin.display(description=gettext_lazy("tenant"))
    def company(self, membership: Membership) -> str | SafeString:
        return page_link(membership.tenant)

    @admin.display(description=gettext_lazy("access to stores"))
    def bindings(self, membership: Membership) -> str | SafeString:
        return bindings_table(membership.bindings.select_related("store", "given_by"))


def bindings_table(bindings: QuerySet[Binding], *, by_person: bool = False) -> str | SafeString:
    """Who may do what in which store; those still in force first, the newest 100."""
    rows = bindings.select_related("membership__user", "store", "given_by")
    return table(
        [
            _("Person") if by_person else _("Store"), _("Duty"), _("Given by"), _("From"),
            _("Until"),
        ],
        [
            [
                page_link(each.membership) if by_person else page_link(each.store),
                each.get_duty_display(),
                each.given_by or "-",
                when(each.given_at),
                when(each.ended_at),
            ]
            for each in rows.order_by("-given_at", "-pk")[:100]
        ],
    )  # fmt: skip


def when(at: Any) -> str:
    """A time as the reader's clock shows it, with the seconds; "-" for never."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z") if at else "-"


@admin.register(Invitation)
class InvitationAdmin(DeskAdmin):
    """Without the link: only who was invited holds it."""

    list_display = ("email", "tenant", "role", "invited_by", "created_at", "state")
    list_filter = (ChosenTenant, "role")
    list_select_related = ("tenant", "invited_by")
    search_fields = ("email", "tenant__slug", "tenant__name")
    fields = (
        "email", "tenant", "role", "prepared", "invited_by", "created_at", "expires_at",
        "accepted_at", "revoked_at", "state",
    )  # fmt: skip
    readonly_fields = ("prepared", "state")

    @admin.display(description=gettext_lazy("state"))
    def state(self, invitation: Invitation) -> str:
        if invitation.accepted_at:
            return _("Accepted")
        if invitation.revoked_at:
            return _("Revoked")
        return _("Open") if invitation.is_open(timezone.now()) else _("Expired")

    @admin.display(description=gettext_lazy("prepared access"))
    def prepared(self, invitation: Invitation) -> str | SafeString:
        return words([f"{store} {duty}" for store, duty in invitation.bindings])


@admin.register(ApiToken)
class ApiTokenAdmin(DeskAdmin):
    list_display = ("name", "tenant", "member", "ends_in", "last_used_at", "revoked_at")
    list_filter = (ChosenTenant, ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("tenant", "membership__user")
    search_fields = ("name", "membership__user__email", "tenant__slug")
    fields = (
        "name", "tenant", "member", "ends_in", "created_at", "last_used_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = ("member", "ends_in")

    @admin.display(description=gettext_lazy("member"))
    def member(self, token: ApiToken) -> str:
        return token.membership.user.email

    @admin.display(description=gettext_lazy("ends in"))
    def ends_in(self, token: ApiToken) -> str:
        return f"…{token.last_four}"


@admin.register(Event)
class EventAdmin(DeskAdmin):
    """Newest first. What one tenant's trail says is asked for by tenant, which is indexed."""

    list_display = ("at", "tenant", "actor_name", "what", "outcome", "on_behalf", "ip")
    list_filter = (ChosenTenant, chosen(Event, "actor", gettext_lazy("person")))
    list_select_related = ("tenant",)
    search_fields = ("actor__email",)
    search_help_text = gettext_lazy(
        "A person's e-mail address, or a tenant's short name. Inside one tenant also the verb and"
        " the name of what was touched."
    )
    sortable_by = ()
    actions = ("check_trails",)
    fields = (
        "tenant", "sequence", "at", "actor_name", "on_behalf", "verb", "target", "outcome", "ip",
        "request_id", "detail", "previous_hash", "hash",
    )  # fmt: skip
    readonly_fields = ("what", "target")

    @admin.display(description=gettext_lazy("what"))
    def what(self, event: Event) -> str:
        return sentence(event)

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        """Rare outcomes are looked for inside one tenant: no index serves them across all."""
        more = ("outcome", "on_behalf") if request.GET.get("tenant") else ()
        return (*self.list_filter, *more)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        people = User.objects.filter(email__icontains=term).values_list("pk", flat=True)[:100]
        found = Q(actor__in=list(people))
        if request.GET.get("tenant"):
            found |= Q(verb__icontains=term) | Q(target_name__icontains=term)
        else:
            found |= Q(tenant__in=list(Tenant.objects.filter(slug=term.lower())))
        return queryset.filter(found), False

    @admin.display(description=gettext_lazy("target"))
    def target(self, event: Event) -> str | SafeString:
        if not event.target_id:
            return "-"
        return format_html(
            "{} {} <code>{}</code>", event.target_type, event.target_name, event.target_id
        )

    @admin.action(
        description=gettext_lazy("Check the audit trail of these tenants"), permissions=["view"]
    )
    def check_trails(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        tenants = queryset.order_by().values("tenant_id")
        for tenant in Tenant.objects.filter(pk__in=tenants):
            check_trail(request, tenant)
