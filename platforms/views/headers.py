"""Pages whose addresses or contents must leave no trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

R = TypeVar("R", bound=HttpResponseBase)
View = Callable[..., HttpResponse]


def as_file(response: R, name: str) -> R:
    """For the browser to save under `name`; kept by no cache."""
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def not_stored(view: View) -> View:
    """Kept by no cache: the page may show a link or an address once. Its own address is told to
    no other site, as everywhere here (SECURE_REFERRER_POLICY)."""

    @wraps(view)
    def fleeting(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store, private"
        return response

    return fleeting


def no_trace(view: View) -> View:
    """As `not_stored`, and its address, which holds a code, a state or a token, is told to
    nobody. Not for pages with forms: a browser then sends "Origin: null", which Django refuses."""
    fleeting = not_stored(view)

    @wraps(view)
    def traceless(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = fleeting(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return traceless
