"""Who sees the store that was linked, and support that links for a company."""

from __future__ import annotations

from django.urls import reverse

from tenants.access import SUPPORT_TENANT
from tenants.models import Binding, Duty, Event, Store
from tests.conftest import join_support
from tests.platforms.views.conftest import Seller, text

# --- access


def test_access_is_given_and_taken_as_ticked(anna, lotus):
    done, world = anna.link_ebay(), anna.world
    me, bo = world.member(world.anna), world.member(world.bo)
    page = text(anna.page(done, "link_done"))
    assert f'value="operator:{me.public_id}" checked' in page

    anna.post(
        done, "link_access", held=[f"operator:{me.public_id}"],
        duty=[f"operator:{bo.public_id}", f"customer_service:{bo.public_id}"],
    )  # fmt: skip

    store = Store.objects.get(external_id="eMuLanTern1")
    held = Binding.objects.current().filter(store=store)
    assert {(b.membership_id, b.duty) for b in held} == {
        (bo.pk, Duty.OPERATOR),
        (bo.pk, Duty.CUSTOMER_SERVICE),
    }


def test_people_of_another_company_get_no_access(anna, lotus):
    done, world = anna.link_ebay(), anna.world
    stranger = world.member(world.dan).public_id

    anna.post(done, "link_access", duty=[f"operator:{stranger}", "owner:1", "x"])

    assert Binding.objects.current().filter(membership__user=world.dan).count() == 0


# --- support


def as_support(world, market) -> Seller:
    join_support(world.sam)
    client = world.client(world.sam)
    session = client.session
    session[SUPPORT_TENANT] = str(world.lotus.public_id)
    session.save()
    return Seller(market=market, world=world, client=client)


def test_support_links_for_a_company_and_the_trail_says_so(world, market, lotus):
    sam = as_support(world, market)
    attempt = sam.begin_ebay()
    assert "You act for Lotus as support." in text(sam.page(attempt))
    sam.come_back(attempt)
    assert "bind_self" not in text(sam.page(attempt))
    sam.post(attempt, "link_confirm", bind_self="on")

    events = Event.objects.filter(actor=world.sam)
    assert set(events.values_list("verb", flat=True)) == {"link.started", "store.linked"}
    assert all(event.on_behalf for event in events)
    assert not Binding.objects.filter(store__external_id="eMuLanTern1").exists()
    assert "Give people access" not in text(sam.page(attempt, "link_done"))


def test_support_acting_for_a_company_sees_no_orders(world, market):
    sam = as_support(world, market)

    assert sam.client.get(reverse("orders")).url == reverse("no_tenant")


def test_support_stops_acting(world, market):
    sam = as_support(world, market)

    sam.client.post(reverse("link_support_end"))

    assert sam.client.get(reverse("link_start")).url == reverse("no_tenant")


def test_a_member_cannot_act_as_support(world, market):
    dan = as_support(world, market)
    dan.client.force_login(world.dan)
    session = dan.client.session
    session[SUPPORT_TENANT] = str(world.lotus.public_id)
    session.save()

    assert "Lotus" not in text(dan.client.get(reverse("link_start")))
