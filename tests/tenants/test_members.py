from __future__ import annotations

from contextlib import suppress

import pytest
from django.utils import timezone

from tenants.flows.change_role import LastOwner
from tenants.flows.remove_member import leave
from tenants.models import ApiToken, Binding, Event, Membership, Role
from tenants.scope import tenant_scope
from tests.support.together import together


def role_of(world, user):
    with tenant_scope(world.lotus):
        found = Membership.objects.current().filter(user=user).first()
    return found.role if found else None


def set_role(world, by, who, role):
    path = f"/members/{world.member(who).public_id}/"
    return world.client(by).post(path, {"role": role})


def remove(world, by, who):
    return world.client(by).post(f"/members/{world.member(who).public_id}/remove/")


def make_owner(world, user):
    with tenant_scope(world.lotus):
        Membership.objects.filter(user=user).update(role=Role.OWNER)


def test_the_list_shows_people_and_what_they_hold(world):
    page = world.client(world.anna).get("/members/")
    counts = {p.user: (p.operator_count, p.customer_service_count) for p in page.context["people"]}
    assert counts[world.bo] == (1, 0)
    assert counts[world.cai] == (0, 1)
    assert world.dan not in counts


def test_members_do_not_see_the_list(world):
    assert world.client(world.bo).get("/members/").status_code == 403


def test_an_owner_makes_an_admin(world):
    assert set_role(world, world.anna, world.bo, "admin").status_code == 302
    assert role_of(world, world.bo) == Role.ADMIN


@pytest.mark.parametrize("who", ["ada", "bo"])
def test_an_admin_makes_nobody_owner(world, who):
    set_role(world, world.ada, getattr(world, who), "owner")
    assert role_of(world, getattr(world, who)) != Role.OWNER


def test_an_admin_does_not_touch_the_owner(world):
    set_role(world, world.ada, world.anna, "member")
    remove(world, world.ada, world.anna)
    assert role_of(world, world.anna) == Role.OWNER


def test_a_member_lifts_nobody(world):
    assert set_role(world, world.bo, world.bo, "owner").status_code == 403
    assert role_of(world, world.bo) == Role.MEMBER


def test_the_last_owner_stays_owner(world):
    page = set_role(world, world.anna, world.anna, "member")
    assert "A company needs an owner" in page.content.decode()
    assert role_of(world, world.anna) == Role.OWNER


def test_the_last_owner_cannot_leave(world):
    page = world.client(world.anna).post("/company/leave/", follow=True)
    assert "You are the only owner" in page.content.decode()
    assert role_of(world, world.anna) == Role.OWNER


def test_an_owner_who_may_not_sign_in_does_not_count(world):
    make_owner(world, world.bo)
    world.bo.is_active = False
    world.bo.save()
    world.client(world.anna).post("/company/leave/")
    assert role_of(world, world.anna) == Role.OWNER


def test_one_of_two_owners_may_go(world):
    make_owner(world, world.bo)
    client = world.client(world.anna)
    assert client.post("/company/leave/").status_code == 302
    assert role_of(world, world.anna) is None
    assert client.get("/members/")["Location"] == "/company/"


@pytest.mark.django_db(transaction=True)
def test_two_owners_leaving_at_once_leave_one_behind(world):
    make_owner(world, world.bo)
    leaving = [world.member(world.anna), world.member(world.bo)]

    def go():
        with suppress(LastOwner):
            leave(membership=leaving.pop(), now=timezone.now())

    together(go, times=2)
    with tenant_scope(world.lotus):
        assert Membership.objects.current().filter(role=Role.OWNER).count() == 1


def test_removal_ends_bindings_and_tokens_at_once(world):
    client = world.client(world.bo)
    secret = client.post("/api-tokens/", {"name": "erp"}).context["secret"]
    remove(world, world.anna, world.bo)
    with tenant_scope(world.lotus):
        assert not Binding.objects.current().filter(membership__user=world.bo).exists()
        assert ApiToken.objects.get().revoked_at
    assert client.get("/api-tokens/")["Location"] == "/company/"
    answer = world.client().get("/api/v1/bindings/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


def test_removal_is_on_the_trail_with_what_ended(world):
    remove(world, world.anna, world.bo)
    with tenant_scope(world.lotus):
        taken, removed = Event.objects.order_by("sequence")
    assert (taken.verb, taken.detail["member"]) == ("binding.taken", "bo@lotus.example")
    assert (removed.verb, removed.detail["bindings"]) == ("member.removed", 1)


def test_strangers_are_not_there(world):
    client = world.client(world.dan)
    path = f"/members/{world.member(world.bo).public_id}/"
    assert client.get(path).status_code == 404
    assert client.post(path, {"role": "admin"}).status_code == 404
    assert client.post(path + "remove/").status_code == 404
    assert role_of(world, world.bo) == Role.MEMBER


def test_who_left_is_not_there_any_more(world):
    remove(world, world.anna, world.bo)
    path = f"/members/{world.member(world.bo).public_id}/"
    assert world.client(world.anna).get(path).status_code == 404


# --- one person, two companies


def join_maple(world, user):
    with tenant_scope(world.maple):
        Membership.objects.create(tenant=world.maple, user=user, role=Role.OWNER)


def test_a_person_in_two_companies_switches(world):
    join_maple(world, world.bo)
    client = world.client(world.bo)
    assert client.get("/members/").status_code == 403  # a member at Lotus
    client.post("/company/switch/", {"tenant": world.maple.public_id})
    people = client.get("/members/").context["people"]
    assert {each.user for each in people} == {world.dan, world.bo}


def test_nobody_switches_into_a_company_they_are_not_in(world):
    client = world.client(world.bo)
    assert client.post("/company/switch/", {"tenant": world.maple.public_id}).status_code == 404
    assert client.post("/company/switch/", {"tenant": "x"}).status_code == 404


def test_a_company_left_meanwhile_is_no_longer_chosen(world):
    join_maple(world, world.bo)
    client = world.client(world.bo)
    client.post("/company/switch/", {"tenant": world.maple.public_id})
    client.post("/company/leave/")
    assert client.get("/api-tokens/").context["workspace"].tenant == world.lotus
