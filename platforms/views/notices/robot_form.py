"""What a manager fills in about a chat robot. Address and secret go in and never out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from platforms.flows import manage_robot
from platforms.models import ChatRobot, Occasion
from platforms.notices.recipients import WORKSPACE_ONLY
from platforms.notices.texts import store_label
from platforms.robots.spec import Kind, SecretUse
from tenants.models import Store

SENT = [choice for choice in Occasion.choices if choice[0] not in WORKSPACE_ONLY]


class _Stores(forms.ModelMultipleChoiceField):
    def label_from_instance(self, store: Any) -> str:
        return store_label(store)


class RobotForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    address = forms.CharField(
        label=gettext_lazy("Address (webhook)"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    secret = forms.CharField(
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    forget_secret = forms.BooleanField(
        label=gettext_lazy("Forget the secret: the robot does not ask for one any more"),
        required=False,
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    occasions = forms.MultipleChoiceField(
        label=gettext_lazy("Tell of"),
        choices=SENT,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "The first two also tell of orders that stay missing, and of their return."
        ),
    )
    which = forms.ChoiceField(
        label=gettext_lazy("Of which stores"),
        choices=[
            ("all", gettext_lazy("All stores, also those linked later")),
            ("some", gettext_lazy("Only the stores ticked below")),
        ],
        widget=forms.RadioSelect,
    )
    stores = _Stores(
        queryset=None,  # of the tenant, see __init__
        to_field_name="public_id",
        required=False,
        label=gettext_lazy("Stores"),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self, data: Any, *, kind: Kind, robot: ChatRobot | None = None, chosen: Sequence[int] = ()
    ) -> None:
        self.kind, self.robot = kind, robot
        super().__init__(data, initial=_initial(kind, robot))
        stores = Store.objects.linked()
        self.fields["stores"].queryset = stores.order_by(  # type: ignore[attr-defined]
            "platform", "display_name", "account_name", "site"
        )
        if chosen:
            picked = stores.filter(pk__in=chosen).values_list("public_id", flat=True)
            self.initial["stores"] = list(picked)
        self._fit_to_kind()

    def _fit_to_kind(self) -> None:
        address, secret = self.fields["address"], self.fields["secret"]
        address.widget.attrs["placeholder"] = self.kind.placeholder
        secret.label = str(self.kind.secret_label) or _("Signing secret")
        secret.widget.attrs["placeholder"] = self.kind.secret_placeholder
        has_secret = bool(self.robot and self.robot.sealed_secret is not None)
        secret.required = self.kind.secret == SecretUse.REQUIRED and not has_secret
        if self.kind.secret == SecretUse.NONE:
            del self.fields["secret"]
        if not has_secret or self.kind.secret != SecretUse.OPTIONAL:
            del self.fields["forget_secret"]
        if self.robot is None:
            return
        address.required = False
        address.help_text = _(
            "Kept, and not shown again: %(hint)s. Leave the field empty to keep it."
        ) % {"hint": self.robot.address_hint}
        if has_secret:
            secret.help_text = _("Kept, and not shown again. Leave the field empty to keep it.")

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].strip()
        problem = self.kind.check_address(address) if address else None
        if problem:
            raise forms.ValidationError(problem)
        return address

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        problem = self.kind.check_secret(secret) if secret else None
        if problem:
            raise forms.ValidationError(problem)
        return secret

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("which") == "some" and not given.get("stores"):
            self.add_error("stores", _("Tick at least one store, or choose all stores."))
        return given

    def wanted(self) -> manage_robot.RobotFacts:
        """What the valid form says."""
        given = self.cleaned_data
        return manage_robot.RobotFacts(
            name=given["name"],
            address=given["address"],
            secret=given.get("secret", ""),
            forget_secret=given.get("forget_secret", False),
            language=given["language"],
            occasions=tuple(given["occasions"]),
            all_stores=given["which"] == "all",
            stores=tuple(given["stores"]),
        )


def _initial(kind: Kind, robot: ChatRobot | None) -> dict[str, object]:
    if robot is None:
        return {
            "name": str(kind.name),
            "language": get_language(),
            "occasions": [code for code, _label in SENT],
            "which": "all",
            "secret": kind.new_secret(),
        }
    return {
        "name": robot.name,
        "language": robot.language,
        "occasions": robot.occasions,
        "which": "all" if robot.all_stores else "some",
    }
