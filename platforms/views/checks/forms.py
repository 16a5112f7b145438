"""What is asked of a check."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.day_form import StoreDaysForm, day_field
from platforms.flows.reconcile_counts import DEFAULT_WINDOW, LONGEST_WINDOW, asked_since
from platforms.flows.stress_test import CALLS, MOST_THREADS, SECONDS
from tenants.models import Store


class Bounded(forms.IntegerField):
    """A whole number; out of bounds, it says both of them."""

    def __init__(self, *, bounds: tuple[int, int], **kwargs: Any) -> None:
        least, most = bounds
        super().__init__(min_value=least, max_value=most, **kwargs)
        self.bounds = {"least": least, "most": most}

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except forms.ValidationError as exc:
            if any(each.code in ("min_value", "max_value") for each in exc.error_list):
                raise forms.ValidationError(
                    _("Choose a number from %(least)s to %(most)s.") % self.bounds
                ) from None
            raise


class StressForm(forms.Form):
    concurrency = Bounded(
        label=gettext_lazy("Calls at once"),
        bounds=(1, MOST_THREADS),
        initial=2,
        help_text=gettext_lazy("1 to 8; reached step by step."),
    )
    seconds = Bounded(
        label=gettext_lazy("Length in seconds"),
        bounds=SECONDS,
        initial=30,
        help_text=gettext_lazy("10 to 120."),
    )
    calls = Bounded(
        label=gettext_lazy("Calls at most"),
        bounds=CALLS,
        initial=200,
        help_text=gettext_lazy("10 to 2000; whatever is reached first ends the test."),
    )

    @property
    def asked(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in ("concurrency", "seconds", "calls")}


class CountsForm(StoreDaysForm):
    longest = LONGEST_WINDOW.days
    too_long = gettext_lazy("%(days)s days at most are counted at once. Choose a shorter window.")

    since = day_field(gettext_lazy("Changed from"))
    until = day_field(gettext_lazy("to, inclusive"))

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, store=store, now=timezone.now(), **kwargs)
        first_default = self.today - DEFAULT_WINDOW + timedelta(days=1)
        begun = asked_since(store)
        self.begun = timezone.localtime(begun, store.zone).date() if begun else None
        if self.begun is not None:
            first_default = min(max(first_default, self.begun), self.today)
        self.initial = {"since": first_default, "until": self.today} | dict(self.initial or {})
        for name in ("since", "until"):
            self.fields[name].widget.attrs["min"] = self.first.isoformat()

    def clean_since(self) -> date:
        since: date = self.cleaned_data["since"]
        self.check_reach(since)
        return since

    @property
    def asked(self) -> dict[str, object]:
        since, until = self.bounds
        return {"since": since.isoformat(), "until": until.isoformat()}
