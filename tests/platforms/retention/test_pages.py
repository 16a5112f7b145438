"""The retention page, its forms and its report; what an order's page says afterwards."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import keeping
from platforms.models import LegalHold, Quarantined, RetentionRule, Scrub
from tenants.models import Event
from tenants.scope import tenant_scope
from tests.conftest import bind, join_support
from tests.platforms.retention.conftest import Shelf, scrub
from tests.support.factories import make_order


def page(client, name="retention", **kwargs):
    answer = client.get(reverse(name, kwargs=kwargs))
    assert answer.status_code == 200
    return answer.content.decode()


def save(client, platform, **fields):
    return client.post(reverse("retention_rule", kwargs={"platform": platform}), fields)


def rule_of(world, platform):
    with tenant_scope(world.lotus):
        return RetentionRule.objects.filter(platform=platform).values_list(
            "buyer_days", "raw_days"
        ).first()  # fmt: skip


def test_each_platform_with_stores_has_a_line(world, anna):
    shown = page(anna)
    for words in (
        "Amazon",
        "eBay",
        "Ozon",
        "demanded by the marketplace",
        "30 days after delivery",
    ):
        assert words in shown
    assert "TikTok" not in shown


def test_a_rule_is_chosen_and_taken_back(world, anna):
    assert save(anna, "amazon", buyer_days="7", raw_days="").status_code == 302
    assert rule_of(world, "amazon") == (7, None)
    shown = page(anna)
    assert "7 days after delivery" in shown
    assert "your choice; the marketplace allows 30 days" in shown

    save(anna, "amazon", buyer_days="", raw_days="")
    assert rule_of(world, "amazon") == (None, None)
    assert "demanded by the marketplace" in page(anna)
    with tenant_scope(world.lotus):
        chosen = [e.detail["buyer_days"] for e in Event.objects.filter(verb="retention.changed")]
    assert sorted(chosen, key=str) == [[7, None], [None, 7]]


def test_more_than_the_marketplace_allows_is_refused_by_its_name(world, anna):
    answer = save(anna, "amazon", buyer_days="31", raw_days="")
    assert answer.status_code == 200
    text = "Amazon demands that buyer data goes 30 days after delivery at the latest."
    assert text in answer.content.decode()
    assert rule_of(world, "amazon") is None


@pytest.mark.parametrize(
    "fields",
    [{"buyer_days": "0"}, {"buyer_days": "-1"}, {"buyer_days": "x"}, {"buyer_days": "3651"},
     {"raw_days": "0"}, {"raw_days": "731"}, {"buyer_days": "99999999999999999999"}],
)  # fmt: skip
def test_nonsense_is_refused_and_nothing_saved(world, anna, fields):
    answer = save(anna, "ebay", **{"buyer_days": "", "raw_days": "", **fields})
    assert (answer.status_code, rule_of(world, "ebay")) == (200, None)
    assert "is-invalid" in answer.content.decode()


@pytest.mark.parametrize("platform", ["shopify", "nonsense"])
def test_a_platform_without_stores_has_no_rule(anna, platform):
    assert save(anna, platform, buyer_days="5", raw_days="").status_code == 404


def place(client, **fields):
    given = {"covers": "company", "store": "", "number": "", "reason": "case 7", **fields}
    return client.post(reverse("hold_place"), given)


def holds(world):
    with tenant_scope(world.lotus):
        return list(LegalHold.objects.order_by("pk"))


def test_a_hold_is_placed_and_released_with_reasons(world, anna):
    order = make_order(world.tea)
    assert place(anna).status_code == 302
    assert place(anna, covers="store", store=world.tea.public_id).status_code == 302
    assert place(anna, covers="order", number=order.number).status_code == 302
    placed = holds(world)
    assert [(h.store, h.number) for h in placed] == [
        (None, ""), (world.tea, ""), (None, order.number),
    ]  # fmt: skip
    shown = page(anna)
    assert "case 7" in shown
    assert f"Order {order.number}" in shown

    address = reverse("hold_release", kwargs={"public_id": placed[0].public_id})
    assert anna.post(address, {"reason": " "}).status_code == 200
    assert anna.post(address, {"reason": "settled, ask anna@lotus.example"}).status_code == 302

    released = holds(world)[0]
    assert (released.released_by, released.released_at is None) == (world.anna, False)
    with tenant_scope(world.lotus):
        verbs = list(Event.objects.filter(verb__startswith="hold.").values_list("verb", flat=True))
        reason = Event.objects.get(verb="hold.released").detail["reason"]
    assert sorted(verbs) == ["hold.placed"] * 3 + ["hold.released"]
    assert reason == "settled, ask [masked]"


def test_a_hold_that_was_released_before_says_so(world, anna):
    place(anna)
    address = reverse("hold_release", kwargs={"public_id": holds(world)[0].public_id})
    anna.post(address, {"reason": "a"})
    for again in (anna.post(address, {"reason": "b"}, follow=True), anna.get(address, follow=True)):
        assert "released before" in again.content.decode()
    with tenant_scope(world.lotus):
        assert Event.objects.filter(verb="hold.released").count() == 1


def test_a_hold_must_say_what_it_covers_and_why(world, anna):
    wrong = [
        {"reason": ""}, {"covers": ""}, {"covers": "store"}, {"covers": "order"},
        {"covers": "order", "number": "no-such-number"},
        {"covers": "company", "number": "N-1"},
        {"covers": "company", "store": world.tea.public_id},
        {"covers": "store", "store": world.syrup.public_id},  # another company's
    ]  # fmt: skip
    for fields in wrong:
        answer = place(anna, **fields)
        assert (answer.status_code, holds(world)) == (200, []), fields
        assert 'class="errorlist"' in answer.content.decode()


def test_an_order_of_another_company_cannot_be_asked_for_by_a_hold(world, anna):
    theirs = make_order(world.syrup)
    answer = place(anna, covers="order", number=theirs.number)
    assert "There is no order of that number here" in answer.content.decode()


def test_an_order_that_could_not_be_read_can_be_held(world, anna):
    Shelf(world.tea).record(number="Q-1")
    assert place(anna, covers="order", number="Q-1").status_code == 302


def test_the_report_tells_what_was_removed(world, anna):
    shelf = Shelf(world.silk)
    for _n in range(3):
        shelf.order(days=100)
    scrub(world.lotus, at=timezone.now())
    with tenant_scope(world.lotus):
        assert Scrub.objects.get().orders == 3

    assert "silk" in page(anna)
    answer = anna.get(reverse("retention_report"))
    heading, line = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    told = dict(zip(heading, line, strict=True))
    assert (told["Store"], told["Orders"], told["Days buyer data is kept"]) == (
        "lotus/amazon/silk/DE", "3", "30",
    )  # fmt: skip
    assert world.client(world.dan).get(reverse("retention_report")).content.count(b"\n") == 1


def test_what_goes_within_a_week_is_counted(world, anna):
    shelf, now = Shelf(world.silk), timezone.now()
    for days in (24, 26, 22):  # the last one in eight days
        shelf.order(changed_at=now - timedelta(days=days))
    held = shelf.order(changed_at=now - timedelta(days=26))
    shelf.hold(number=held.number)
    assert "2 orders" in page(anna)


def test_what_waits_in_quarantine_is_told_before_it_is_emptied(world, anna):
    shelf, now = Shelf(world.silk), timezone.now()
    for days, state in ((24, "waiting"), (22, "waiting"), (24, "released")):
        row = shelf.record(raw=b"{%d%s" % (days, state.encode()), state=state)
        with tenant_scope(world.lotus):
            Quarantined.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=days))
    with tenant_scope(world.lotus):
        (told,) = keeping.will_empty(world.lotus, now)
    assert (told.platform, told.days, told.count) == ("amazon", 30, 1)
    assert told.first_at == now + timedelta(days=6)
    assert "1 unreadable record of Amazon is still waiting" in page(anna)

    shelf.hold(store=world.silk)
    with tenant_scope(world.lotus):
        assert keeping.will_empty(world.lotus, now) == []


def test_an_order_says_why_it_has_no_buyer(world):
    shelf = Shelf(world.tea)
    shelf.rule(30)
    order = shelf.order()
    scrub(world.lotus)
    shown = page(world.client(world.bo), "order", public_id=order.public_id)
    assert "Buyer data was removed on Nov. 21, 2026" in shown
    assert "does not tell us who the buyer is" not in shown
    assert "DE" in shown


def test_company_settings_lead_here(world, anna):
    assert reverse("retention") in page(anna, "tenant_settings")


def test_the_audit_trail_says_it_in_words(world, anna):
    save(anna, "amazon", buyer_days="7", raw_days="")
    place(anna)
    shown = page(anna, "events")
    assert "Chose how long buyer data and raw data of Amazon are kept: 7 days" in shown
    assert "Placed a legal hold on Lotus." in shown


def test_support_sees_it_and_changes_nothing(world):
    shelf = Shelf(world.silk)
    shelf.rule(5)
    shelf.order(days=400)
    shelf.hold(number="A-1")
    scrub(world.lotus)
    join_support(world.sam)
    sam = world.client(world.sam)
    with tenant_scope(world.lotus):
        rows = {
            "retentionrule": RetentionRule.objects.get(), "legalhold": LegalHold.objects.get(),
            "scrub": Scrub.objects.get(),
        }  # fmt: skip
    for name, row in rows.items():
        assert sam.get(reverse(f"admin:platforms_{name}_changelist")).status_code == 200
        address = reverse(f"admin:platforms_{name}_change", args=[row.pk])
        assert sam.get(address).status_code == 200
        assert sam.post(address, {}).status_code == 403


def test_a_member_may_not_even_look(world):
    with tenant_scope(world.lotus):
        bind(world.member(world.bo), world.silk)
    bo = world.client(world.bo)
    assert bo.get(reverse("retention")).status_code == 403
    assert place(bo).status_code == 403
