from __future__ import annotations

from django.contrib.auth import password_validation
from django.utils.translation import ngettext


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    """Django's own; its complaint has no Chinese translation in Django 5.2."""

    def get_error_message(self) -> str:
        return ngettext(
            "This password is too short. It needs at least %(count)d character.",
            "This password is too short. It needs at least %(count)d characters.",
            self.min_length,
        ) % {"count": self.min_length}
