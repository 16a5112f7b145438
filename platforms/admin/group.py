"""The group "support": looks at everything of tenants and does what the buttons offer."""

from __future__ import annotations

from typing import Any

from django.apps import apps as django_apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.db.models.signals import post_migrate

GROUP = "support"

_LOOKS = {
    "tenants": (
        "tenant", "membership", "invitation", "binding", "apitoken", "store", "event",
    ),
    "platforms": (
        "app", "authorization", "consent", "linkattempt", "stream", "pullrun", "quarantined",
        "delivery", "order", "orderline", "orderraw", "trouble", "outage", "timelineentry",
        "notice", "sending", "chatrobot", "calendarfeed", "diagnosis", "datacheck", "daycount",
        "retentionrule", "legalhold", "scrub", "replay",
    ),
    "accounts": ("user",),
    "django_q": ("schedule", "success", "failure", "ormq"),
}  # fmt: skip
# Behind the buttons: no form of these rows can be saved, whoever asks.
_ACTS = (("tenants", "change_store"), ("platforms", "change_quarantined"))


def make_support_group(*, using: str = "default", **_more: Any) -> None:
    """Give the group exactly its rights. Runs after each migrate; for another set of rights
    make another group."""
    # Permissions come from a receiver of the same signal, which may not have run yet.
    for label in _LOOKS:
        create_permissions(django_apps.get_app_config(label), verbosity=0, using=using)
    wanted = Q(pk=None)
    for label, models in _LOOKS.items():
        names = [f"view_{model}" for model in models]
        wanted |= Q(content_type__app_label=label, codename__in=names)
    for label, codename in _ACTS:
        wanted |= Q(content_type__app_label=label, codename=codename)
    group, _created = Group.objects.using(using).get_or_create(name=GROUP)
    group.permissions.set(Permission.objects.using(using).filter(wanted))


post_migrate.connect(
    make_support_group,
    sender=django_apps.get_app_config("platforms"),
    dispatch_uid="platforms.admin.group",
)
