"""Links in mails and chats say of which company they are: readers may belong to several."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tenants.access import View
from tenants.middleware import SESSION_KEY


def of_company(view: View) -> View:
    """Switches to the company named by `?company=`, if the reader is a member of it. Above the
    decorator that checks the visitor; who is not signed in comes back here afterwards."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wanted = request.GET.get("company")
        if wanted is None or request.method != "GET" or not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        work = request.workspace  # type: ignore[attr-defined]
        if wanted in {str(member.tenant.public_id) for member in work.memberships}:
            request.session[SESSION_KEY] = wanted
        query = request.GET.copy()
        del query["company"]
        return redirect(f"{request.path}?{query.urlencode()}" if query else request.path)

    return checked
