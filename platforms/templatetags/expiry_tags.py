"""What ends when, for templates."""

from __future__ import annotations

from django import template

from platforms import expiry_words

register = template.Library()

register.filter("what_ends", expiry_words.what_ends)
register.filter("whose", expiry_words.whose)
register.filter("ends_title", expiry_words.title)
register.filter("to_do", expiry_words.to_do)


@register.filter
def days_tone(days: int) -> str:
    """How urgent it is: a tone of components/badge.html."""
    if days <= 3:
        return "bad"
    return "warn" if days <= 14 else "neutral"
