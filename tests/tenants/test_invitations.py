from __future__ import annotations

import re
from datetime import timedelta
from itertools import count

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tenants.flows.accept_invitation import InvitationGone, accept_invitation
from tenants.flows.invite_members import split_addresses
from tenants.models import Binding, Duty, Event, Invitation, Membership, Role
from tenants.scope import tenant_scope
from tests.conftest import PASSWORD, make_user
from tests.support.together import together

NEW = "eve@new.example"


def invite(world, addresses=NEW, by=None, **more):
    data = {"addresses": addresses, "role": "member", "language": "en", **more}
    return world.client(by or world.anna).post("/members/invite/", data, follow=True)


def link(number=-1):
    return re.search(r"https?://\S+(/join/\S+/)", mail.outbox[number].body)[1]


def token(number=-1):
    return link(number).split("/")[2]


def invitations(world):
    with tenant_scope(world.lotus):
        return list(Invitation.objects.order_by("pk"))


def role_of(world, email):
    with tenant_scope(world.lotus):
        found = Membership.objects.current().filter(user__email=email).first()
    return found.role if found else None


# --- asking


def test_a_pasted_list_is_answered_row_by_row(world):
    page = invite(world, f"{NEW}; bo@lotus.example，不是地址、Fay Li <FAY@new.example>\n{NEW}")
    rows = page.context["results"]
    assert [(row["address"], row["label"]) for row in rows] == [
        (NEW, "Invited"),
        ("bo@lotus.example", "Already a member"),
        ("不是地址", "Not an e-mail address"),
        ("fay@new.example", "Invited"),
    ]
    assert [each.to for each in mail.outbox] == [[NEW], ["fay@new.example"]]


def test_asking_again_offers_to_send_again(world):
    invite(world)
    page = invite(world)
    assert page.context["results"][0]["label"] == "Already invited"
    assert len(mail.outbox) == 1
    assert f"/invitations/{invitations(world)[0].public_id}/resend/" in page.content.decode()


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a@b.cn,c@d.cn", ["a@b.cn", "c@d.cn"]),
        ("a＠b.cn　c@d.cn", ["a@b.cn", "c@d.cn"]),
        ("mailto:A@b.cn。", ["a@b.cn"]),
        ("\u200ba@b.cn\u200b", ["a@b.cn"]),
        ("“Li, Bo” <bo@b.cn>", ["“li", "bo@b.cn"]),
        (" ;; , ", []),
    ],
)
def test_addresses_are_found_however_they_are_separated(text, addresses):
    assert split_addresses(text) == addresses


def test_the_mail_is_in_the_language_chosen(world):
    invite(world, language="en")
    assert "invites you to work with Lotus" in mail.outbox[0].body
    assert mail.outbox[0].subject == "Invitation to Lotus on Storelink"


def test_the_token_is_in_the_mail_alone(world):
    page = invite(world)
    assert token() not in page.content.decode()
    with connection.cursor() as cursor:
        for table in ("tenants_invitation", "tenants_event"):
            cursor.execute(f"SELECT * FROM {table}")
            assert token() not in str(cursor.fetchall())


def test_a_company_name_cannot_add_a_header_to_the_mail(world):
    world.lotus.name = "Lotus\nBcc: all@evil.example"
    world.lotus.save()
    invite(world)
    assert mail.outbox[0].recipients() == [NEW]


def test_an_empty_list_says_what_is_missing(world):
    page = invite(world, " ,; ")
    assert "Type at least one e-mail address." in page.content.decode()


def test_too_many_at_once_are_refused_and_kept_in_the_field(world):
    many = " ".join(f"p{n}@new.example" for n in range(101))
    page = invite(world, many)
    assert "Invite at most 100 at once" in page.content.decode()
    assert "p100@new.example" in page.content.decode()
    assert not mail.outbox


def test_a_fresh_company_cannot_mail_the_world(world):
    for start in (0, 100, 200):
        page = invite(world, " ".join(f"p{start + n}@new.example" for n in range(100)))
    assert {row["label"] for row in page.context["results"]} == {"Not invited"}
    assert len(mail.outbox) == 200


def test_a_mail_server_that_is_down_loses_no_invitation(world, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    page = invite(world)
    assert page.context["results"][0]["label"] == "Mail not sent"
    assert len(invitations(world)) == 1


def test_an_admin_cannot_invite_an_owner(world):
    page = invite(world, by=world.ada, role="owner")
    assert page.context["form"].errors["role"]
    assert not invitations(world)


def test_members_cannot_invite_and_the_attempt_is_on_the_trail(world):
    assert invite(world, by=world.bo).status_code == 403
    with tenant_scope(world.lotus):
        event = Event.objects.get()
    assert (event.verb, event.outcome) == ("manager.needed", "denied")
    assert event.actor == world.bo


def test_a_store_of_another_company_cannot_be_prepared(world):
    page = invite(world, stores=[world.syrup.public_id], duties=["operator"])
    assert page.context["form"].errors["stores"]
    assert not invitations(world)


# --- accepting


def test_a_new_person_signs_up_and_is_in(world):
    invite(world, role="admin")
    client = Client()
    page = client.get(link(), follow=True)
    assert page.request["PATH_INFO"] == "/join/"
    assert NEW in page.content.decode()
    done = client.post("/join/", {"password1": "nine red lanterns"})
    assert done.status_code == 302
    assert role_of(world, NEW) == Role.ADMIN
    assert client.get("/members/").status_code == 200  # signed in, no second mail


def test_the_invited_address_cannot_be_changed_on_the_way(world):
    invite(world)
    client = Client()
    client.get(link())
    client.post("/join/", {"password1": "nine red lanterns", "email": "thief@evil.example"})
    assert not User.objects.filter(email="thief@evil.example").exists()
    assert role_of(world, NEW) == Role.MEMBER


def test_signing_up_elsewhere_with_another_address_does_not_use_the_invitation(world):
    invite(world)
    client = Client()
    client.get(link())
    client.post(
        "/accounts/signup/", {"email": "thief@evil.example", "password1": "nine red lanterns"}
    )
    assert role_of(world, "thief@evil.example") is None
    assert invitations(world)[0].accepted_at is None


def test_an_existing_person_signs_in_and_accepts(world):
    invite(world, "dan@maple.example")
    client = Client()
    page = client.get(link(), follow=True)
    assert "You have an account already" in page.content.decode()
    page = client.post(
        "/accounts/login/?next=/join/",
        {"login": "dan@maple.example", "password": PASSWORD},
        follow=True,
    )
    assert page.request["PATH_INFO"] == "/join/"
    client.post("/join/")
    assert role_of(world, "dan@maple.example") == Role.MEMBER
    assert client.session["tenant"] == str(world.lotus.public_id)


def test_the_page_neither_shows_nor_refers_the_token(world):
    invite(world)
    client = Client()
    first = client.get(link())
    assert first["Location"] == "/join/"
    assert first["Referrer-Policy"] == "no-referrer"
    page = client.get("/join/")
    # "no-referrer" here would make browsers send the form with "Origin: null".
    assert page["Referrer-Policy"] == "same-origin"
    assert token() not in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_looking_at_the_link_uses_nothing_up(world):
    invite(world)
    Client().get(link(), follow=True)
    assert invitations(world)[0].accepted_at is None


def test_somebody_else_is_told_and_gets_nothing(world):
    invite(world)
    client = world.client(world.dan)
    page = client.get(link(), follow=True)
    assert "you are signed in as dan@maple.example" in page.content.decode()
    assert client.post("/join/").status_code == 403
    assert role_of(world, "dan@maple.example") is None
    with tenant_scope(world.lotus):
        assert Event.objects.filter(verb="invitation.accepted", outcome="denied").count() == 1


def test_somebody_else_may_sign_out_and_go_on(world):
    invite(world)
    client = world.client(world.dan)
    client.get(link())
    page = client.post("/join/as-other/", follow=True)
    assert "Create my account and join" in page.content.decode()


def test_an_unverified_second_address_does_not_open_it(world):
    world.dan.emailaddress_set.create(email=NEW, verified=False)
    invite(world)
    client = world.client(world.dan)
    client.get(link())
    assert client.post("/join/").status_code == 403


def test_a_used_link_is_dead(world):
    eve = make_user(NEW)
    invite(world)
    client = world.client(eve)
    client.get(link())
    client.post("/join/")
    client.get(link())
    assert client.post("/join/").status_code == 410
    fresh = Client().get(link(), follow=True)
    assert fresh.status_code == 410
    assert "used already" in fresh.content.decode()


@pytest.mark.parametrize("why", ["expired", "revoked", "unknown"])
def test_a_dead_link_says_why_and_opens_nothing(world, why):
    invite(world)
    path = link()
    if why == "revoked":
        world.client(world.anna).post(f"/invitations/{invitations(world)[0].public_id}/revoke/")
    elif why == "expired":
        with tenant_scope(world.lotus):
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        path = "/join/nonsense/"
    client = Client()
    page = client.get(path, follow=True)
    assert page.status_code == 410
    assert page.context["why"] == why
    assert "invitation" not in client.session


def test_sending_again_kills_the_earlier_link(world):
    invite(world)
    world.client(world.anna).post(f"/invitations/{invitations(world)[0].public_id}/resend/")
    assert Client().get(link(0), follow=True).status_code == 410
    assert Client().get(link(1), follow=True).status_code == 200


def test_a_revoked_invitation_is_not_revived_by_sending_again(world):
    invite(world)
    path = f"/invitations/{invitations(world)[0].public_id}"
    world.client(world.anna).post(f"{path}/revoke/")
    world.client(world.anna).post(f"{path}/resend/")
    assert len(mail.outbox) == 1
    assert invitations(world)[0].revoked_at


def test_an_admin_does_not_touch_an_owners_invitation(world):
    invite(world, role="owner")
    client = world.client(world.ada)
    path = f"/invitations/{invitations(world)[0].public_id}"
    client.post(f"{path}/revoke/")
    client.post(f"{path}/resend/")
    assert invitations(world)[0].revoked_at is None
    assert len(mail.outbox) == 1


def test_strangers_invitations_are_not_there(world):
    invite(world)
    path = f"/invitations/{invitations(world)[0].public_id}"
    client = world.client(world.dan)
    assert client.post(f"{path}/revoke/").status_code == 404
    assert client.post(f"{path}/resend/").status_code == 404


def test_prepared_bindings_are_given_and_stores_that_went_are_skipped(world):
    eve = make_user(NEW)
    invite(world, stores=[world.tea.public_id, world.rice.public_id], duties=["operator"])
    with tenant_scope(world.lotus):
        world.rice.delete()
    client = world.client(eve)
    client.get(link())
    client.post("/join/")
    with tenant_scope(world.lotus):
        held = Binding.objects.current().get(membership__user=eve)
    assert (held.store, held.duty, held.given_by) == (world.tea, Duty.OPERATOR, world.anna)


def test_a_prepared_store_that_moved_to_another_company_is_not_bound(world):
    eve = make_user(NEW)
    invite(world)
    with tenant_scope(world.lotus):
        Invitation.objects.update(bindings=[[str(world.syrup.public_id), "operator"]])
    client = world.client(eve)
    client.get(link())
    client.post("/join/")
    with tenant_scope(world.maple):
        assert not Binding.objects.filter(membership__user=eve).exists()
    assert role_of(world, NEW) == Role.MEMBER


def test_a_member_who_is_invited_again_keeps_their_role(world):
    invite(world, "eve@new.example")
    eve = make_user(NEW)
    client = world.client(eve)
    client.get(link())
    with tenant_scope(world.lotus):
        Membership.objects.create(tenant=world.lotus, user=eve, role=Role.ADMIN)
    client.post("/join/")
    assert role_of(world, NEW) == Role.ADMIN


def test_what_an_admin_sent_dies_with_their_membership(world):
    invite(world, "back-door@evil.example", by=world.ada, role="admin")
    ada = world.member(world.ada)
    world.client(world.anna).post(f"/members/{ada.public_id}/remove/")
    assert Client().get(link(), follow=True).status_code == 410


@pytest.mark.django_db(transaction=True)
def test_of_many_acceptances_at_once_one_succeeds(world):
    eve = make_user(NEW)
    invite(world)
    secret, done = token(), count()

    def accept():
        try:
            accept_invitation(token=secret, user=eve, now=timezone.now())
            next(done)
        except InvitationGone:
            pass

    together(accept, times=6)
    assert next(done) == 1
    with tenant_scope(world.lotus):
        assert Membership.objects.filter(user=eve).count() == 1
        assert Event.objects.filter(verb="invitation.accepted").count() == 1
