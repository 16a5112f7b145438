"""Days of a store's own clock, first and last, both included, as people choose them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.data_checks.day_counts import DAY, midnight
from platforms.spec import Text
from tenants.models import Store


def day_field(label: Text) -> forms.DateField:
    # Whatever the reader's language: browsers take no other format.
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget)


class StoreDaysForm(forms.Form):
    """`longest` is how many days it takes; `too_long` says so, with the hole %(days)s."""

    longest: ClassVar[int]
    too_long: ClassVar[Text]

    since = day_field(gettext_lazy("First day"))
    until = day_field(gettext_lazy("Last day"))

    def __init__(self, *args: Any, store: Store, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store, self.now = store, now
        self.today = timezone.localtime(now, store.zone).date()
        # Of the platform's answers; today, at least, it always gives.
        reach = registry.get(store.platform).back_fill
        self.first = self.today - timedelta(days=max(0, reach.days - 1))
        for name in ("since", "until"):
            self.fields[name].widget.attrs["max"] = self.today.isoformat()

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
        if since and until and (until - since).days >= self.longest:
            raise forms.ValidationError(str(self.too_long) % {"days": self.longest})
        return cleaned

    def check_reach(self, since: date) -> None:
        """Raises ValidationError for a day of which the platform has no answer any more."""
        if since < self.first:
            raise forms.ValidationError(
                _("%(platform)s answers back to %(day)s. Choose that day or a later one.")
                % {
                    "platform": registry.get(self.store.platform).name,
                    "day": date_format(self.first, "DATE_FORMAT"),
                }
            )

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The midnights around valid days, aware UTC; the last may be still to come."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return midnight(since, self.store.zone), midnight(until + DAY, self.store.zone)
