"""What accounts tells us, which does not know tenants."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import user_signed_up
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts.forms import INVITATION_SESSION_KEY
from accounts.models import User
from tenants.flows.sign_up import sign_up


@receiver(user_signed_up)
def found_or_join(request: HttpRequest, user: User, **_more: Any) -> None:
    sign_up(
        user=user,
        company=getattr(user, "signup_company", ""),
        invitation_token=request.session.get(INVITATION_SESSION_KEY, ""),
        now=timezone.now(),
    )
