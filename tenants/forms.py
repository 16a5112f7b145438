from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.forms import SignupForm, time_zone_choices
from tenants.flows.invite_members import AT_ONCE, split_addresses
from tenants.models import (
    ApiToken,
    Duty,
    Invitation,
    Membership,
    Outcome,
    Role,
    Store,
    StoreState,
    Tenant,
)
from tenants.verbs import SUBJECTS

ROLE_HELP = _(
    "Owners and admins manage stores, people and access. Nobody sees a store's orders or messages"
    " without being given access to it."
)


# Days that still fit when a time zone or a day is added.
DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31))]


class InvitedSignupForm(SignupForm):
    """Signing up from an invitation: its address is not theirs to change."""

    field_order: Any = ("email", "password1", "time_zone")

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("company", None)
        self.fields["email"].disabled = True
        self.fields["email"].initial = invitation.email


class CompanyForm(forms.Form):
    name = forms.CharField(
        label=_("Company name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class InviteForm(forms.Form):
    """`cleaned_data`: addresses (list), role, stores (list), duties (list)."""

    addresses = forms.CharField(
        label=_("E-mail addresses"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("One or several, separated by anything: you can paste a list."),
    )
    role = forms.ChoiceField(label=_("Role"), help_text=ROLE_HELP)
    duties = forms.MultipleChoiceField(
        label=_("Access from the start"),
        choices=Duty.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Operators see a store's orders, customer service its buyer messages."),
    )
    stores: forms.ModelMultipleChoiceField[Store] = forms.ModelMultipleChoiceField(
        label=_("On these stores"),
        queryset=None,
        to_field_name="public_id",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    language = forms.ChoiceField(label=_("Language of the mail"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, inviter: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].initial = inviter.user.language
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(each.value, each.label) for each in inviter.grantable_roles]
        role.initial = Role.MEMBER
        stores = self.fields["stores"]
        assert isinstance(stores, forms.ModelMultipleChoiceField)
        stores.queryset = Store.objects.exclude(state=StoreState.UNLINKED).order_by(
            "platform", "account_name", "site"
        )

    def clean_addresses(self) -> list[str]:
        addresses = split_addresses(self.cleaned_data["addresses"])
        if not addresses:
            raise forms.ValidationError(_("Type at least one e-mail address."))
        if len(addresses) > AT_ONCE:
            raise forms.ValidationError(
                _("These are %(count)s addresses. Invite at most %(most)s at once."),
                params={"count": len(addresses), "most": AT_ONCE},
            )
        return addresses

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        duties, stores = data.get("duties"), data.get("stores")
        if duties and not stores:
            self.add_error("stores", _("Tick the stores that the access is for."))
        if stores and not duties:
            self.add_error("duties", _("Tick what they may do on the stores you chose."))
        return data


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), help_text=ROLE_HELP)

    def __init__(self, *args: Any, actor: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(each.value, each.label) for each in actor.grantable_roles]


class TenantForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        help_text=_("Days begin and end by this clock where a store names no zone of its own."),
    )

    class Meta:
        model = Tenant
        fields = ("name", "time_zone", "require_mfa", "retention_days", "freshness_minutes")
        help_texts = {
            "require_mfa": _("Members without a second step are asked to set one up first."),
            "retention_days": _(
                "Between 7 and 730. The orders themselves stay; what the marketplace sent, word"
                " for word, goes after this many days."
            ),
            "freshness_minutes": _(
                "Between 5 and 120. Busy stores are asked more often than that, quiet ones not"
                " less often."
            ),
        }


class ApiTokenForm(forms.ModelForm):
    class Meta:
        model = ApiToken
        fields = ("name",)
        help_texts = {"name": _("What will use it, such as “ERP import”.")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off"})}


class StoreFilterForm(forms.Form):
    """Which stores the bindings page shows. Empty fields do not filter."""

    q = forms.CharField(
        label=_("Store"),
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"placeholder": _("Name or shop id")}),
    )
    platform = forms.ChoiceField(label=_("Platform"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False)
    nobody = forms.BooleanField(label=_("Nobody sees its orders"), required=False)

    def __init__(self, *args: Any, platforms: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = ("", pgettext_lazy("filter", "All"))
        for name, choices in (("platform", platforms), ("state", StoreState.choices)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [everything, *choices]


class EventFilterForm(forms.Form):
    person = forms.ChoiceField(label=_("Person"), required=False)
    about = forms.ChoiceField(label=_("About"), required=False)
    outcome = forms.ChoiceField(label=_("Outcome"), required=False)
    since = forms.DateField(
        label=pgettext_lazy("date", "From"),
        required=False,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=pgettext_lazy("date", "To"),
        required=False,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, people: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = ("", pgettext_lazy("filter", "All"))
        for name, choices in (
            ("person", [(each, each) for each in people]),
            ("about", list(SUBJECTS.items())),
            ("outcome", Outcome.choices),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [everything, *choices]
