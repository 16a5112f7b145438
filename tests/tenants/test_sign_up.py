from __future__ import annotations

import pytest
from django.core import mail

from accounts.models import User
from tenants.models import Event, Membership, Role
from tenants.scope import all_tenants


def sign_up(client, company="红袖商贸", email="lin@example.com"):
    return client.post(
        "/accounts/signup/",
        {
            "company": company,
            "email": email,
            "password1": "nine red lanterns",
            "time_zone": "Asia/Tokyo",
        },
    )


def membership_of(email):
    with all_tenants("looking for it"):
        return Membership.objects.select_related("tenant").get(user__email=email)


@pytest.mark.django_db
def test_signing_up_founds_a_company_and_makes_its_owner(client):
    assert sign_up(client).status_code == 302
    membership = membership_of("lin@example.com")
    assert membership.role == Role.OWNER
    assert membership.tenant.name == "红袖商贸"
    assert membership.tenant.time_zone == "Asia/Tokyo"
    assert membership.tenant.slug.startswith("t-")


@pytest.mark.django_db
def test_the_slug_comes_from_the_name_where_it_can(client):
    sign_up(client, company="Red Sleeve Trading, Ltd.")
    assert membership_of("lin@example.com").tenant.slug == "red-sleeve-trading-ltd"


def test_a_slug_that_is_taken_gets_an_addition(client, world):
    sign_up(client, company="Lotus")
    assert membership_of("lin@example.com").tenant.slug.startswith("lotus-")


@pytest.mark.django_db
def test_the_founding_is_on_the_trail(client):
    sign_up(client)
    with all_tenants("looking for it"):
        event = Event.objects.get()
    assert (event.verb, event.actor_name) == ("tenant.created", "lin@example.com")


def test_a_second_sign_up_with_one_address_founds_nothing(client, world):
    sign_up(client, email="anna@lotus.example")
    assert User.objects.filter(email__iexact="anna@lotus.example").count() == 1
    assert membership_of("anna@lotus.example").tenant == world.lotus
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("company", ["a" * 100, "《茶》", "--__--", "Ünïcode Straße", "\u200bx"])
@pytest.mark.django_db
def test_any_company_name_gives_a_valid_slug(client, company):
    sign_up(client, company=company)
    membership_of("lin@example.com").tenant.full_clean()


def test_who_is_in_no_company_may_found_one(world):
    client = world.client(world.sam)
    assert client.get("/company/").status_code == 200
    client.post("/company/", {"name": "Sam's"})
    assert membership_of(world.sam.email).tenant.name == "Sam's"
    assert client.get("/company/").status_code == 302


def test_who_is_in_a_company_founds_no_second_one(world):
    assert world.client(world.bo).post("/company/", {"name": "Mine"}).status_code == 302
    assert membership_of(world.bo.email).tenant == world.lotus
