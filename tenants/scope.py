"""No tenant chosen, no rows: the second wall between tenants.

`tenant_scope(tenant)` chooses one tenant for the current thread of execution;
`all_tenants(reason)` crosses tenants on purpose, and says why at the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db import models

from tenants.current import ALL, chosen

if TYPE_CHECKING:
    from tenants.models import Tenant

M = TypeVar("M", bound=models.Model)


class NoTenant(RuntimeError):
    """A tenant's table was touched outside a tenant scope."""


class WrongTenant(RuntimeError):
    """A row of one tenant was about to be written in the scope of another."""


@contextmanager
def tenant_scope(tenant: Tenant | int) -> Iterator[None]:
    token = chosen.set(tenant if isinstance(tenant, int) else tenant.pk)
    try:
        yield
    finally:
        chosen.reset(token)


@contextmanager
def all_tenants(reason: str) -> Iterator[None]:
    """Rows of every tenant; `reason` is for the reader of the code and must not be empty."""
    if not reason:
        raise ValueError("say why tenants are crossed")
    token = chosen.set(ALL)
    try:
        yield
    finally:
        chosen.reset(token)


class TenantQuerySet(models.QuerySet[M]):
    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[M]:
        objs = list(objs)
        for obj in objs:
            guard_write(obj)
        return super().bulk_create(objs, *args, **kwargs)


class TenantManager(models.Manager[M]):
    def get_queryset(self) -> TenantQuerySet[M]:
        scope = chosen.get()
        if scope is None:
            raise NoTenant(f"{self.model.__name__} needs a tenant scope")
        queryset: TenantQuerySet[M] = super().get_queryset()  # type: ignore[assignment]
        return queryset if scope == ALL else queryset.filter(tenant_id=scope)

    @classmethod
    def of(cls, queryset_class: type[models.QuerySet[Any]]) -> Any:
        """A manager with the methods of a TenantQuerySet subclass."""
        factory: Any = cls  # django-stubs' plugin crashes on a from_queryset inside a method
        return factory.from_queryset(queryset_class)()


def guard_write(obj: Any) -> None:
    scope = chosen.get()
    if scope is None:
        raise NoTenant(f"{type(obj).__name__} needs a tenant scope")
    if scope != ALL and obj.tenant_id != scope:
        raise WrongTenant(f"{type(obj).__name__} belongs to another tenant")


class TenantOwned(models.Model):
    """A row below Tenant. Saving it needs the scope of its own tenant."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[Any] = TenantManager.of(TenantQuerySet)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        guard_write(self)
        super().save(*args, **kwargs)
