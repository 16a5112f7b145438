"""Who is in the tenant, and who is asked to join."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.access import WorkspaceRequest, get_invitation, get_member, manager_required
from tenants.flows.change_role import LastOwner, NotYours, change_role
from tenants.flows.invite_members import (
    Result,
    RoleNotYours,
    invite_members,
    resend_invitation,
    revoke_invitation,
)
from tenants.flows.remove_member import remove_member
from tenants.forms import InviteForm, RoleForm
from tenants.models import Binding, Duty, Invitation, Membership, Role

RESULTS_SESSION_KEY = "invited"


def _with_duties() -> dict[str, Count]:
    return {
        f"{duty}_count": Count("bindings", filter=Q(bindings__ended_at=None, bindings__duty=duty))
        for duty in Duty
    }


@manager_required
@require_safe
def members(request: WorkspaceRequest) -> HttpResponse:
    now = timezone.now()
    people = (
        Membership.objects.current()
        .select_related("user")
        .annotate(**_with_duties())
        .order_by("joined_at")
    )
    waiting = (
        Invitation.objects.filter(accepted_at=None, revoked_at=None)
        .select_related("invited_by")
        .order_by("-created_at")
    )
    context = {
        "people": people,
        "invitations": [(each, each.is_open(now)) for each in waiting],
        "grantable": request.membership.grantable_roles,
        "results": _results(request),
    }
    return render(request, "tenants/members.html", context)


@manager_required
@require_http_methods(["GET", "POST"])
def member(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    person = get_member(request.workspace, public_id)
    may_manage = request.membership.may_manage(person)
    form = RoleForm(request.POST or None, actor=request.membership, initial={"role": person.role})
    if request.method == "POST" and form.is_valid():
        try:
            change_role(
                membership=person,
                role=Role(form.cleaned_data["role"]),
                actor=request.membership,
                now=timezone.now(),
            )
        except LastOwner:
            form.add_error("role", _last_owner())
        except NotYours:
            form.add_error(None, _("Only an owner can change an owner's role."))
        else:
            messages.success(request, _("The role is changed."))
            return redirect("member", public_id)
    held = (
        Binding.objects.current()
        .filter(membership=person)
        .select_related("store")
        .order_by("store__platform", "store__account_name", "duty")
    )
    context = {
        "person": person,
        "form": form,
        "may_manage": may_manage,
        "is_self": person.pk == request.membership.pk,
        "held": list(held),
    }
    return render(request, "tenants/member.html", context)


@manager_required
@require_POST
def member_remove(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    person = get_member(request.workspace, public_id)
    if person.pk == request.membership.pk:
        return redirect("leave_tenant")
    try:
        remove_member(membership=person, actor=request.membership, now=timezone.now())
    except LastOwner:
        messages.error(request, _last_owner())
    except NotYours:
        messages.error(request, _("Only an owner can remove an owner."))
    else:
        text = _("%(person)s no longer has access to this company.")
        messages.success(request, text % {"person": person.user.get_full_name()})
        return redirect("members")
    return redirect("member", public_id)


def _last_owner() -> str:
    return _("A company needs an owner. Make somebody else an owner first.")


# --- invitations


@manager_required
@require_http_methods(["GET", "POST"])
def invite(request: WorkspaceRequest) -> HttpResponse:
    form = InviteForm(request.POST or None, inviter=request.membership)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        rows = invite_members(
            addresses=asked["addresses"],
            inviter=request.membership,
            role=Role(asked["role"]),
            prepared=[(store, Duty(duty)) for store in asked["stores"] for duty in asked["duties"]],
            language=asked["language"],
            now=timezone.now(),
        )
        request.session[RESULTS_SESSION_KEY] = [
            [row.address, row.result, str(row.invitation.public_id) if row.invitation else ""]
            for row in rows
        ]
        return redirect("members")
    stores = form.fields["stores"].queryset  # type: ignore[attr-defined]
    ticked = set(form["stores"].value() or [])
    context = {"form": form, "stores": stores, "ticked": ticked}
    return render(request, "tenants/invite.html", context)


@manager_required
@require_POST
def invitation_resend(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    invitation = get_invitation(request.workspace, public_id)
    try:
        sent = resend_invitation(
            invitation=invitation,
            sender=request.membership,
            language=request.user.language,
            now=timezone.now(),
        )
    except RoleNotYours:
        messages.error(request, _("Only an owner can invite an owner."))
        return redirect("members")
    if sent:
        text = _("A new link went to %(email)s. The earlier one no longer works.")
        messages.success(request, text % {"email": invitation.email})
    else:
        text = _("Nothing was sent to %(email)s: the invitation is over, or the mail failed.")
        messages.error(request, text % {"email": invitation.email})
    return redirect("members")


@manager_required
@require_POST
def invitation_revoke(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    invitation = get_invitation(request.workspace, public_id)
    try:
        ended = revoke_invitation(
            invitation=invitation, revoker=request.membership, now=timezone.now()
        )
    except RoleNotYours:
        messages.error(request, _("Only an owner can revoke an owner's invitation."))
        return redirect("members")
    if ended:
        text = _("The invitation of %(email)s is revoked.")
        messages.success(request, text % {"email": invitation.email})
    else:
        messages.info(request, _("This invitation was over already."))
    return redirect("members")


def _results(request: WorkspaceRequest) -> list[dict[str, str]]:
    """What became of the addresses invited just now; told once."""
    says = {
        Result.INVITED: ("good", _("Invited"), ""),
        Result.ALREADY_MEMBER: ("neutral", _("Already a member"), ""),
        Result.ALREADY_INVITED: ("info", _("Already invited"), _("You can send it again.")),
        Result.NOT_AN_ADDRESS: ("bad", _("Not an e-mail address"), _("Correct it and try again.")),
        Result.TOO_MANY: (
            "warn",
            _("Not invited"),
            _("Your company has invited very many today. Try again tomorrow."),
        ),
        Result.MAIL_FAILED: (
            "warn",
            _("Mail not sent"),
            _("The invitation stands, but its mail could not be sent. Send it again."),
        ),
    }
    rows = []
    for address, result, invitation_id in request.session.pop(RESULTS_SESSION_KEY, []):
        tone, label, text = says[Result(result)]
        again = result in (Result.ALREADY_INVITED, Result.MAIL_FAILED)
        rows.append(
            {
                "address": address,
                "tone": tone,
                "label": label,
                "text": text,
                "invitation_id": invitation_id if again else "",
            }
        )
    return rows
