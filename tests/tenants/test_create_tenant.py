from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.test import Client

from tenants.models import Invitation, Membership, Role, Tenant
from tenants.scope import tenant_scope

GOOD = {"slug": "pine", "name": "松树", "owner": "Pia@pine.example"}


def run(**options):
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("create_tenant", json=True, stdout=out, stderr=err, **(GOOD | options))
    except SystemExit as exc:
        code = exc.code
    return code, out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_the_owner_joins_by_the_link_that_is_printed():
    code, out, _err = run()
    facts = json.loads(out)
    tenant = Tenant.objects.get(slug="pine")
    assert code == 0
    assert facts["tenant"] == str(tenant.public_id)
    assert (facts["slug"], facts["name"], facts["owner"]) == ("pine", "松树", "pia@pine.example")
    client = Client()
    client.get(facts["invitation"].removeprefix("http://127.0.0.1:8000"))
    client.post("/join/", {"password1": "nine red lanterns"})
    with tenant_scope(tenant):
        assert Membership.objects.get().role == Role.OWNER
        assert facts["invitation"].split("/")[-2] != Invitation.objects.get().token_hash


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "Pine Tree"}, "--slug: Use lower-case letters, digits and hyphens."),
        ({"slug": "lotus"}, "--slug:"),
        ({"owner": "pia"}, "--owner:"),
        ({"name": " "}, "--name:"),
        ({"name": "x" * 101}, "--name:"),
    ],
)
def test_bad_input_exits_with_2_and_makes_nothing(world, wrong, said):
    code, out, err = run(**wrong)
    assert code == 2
    assert not out
    assert said in err
    assert Tenant.objects.count() == 2
