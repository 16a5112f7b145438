"""A member's access to one store, for a duty."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from tenants.models.tenant import Membership
from tenants.scope import TenantManager, TenantOwned, TenantQuerySet


class Duty(models.TextChoices):
    OPERATOR = "operator", pgettext_lazy("duty", "Operator")
    CUSTOMER_SERVICE = "customer_service", pgettext_lazy("duty", "Customer service")


class BindingQuerySet(TenantQuerySet["Binding"]):
    def current(self) -> BindingQuerySet:
        return self.filter(ended_at=None)


class Binding(TenantOwned):
    """Never deleted: who could see what, when, must stay answerable."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="bindings")
    store = models.ForeignKey("tenants.Store", on_delete=models.CASCADE, related_name="bindings")
    duty = models.CharField(max_length=20, choices=Duty.choices)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    given_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = TenantManager.of(BindingQuerySet)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "membership", "store", "duty"],
                condition=Q(ended_at=None),
                name="binding_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "store", "ended_at"], name="binding_by_store")]

    def __str__(self) -> str:
        return f"{self.membership_id}:{self.store_id}:{self.duty}"
