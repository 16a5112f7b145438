from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from tenants.flows.bind_store import Grant, give_duties
from tenants.flows.record_event import verify_chain
from tenants.models import Binding, Duty, Event, Membership, Store, StoreState
from tenants.scope import tenant_scope
from tests.conftest import LONG_AGO, bind
from tests.support.together import together

PAGE = "/bindings/"


def held(world, user):
    with tenant_scope(world.lotus):
        found = Binding.objects.current().filter(membership__user=user)
        return {(each.store.account_name, each.duty) for each in found.select_related("store")}


def bulk(world, do, who, stores, duties=("operator",), **more):
    data = {
        "do": do,
        "member": world.member(who).public_id,
        "store": [store.public_id for store in stores],
        "duty": duties,
        **more,
    }
    return world.client(world.anna).post(PAGE, data, follow=True)


def rows(page):
    return {row.store.account_name: row for row in page.context["rows"]}


def test_each_store_shows_who_holds_what(world):
    row = rows(world.client(world.anna).get(PAGE))["tea"]
    assert [each.user for each in row.operators] == [world.bo]
    assert [each.user for each in row.customer_service] == [world.cai]


def test_a_linked_store_that_nobody_operates_stands_out(world):
    page = world.client(world.anna).get(PAGE)
    assert "2 stores are linked, but nobody sees their orders." in page.content.decode()
    assert rows(page)["silk"].nobody_sees
    assert not rows(page)["tea"].nobody_sees
    assert set(rows(world.client(world.anna).get(PAGE + "?nobody=on"))) == {"silk", "rice"}


def test_a_store_still_being_linked_is_no_cause_for_worry(world):
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=world.silk.pk).update(state=StoreState.LINKING)
    assert not rows(world.client(world.anna).get(PAGE))["silk"].nobody_sees


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=house", {"tea"}),
        ("q=ozon-lotus", {"rice"}),
        ("platform=amazon", {"silk"}),
        ("state=paused", {"silk"}),
        ("platform=nonsense", {"tea", "silk", "rice"}),
        ("page=99", {"tea", "silk", "rice"}),
        ("q=%00", {"tea", "silk", "rice"}),
    ],
)
def test_filters_narrow_the_list(world, query, found):
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=world.silk.pk).update(state=StoreState.PAUSED)
    assert set(rows(world.client(world.anna).get(f"{PAGE}?{query}"))) == found


def test_a_person_as_filter_shows_the_stores_they_are_bound_to(world):
    query = f"?member={world.member(world.bo).public_id}"
    assert set(rows(world.client(world.anna).get(PAGE + query))) == {"tea"}


def test_duties_are_given_to_all_ticked_stores(world):
    page = bulk(world, "give", world.bo, [world.silk, world.rice], ["operator", "customer_service"])
    assert "4 duties given." in page.content.decode()
    assert held(world, world.bo) >= {("silk", "operator"), ("rice", "customer_service")}


def test_giving_twice_changes_nothing(world):
    page = bulk(world, "give", world.bo, [world.tea])
    assert "it was so already" in page.content.decode()
    with tenant_scope(world.lotus):
        assert not Event.objects.exists()


def test_taking_ends_the_binding_but_keeps_its_history(world):
    bulk(world, "take", world.bo, [world.tea])
    assert held(world, world.bo) == set()
    with tenant_scope(world.lotus):
        assert Binding.objects.get(membership__user=world.bo).ended_at


def test_a_change_holds_from_the_very_next_request(world):
    client = world.client(world.bo)
    tea = f"/stores/{world.tea.public_id}/"
    assert client.get(tea).status_code == 200
    bulk(world, "take", world.bo, [world.tea])
    assert client.get(tea).status_code == 404


def test_all_stores_found_are_changed_on_every_page(world):
    make_stores(world, 60)
    bulk(world, "give", world.cai, [], all_found="1")
    assert len(held(world, world.cai)) == 64


def test_a_chip_takes_one_duty(world):
    do = f"take:{world.tea.public_id}:{world.member(world.bo).public_id}:operator"
    world.client(world.anna).post(PAGE, {"do": do})
    assert held(world, world.bo) == set()
    assert held(world, world.cai) == {("tea", "customer_service")}


@pytest.mark.parametrize(
    ("missing", "complaint"),
    [
        ({"member": ""}, "Choose the person first."),
        ({"store": []}, "Tick the stores first."),
        ({"duty": []}, "Tick at least one of the two duties."),
    ],
)
def test_what_is_missing_is_named_and_the_rest_stays_ticked(world, missing, complaint):
    page = bulk(world, "give", world.bo, [world.silk], **missing)
    assert complaint in page.content.decode()
    assert page.content.decode().count(" checked") == 2 - ("store" in missing or "duty" in missing)


def save(world, who, tick, held_then):
    cell = lambda store, duty: f"{store.public_id}:{duty}"  # noqa: E731
    data = {
        "do": "save",
        "member": world.member(who).public_id,
        "tick": [cell(*each) for each in tick],
        "held": [cell(*each) for each in held_then],
    }
    return world.client(world.anna).post(f"{PAGE}?view=person", data)


def test_the_page_of_one_person_saves_the_difference(world):
    save(world, world.bo, [(world.silk, "operator")], [(world.tea, "operator")])
    assert held(world, world.bo) == {("silk", "operator")}


def test_what_somebody_else_gave_meanwhile_is_not_undone(world):
    bulk(world, "give", world.bo, [world.rice])
    save(world, world.bo, [(world.tea, "operator")], [(world.tea, "operator")])
    assert held(world, world.bo) == {("tea", "operator"), ("rice", "operator")}


def test_copying_adds_what_the_other_holds(world):
    with tenant_scope(world.lotus):
        bind(world.member(world.cai), world.silk, Duty.OPERATOR)
    bo, cai = world.member(world.bo).public_id, world.member(world.cai).public_id
    world.client(world.anna).post(PAGE, {"do": "copy", "member": bo, "source": cai})
    assert held(world, world.bo) == {
        ("tea", "operator"),
        ("tea", "customer_service"),
        ("silk", "operator"),
    }


def test_every_change_is_on_the_trail(world):
    bulk(world, "give", world.bo, [world.silk, world.rice])
    bulk(world, "take", world.bo, [world.silk])
    with tenant_scope(world.lotus):
        events = [
            (e.verb, e.target_name, e.detail["member"]) for e in Event.objects.order_by("sequence")
        ]
    assert sorted(events[:2]) == [
        ("binding.given", "rice", "bo@lotus.example"),
        ("binding.given", "silk", "bo@lotus.example"),
    ]
    assert events[2:] == [("binding.taken", "silk", "bo@lotus.example")]
    assert verify_chain(world.lotus) is None


# --- those who must not


@pytest.mark.parametrize("who", ["bo", "cai"])
def test_members_neither_look_nor_change(world, who):
    client = world.client(getattr(world, who))
    assert client.get(PAGE).status_code == 403
    give = {
        "do": "give",
        "member": world.member(getattr(world, who)).public_id,
        "store": [world.silk.public_id],
        "duty": ["operator"],
    }
    assert client.post(PAGE, give).status_code == 403
    assert ("silk", "operator") not in held(world, getattr(world, who))


def test_another_companys_store_or_member_is_not_there(world):
    assert bulk(world, "give", world.bo, [world.syrup]).status_code == 404
    assert bulk(world, "give", world.bo, [world.silk, world.syrup]).status_code == 404
    assert bulk(world, "give", world.dan, [world.silk]).status_code == 404
    assert save(world, world.bo, [(world.syrup, "operator")], []).status_code == 404
    assert held(world, world.bo) == {("tea", "operator")}


@pytest.mark.parametrize(
    "data",
    [
        {"do": "nonsense"},
        {"do": "take:x:y:z"},
        {"do": "save", "member": "x"},
        {"do": "copy", "member": ""},
        {},
    ],
)
def test_nonsense_is_not_found(world, data):
    assert world.client(world.anna).post(PAGE, data).status_code == 404


def test_who_left_is_given_nothing(world):
    person = world.member(world.bo)
    with tenant_scope(world.lotus):
        Membership.objects.filter(pk=person.pk).update(left_at=timezone.now())
    grant = Grant(membership=person, store=world.silk, duty=Duty.OPERATOR)
    assert not give_duties(tenant=world.lotus, actor=world.anna, grants=[grant], now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_giving_from_many_sides_at_once_gives_once(world):
    grant = Grant(membership=world.member(world.bo), store=world.silk, duty=Duty.OPERATOR)

    def give():
        give_duties(tenant=world.lotus, actor=world.anna, grants=[grant], now=timezone.now())

    together(give, times=6)
    with tenant_scope(world.lotus):
        assert Binding.objects.filter(store=world.silk).count() == 1
        assert Event.objects.count() == 1
    assert verify_chain(world.lotus) is None


# --- three hundred stores


def make_stores(world, count):
    with tenant_scope(world.lotus):
        return Store.objects.bulk_create(
            Store(
                tenant=world.lotus,
                platform=("ebay", "amazon", "ozon")[n % 3],
                account_name=f"shop_{n:03}",
                external_id=f"x{n}",
                state=StoreState.ACTIVE,
            )
            for n in range(count)
        )


def make_people(world, count):
    users = User.objects.bulk_create(
        User(email=f"p{n}@lotus.example", password="!") for n in range(count)
    )
    with tenant_scope(world.lotus):
        return Membership.objects.bulk_create(
            Membership(tenant=world.lotus, user=user) for user in users
        )


@pytest.mark.parametrize("view", ["", "?view=person&member=%s"])
def test_the_page_costs_the_same_at_any_size(world, view):
    client = world.client(world.anna)
    path = PAGE + (view % world.member(world.bo).public_id if view else "")
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(path)
    stores, people = make_stores(world, 300), make_people(world, 20)
    with tenant_scope(world.lotus):
        Binding.objects.bulk_create(
            Binding(tenant=world.lotus, membership=each, store=store, duty=duty, given_at=LONG_AGO)
            for store in stores
            for each in people
            for duty in Duty
        )
    with CaptureQueriesContext(connection) as many:
        page = client.get(path)
    assert len(page.context["rows"]) == 50
    assert len(many) == len(few) <= 16  # two of them are the bell


def test_a_bulk_change_costs_a_handful_of_statements(world):
    stores = make_stores(world, 300)
    client = world.client(world.anna)
    data = {
        "do": "give",
        "member": world.member(world.bo).public_id,
        "store": [store.public_id for store in stores],
        "duty": ["operator", "customer_service"],
    }
    with CaptureQueriesContext(connection) as queries:
        client.post(PAGE, data)
    assert len(held(world, world.bo)) == 601
    assert len(queries) < 45
