"""The pages of a store's diagnosis, in both languages, and what is handed to support."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape

from platforms import credentials
from platforms.diagnosis.report import report_of
from platforms.models import (
    Authorization,
    CallStat,
    Diagnosis,
    Moment,
    Outage,
    PullRun,
    Stream,
    TimelineEntry,
)
from tenants.flows.bind_store import Grant, give_duties
from tenants.models import Duty, Store
from tenants.scope import tenant_scope
from tests.conftest import join_support

EBAY, OZON, TIKTOK = "ebay-lantern", "ozon-zarya", "tiktok_shop-lumen"


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """`controls`: what is done at the emulator; `seen`: what the network shows instead."""

    account: str
    verdict: str
    said: str
    button: str = ""
    controls: tuple[tuple[str, dict[str, object]], ...] = ()
    seen: dict[str, object] = field(default_factory=dict)
    outage: str = ""


def knobs(where: str, **values: object) -> tuple[tuple[str, dict[str, object]], ...]:
    return (("knobs", {"where": where, "set": values}),)


EIGHT = {
    "revoked": Breakage(
        account=EBAY, verdict="token_revoked", button="Relink",
        said="eBay no longer accepts our permission.",
        controls=(("revoke", {"account": EBAY}),),
    ),
    "address": Breakage(
        account=OZON, verdict="ip_not_whitelisted", button="Open Ozon",
        said="Ozon does not let our network address in.", controls=knobs("ozon", block_ip=True),
    ),
    "clock": Breakage(
        account=TIKTOK, verdict="clock_skew", said="Our clock is wrong: ",
        button="Copy what support needs", controls=knobs("tiktok_shop", skew=700),
    ),
    "throttled": Breakage(
        account=OZON, verdict="rate_limited", said="Ozon asks us to slow down.",
        controls=knobs("ozon", throttle=True),
    ),
    "outage": Breakage(
        account=EBAY, verdict="platform_down", said="many stores at eBay fail the same way",
        controls=knobs("ebay", down=True), outage="platform_down",
    ),
    "scope": Breakage(
        account=OZON, verdict="insufficient_scope", button="Relink", said="Missing: Posting FBO",
        controls=knobs(OZON, drop_scopes=["Posting FBO"]),
    ),
    "other shop": Breakage(
        account=EBAY, verdict="shop_mismatch", button="Relink", said="opens another shop",
        controls=knobs(EBAY, wrong_account="ebay-willow"),
    ),
    "network": Breakage(
        account=OZON, verdict="network_unreachable",
        said="The host name emulator.test was not found.",
        seen={"failed": "dns", "why": "not_found"},
    ),
}  # fmt: skip


def page_of(client, store: Store) -> str:
    return client.get(reverse("store_diagnosis", args=[store.public_id])).content.decode()


def press(client, store: Store) -> str:
    """The button; the page that is seen then."""
    address = reverse("store_diagnosis", args=[store.public_id])
    answer = client.post(address, follow=True)
    assert answer.redirect_chain == [(address, 302)]
    return answer.content.decode()


def newest(store: Store) -> Diagnosis:
    with tenant_scope(store.tenant_id):
        rows = Diagnosis.objects.select_related("store__authorization", "attempt")
        return rows.filter(store=store).order_by("-pk")[0]


@pytest.mark.parametrize("name", EIGHT)
def test_eight_breakages_are_named_in_both_languages(world, link, net, market, name):
    broken = EIGHT[name]
    store = link(broken.account)
    for action, body in broken.controls:
        market.control(action, **body)
    if broken.seen:
        net.break_platform(**broken.seen)
    if broken.outage:
        Outage.objects.create(platform=store.platform, fault=broken.outage, since=timezone.now())

    page = press(world.client(world.anna), store)

    assert newest(store).verdict == broken.verdict
    verdict = page.split('id="verdict-heading">')[1].split("</section>")[0]
    assert escape(broken.said) in verdict
    assert broken.button in verdict
    world.ada.language = "zh-hans"
    world.ada.save()
    chinese = page_of(world.client(world.ada), store)
    with translation.override("zh-hans"):
        report = report_of(newest(store))
    assert f'id="verdict-heading">{escape(report.title)}</h2>' in chinese
    assert escape(report.text) in chinese
    assert 'lang="zh-Hans"' in chinese


def test_words_are_made_when_they_are_read_and_never_kept(world, link, diagnose, market):
    store = link(EBAY)
    market.control("revoke", account=EBAY)
    diagnosis = diagnose(store)
    kept = json.dumps(diagnosis.checks)
    with tenant_scope(world.lotus):
        said = {}
        for language in ("en", "zh-hans"):
            with translation.override(language):
                said[language] = report_of(newest(store)).title
    assert said["en"] == "eBay no longer accepts our permission."
    assert said["zh-hans"] != said["en"]
    assert not [each for each in said.values() if each in kept]


def test_before_the_first_check_the_page_says_what_it_does(world, link, net):
    page = page_of(world.client(world.anna), link(OZON))
    assert "What is wrong with this store?" in page
    assert "verdict-heading" not in page


def test_a_store_that_works_is_said_to_work(world, link, net):
    assert "This store works." in press(world.client(world.anna), link(OZON))


def test_a_member_with_a_duty_is_told_whom_to_ask(world, link, net, market):
    store = link(EBAY)
    market.control("revoke", account=EBAY)
    with tenant_scope(world.lotus):
        give_duties(
            tenant=world.lotus, actor=world.anna, now=timezone.now(),
            grants=[Grant(membership=world.member(world.bo), store=store, duty=Duty.OPERATOR)],
        )  # fmt: skip
    page = press(world.client(world.bo), store)
    assert "Ask an owner or admin" in page
    assert reverse("relink", args=[store.public_id]) not in page
    assert world.client(world.cai).post(
        reverse("store_diagnosis", args=[store.public_id])
    ).status_code == 404  # fmt: skip


def test_a_store_that_was_never_linked_has_no_button(world, net):
    page = page_of(world.client(world.anna), world.rice)
    assert "The store is not linked" in page
    assert "check-form" not in page
    press(world.client(world.anna), world.rice)
    with tenant_scope(world.lotus):
        assert not Diagnosis.objects.exists()


def test_one_store_is_checked_once_at_a_time(world, link, net):
    store = link(OZON)
    cache.add(f"diagnosis:{store.pk}", 1, 30)
    assert "being checked right now" in press(world.client(world.anna), store)
    with tenant_scope(world.lotus):
        assert not Diagnosis.objects.exists()


def test_the_store_leads_to_its_diagnosis(world, link, net):
    store = link(OZON)
    page = world.client(world.anna).get(reverse("store", args=[store.public_id]))
    assert reverse("store_diagnosis", args=[store.public_id]) in page.content.decode()


# --- the support bundle


@pytest.fixture
def troubled(world, link, net, market) -> Store:
    """A store with a past, and with secrets and buyers' data wherever they could slip in."""
    store = link(OZON)
    market.control("knobs", where="ozon", set={"block_ip": True})
    press(world.client(world.anna), store)
    with tenant_scope(world.lotus):
        grant = Authorization.objects.get(pk=store.authorization_id)
        stream = Stream.objects.get(authorization=grant)
        PullRun.objects.create(
            tenant=world.lotus, stream=stream, started_at=timezone.now(),
            since=timezone.now(), until=timezone.now(), fault="bad_response",
            fault_detail="access_token=MARKER-token buyer marker@buyer.example",
        )  # fmt: skip
        TimelineEntry.objects.create(
            tenant=world.lotus, authorization=grant, store=store, moment=Moment.REFUSED,
            fault="ip_not_whitelisted", detail="from marker@buyer.example", count=3,
            first_at=timezone.now(), last_at=timezone.now(),
        )  # fmt: skip
        CallStat.objects.create(
            tenant=world.lotus, authorization=grant, hour=timezone.now(), calls=7,
            milliseconds=700, slowest_ms=300, fault="bad_response",
        )  # fmt: skip
    return store


def bundle(client, store: Store, form: str):
    return client.get(reverse("store_diagnosis_bundle", args=[store.public_id]), {"form": form})


def test_the_bundle_tells_what_support_needs(world, troubled):
    answer = bundle(world.client(world.anna), troubled, "json")
    assert answer["Content-Disposition"].endswith('.json"')
    told = json.loads(answer.content)
    assert told["diagnosis"]["verdict"] == "ip_not_whitelisted"
    assert told["store"]["path"] == "lotus/ozon/shop"
    assert told["store"]["mode"] == "api_key"
    assert set(told["versions"]) == {"storelink", "python", "django", "openssl", "database"}
    assert told["versions"]["storelink"]
    assert {"moment": "refused", "count": 3}.items() <= told["timeline"][0].items()
    assert told["last_faults"][0]["fault"] == "bad_response"
    assert {"calls": 7, "fault": "bad_response", "mean_ms": 100}.items() <= next(
        row for row in told["calls_24h"] if row["fault"] == "bad_response"
    ).items()


def test_no_secret_and_no_buyer_is_in_the_bundle_or_on_the_page(world, troubled):
    with tenant_scope(world.lotus):
        grant = Authorization.objects.get(pk=troubled.authorization_id)
        secrets = credentials.open_secrets(grant)
    anna = world.client(world.anna)
    told = [
        bundle(anna, troubled, "json").content.decode(),
        bundle(anna, troubled, "text").content.decode(),
        page_of(anna, troubled),
        json.dumps(newest(troubled).checks),
    ]
    for each in told:
        assert "ip_not_whitelisted" in each
        assert secrets["api_key"] not in each
        assert "MARKER" not in each
        assert "marker@" not in each


def test_as_text_it_can_be_read_by_people(world, troubled):
    text = bundle(world.client(world.anna), troubled, "text").content.decode()
    assert "verdict: ip_not_whitelisted" in text.replace("  ", " ")
    assert "{" not in text.replace("{}", "")


def test_without_a_diagnosis_there_is_no_bundle(world, link, net):
    store = link(OZON)
    answer = bundle(world.client(world.anna), store, "json")
    assert answer.url == reverse("store_diagnosis", args=[store.public_id])


# --- support


def test_support_sees_the_same_and_it_is_on_the_trail(world, link, net, market):
    from tenants.models import Event

    store = link(EBAY)
    market.control("revoke", account=EBAY)
    join_support(world.sam)
    world.sam.is_superuser = True
    world.sam.save()
    sam = world.client(world.sam)
    answer = sam.post(reverse("admin:tenants_store_diagnose", args=[store.pk]))
    page = answer.content.decode()
    assert "eBay no longer accepts our permission." in page
    assert "verdict: token_revoked" in page
    with tenant_scope(world.lotus):
        event = Event.objects.get(verb="store.diagnosed")
        assert (event.on_behalf, event.detail) == (True, {"verdict": "token_revoked"})
        assert Diagnosis.objects.get(store=store).asked_by == world.sam
