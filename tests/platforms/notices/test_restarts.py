"""Once each, whatever dies: real processes on the test's own database, mails in real files."""

from __future__ import annotations

import multiprocessing
import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from platforms.flows.announce import announce
from platforms.models import Notice, Occasion, Sending
from tenants.models import Membership, Role, Store, Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.notices import deliverer
from tests.support import processes

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

OWNERS = 6


@pytest.fixture
def tenant(db):
    """A company whose six owners wait for one notice each, due since a while."""
    if connection.vendor == "sqlite":
        connection.close()  # the children open the file anew
    tenant = Tenant.objects.create(name="Lotus", slug="lotus")
    with tenant_scope(tenant):
        for number in range(OWNERS):
            user = User.objects.create_user(f"owner{number}@lotus.example", language="en")
            Membership.objects.create(tenant=tenant, user=user, role=Role.OWNER)
        Store.objects.create(tenant=tenant, platform="ebay", account_name="tea", state="active")
        tell(tenant, "broke:1")
    return tenant


def tell(tenant, key):
    return announce(
        tenant_id=tenant.pk, occasion=Occasion.BROKE, key=key, store=Store.objects.get(),
        now=timezone.now() - timedelta(hours=1),
    )  # fmt: skip


def run(folder, *deaths):
    """Senders side by side; the exit code of each."""
    done = multiprocessing.get_context("spawn").Queue()
    workers = [
        processes.spawn(deliverer.send_and_die, processes.database_url(), str(folder), death, done)
        for death in deaths
    ]
    for worker in workers:
        worker.join(processes.PATIENCE_S)
    return [worker.exitcode for worker in workers]


def mails(folder):
    """How often each Message-ID went to each address."""
    found = Counter()
    for file in folder.glob("*.log"):
        for part in file.read_text().split("-" * 79 + "\n"):
            to, mark = (re.search(rf"^{name}: (.*)$", part, re.M) for name in ("To", "Message-ID"))
            if to and mark:
                found[to[1], mark[1]] += 1
    return found


def lease_ends():
    with all_tenants("time passes"):
        Sending.objects.filter(state="waiting").exclude(leased_until=None).update(
            leased_until=timezone.now() - timedelta(seconds=1)
        )


def states():
    with all_tenants("all of them"):
        return set(Sending.objects.values_list("state", flat=True))


def test_killed_between_claim_and_sending_nothing_is_lost_or_doubled(tenant, tmp_path):
    assert run(tmp_path, "before") == [-9]
    assert not mails(tmp_path)
    assert run(tmp_path, "") == [0]
    assert not mails(tmp_path)  # the dead one's lease still holds
    lease_ends()
    assert run(tmp_path, "") == [0]
    assert sorted(mails(tmp_path).values()) == [1] * OWNERS
    assert states() == {"sent"}


def test_killed_between_sending_and_writing_it_down_only_that_mail_is_repeated(tenant, tmp_path):
    assert run(tmp_path, "after") == [-9]
    first = set(mails(tmp_path))
    assert 1 <= len(first) <= OWNERS
    lease_ends()
    assert run(tmp_path, "") == [0]
    lease_ends()
    assert run(tmp_path, "") == [0]
    found = mails(tmp_path)
    # A repeated mail has the Message-ID of the first, so that it can be told.
    assert len(found) == len({to for to, _mark in found}) == OWNERS
    assert {key: times for key, times in found.items() if times > 1} == dict.fromkeys(first, 2)
    assert states() == {"sent"}


def test_three_senders_at_once_send_each_mail_once(tenant, tmp_path):
    with tenant_scope(tenant):
        for number in range(2, 30):
            tell(tenant, f"broke:{number}")
    assert run(tmp_path, "", "", "") == [0, 0, 0]
    found = mails(tmp_path)
    assert len(found) == OWNERS
    assert set(found.values()) == {1}
    assert states() == {"sent"}


def test_announcing_in_two_processes_writes_one_notice(tenant, tmp_path):
    barrier = multiprocessing.get_context("spawn").Barrier(2)
    done = multiprocessing.get_context("spawn").Queue()
    racers = [
        processes.spawn(
            deliverer.announce_in_rounds, processes.database_url(), tenant.pk, 20, barrier, done
        )
        for _ in range(2)
    ]
    for racer in racers:
        racer.join(processes.PATIENCE_S)
    assert [racer.exitcode for racer in racers] == [0, 0]
    assert done.get(timeout=5) + done.get(timeout=5) == 20
    with tenant_scope(tenant):
        assert Notice.objects.filter(key__startswith="race:").count() == 20
        assert Sending.objects.filter(notice__key__startswith="race:").count() == 20 * OWNERS
