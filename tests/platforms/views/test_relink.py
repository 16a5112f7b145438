"""Shops that are linked already: refused the second time, or linked again."""

from __future__ import annotations

from django.urls import reverse

from platforms.models import Authorization, Consent, LinkAttempt
from tenants.models import Store
from tests.platforms.views.conftest import Seller, fresh, text
from tests.support.linking import keys_of


def test_a_shop_is_linked_once_in_a_company(anna, lotus):
    anna.link_ebay()
    second = anna.begin_ebay(account_name="again")

    anna.come_back(second)

    assert "This shop is linked already." in text(anna.page(second))
    assert Store.objects.filter(external_id="eMuLanTern1").count() == 1


def test_a_shop_of_another_company_is_refused_without_saying_whose(anna, world, market):
    Seller(market=market, world=world, client=world.client(world.dan)).link_ebay()
    attempt = anna.begin_ebay()

    anna.come_back(attempt)

    page = text(anna.page(attempt))
    assert "This shop is linked already." in page
    assert "Maple" not in page


def test_a_shop_taken_at_the_last_moment_is_refused(anna, world, market):
    attempt = anna.begin_ebay()
    anna.come_back(attempt)
    Seller(market=market, world=world, client=world.client(world.dan)).link_ebay()

    page = text(anna.post(attempt, "link_confirm"))

    assert "This shop is linked already." in page
    assert fresh(attempt).step == "authorize"


def relink(seller: Seller, store: Store) -> LinkAttempt:
    answer = seller.client.post(reverse("relink", args=[store.public_id]))
    return LinkAttempt.objects.get(public_id=answer.url.split("/")[3])


def test_relinking_keeps_the_store_and_its_authorization(anna, lotus):
    done = anna.link_ebay()
    anna.market.control("revoke", account="ebay-lantern")
    store = Store.objects.get(external_id="eMuLanTern1")
    Authorization.objects.update(state="needs_relink", fault="token_revoked")
    Store.objects.filter(pk=store.pk).update(state="needs_relink")

    attempt = relink(anna, store)
    anna.come_back(attempt)
    assert "The same shop as before" in text(anna.page(attempt))
    anna.post(attempt, "link_confirm")

    store.refresh_from_db()
    assert (store.state, store.authorization_id) == ("active", done.authorization_id)
    assert Consent.objects.filter(authorization=done.authorization).count() == 2
    assert "linked again" in text(anna.page(attempt, "link_done"))


def test_relinking_with_another_shop_leaves_the_old_grant_untouched(anna, lotus):
    done = anna.link_ebay()
    before = Authorization.objects.get(pk=done.authorization_id)
    attempt = relink(anna, Store.objects.get(external_id="eMuLanTern1"))

    anna.come_back(attempt, "ebay-willow")

    page = text(anna.page(attempt))
    assert "You signed in to another shop" in page
    after = Authorization.objects.get(pk=done.authorization_id)
    assert (after.generation, after.state) == (before.generation, "active")
    anna.come_back(attempt, "ebay-lantern")
    assert fresh(attempt).step == "confirm"


def test_where_there_are_several_ways_to_relink_one_is_chosen(anna, lotus):
    attempt = anna.begin("amazon", "self_authorization")
    anna.post(attempt, "link_keys", **keys_of("amazon-aurora-na"))
    anna.post(attempt, "link_confirm")
    store = Store.objects.filter(authorization=fresh(attempt).authorization).first()
    url = reverse("relink", args=[store.public_id])

    page = text(anna.client.post(url))
    assert page.index("Your own private application") < page.index("Agree in Seller Central")
    chosen = anna.client.post(url, {"mode": "self_authorization"})
    assert "/link/attempts/" in chosen.url
