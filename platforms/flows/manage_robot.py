"""A company's chat robots: kept, tried, used and switched off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from platforms import ratelimit, vault
from platforms.models import ChatRobot, RobotStore, Sending, SendingState
from platforms.notices.letters import page_url
from platforms.robots import KINDS
from platforms.robots.outbound import send
from platforms.robots.spec import Message, Outcome, Verdict, later, refused
from platforms.robots.words import Reason
from tenants.flows.record_event import record_event
from tenants.models import Outcome as EventOutcome
from tenants.models import Store, Tenant

MOST = 20  # robots of one company
# Refused this often and for this long, a robot is switched off.
REFUSALS, REFUSED_FOR = 20, timedelta(days=1)
FACTS = (
    "name", "language", "occasions", "all_stores", "sealed_address", "address_hint",
    "sealed_secret",
)  # fmt: skip


class TooManyRobots(Exception):
    """The company has MOST robots already."""


@dataclass(frozen=True, kw_only=True)
class RobotFacts:
    """What a manager says about a robot. `address` and `secret` are "" to keep what is there;
    `forget_secret` takes the secret away. `stores` count where `all_stores` is off."""

    name: str
    address: str = ""
    secret: str = ""
    forget_secret: bool = False
    language: str
    occasions: tuple[str, ...]
    all_stores: bool
    stores: tuple[Store, ...] = ()


def add_robot(
    *, tenant: Tenant, kind: str, wanted: RobotFacts, actor: User, now: datetime
) -> ChatRobot:
    """Raises TooManyRobots."""
    with transaction.atomic():
        tenant.lock()
        if ChatRobot.objects.count() >= MOST:
            raise TooManyRobots
        robot = ChatRobot(tenant=tenant, kind=kind, created_by=actor)
        _fill(robot, wanted)
        robot.save()
        _choose(robot, wanted)
        _record(robot, "robot.added", actor, now)
    return robot


def change_robot(*, robot: ChatRobot, wanted: RobotFacts, actor: User, now: datetime) -> None:
    with transaction.atomic():
        _fill(robot, wanted)
        kept = [*FACTS]
        if wanted.address or wanted.secret or wanted.forget_secret:
            # What was refused was refused at the old address.
            robot.refused_at, robot.refused_why = None, ""
            kept += ["refused_at", "refused_why"]
        robot.save(update_fields=kept)  # a sender may be writing how its message went
        _choose(robot, wanted)
        _record(robot, "robot.changed", actor, now)


def remove_robot(*, robot: ChatRobot, actor: User, now: datetime) -> None:
    with transaction.atomic():
        _record(robot, "robot.removed", actor, now)
        robot.delete()


def switch_robot(*, robot: ChatRobot, active: bool, actor: User, now: datetime) -> None:
    """What waits for a robot that is switched off is not sent later."""
    with transaction.atomic():
        ChatRobot.objects.filter(pk=robot.pk).update(
            active=active, refused_at=None, refused_why=""
        )  # fmt: skip
        if not active:
            _drop_waiting(robot)
        verb = "robot.switched_on" if active else "robot.switched_off"
        _record(robot, verb, actor, now)


def try_robot(*, robot: ChatRobot, actor: User, now: datetime) -> Verdict:
    """Send a message that says it is a trial, at once; what came of it."""
    with translation.override(robot.language):
        message = Message(
            title=_("Storelink can write here"),
            lines=(
                _("This is a trial of %(company)s. You need not do anything.")
                % {"company": robot.tenant.name},
                _("News about your stores will arrive here in this way."),
            ),
            url=page_url("notices", tenant=robot.tenant),
            url_label=_("See the notices"),
            level="good",
            key=uuid4().hex,
            at=now,
            event="trial",
            data={"company": {"id": str(robot.tenant.public_id), "name": robot.tenant.name}},
        )
        verdict = say(robot=robot, message=message, now=now)
    outcome = EventOutcome.DONE if verdict.outcome == Outcome.OK else EventOutcome.FAILED
    _record(robot, "robot.tested", actor, now, outcome)
    return verdict


def say(*, robot: ChatRobot, message: Message, now: datetime) -> Verdict:
    """Send `message` within the robot's limits and write down on it how it went. No transaction
    may be open."""
    kind = KINDS.get(robot.kind)
    if kind is None:
        return _noted(robot, refused(Reason.UNKNOWN), now=now)
    for limit in kind.limits:
        wait = ratelimit.take(f"robot:{robot.public_id}:{limit.name}", limit, now=now)
        if wait:
            return later(Reason.TOO_FAST, wait=wait)
    try:
        address, secret = _opened(robot)
    except vault.Unopenable:
        return _noted(robot, refused(Reason.BAD_ADDRESS), now=now)
    return _noted(robot, send(kind, message, address, secret, now).verdict, now=now)


def switch_off_for_good(*, robot: ChatRobot, tries: int, since: datetime, now: datetime) -> bool:
    """Switch a robot off that has refused for a day, over and over; True if it was.

    Managers see it in the workspace until they switch it on again or remove it.
    """
    well = robot.last_ok_at is not None and robot.last_ok_at > since
    if well or tries < REFUSALS or now - since < REFUSED_FOR:
        return False
    with transaction.atomic():
        if not ChatRobot.objects.filter(pk=robot.pk, active=True).update(active=False):
            return False
        record_event(
            tenant=robot.tenant, verb="robot.gave_up", actor=None, now=now, target=robot,
            outcome=EventOutcome.FAILED,
        )  # fmt: skip
        _drop_waiting(robot)
    return True


def address_hint(address: str) -> str:
    """The host, and the end of what must not be shown."""
    host = urlsplit(address).hostname or ""
    return f"{host} …{address[-4:]}"[:80]


def _noted(robot: ChatRobot, verdict: Verdict, *, now: datetime) -> Verdict:
    ok = verdict.outcome == Outcome.OK
    row = ChatRobot.objects.filter(pk=robot.pk)
    if ok:
        row.update(last_ok_at=now, refused_at=None, refused_why="")
    elif verdict.reason != Reason.TOO_FAST:
        row.update(refused_at=now, refused_why=verdict.reason)
    return verdict


def _fill(robot: ChatRobot, wanted: RobotFacts) -> None:
    robot.name, robot.language = wanted.name, wanted.language
    robot.occasions, robot.all_stores = list(wanted.occasions), wanted.all_stores
    if wanted.address:
        robot.sealed_address = _sealed(robot, "address", wanted.address)
        robot.address_hint = address_hint(wanted.address)
    if wanted.secret:
        robot.sealed_secret = _sealed(robot, "secret", wanted.secret)
    elif wanted.forget_secret:
        robot.sealed_secret = None


def _choose(robot: ChatRobot, wanted: RobotFacts) -> None:
    chosen: Iterable[Store] = () if wanted.all_stores else wanted.stores
    RobotStore.objects.filter(robot=robot).delete()
    RobotStore.objects.bulk_create(
        RobotStore(tenant_id=robot.tenant_id, robot=robot, store=store) for store in chosen
    )


def _sealed(robot: ChatRobot, field: str, plain: str) -> bytes:
    return vault.seal(robot.tenant_id, _place(robot, field), plain.encode())


def _opened(robot: ChatRobot) -> tuple[str, str]:
    """Raises vault.Unopenable."""
    address = vault.unseal(robot.tenant_id, _place(robot, "address"), robot.sealed_address)
    if robot.sealed_secret is None:
        return address.decode(), ""
    secret = vault.unseal(robot.tenant_id, _place(robot, "secret"), robot.sealed_secret)
    return address.decode(), secret.decode()


def _place(robot: ChatRobot, field: str) -> str:
    return f"chat_robot/{robot.public_id}/{field}"


def _drop_waiting(robot: ChatRobot) -> None:
    Sending.objects.filter(robot=robot, state=SendingState.WAITING).update(
        state=SendingState.DROPPED, due_at=None, leased_until=None, why="switched_off"
    )


def _record(
    robot: ChatRobot, verb: str, actor: User, now: datetime,
    outcome: EventOutcome = EventOutcome.DONE,
) -> None:  # fmt: skip
    detail = {"kind": robot.kind}
    record_event(
        tenant=robot.tenant, verb=verb, actor=actor, now=now, target=robot, outcome=outcome,
        detail=detail,
    )  # fmt: skip
