from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.demo_mail import read_mails
from accounts.forms import LanguageForm, ProfileForm
from accounts.http import SignedIn

ONE_YEAR_S = 365 * 24 * 3600


@login_required
def profile(request: SignedIn) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        with translation.override(user.language):
            messages.success(request, _("Your profile is saved."))
        response = redirect("accounts:profile")
        remember_language(response, user.language)
        return response
    return render(request, "accounts/profile.html", {"form": form})


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language, signed in or not, and go back to the page it was asked on."""
    response = redirect(page_before(request))
    form = LanguageForm(request.POST)
    if form.is_valid():
        chosen = form.cleaned_data["language"]
        remember_language(response, chosen)
        if request.user.is_authenticated:
            request.user.language = chosen
            request.user.save(update_fields=["language"])
    return response


def remember_language(response: HttpResponse, code: str) -> None:
    """For the pages this browser sees signed out."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=ONE_YEAR_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def page_before(request: HttpRequest) -> str:
    """The page named by `next` or the Referer, if it is ours."""
    for address in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        if url_has_allowed_host_and_scheme(
            address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return address
    return reverse(settings.LOGIN_REDIRECT_URL)


@require_safe
def demo_mail(request: HttpRequest, mail_id: str = "") -> HttpResponse:
    """The mails this demo sent, and one of them in full. Only there in the demo."""
    if not settings.DEMO:
        raise Http404
    mails = read_mails(Path(settings.EMAIL_FILE_PATH))
    shown = next((mail for mail in mails if mail.id == mail_id), None)
    if mail_id and shown is None:
        raise Http404
    return render(request, "accounts/demo_mail.html", {"mails": mails, "shown": shown})
