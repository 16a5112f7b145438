"""The order finder for support: reasons and fixes on a tenant's behalf, no data of any buyer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from platforms.admin.store_actions import ACT
from platforms.advice import advice_for
from platforms.errors import PlatformError
from platforms.flows.find_order import BadNumber, find_order
from platforms.flows.fix_order import NotAllowed, NotNow, fix_order
from platforms.flows.link_forms import BadInput
from platforms.flows.pull_one_order import TooOften
from platforms.order_finder.numbers import LONGEST, clean_number
from platforms.order_finder.reasons import DONE_BY_US, Fix, Seeker
from platforms.order_finder.said import SAID
from platforms.order_finder.sentences import told
from platforms.store_paths import find_stores, find_tenant
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope
from tenants.support import page_address

# To learn about an order one must be allowed to look at stores and orders.
RIGHTS = ("tenants.view_store", "platforms.view_order", ACT)


class SupportFinderForm(forms.Form):
    tenant = forms.CharField(
        label=gettext_lazy("Tenant"), max_length=100,
        help_text=gettext_lazy("Its short name, as in the paths of its stores."),
    )  # fmt: skip
    number = forms.CharField(label=gettext_lazy("Order number"), max_length=1000)
    store = forms.CharField(
        label=gettext_lazy("Store"), required=False, max_length=300,
        help_text=gettext_lazy("Empty: any. Else tenant/platform/account_name or …/site."),
    )  # fmt: skip

    def clean_tenant(self) -> Tenant:
        tenant: Tenant = _or_invalid(find_tenant, self.cleaned_data["tenant"])
        return tenant

    def clean_number(self) -> str:
        number = clean_number(self.cleaned_data["number"])
        if not number or len(number) > LONGEST:
            raise forms.ValidationError(_("An order number has 1 to 80 characters and no blanks."))
        return number

    def clean(self) -> dict[str, Any]:
        tenant, text = self.cleaned_data.get("tenant"), self.cleaned_data.get("store", "").strip()
        self.cleaned_data["store"] = None
        if tenant is not None and text:
            try:
                stores = _or_invalid(find_stores, text)
            except forms.ValidationError as exc:
                self.add_error("store", exc)
            else:
                if stores[0].tenant_id != tenant.pk:
                    self.add_error("store", _("This store is not of that tenant."))
                elif len(stores) == 1:
                    self.cleaned_data["store"] = stores[0]
        return self.cleaned_data


def _or_invalid(find: Any, text: str) -> Any:
    try:
        return find(text)
    except BadInput as exc:
        raise forms.ValidationError(" ".join(exc.errors.values())) from None


@require_http_methods(["GET", "HEAD", "POST"])
def finder(request: HttpRequest) -> HttpResponse:
    """Search; with `fix` in what is posted, press the button of the answer before."""
    if not all(request.user.has_perm(right) for right in RIGHTS):
        raise PermissionDenied
    posted = request.method == "POST"
    form = SupportFinderForm(request.POST if posted else None, initial=_initial(request))
    context = admin.site.each_context(request) | {
        "title": _("Why is this order not here?"),
        "form": form,
    }
    if posted and form.is_valid():
        asked = form.cleaned_data
        seeker = Seeker(user=request.user, desk=True)  # type: ignore[arg-type]
        if request.POST.get("fix"):
            _fix(request, asked, seeker)
        context |= _answer(asked, seeker)
    return TemplateResponse(request, "admin/support/find_order.html", context)


def finder_address(store: Store) -> str:
    """The finder, asked about this store."""
    query = urlencode({"tenant": store.tenant.slug, "store": store.path})
    return f"{reverse('admin:find_order')}?{query}"


def _initial(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").replace("\0", "")[:300] for name in ("tenant", "store")}


def _answer(asked: dict[str, Any], seeker: Seeker) -> dict[str, object]:
    tenant, now = asked["tenant"], timezone.now()
    with tenant_scope(tenant):
        try:
            found = find_order(
                tenant=tenant, seeker=seeker, number=asked["number"], store=asked["store"], now=now
            )
        except BadNumber:
            return {}
        sentences = told(found, seeker=seeker, company=tenant.name)
    return {
        "found": found,
        "told": sentences,
        "fixes": found.fix in DONE_BY_US and found.store is not None,
        "store_url": page_address(found.store) if found.store else "",
    }


def _fix(request: HttpRequest, asked: dict[str, Any], seeker: Seeker) -> None:
    """Safe to press twice: the flow finds that it was done."""
    store: Store | None = asked["store"]
    wanted = request.POST["fix"]
    if store is None or wanted not in DONE_BY_US:
        return
    names = {"number": asked["number"], "store": store.path}
    with tenant_scope(asked["tenant"]):
        try:
            done = fix_order(
                fix=Fix(wanted), store=store, number=asked["number"], seeker=seeker,
                now=timezone.now(),
            )  # fmt: skip
        except (NotAllowed, NotNow):
            messages.error(request, _("The store's state does not allow it any more."))
        except TooOften:
            messages.error(
                request, _("You have asked the platform in vain very often. Go on in an hour.")
            )
        except PlatformError as exc:
            messages.error(request, str(advice_for(exc.fault, platform=store.platform)))
        else:
            level, sentence = SAID[done.result]
            messages.add_message(request, level, str(sentence) % names)


_stock_urls = admin.site.get_urls


def _with_finder() -> list[URLPattern | URLResolver]:
    own = path("find-order/", admin.site.admin_view(finder), name="find_order")
    return [own, *_stock_urls()]


admin.site.get_urls = _with_finder  # type: ignore[method-assign]
