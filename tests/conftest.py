"""The world every test may enter: two companies and the people around them.

Lotus has three stores. Anna owns it, Ada is an admin, Bo operates the tea store, Cai answers the
buyers of the tea store. Dan owns Maple, a stranger to Lotus. Sam is our own support agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from tenants.models import Binding, Duty, Membership, Role, Store, StoreState, Tenant
from tenants.scope import all_tenants

PASSWORD = "seven lotus seeds"
LONG_AGO = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items):
    if connection.vendor == "postgresql":
        return
    skip = pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL to a server")
    for item in items:
        if item.get_closest_marker("postgresql"):
            item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_quickly():
    """After a test with transactions of its own. TRUNCATE, Django's way, makes the files of all
    tables and indexes anew, which takes a hundred times as long as to delete a few rows."""
    if connection.vendor != "postgresql":
        yield
        return
    quoted = connection.ops.quote_name

    def delete(_style, tables, **_options):
        rows = [f"DELETE FROM {quoted(table)}" for table in tables]
        return ["SET LOCAL session_replication_role = replica", *rows]  # no triggers, no keys

    with patch.object(type(connection.ops), "sql_flush", staticmethod(delete)):
        yield


@pytest.fixture(autouse=True)
def _no_rate_limit_is_left_over():
    cache.clear()


@pytest.fixture(autouse=True)
def _english_is_spoken(request, settings):
    """Tests read English; those of language itself are in tests/accounts."""
    if "accounts" not in request.path.parts:
        settings.LANGUAGE_CODE = "en"
        translation.activate("en")
    yield
    translation.deactivate()
    timezone.deactivate()


@dataclass
class World:
    lotus: Tenant
    maple: Tenant
    anna: User
    ada: User
    bo: User
    cai: User
    dan: User
    sam: User
    tea: Store
    silk: Store
    rice: Store
    syrup: Store
    members: dict[User, Membership] = field(default_factory=dict)

    def member(self, user: User) -> Membership:
        """The membership that the user began with."""
        return self.members[user]

    def client(self, user: User | None = None) -> Client:
        """A browser in which `user` is signed in; nobody, without."""
        client = Client()
        if user:
            client.force_login(user)
        return client


def make_user(email: str, **fields: object) -> User:
    """A person who can sign in with PASSWORD."""
    user = User.objects.create_user(email, PASSWORD, **{"language": "en", **fields})
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def join_support(user: User) -> None:
    """Give a staff member the rights of the support group."""
    group, _ = Group.objects.get_or_create(name="support")
    group.permissions.add(
        Permission.objects.get(codename="change_store", content_type__app_label="tenants")
    )
    user.groups.add(group)


def make_store(tenant: Tenant, platform: str, account_name: str, **fields: object) -> Store:
    """A linked store; inside a scope."""
    given = {"external_id": f"{platform}-{tenant.slug}-{account_name}", "state": StoreState.ACTIVE}
    return Store.objects.create(
        tenant=tenant,
        platform=platform,
        account_name=account_name,
        linked_at=LONG_AGO,
        **{**given, **fields},
    )


@pytest.fixture
def world(db) -> World:
    people = {name: make_user(f"{name}@lotus.example", name=name.title()) for name in
              ("anna", "ada", "bo", "cai")}  # fmt: skip
    people["dan"] = make_user("dan@maple.example", name="Dan")
    people["sam"] = make_user("sam@storelink.example", name="Sam", is_staff=True)
    lotus = Tenant.objects.create(name="Lotus", slug="lotus")
    maple = Tenant.objects.create(name="Maple", slug="maple")
    with all_tenants("the world has two"):
        stores = {
            "tea": make_store(lotus, "ebay", "tea", site="US", display_name="Tea House"),
            "silk": make_store(lotus, "amazon", "silk", site="DE"),
            "rice": make_store(lotus, "ozon", "rice"),
            "syrup": make_store(maple, "ebay", "syrup", site="US"),
        }
        world = World(lotus=lotus, maple=maple, **people, **stores)
        roles = {world.anna: Role.OWNER, world.ada: Role.ADMIN, world.dan: Role.OWNER}
        for user in (world.anna, world.ada, world.bo, world.cai, world.dan):
            world.members[user] = Membership.objects.create(
                tenant=maple if user == world.dan else lotus,
                user=user,
                role=roles.get(user, Role.MEMBER),
            )
        bind(world.member(world.bo), world.tea, Duty.OPERATOR)
        bind(world.member(world.cai), world.tea, Duty.CUSTOMER_SERVICE)
    return world


def bind(membership: Membership, store: Store, *duties: Duty) -> None:
    """Give duties as they stood long ago, without a trail; inside a scope."""
    for duty in duties:
        Binding.objects.create(
            tenant=membership.tenant,
            membership=membership,
            store=store,
            duty=duty,
            given_at=LONG_AGO,
        )
