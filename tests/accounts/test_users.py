from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User

PEOPLE = "/support/accounts/user/"


def test_an_address_is_one_person_however_it_is_written(anna: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="ANNA@Example.com")])
    assert User.objects.get_by_natural_key("Anna@EXAMPLE.com") == anna


def test_ids_shown_outside_are_random(db: None) -> None:
    one, two = (User.objects.create_user(f"{n}@example.com") for n in "ab")
    assert one.public_id.version == two.public_id.version == 7
    assert one.public_id != two.public_id


def test_a_user_needs_an_address(db: None) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        User.objects.create_user("")


@pytest.fixture
def support(db: None) -> User:
    user = User.objects.create_user("sue@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    return user


def test_support_signs_in_where_the_second_factor_is_asked(client: Client, db: None) -> None:
    answer = client.get("/support/login/?next=/support/")
    assert answer["Location"].startswith("/accounts/login/")


def test_support_never_sees_a_password(client: Client, support: User, anna: User) -> None:
    client.force_login(support)
    page = client.get(f"{PEOPLE}{anna.pk}/change/").content.decode()
    assert anna.email in page
    assert anna.password not in page
    assert 'name="password"' not in page


def test_support_cannot_raise_itself_or_take_over_an_account(
    client: Client, support: User, anna: User
) -> None:
    client.force_login(support)
    form = {"name": "x", "language": "en", "time_zone": "UTC", "is_active": "on"}
    form |= {"email": "sue2@example.com", "is_staff": "on", "is_superuser": "on"}
    client.post(f"{PEOPLE}{anna.pk}/change/", form)
    anna.refresh_from_db()
    assert (anna.name, anna.email) == ("x", "anna@example.com")
    assert not anna.is_staff
    assert not anna.is_superuser


def test_who_is_not_support_stays_outside(client: Client, anna: User) -> None:
    client.force_login(anna)
    assert client.get("/support/", follow=True).status_code in (403, 404)
