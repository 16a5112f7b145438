"""What a manager fills in about retention and legal holds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms.models import RetentionRule
from platforms.notices.texts import store_label
from tenants.models import Store


class RuleForm(forms.ModelForm):
    class Meta:
        model = RetentionRule
        fields = ("buyer_days", "raw_days")

    def __init__(self, *args: Any, most: int | None, name: str, raw_days: int, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["buyer_days"].help_text = _buyer_help(most, name)
        self.fields["raw_days"].help_text = _(
            "What the marketplace sent, word for word. It holds buyer data, so it goes with it at"
            " the latest. Leave this empty to follow the company's settings: %(days)s."
        ) % {"days": _days(raw_days)}


def _buyer_help(most: int | None, name: str) -> str:
    if most is None:
        return _(
            "%(platform)s states no limit. Leave this empty to keep buyer data as long as the"
            " orders themselves."
        ) % {"platform": name}
    return _(
        "%(platform)s demands at most %(days)s. You may choose fewer; leave this empty to follow"
        " the marketplace."
    ) % {"platform": name, "days": _days(most)}


def too_many_days(most: int, name: str) -> str:
    return _(
        "%(platform)s demands that buyer data goes %(days)s after delivery at the latest. Choose"
        " that or less."
    ) % {"platform": name, "days": _days(most)}


def _days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


class _Store(forms.ModelChoiceField):
    def label_from_instance(self, store: Any) -> str:
        return store_label(store)


REASON_HELP = gettext_lazy(
    "Such as the number of the case. Name no buyer: this stays in the audit trail."
)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=REASON_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class HoldForm(ReasonForm):
    """`held`: the store or None, and the order number or "", once the form is valid."""

    COMPANY, STORE, ORDER = "company", "store", "order"

    field_order: Any = ("covers", "store", "number", "reason")
    covers = forms.ChoiceField(
        label=gettext_lazy("What must be kept"),
        choices=[
            (COMPANY, gettext_lazy("Everything of the company")),
            (STORE, gettext_lazy("One store")),
            (ORDER, gettext_lazy("One order")),
        ],
        widget=forms.RadioSelect,
    )
    store = _Store(
        queryset=None,  # of the tenant, see __init__
        to_field_name="public_id",
        required=False,
        label=gettext_lazy("Store"),
        empty_label=gettext_lazy("Any store"),
        help_text=gettext_lazy("For one order you may leave it at any store."),
    )
    number = forms.CharField(
        label=gettext_lazy("Order number"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("For one order only, exactly as the marketplace writes it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["store"].queryset = Store.objects.order_by(  # type: ignore[attr-defined]
            "platform", "display_name", "account_name", "site"
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        covers = data.get("covers")
        if covers == self.STORE and not data.get("store") and "store" not in self.errors:
            self.add_error("store", _("Choose the store that must be kept."))
        if covers == self.ORDER and not data.get("number") and "number" not in self.errors:
            self.add_error("number", _("Type the number of the order that must be kept."))
        if covers in (self.COMPANY, self.STORE) and data.get("number"):
            self.add_error("number", _("Leave this empty, or choose “One order” above."))
        if covers == self.COMPANY and data.get("store"):
            self.add_error("store", _("Leave this at any store, or choose “One store” above."))
        return data

    @property
    def held(self) -> tuple[Store | None, str]:
        return self.cleaned_data["store"], self.cleaned_data["number"]
