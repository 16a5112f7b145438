"""A support desk with something of everything behind it, sealed and unsealed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from platforms import credentials, landing, registry, vault
from platforms.landing import Router
from platforms.models import (
    App,
    Authorization,
    CalendarFeed,
    ChatRobot,
    Consent,
    DataCheck,
    Diagnosis,
    LinkAttempt,
    Moment,
    Notice,
    Order,
    Outage,
    PullRun,
    Quarantined,
    Sending,
    Stream,
    TimelineEntry,
    Trouble,
)
from tenants.models import ApiToken, Event, Invitation
from tenants.models.tenant import token_hash
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import World, make_user
from tests.platforms.adapters.payloads import payload

NOW = timezone.now()

# Whatever goes in sealed or hashed. No page of the desk may ever contain one of these.
APP_SECRET = "PRD-app-secret-5d41402abc4b2a76"
ACCESS_TOKEN = "v^1.1#access-token-aGVsbG8gd29ybGQ"
REFRESH_TOKEN = "v^1.1#refresh-token-bm90aGluZyBoZXJl"
VERIFIER = "pkce-verifier-0123456789abcdef"
PENDING = "pending-token-fedcba9876543210"
STATE = "state-parameter-77777777777777"
HAND_OVER = "hand-over-token-8888888888888"
INVITATION = "invitation-token-999999999999"
API_TOKEN = "slk_api-token-00000000000000"
ROBOT_ADDRESS = "https://oapi.dingtalk.com/robot/send?access_token=robot-address-51515151"
ROBOT_SECRET = "SECrobot-secret-616161616161"
FEED_TOKEN = "calendar-feed-token-717171717171"
NOTICE_DATA = "whatever-got-into-data-8181818181"
SECRETS = (
    APP_SECRET, ACCESS_TOKEN, REFRESH_TOKEN, VERIFIER, PENDING, STATE, HAND_OVER, INVITATION,
    API_TOKEN, ROBOT_ADDRESS, "robot-address-51515151", ROBOT_SECRET, FEED_TOKEN, NOTICE_DATA,
)  # fmt: skip


@dataclass
class Desk:
    """Rows of the company Lotus; `agent` is in the group support, `chief` a superuser."""

    world: World
    agent: Client
    chief: Client
    agent_user: User
    app: App
    authorization: Authorization
    attempt: LinkAttempt
    stream: Stream
    order: Order
    unreadable: Quarantined
    readable: Quarantined
    trouble: Trouble
    robot: ChatRobot
    notice: Notice
    diagnosis: Diagnosis
    data_check: DataCheck

    @property
    def hashes(self) -> list[str]:
        """Stored in place of secrets; showing them would help nobody but a thief."""
        return [token_hash(each) for each in (STATE, HAND_OVER, INVITATION, API_TOKEN, FEED_TOKEN)]

    def events(self, verb: str) -> list[Event]:
        with tenant_scope(self.world.lotus):
            return list(Event.objects.filter(verb=verb).select_related("actor"))


@pytest.fixture
def desk(world: World) -> Desk:
    world.sam.groups.add(Group.objects.get(name="support"))
    chief = make_user("chief@storelink.example", is_staff=True, is_superuser=True)
    with all_tenants("the desk sees every tenant"):
        app = _app()
        authorization = _authorization(world, app)
        stream = Stream.objects.create(
            tenant=world.lotus, authorization=authorization, store=world.tea,
            starts_at=NOW - timedelta(days=2), watermark=NOW - timedelta(minutes=9), due_at=NOW,
        )  # fmt: skip
        PullRun.objects.create(
            tenant=world.lotus, stream=stream, started_at=NOW, since=NOW, until=NOW, seen=3
        )
        desk = Desk(
            world=world,
            agent=world.client(world.sam),
            chief=world.client(chief),
            agent_user=world.sam,
            app=app,
            authorization=authorization,
            attempt=_attempt(world, app),
            stream=stream,
            order=_order(stream, world),
            unreadable=quarantine(stream, b'{"orderId": 7, "buyer": {"username": "li_wei_77"}}'),
            readable=quarantine(stream, bytes(payload("ebay", "digital"))),
            trouble=_trouble(world, authorization),
            robot=_robot(world),
            notice=_notice(world),
            diagnosis=_diagnosis(world),
            data_check=_data_check(world),
        )
        _people(world)
        _send(desk.notice, world, desk.robot)
    return desk


def quarantine(stream: Stream, raw: bytes) -> Quarantined:
    return Quarantined.objects.create(
        tenant=stream.tenant,
        stream=stream,
        store=stream.store,
        platform="ebay",
        reason="Expected `str`, got `int` - at `$.orderId`",
        raw=landing.compress(raw),
        raw_sha256=hashlib.sha256(raw).hexdigest(),
    )


def _app() -> App:
    app = App(platform="ebay", name="Ours at eBay", client_id="Storelin-k-PRD-1", redirect_uri="RU")
    credentials.seal_app_secret(app, APP_SECRET)
    app.save()
    return app


def _authorization(world: World, app: App) -> Authorization:
    row = Authorization(
        tenant=world.lotus,
        platform="ebay",
        mode="authorization_code",
        account_id="tea-house",
        app=app,
        access_expires_at=NOW + timedelta(hours=1),
        refreshed_at=NOW,
        scopes_asked=["scope-asked"],
        scopes_missing=["scope-missing"],
        hint=vault.hint(REFRESH_TOKEN),
        fingerprint=vault.fingerprint(REFRESH_TOKEN),
    )
    secrets = {"access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN}
    row.sealed_credential = credentials.sealed(row, secrets)
    row.save()
    world.tea.authorization, world.tea.site = row, ""  # eBay has no sites
    world.tea.save()
    Consent.objects.create(
        tenant=world.lotus, authorization=row, at=NOW, by=world.anna, by_name=world.anna.email,
        ip="203.0.113.7", mode="authorization_code", app=app, shops=[["1", "Tea House", ""]],
    )  # fmt: skip
    return row


def _attempt(world: World, app: App) -> LinkAttempt:
    attempt = LinkAttempt(
        tenant=world.lotus, platform="ebay", mode="authorization_code", account_name="tea2",
        app=app, fault="consent_denied", fault_reason="declined", started_by=world.anna,
        state_hash=token_hash(STATE), handover_hash=token_hash(HAND_OVER),
        found={"shops": [{"external_id": "1", "name": "Tea", "site": "US", "taken": False}]},
    )  # fmt: skip
    for field, value in (("verifier", VERIFIER), ("pending", PENDING)):
        blob = credentials.seal_for_attempt(world.lotus.pk, attempt.public_id, field, value)
        setattr(attempt, f"sealed_{field}", blob)
    attempt.save()
    return attempt


def _order(stream: Stream, world: World) -> Order:
    batch = landing.read_records(
        registry.get("ebay"), [msgspec.Raw(payload("ebay", "hub"))], kind="",
        router=Router([world.tea]),
    )  # fmt: skip
    with transaction.atomic():
        landing.land(batch, stream=stream, now=NOW)
    return Order.objects.get()


def _people(world: World) -> None:
    Invitation.objects.create(
        tenant=world.lotus, email="eve@lotus.example", token_hash=token_hash(INVITATION),
        expires_at=NOW + timedelta(days=7), bindings=[[str(world.tea.public_id), "operator"]],
    )  # fmt: skip
    ApiToken.objects.create(
        tenant=world.lotus, membership=world.member(world.bo), name="script",
        token_hash=token_hash(API_TOKEN), last_four="0000",
    )  # fmt: skip
    CalendarFeed.objects.create(
        tenant=world.lotus, membership=world.member(world.bo), token_hash=token_hash(FEED_TOKEN),
        created_at=NOW,
    )  # fmt: skip


def _trouble(world: World, authorization: Authorization) -> Trouble:
    """Open for two hours, with the lines and the outage that go with it."""
    began = NOW - timedelta(hours=2)
    TimelineEntry.objects.create(
        tenant=world.lotus, authorization=authorization, store=world.tea, moment=Moment.REFUSED,
        fault="insufficient_scope", detail="scope missing", first_at=began, last_at=NOW, count=7,
    )  # fmt: skip
    Outage.objects.create(
        platform="ebay", fault="platform_down", since=began, stores=9, of_stores=12, tenants=3
    )
    return Trouble.objects.create(
        tenant=world.lotus, store=world.tea, authorization=authorization,
        fault="insufficient_scope", detail="scope missing", began_at=began,
    )  # fmt: skip


def _robot(world: World) -> ChatRobot:
    robot = ChatRobot(
        tenant=world.lotus, kind="dingtalk", name="Tea room", occasions=["broke"],
        address_hint="oapi.dingtalk.com …5151", refused_at=NOW, refused_why="signature",
        created_by=world.anna,
    )  # fmt: skip
    for field, secret in (("address", ROBOT_ADDRESS), ("secret", ROBOT_SECRET)):
        sealed = credentials.seal_for_attempt(world.lotus.pk, robot.public_id, field, secret)
        setattr(robot, f"sealed_{field}", sealed)
    robot.save()
    return robot


def _notice(world: World) -> Notice:
    return Notice.objects.create(
        tenant=world.lotus, occasion="broke", key="broke:1", store=world.tea, created_at=NOW,
        fault="insufficient_scope",
        data={"since": NOW.isoformat(), "surprise": NOTICE_DATA},
    )  # fmt: skip


def _send(notice: Notice, world: World, robot: ChatRobot) -> None:
    Sending.objects.create(
        tenant=world.lotus, notice=notice, membership=world.member(world.anna), state="waiting",
        due_at=NOW - timedelta(minutes=30), tries=3, why="unreachable",
    )  # fmt: skip
    Sending.objects.create(
        tenant=world.lotus, notice=notice, robot=robot, state="given_up", why="signature"
    )


def _diagnosis(world: World) -> Diagnosis:
    check = {
        "name": "scopes", "result": "fail", "code": "missing", "took_ms": 3,
        "facts": {
            "fault": "insufficient_scope", "asked": ["scope-asked"], "missing": ["scope-missing"],
        },
    }  # fmt: skip
    return Diagnosis.objects.create(
        tenant=world.lotus, store=world.tea, verdict="insufficient_scope", checks=[check], at=NOW,
        took_ms=12, asked_by=world.bo,
    )  # fmt: skip


def _data_check(world: World) -> DataCheck:
    """A test that is over: a slow platform."""
    report = {
        "verdict": "slow", "calls": 20, "good": 20, "success": 1.0, "seconds": 12.5,
        "latency_ms": {"p50": 900, "p95": 4200, "p99": 4900, "max": 5000},
    }  # fmt: skip
    return DataCheck.objects.create(
        tenant=world.lotus, store=world.tea, kind="stress", state="done", report=report,
        asked={"concurrency": 2, "seconds": 30, "calls": 200}, asked_by=world.bo,
        created_at=NOW - timedelta(minutes=9), started_at=NOW - timedelta(minutes=8),
        finished_at=NOW - timedelta(minutes=7),
    )  # fmt: skip
