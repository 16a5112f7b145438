"""What is asked of a check."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
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


class CountsForm(forms.Form):
    """Days are those of the store's time zone, both included."""

    since = forms.DateField(
        label=gettext_lazy("Changed from"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("to, inclusive"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store
        self.today = timezone.localtime(timezone=store.zone).date()
        reach = registry.get(store.platform).back_fill
        self.first = self.today - timedelta(days=max(0, reach.days - 1))
        first_default = self.today - DEFAULT_WINDOW + timedelta(days=1)
        begun = asked_since(store)
        self.begun = timezone.localtime(begun, store.zone).date() if begun else None
        if self.begun is not None:
            first_default = min(max(first_default, self.begun), self.today)
        self.initial = {"since": first_default, "until": self.today} | dict(self.initial or {})
        for name in ("since", "until"):
            limits = {"min": self.first.isoformat(), "max": self.today.isoformat()}
            self.fields[name].widget.attrs |= limits

    def clean_since(self) -> date:
        since: date = self.cleaned_data["since"]
        if since < self.first:
            raise forms.ValidationError(
                _("%(platform)s answers back to %(day)s. Choose that day or a later one.")
                % {
                    "platform": registry.get(self.store.platform).name,
                    "day": date_format(self.first, "DATE_FORMAT"),
                }
            )
        return since

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if until > self.today:
            raise forms.ValidationError(_("This day is still to come. Choose today at the latest."))
        return until

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            raise forms.ValidationError(_("The first day is after the last. Swap them."))
        if since and until and (until - since).days >= LONGEST_WINDOW.days:
            raise forms.ValidationError(
                _("%(days)s days at most are counted at once. Choose a shorter window.")
                % {"days": LONGEST_WINDOW.days}
            )
        return cleaned

    @property
    def asked(self) -> dict[str, object]:
        until = self.cleaned_data["until"] + timedelta(days=1)
        return {
            "since": self._midnight(self.cleaned_data["since"]).isoformat(),
            "until": self._midnight(until).isoformat(),
        }

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.store.zone).astimezone(UTC)
