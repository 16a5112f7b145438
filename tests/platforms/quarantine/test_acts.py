"""Reading again, putting aside and putting back: one, some and thousands."""

from __future__ import annotations

import itertools

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms.flows.dismiss_quarantined import dismiss_records
from platforms.flows.release_quarantined import release_records
from platforms.models import Order, Quarantined
from platforms.quarantine.reasons import normalized
from platforms.views.quarantine import acts
from tenants.models import Event
from tenants.scope import tenant_scope
from tests.platforms.quarantine.scenes import WRONG_NUMBER, aside, granted, many_aside, raw_order
from tests.support.together import together

KEY = normalized(WRONG_NUMBER).key


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world.lotus


def do(world, user, act, **data):
    """What a person is told in the end."""
    client = world.client(user)
    answer = client.post(reverse(f"quarantine_{act}"), data, follow=True)
    return answer


def states():
    return dict(Quarantined.objects.values_list("number", "state"))


def test_one_that_can_be_read_by_now_becomes_an_order(world, lotus):
    row = aside(world.tea, raw_order("77-1"))
    text = do(world, world.bo, "release", ids=row.public_id, record=row.public_id).content.decode()
    assert "1 record could be read now" in text
    assert "Became an order" in text
    assert Order.objects.get().number == "77-1"
    told = Event.objects.get(verb="quarantine.released", actor=world.bo)
    assert told.target_id == str(row.public_id)
    assert world.bo.email in text


def test_one_that_cannot_stays_with_the_reason_of_today(world, lotus):
    row = aside(world.tea, b'{"orderId": 7}', reason="an older reason")
    text = do(world, world.bo, "release", ids=row.public_id, record=row.public_id).content.decode()
    assert "1 record still cannot be read" in text
    row.refresh_from_db()
    assert (row.state, row.reason) == ("waiting", "Expected `str`, got `int` - at `$.orderId`")
    assert Event.objects.get(verb="quarantine.released").outcome == "failed"


def test_all_of_a_reason_are_read_again_and_no_others(world, lotus):
    good = [aside(world.tea, raw_order(f"77-{n}"), number=f"77-{n}") for n in range(3)]
    bad = aside(world.tea, b"{}", number="bad")
    other = aside(world.tea, raw_order("88-1"), reason="another", number="88-1")
    text = do(world, world.anna, "release", all="yes", reason=KEY).content.decode()
    assert "3 records could be read now" in text
    assert "1 record still cannot be read" in text
    assert {row.number for row in Order.objects.all()} == {row.number for row in good}
    assert states() == {**{row.number: "released" for row in good}, "bad": "waiting",
                        other.number: "waiting"}  # fmt: skip
    bad.refresh_from_db()
    assert "missing required field" in bad.reason
    told = Event.objects.get(verb="quarantine.many_released")
    assert told.detail == {"count": 4, "landed": 3, "unreadable": 1}


def test_all_of_a_store_take_those_of_its_authorization_along(world, lotus):
    stream = granted(world.tea)
    mine = aside(None, raw_order("77-1"), stream=stream, number="77-1")
    aside(world.tea, raw_order("77-2"), number="77-2")
    aside(world.rice, raw_order("99"), number="99", platform="ebay")
    store = str(world.tea.public_id)
    do(world, world.bo, "release", all="yes", store=store)
    assert states() == {"77-1": "released", "77-2": "released", "99": "waiting"}
    mine.refresh_from_db()
    assert mine.store == world.tea  # now it is known


def test_the_same_order_twice_lands_once_and_settles_both(world, lotus):
    for _ in range(2):
        aside(world.tea, raw_order("77-1"), number="77-1")
    do(world, world.anna, "release", all="yes")
    assert Order.objects.count() == 1
    assert Quarantined.objects.filter(state="released").count() == 2


def test_a_record_of_a_gone_platform_or_damaged_holds_up_no_others(world, lotus):
    aside(world.tea, raw_order("77-1"), number="77-1")
    damaged = aside(world.tea, number="damaged")
    Quarantined.objects.filter(pk=damaged.pk).update(raw=b"\x28\xb5\x2f\xfdbroken")
    aside(world.tea, b"{}", number="gone", platform="taobao")
    do(world, world.anna, "release", all="yes")
    assert states() == {"77-1": "released", "damaged": "waiting", "gone": "waiting"}


# --- thousands


def batches(world, user, act, **data):
    """As the page does it by itself: batch after batch with what the one before said."""
    client, address = world.client(user), reverse(f"quarantine_{act}")
    answer = client.post(address, data)
    pages = [answer]
    while answer.status_code == 200 and not answer.context["is_over"]:
        went = answer.context["progress"]
        fields = {name: getattr(went, name) for name in
                  ("total", "tried", "good", "bad", "after", "until")}  # fmt: skip
        answer = client.post(address, {**data, **fields}, headers={"HX-Request": "true"})
        pages.append(answer)
    return pages


def test_many_are_read_in_batches_that_each_say_how_far_it_is(world, lotus, monkeypatch):
    monkeypatch.setattr(acts, "READ_AT_ONCE", 20)
    many_aside(world.tea, 50, raws=lambda n: raw_order(f"77-{n}") if n % 5 else b"{}")
    key = normalized("Expected `str`, got `int` - at `$.lines[0].sku`").key
    pages = batches(world, world.anna, "release", all="yes", reason=key)
    assert [page.context["progress"].tried for page in pages] == [20, 40, 50]
    assert "20 of 50 records done" in pages[0].content.decode()
    assert "40 records could be read now" in pages[-1].content.decode()
    assert "10 records still cannot be read" in pages[-1].content.decode()
    assert (Order.objects.count(), Quarantined.objects.filter(state="waiting").count()) == (40, 10)


def test_a_batch_of_many_costs_no_more_statements_than_of_few(
    world, lotus, django_assert_max_num_queries
):
    many_aside(world.tea, 200, raws=lambda n: raw_order(f"77-{n}"))
    pks = list(Quarantined.objects.values_list("pk", flat=True))
    with django_assert_max_num_queries(60):
        done = release_records(pks=pks, user=world.anna, now=timezone.now())
    assert done.landed == 200


def test_a_batch_sent_twice_and_an_act_begun_anew_do_nothing_twice(world, lotus, monkeypatch):
    monkeypatch.setattr(acts, "READ_AT_ONCE", 20)
    many_aside(world.tea, 50, raws=lambda n: raw_order(f"77-{n}"))
    client, address = world.client(world.anna), reverse("quarantine_release")
    went = client.post(address, {"all": "yes"}).context["progress"]
    again = {"all": "yes", "total": 50, "tried": 20, "good": 20, "bad": 0, "after": went.after,
             "until": went.until}  # fmt: skip
    client.post(address, again)  # its answer never arrives
    client.post(address, again)
    assert Order.objects.count() == 40 + 10 * (
        Quarantined.objects.filter(state="waiting").count() == 0
    )
    batches(world, world.anna, "release", all="yes")
    assert Order.objects.count() == 50
    landed = [
        told.detail["landed"] for told in Event.objects.filter(verb="quarantine.many_released")
    ]
    assert sum(landed) == 50


def test_what_came_after_the_beginning_is_not_meant(world, lotus, monkeypatch):
    monkeypatch.setattr(acts, "SETTLED_AT_ONCE", 2)
    for n in range(3):
        aside(world.tea, number=f"old-{n}")
    client, address = world.client(world.anna), reverse("quarantine_dismiss")
    went = client.post(address, {"all": "yes", "note": "test"}).context["progress"]
    aside(world.tea, number="new")
    client.post(address, {"all": "yes", "note": "test", "total": 3, "tried": 2, "good": 2, "bad": 0,
                          "after": went.after, "until": went.until})  # fmt: skip
    assert states() == {"old-0": "dismissed", "old-1": "dismissed", "old-2": "dismissed",
                        "new": "waiting"}  # fmt: skip


def test_a_release_while_another_tab_dismisses_settles_each_once(world, lotus, monkeypatch):
    monkeypatch.setattr(acts, "READ_AT_ONCE", 2)
    for n in range(4):
        aside(world.tea, raw_order(f"77-{n}"), number=f"77-{n}")
    client = world.client(world.anna)
    went = client.post(reverse("quarantine_release"), {"all": "yes"}).context["progress"]
    do(world, world.ada, "dismiss", all="yes", note="not ours")
    last = client.post(
        reverse("quarantine_release"),
        {"all": "yes", "total": 4, "tried": 2, "good": 2, "bad": 0, "after": went.after,
         "until": went.until},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    assert sorted(states().values()) == ["dismissed", "dismissed", "released", "released"]
    assert Order.objects.count() == 2
    assert "2 records were settled before already." in last.content.decode()


@pytest.mark.parametrize(
    "broken",
    [{"after": "x"}, {"until": "'; drop"}, {"good": "-1"}, {"total": "1e9"}, {"tried": ""},
     {"bad": "٣x"}],
)  # fmt: skip
def test_a_progress_that_makes_no_sense_is_refused(world, lotus, broken):
    row = aside(world.tea, raw_order())
    data = {"all": "yes", "total": "1", "tried": "0", "good": "0", "bad": "0",
            "after": row.public_id.hex, "until": row.public_id.hex}  # fmt: skip
    assert do(world, world.anna, "release", **data | broken).status_code == 404
    assert Order.objects.count() == 0


# --- aside and back


@pytest.mark.parametrize("note", ["", "  \n ", "\x00", "x" * 301])
def test_without_a_note_nothing_is_put_aside_and_the_choice_is_kept(world, lotus, note):
    row = aside(world.tea)
    answer = do(world, world.bo, "dismiss", ids=row.public_id, note=note)
    assert answer.status_code == 400
    assert str(row.public_id) in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "waiting"


def test_a_selection_is_put_aside_with_its_note_and_put_back(world, lotus):
    rows = [aside(world.tea, raw_order(f"77-{n}"), number=f"77-{n}") for n in range(3)]
    ids = [row.public_id for row in rows[:2]]
    text = do(world, world.bo, "dismiss", ids=ids, note="  test\x00 orders ").content.decode()
    assert "2 records are put aside" in text
    listed = world.client(world.anna).get(reverse("quarantine_records"), {"state": "settled"})
    told = listed.content.decode()
    assert "test orders" in told
    assert world.bo.email in told
    assert Event.objects.get(verb="quarantine.many_dismissed").detail == {"count": 2}
    do(world, world.bo, "put_back", ids=ids)
    assert set(states().values()) == {"waiting"}
    assert Event.objects.get(verb="quarantine.many_put_back").detail == {"count": 2}
    page = world.client(world.bo).get(reverse("quarantine_record", args=[ids[0]]))
    assert "test orders" in page.content.decode()  # why it was aside once


def test_what_is_emptied_or_came_again_stays_aside(world, lotus):
    stream = granted(world.tea)
    now = timezone.now()
    settled = {"state": "dismissed", "settled_at": now, "stream": stream}
    emptied = aside(world.tea, b"", number="emptied", **settled)
    again = aside(world.tea, number="again", raw_sha256="same", **settled)
    aside(world.tea, number="newer", raw_sha256="same", stream=stream)
    fine = aside(world.tea, number="fine", **settled)
    ids = [row.public_id for row in (emptied, again, fine)]
    text = do(world, world.anna, "put_back", ids=ids).content.decode()
    assert "1 record waits again" in text
    assert "2 records stay aside" in text
    assert states() == {"emptied": "dismissed", "again": "dismissed", "newer": "waiting",
                        "fine": "waiting"}  # fmt: skip


def test_settled_ones_are_not_settled_again(world, lotus):
    now = timezone.now()
    row = aside(world.tea, raw_order(), state="released", settled_at=now)
    assert dismiss_records(pks=[row.pk], user=None, note="x", now=now) == 0
    assert release_records(pks=[row.pk], user=None, now=now).landed == 0
    assert not Event.objects.filter(verb__startswith="quarantine.").exists()


# --- who may


@pytest.mark.parametrize("act", ["release", "dismiss", "put_back"])
def test_what_is_not_theirs_is_not_there(world, lotus, act):
    mine, rice = aside(world.tea, raw_order()), aside(world.rice)
    for who, ids in (
        (world.dan, [mine]), (world.cai, [mine]), (world.bo, [rice]), (world.bo, [mine, rice]),
    ):  # fmt: skip
        data = {"ids": [row.public_id for row in ids], "note": "x"}
        assert do(world, who, act, **data).status_code == 404
    assert do(world, world.cai, act, all="yes", note="x").status_code == 404
    assert do(world, world.anna, act, ids="nonsense", note="x").status_code == 404
    assert set(Quarantined.objects.values_list("state", flat=True)) == {"waiting"}


@pytest.mark.parametrize("who", ["bo", "dan"])
def test_all_means_all_that_this_person_sees(world, lotus, who):
    aside(world.tea, number="tea")
    aside(world.rice, number="rice")
    do(world, getattr(world, who), "dismiss", all="yes", note="x", store="")
    expected = {"tea": "dismissed" if who == "bo" else "waiting", "rice": "waiting"}
    assert states() == expected


def test_nothing_chosen_is_nothing_done(world, lotus):
    aside(world.tea, number="tea")
    for act in ("release", "dismiss", "put_back"):
        text = do(world, world.anna, act, note="x").content.decode()
        assert "Choose at least one record first." in text
    assert states() == {"tea": "waiting"}


# --- at the same moment


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_settle_each_record_once(world):
    with tenant_scope(world.lotus):
        stream = granted(world.tea)
        for n in range(30):
            aside(world.tea, raw_order(f"77-{n}"), number=f"77-{n}", stream=stream)
    turn, told = itertools.count(), []

    def settle() -> None:
        way = next(turn)
        with tenant_scope(world.lotus):
            pks = list(Quarantined.objects.values_list("pk", flat=True))
            now = timezone.now()
            if way % 2:
                told.append(release_records(pks=pks, user=world.anna, now=now).landed)
            else:
                told.append(dismiss_records(pks=pks, user=world.ada, note="x", now=now))

    together(settle, times=4)
    with tenant_scope(world.lotus):
        assert sum(told) == 30
        released = Quarantined.objects.filter(state="released").count()
        assert Order.objects.count() == released
        assert Quarantined.objects.filter(state="dismissed").count() == 30 - released
