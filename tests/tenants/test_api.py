from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import ApiToken, Binding, Duty, Event, Role
from tenants.scope import tenant_scope
from tests.conftest import bind


class Program:
    """A client that sends a user's token and nothing else."""

    def __init__(self, world, user):
        page = world.client(user).post("/api-tokens/", {"name": "erp"})
        self.secret = page.context["secret"]

    def __call__(self, method, path):
        send = getattr(Client(), method)
        return send("/api/v1" + path, headers={"Authorization": f"Bearer {self.secret}"})


def cell(world, store, user, duty="operator"):
    return f"/bindings/{store.public_id}/{world.member(user).public_id}/{duty}/"


def operates(world, user, store):
    with tenant_scope(world.lotus):
        return Binding.objects.current().filter(membership__user=user, store=store).exists()


def token(world):
    with tenant_scope(world.lotus):
        return ApiToken.objects.get()


# --- tokens


def test_a_token_is_shown_once_and_kept_hashed(world):
    program = Program(world, world.anna)
    assert program.secret.startswith("slk_")
    assert program.secret not in world.client(world.anna).get("/api-tokens/").content.decode()
    assert program.secret not in str(vars(token(world)))


def test_use_is_noted_at_most_once_a_minute(world):
    program = Program(world, world.anna)
    program("get", "/bindings/")
    first = token(world).last_used_at
    program("get", "/bindings/")
    assert token(world).last_used_at == first
    with tenant_scope(world.lotus):
        ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    program("get", "/bindings/")
    assert token(world).last_used_at > first


@pytest.mark.parametrize(
    "header", [None, "Bearer slk_wrong", "Bearer ", "Basic YTpi", "slk_x", "Bearer slk_\u00e9"]
)
def test_without_a_good_token_there_is_nothing(world, header):
    answer = Client().get("/api/v1/bindings/", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["fault"] == "bad_credentials"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_session_is_no_token(world):
    assert world.client(world.anna).get("/api/v1/bindings/").status_code == 401
    assert (
        world.client(world.anna).put("/api/v1" + cell(world, world.silk, world.bo)).status_code
        == 401
    )


def test_a_revoked_token_is_refused_at_once(world):
    program = Program(world, world.bo)
    path = f"/api-tokens/{token(world).public_id}/revoke/"
    assert world.client(world.anna).post(path).status_code == 404  # not hers
    assert program("get", "/bindings/").status_code == 200
    world.client(world.bo).post(path)
    assert program("get", "/bindings/").status_code == 401


def test_an_inactive_persons_token_is_refused(world):
    program = Program(world, world.bo)
    world.bo.is_active = False
    world.bo.save()
    assert program("get", "/bindings/").status_code == 401


def test_the_token_opens_its_own_company_whatever_the_session_says(world):
    program = Program(world, world.anna)
    browser = world.client(world.dan)
    answer = browser.get("/api/v1/members/", headers={"Authorization": f"Bearer {program.secret}"})
    assert {each["email"].partition("@")[2] for each in answer.json()} == {"lotus.example"}


# --- bindings


def test_managers_read_all_bindings(world):
    found = Program(world, world.ada)("get", "/bindings/").json()["results"]
    assert [(each["account_name"], each["email"], each["duty"]) for each in found] == [
        ("tea", "bo@lotus.example", "operator"),
        ("tea", "cai@lotus.example", "customer_service"),
    ]


def test_members_read_their_own(world):
    program = Program(world, world.bo)
    found = program("get", "/bindings/").json()["results"]
    assert [each["email"] for each in found] == ["bo@lotus.example"]
    assert [each["email"] for each in program("get", "/members/").json()] == ["bo@lotus.example"]


def test_bindings_are_filtered_and_paged(world):
    program = Program(world, world.anna)
    page = program("get", "/bindings/?limit=1").json()
    assert len(page["results"]) == 1
    assert "cursor=" in page["next"]
    found = program("get", f"/bindings/?store={world.tea.public_id}&duty=customer_service").json()
    assert [each["email"] for each in found["results"]] == ["cai@lotus.example"]
    assert program("get", f"/bindings/?store={world.syrup.public_id}").json()["results"] == []


def test_a_wrong_filter_is_explained(world):
    answer = Program(world, world.anna)("get", "/bindings/?duty=boss")
    assert answer.status_code == 400
    assert answer.json()["fault"] == "invalid_request"
    assert "boss" in answer.json()["detail"]


def test_a_duty_is_given_and_taken(world):
    program = Program(world, world.anna)
    path = cell(world, world.silk, world.bo)
    assert program("put", path).status_code == 201
    assert program("put", path).status_code == 200
    assert operates(world, world.bo, world.silk)
    assert program("delete", path).status_code == 204
    assert program("delete", path).status_code == 204
    assert not operates(world, world.bo, world.silk)
    with tenant_scope(world.lotus):
        verbs = [event.verb for event in Event.objects.order_by("sequence")]
    assert verbs == ["api_token.issued", "binding.given", "binding.taken"]


def test_members_give_themselves_nothing(world):
    answer = Program(world, world.bo)("put", cell(world, world.silk, world.bo))
    assert answer.status_code == 403
    assert answer.json()["fault"] == "insufficient_scope"
    assert not operates(world, world.bo, world.silk)
    with tenant_scope(world.lotus):
        assert Event.objects.filter(outcome="denied").count() == 1


def test_rights_are_those_of_this_moment(world):
    program = Program(world, world.ada)
    anna = world.client(world.anna)
    anna.post(f"/members/{world.member(world.ada).public_id}/", {"role": Role.MEMBER})
    assert program("put", cell(world, world.silk, world.bo)).status_code == 403


def test_another_companys_store_or_member_is_not_there(world):
    program = Program(world, world.anna)
    assert program("put", cell(world, world.syrup, world.bo)).status_code == 404
    assert program("put", cell(world, world.silk, world.dan)).status_code == 404
    assert program("put", cell(world, world.silk, world.bo, "boss")).status_code == 400


def test_many_bindings_cost_a_few_queries(world, django_assert_max_num_queries):
    program = Program(world, world.anna)
    with tenant_scope(world.lotus):
        for store in (world.silk, world.rice):
            bind(world.member(world.ada), store, *Duty)
            bind(world.member(world.bo), store, *Duty)
    with django_assert_max_num_queries(4):
        assert len(program("get", "/bindings/").json()["results"]) == 10
