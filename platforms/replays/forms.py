"""What is asked of a replay; the same in the workspace and at the support desk."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.day_form import StoreDaysForm
from platforms.flows.replay import LONGEST_DAYS, kinds_for
from platforms.models import Replay
from platforms.replays.words import explain
from tenants.models import Store

OLDEST = timedelta(days=3650)


class ReplayForm(StoreDaysForm):
    longest = LONGEST_DAYS
    too_long = gettext_lazy(
        "%(days)s days at most are done again at once. Choose a shorter window."
    )
    field_order = ("kind", "since", "until")

    kind = forms.ChoiceField(
        label=gettext_lazy("What is done again"),
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, store: Store, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, store=store, now=now, **kwargs)
        kinds = kinds_for(store)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        self.explained = [(kind.label, explain(kind, store.platform)) for kind in kinds]
        week = self.today - timedelta(days=6)
        self.initial = {"kind": kinds[0], "since": week, "until": self.today} | dict(
            self.initial or {}
        )

    def clean_since(self) -> date:
        since: date = self.cleaned_data["since"]
        if since < self.today - OLDEST:
            raise forms.ValidationError(_("Nothing is that old. Choose a later day."))
        return since

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        since = cleaned.get("since")
        if since and cleaned.get("kind") == Replay.Kind.PULL:
            try:
                self.check_reach(since)
            except forms.ValidationError as exc:
                self.add_error("since", exc)
        return cleaned

    @property
    def radios(self) -> list[tuple[BoundWidget, str]]:
        """Each choice with what it does."""
        return list(zip(self["kind"], [text for _label, text in self.explained], strict=True))

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Of valid days; the end of today is still to come."""
        since, until = self.bounds
        return since, min(until, self.now)
