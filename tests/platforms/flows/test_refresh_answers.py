"""An answer in hand is never lost: crashes, a database that is away, a second look."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone

from platforms import answers, credentials, transport
from platforms.flows.refresh import SECOND_LOOKS, Outcome, recover_answers, refresh
from platforms.models import Authorization, Consent, Stream, TimelineEntry
from platforms.refresh_engine import Engine
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope
from tests.support.linking import link_store
from tests.support.wire import emulated


class Died(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _an_empty_disk(settings, tmp_path):
    settings.ANSWERS_DIR = tmp_path / "answers"


@pytest.fixture
def market(world):
    with emulated() as market, tenant_scope(world.lotus):
        market.control("knobs", where="ebay", set={"rotate": "strict"})
        yield market


@pytest.fixture
def grant(market, world):
    """A linked eBay authorization whose refresh token is single use for once."""
    return link_store(market, world.lotus, "ebay-lantern").authorization


@pytest.fixture
def single_use(monkeypatch):
    """As a marketplace that allows no repetition."""
    monkeypatch.setattr("platforms.adapters.ebay.Ebay.refresh_repeats", False)


def reread(grant):
    return Authorization.objects.select_related("app").get(pk=grant.pk)


def due(grant, **more):
    past = timezone.now() - timedelta(seconds=1)
    changes = {"access_expires_at": past, "refresh_due_at": past, "leased_until": None} | more
    Authorization.objects.filter(pk=grant.pk).update(**changes)


def ask(grant):
    return refresh(authorization=grant, now=timezone.now())


def run_engine(threads=4):
    engine = Engine(threads=threads)
    done = engine.run(seconds=60)
    assert engine.bugs == []
    return done


def is_commit(sql):
    return sql.lstrip().startswith("UPDATE platforms_authorization SET")


def crash(grant):
    """A refresh whose process dies when the answer is about to be committed."""
    due(grant)

    def deadly(execute, sql, params, many, context):
        if is_commit(sql):
            raise Died
        return execute(sql, params, many, context)

    with connection.execute_wrapper(deadly), pytest.raises(Died):
        ask(grant)


def files():
    folder = Path(settings.ANSWERS_DIR)
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.usefixtures("single_use")
class TestAnAnswerOnDisk:
    def test_nothing_is_left_after_a_commit(self, grant):
        due(grant)
        assert ask(grant).outcome == Outcome.REFRESHED
        assert files() == []

    def test_the_next_worker_on_this_machine_writes_it(self, market, grant):
        before = credentials.open_secrets(grant)["refresh_token"]
        crash(grant)
        assert len(files()) == 1
        Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())

        assert recover_answers() == 1

        row = reread(grant)
        assert (row.state, row.in_flight_since) == ("active", None)
        assert credentials.open_secrets(row)["refresh_token"] != before
        assert files() == []
        due(grant)
        assert ask(grant).outcome == Outcome.REFRESHED  # the chain was not broken

    def test_whoever_asks_next_finds_it_without_a_call(self, market, grant):
        crash(grant)
        Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())
        market.wire.calls.clear()
        assert ask(grant).outcome == Outcome.REFRESHED
        assert market.wire.calls == []

    def test_it_is_left_alone_while_its_holder_may_be_alive(self, grant):
        crash(grant)
        assert recover_answers() == 0
        assert len(files()) == 1

    def test_it_wakes_a_grant_that_another_machine_gave_up(self, market, grant, tmp_path):
        crash(grant)
        here, settings.ANSWERS_DIR = settings.ANSWERS_DIR, tmp_path / "another machine"
        Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())
        assert ask(grant).outcome == Outcome.NEEDS_RELINK
        settings.ANSWERS_DIR = here

        assert recover_answers() == 1

        assert reread(grant).state == "active"
        assert Store.objects.get(authorization=grant).state == "active"
        assert Stream.objects.filter(authorization=grant, due_at__lte=timezone.now()).exists()
        assert Consent.objects.get(authorization=grant).ended_at is None

    def test_one_that_was_overtaken_is_thrown_away(self, grant):
        crash(grant)
        Authorization.objects.filter(pk=grant.pk).update(generation=grant.generation + 5)
        assert recover_answers() == 0
        assert files() == []

    def test_one_that_does_not_open_is_set_aside_and_asked_for_once(self, grant):
        """The key ring may be the wrong one: nothing is thrown away."""
        crash(grant)
        files()[0].write_bytes(b"\x01damaged by a full disk")
        Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())
        assert recover_answers() == 0
        assert [path.suffix for path in files()] == [".unopened"]
        assert list(answers.left_behind()) == []

    def test_one_of_another_form_is_set_aside_and_stops_nobody(self, grant):
        """As an older release may have written it."""
        due(grant)
        place = f"authorization/{grant.public_id}/answer/{grant.generation}"
        path = Path(settings.ANSWERS_DIR) / f"{grant.public_id}.{grant.generation}"
        path.parent.mkdir()
        path.write_bytes(answers.vault.seal(grant.tenant_id, place, b'{"token": "x"}'))
        assert run_engine()["refreshed"] == 1
        assert list(answers.left_behind()) == []

    def test_one_that_cannot_be_written_stops_nobody(self, grant, world):
        from tests.support.factories import make_authorization

        crash(grant)
        opened = answers.open_kept(answers.find(grant), grant)
        first = "00000000-0000-7000-8000-000000000000"  # they are taken up by name
        retired = make_authorization(world.lotus, platform="retired", public_id=first)
        answers.keep(retired, opened.secrets, opened.grant)
        Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())
        assert recover_answers() == 1
        assert reread(grant).generation == grant.generation + 1

    def test_what_was_never_finished_is_swept_away_in_time(self, grant):
        crash(grant)
        old, young = (files()[0].with_name(f"{grant.public_id}.7.{n}.part") for n in (1, 2))
        for path in (old, young):
            path.write_bytes(b"half")
        os.utime(old, (0, 0))
        Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())
        recover_answers()
        assert files() == [young]

    def test_of_one_tenant_does_not_open_for_another(self, grant, world):
        from tests.support.factories import make_authorization

        crash(grant)
        other = make_authorization(world.maple, generation=grant.generation)
        shutil.copy(
            files()[0], Path(settings.ANSWERS_DIR) / f"{other.public_id}.{other.generation}"
        )
        kept = answers.find(other)
        with tenant_scope(world.maple), pytest.raises(answers.vault.Unopenable):
            answers.open_kept(kept, other)

    def test_it_holds_no_token_in_clear(self, grant):
        secrets = credentials.open_secrets(grant)
        crash(grant)
        content = files()[0].read_bytes()
        assert not [name for name, value in secrets.items() if value.encode() in content]
        assert files()[0].stat().st_mode & 0o077 == 0

    def test_a_disk_that_takes_nothing_costs_no_refresh(self, grant, tmp_path):
        (tmp_path / "file").write_text("in the way")
        settings.ANSWERS_DIR = tmp_path / "file"
        due(grant)
        assert ask(grant).outcome == Outcome.REFRESHED


def test_a_token_that_may_be_sent_again_leaves_no_file(market, grant):
    crash(grant)
    assert files() == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_for_a_moment_costs_no_token(monkeypatch, db):
    monkeypatch.setattr("platforms.patience.PAUSE_S", (0.0, 0.01))
    tenant = Tenant.objects.create(name="Lotus", slug="lotus")
    away = 3

    def restarting(execute, sql, params, many, context):
        nonlocal away
        if is_commit(sql) and away:
            away -= 1
            raise OperationalError("server closed the connection")
        return execute(sql, params, many, context)

    with emulated() as market, tenant_scope(tenant):
        market.control("knobs", where="ebay", set={"rotate": "strict"})
        grant = link_store(market, tenant, "ebay-lantern").authorization
        due(grant)
        with connection.execute_wrapper(restarting):
            assert ask(grant).outcome == Outcome.REFRESHED
        due(grant)
        assert ask(grant).outcome == Outcome.REFRESHED
    assert away == 0


class TestASecondLook:
    def test_a_grant_refused_by_mistake_heals_by_itself(self, market, grant):
        market.control("knobs", where="ebay", set={"rotate": "off"})

        class RefusesOnce:
            def __init__(self):
                self.left = 1

            def send(self, method, url, headers, body):
                if "token" in url and self.left:
                    self.left -= 1
                    return transport.Answer(
                        status=400, body=b'{"error":"invalid_grant","error_description":"x"}'
                    )
                return market.wire.send(method, url, headers, body)

        due(grant)
        with transport.use_wire(RefusesOnce()):
            assert ask(grant).outcome == Outcome.NEEDS_RELINK
            row = reread(grant)
            assert row.state == "needs_relink"
            assert row.refresh_due_at > timezone.now() + SECOND_LOOKS[0] * 0.9
            assert run_engine() == {}  # not yet
            due(grant, access_expires_at=row.access_expires_at)
            assert run_engine() == {"refreshed": 1}
        assert reread(grant).state == "active"
        assert Store.objects.get(authorization=grant).state == "active"

    def test_a_dead_one_is_looked_at_four_times_and_then_no_more(self, market, grant):
        market.control("revoke", account="ebay-lantern")
        due(grant)
        assert ask(grant).outcome == Outcome.NEEDS_RELINK
        for look in range(len(SECOND_LOOKS)):
            assert reread(grant).refresh_due_at is not None, look
            due(grant)
            assert run_engine() == {"needs_relink": 1}
        assert reread(grant).refresh_due_at is None
        assert reread(grant).state == "needs_relink"

    def test_a_disturbance_meanwhile_does_not_use_a_look_up(self, market, grant):
        market.control("revoke", account="ebay-lantern")
        due(grant)
        ask(grant)
        market.control("knobs", where="ebay", set={"token_down": True})
        due(grant)
        run_engine()
        assert reread(grant).refresh_failures == 0
        assert reread(grant).refresh_due_at is not None


def test_a_suspended_account_keeps_its_grant(market, grant):
    market.control("knobs", where="ebay", set={"suspended": True, "rotate": "off"})
    due(grant)
    ask(grant)
    assert reread(grant).state == "active"
    market.control("knobs/clear", where="ebay")
    due(grant)
    assert ask(grant).outcome == Outcome.REFRESHED


def test_many_refreshes_of_one_day_are_one_line_of_the_timeline(market, grant):
    market.control("knobs", where="ebay", set={"rotate": "off"})
    for _ in range(3):
        due(grant)
        ask(grant)
    due(grant)
    run_engine()
    line = TimelineEntry.objects.get(authorization=grant, moment="refreshed")
    assert line.count == 4
