"""What is asked of a replay; the same in the workspace and at the support desk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.forms.boundfield import BoundWidget
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.flows.replay import LONGEST_DAYS, kinds_for
from platforms.models import Replay
from platforms.replays.words import explain
from tenants.models import Store

OLDEST = timedelta(days=3650)


def _day_input() -> forms.DateInput:
    # Whatever the reader's language: browsers take no other format.
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ReplayForm(forms.Form):
    """Days are those of the store's time zone, both included."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What is done again"),
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    since = forms.DateField(label=gettext_lazy("First day"), widget=_day_input())
    until = forms.DateField(label=gettext_lazy("Last day"), widget=_day_input())

    def __init__(self, *args: Any, store: Store, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store, self.now = store, now
        self.today = timezone.localtime(now, store.zone).date()
        kinds = kinds_for(store)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        self.explained = [(kind.label, explain(kind, store.platform)) for kind in kinds]
        week = self.today - timedelta(days=6)
        self.initial = {"kind": kinds[0], "since": week, "until": self.today} | dict(
            self.initial or {}
        )
        for name in ("since", "until"):
            self.fields[name].widget.attrs["max"] = self.today.isoformat()

    def clean_since(self) -> date:
        since: date = self.cleaned_data["since"]
        if since < self.today - OLDEST:
            raise forms.ValidationError(_("Nothing is that old. Choose a later day."))
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
        if since and until and (until - since).days >= LONGEST_DAYS:
            raise forms.ValidationError(
                _("%(days)s days at most are done again at once. Choose a shorter window.")
                % {"days": LONGEST_DAYS}
            )
        if since and cleaned.get("kind") == Replay.Kind.PULL:
            self._check_reach(since)
        return cleaned

    def _check_reach(self, since: date) -> None:
        adapter = registry.get(self.store.platform)
        first = self.today - timedelta(days=max(0, adapter.back_fill.days - 1))
        if since < first:
            self.add_error(
                "since",
                _("%(platform)s answers back to %(day)s. Choose that day or a later one.")
                % {"platform": adapter.name, "day": date_format(first, "DATE_FORMAT")},
            )

    @property
    def radios(self) -> list[tuple[BoundWidget, str]]:
        """Each choice with what it does."""
        return list(zip(self["kind"], [text for _label, text in self.explained], strict=True))

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Of valid days; the end of today is still to come."""
        until = _midnight(self.cleaned_data["until"] + timedelta(days=1), self.store)
        return _midnight(self.cleaned_data["since"], self.store), min(until, self.now)


def _midnight(day: date, store: Store) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=store.zone).astimezone(UTC)
