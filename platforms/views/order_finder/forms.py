"""What the finder is asked: a number, perhaps a store, and the filters somebody came with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.order_finder.numbers import LONGEST, clean_number
from platforms.orders_query import OrderFilterForm, OrderFilters, reader_zone
from tenants.models import Store

FILTERS = ("platform", "status", "from", "to")


class FinderForm(forms.Form):
    number = forms.CharField(
        label=gettext_lazy("Order number"),
        # Longer than any number: what is too long is said in our own words.
        max_length=1000,
        strip=True,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )
    store = forms.CharField(required=False, max_length=100, label=gettext_lazy("Store"))

    def __init__(self, data: Mapping[str, str] | None, *, stores: Sequence[Store]) -> None:
        super().__init__(None if data is None else _without_nul(data))
        self.stores = stores

    def clean_number(self) -> str:
        number = clean_number(self.cleaned_data["number"])
        if not number:
            raise forms.ValidationError(_("Paste an order number."))
        if len(number) > LONGEST:
            raise forms.ValidationError(
                _("This is longer than any order number: paste the number alone.")
            )
        return number

    def clean_store(self) -> Store | None:
        """One the reader may know of; another is as good as none."""
        text = self.cleaned_data["store"].strip()
        return next((each for each in self.stores if str(each.public_id) == text), None)


def _without_nul(data: Mapping[str, str]) -> dict[str, str]:
    return {name: data.get(name, "").replace("\0", "") for name in ("number", "store")}


def carried_filters(data: Mapping[str, str]) -> dict[str, str]:
    """The filters of the orders list that came along, to be kept in the form."""
    kept = {name: data.get(name, "").strip()[:40] for name in FILTERS}
    return {name: value for name, value in kept.items() if value}


def read_filters(carried: Mapping[str, str], stores: Sequence[Store]) -> OrderFilters:
    """What of them can be used; none where one cannot."""
    form = OrderFilterForm(carried, stores=stores, zone=reader_zone())
    return form.filters if form.is_valid() else OrderFilters()
