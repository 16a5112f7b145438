"""People and the trail in the support pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from tenants.flows.record_event import record_event
from tenants.models import Invitation, Outcome, Tenant
from tenants.scope import tenant_scope

NOW = timezone.now()
EVENTS = reverse("admin:tenants_event_changelist")


@pytest.fixture
def agent(world):
    world.sam.groups.add(Group.objects.get(name="support"))
    return world.client(world.sam)


def found(client, **query: object) -> list[str]:
    page = client.get(EVENTS, query)
    assert page.status_code == 200
    return [event.verb for event in page.context["cl"].result_list]


@pytest.fixture
def trail(world):
    lotus, maple = world.lotus, world.maple
    record_event(tenant=lotus, verb="store.paused", actor=world.anna, now=NOW, target=world.tea)
    record_event(
        tenant=lotus, verb="manager.needed", actor=world.bo, now=NOW, outcome=Outcome.DENIED
    )
    record_event(tenant=maple, verb="store.resumed", actor=world.dan, now=NOW, target=world.syrup)


def test_events_are_found_by_person_tenant_and_inside_a_tenant_by_word(world, agent, trail):
    assert found(agent, q="dan@maple") == ["store.resumed"]
    assert found(agent, q="lotus") == ["manager.needed", "store.paused"]
    assert found(agent, tenant=world.lotus.pk, q="Tea House") == ["store.paused"]
    assert found(agent, tenant=world.lotus.pk, outcome__exact="denied") == ["manager.needed"]


def test_a_rows_page_leads_to_its_own_events(world, agent, trail):
    page = agent.get(reverse("admin:tenants_store_change", args=[world.tea.pk]))
    assert found(agent, **dict(_query(page.context["trail_url"]))) == ["store.paused"]


def _query(address: str) -> list[list[str]]:
    return [pair.split("=") for pair in address.partition("?")[2].split("&")]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "Open"),
        ({"expires_at": NOW - timedelta(days=1)}, "Expired"),
        ({"accepted_at": NOW}, "Accepted"),
        ({"revoked_at": NOW}, "Revoked"),
    ],
)
def test_an_invitation_says_how_it_stands(world, agent, fields, state):
    given = {"expires_at": NOW + timedelta(days=1), "token_hash": "h" * 64} | fields
    with tenant_scope(world.lotus):
        Invitation.objects.create(tenant=world.lotus, email="eve@lotus.example", **given)
    page = agent.get(reverse("admin:tenants_invitation_changelist")).content.decode()
    assert f'<td class="field-state">{state}</td>' in page
    assert "h" * 64 not in page


def test_a_member_is_shown_with_their_stores(world, agent):
    member = world.member(world.bo)
    page = agent.get(reverse("admin:tenants_membership_change", args=[member.pk]))
    assert "Tea House" in page.content.decode()


def test_a_tenant_counts_its_people_and_stores(world, agent):
    page = agent.get(reverse("admin:tenants_tenant_changelist"), {"q": "lotus"})
    (lotus,) = page.context["cl"].result_list
    assert (lotus.how_many_members, lotus.how_many_stores) == (4, 3)


def test_the_trails_of_several_tenants_are_checked_from_the_list(world, agent, trail):
    data = {
        "action": "check_trails",
        "_selected_action": list(Tenant.objects.values_list("pk", flat=True)),
    }
    page = agent.post(reverse("admin:tenants_tenant_changelist"), data, follow=True)
    assert page.content.decode().count("is whole") == 2
