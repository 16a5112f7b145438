"""How the counted days of a store are drawn and said."""

from __future__ import annotations

from django import template

from platforms.completeness import Day, DayState, StoreDays
from platforms.completeness_words import STATE_TONES, STATE_WORDS, day_words, row_words

register = template.Library()


@register.filter
def said(day: Day) -> str:
    return day_words(day)


@register.filter
def tone(day: Day) -> str:
    return STATE_TONES[day.state]


@register.filter
def state_of_day(day: Day) -> str:
    return str(STATE_WORDS[day.state])


@register.inclusion_tag("platforms/completeness/_squares.html")
def day_squares(row: StoreDays) -> dict[str, object]:
    return {"days": [(day.state, day_words(day)) for day in row.days], "words": row_words(row)}


@register.simple_tag
def day_legend() -> list[tuple[DayState, str]]:
    return [(state, str(words)) for state, words in STATE_WORDS.items()]
