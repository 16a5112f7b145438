"""From the link in an invitation mail into the tenant."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.signup import complete_signup
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import INVITATION_SESSION_KEY
from accounts.models import User
from tenants.access import public
from tenants.flows.accept_invitation import (
    InvitationGone,
    WrongPerson,
    accept_invitation,
    find_invitation,
    is_for,
)
from tenants.forms import InvitedSignupForm
from tenants.middleware import SESSION_KEY
from tenants.models import Invitation


@public
@never_cache
@require_safe
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Moves the token from the address into the session, so that no address, history entry or
    Referer of the pages that follow carries it."""
    request.session[INVITATION_SESSION_KEY] = token
    response = redirect("join")
    # Not on the page behind it: browsers would send its form with "Origin: null".
    response["Referrer-Policy"] = "no-referrer"
    return response


@public
@never_cache
@sensitive_post_parameters("password1")
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    token = request.session.get(INVITATION_SESSION_KEY, "")
    try:
        invitation = find_invitation(token=token, now=timezone.now())
        if request.user.is_authenticated:
            return _join_signed_in(request, invitation, token)
        if _has_account(invitation):
            return _page(request, "sign_in", invitation=invitation)
        return _sign_up(request, invitation)
    except InvitationGone as exc:
        # Else the sign-up page would still take the visitor for an invited one.
        request.session.pop(INVITATION_SESSION_KEY, None)
        return _page(request, "gone", why=str(exc.why), status=410)


@public
@require_POST
def join_as_other(request: HttpRequest) -> HttpResponse:
    """Sign out and come back to the invitation."""
    token = request.session.get(INVITATION_SESSION_KEY, "")
    logout(request)
    request.session[INVITATION_SESSION_KEY] = token
    return redirect("join")


def _join_signed_in(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    assert isinstance(request.user, User)
    if request.method == "GET":
        state = "accept" if is_for(invitation, request.user) else "wrong_person"
        return _page(request, state, invitation=invitation)
    try:
        membership = accept_invitation(token=token, user=request.user, now=timezone.now())
    except WrongPerson:
        return _page(request, "wrong_person", invitation=invitation, status=403)
    del request.session[INVITATION_SESSION_KEY]
    request.session[SESSION_KEY] = str(membership.tenant.public_id)
    text = _("Welcome to %(company)s.") % {"company": membership.tenant.name}
    messages.success(request, text)
    return redirect(settings.LOGIN_REDIRECT_URL)


def _sign_up(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = InvitedSignupForm(request.POST or None, invitation=invitation)
    if request.method == "POST" and form.is_valid():
        # Who has the link has the mailbox that it was sent to: no second mail to confirm it.
        get_adapter(request).stash_verified_email(request, invitation.email)
        user, response = form.try_save(request)
        if response:
            return response
        try:
            answer: HttpResponse = complete_signup(
                request, user=user, redirect_url=resolve_url(settings.LOGIN_REDIRECT_URL)
            )
        except ImmediateHttpResponse as exc:
            answer = exc.response
        request.session.pop(INVITATION_SESSION_KEY, None)
        return answer
    return _page(request, "sign_up", invitation=invitation, form=form)


def _has_account(invitation: Invitation) -> bool:
    return User.objects.filter(email__iexact=invitation.email).exists()


def _page(
    request: HttpRequest, state: str, *, status: int = 200, **context: object
) -> HttpResponse:
    return render(request, "tenants/join.html", {"state": state, **context}, status=status)
