from __future__ import annotations

from django.urls import path

from tenants.views import api_tokens, bindings, company, events, joining, members

urlpatterns = [
    path("bindings/", bindings.bindings, name="bindings"),
    path("members/", members.members, name="members"),
    path("members/invite/", members.invite, name="invite"),
    path("members/<uuid:public_id>/", members.member, name="member"),
    path("members/<uuid:public_id>/remove/", members.member_remove, name="member_remove"),
    path(
        "invitations/<uuid:public_id>/resend/", members.invitation_resend, name="invitation_resend"
    ),
    path(
        "invitations/<uuid:public_id>/revoke/", members.invitation_revoke, name="invitation_revoke"
    ),
    path("join/", joining.join, name="join"),
    path("join/as-other/", joining.join_as_other, name="join_as_other"),
    path("join/<str:token>/", joining.open_invitation, name="accept_invitation"),
    path("company/", company.no_tenant, name="no_tenant"),
    path("company/switch/", company.switch_tenant, name="switch_tenant"),
    path("company/leave/", company.leave_tenant, name="leave_tenant"),
    path("settings/", company.tenant_settings, name="tenant_settings"),
    path("events/", events.events, name="events"),
    path("api-tokens/", api_tokens.api_tokens, name="api_tokens"),
    path(
        "api-tokens/<uuid:public_id>/revoke/",
        api_tokens.api_token_revoke,
        name="api_token_revoke",
    ),
]
