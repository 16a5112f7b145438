"""Lotus with notices, robots and a network that answers what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from platforms import transport
from platforms.flows import manage_robot, send_notices
from platforms.flows.announce import announce
from platforms.models import ChatRobot, NoticeChoice, Occasion
from tenants.scope import tenant_scope
from tests.conftest import World
from tests.support.wire import Script

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SENT_OCCASIONS = tuple(o for o in Occasion.values if o != Occasion.CHECK_SUGGESTED)
HOOK = "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/markerOfTheAddress00000"


@dataclass
class Lotus:
    """The world, seen by the company Lotus; inside its scope."""

    world: World

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def tell(self, occasion=Occasion.BROKE, key="broke:1", *, at=NOON, store="tea", **given):
        """A notice about the store (or the one of that name); True if it was new."""
        given["store"] = getattr(self.world, store) if isinstance(store, str) else store
        return announce(tenant_id=self.world.lotus.pk, occasion=occasion, key=key, now=at, **given)

    def choose(self, user, wanted, store=None):
        NoticeChoice.objects.create(
            tenant=self.world.lotus, membership=self.world.member(user), store=store, wanted=wanted
        )

    def robot(self, name="Team", *, kind="slack", address=HOOK, secret="", stores=(), **given):
        facts = {
            "name": name, "address": address, "secret": secret, "language": "en",
            "occasions": SENT_OCCASIONS, "all_stores": not stores, "stores": tuple(stores),
        } | given  # fmt: skip
        return manage_robot.add_robot(
            tenant=self.world.lotus, kind=kind, wanted=manage_robot.RobotFacts(**facts),
            actor=self.world.anna, now=NOON,
        )  # fmt: skip

    def send(self, now, *answers) -> Script:
        """Send what is due; `answers` are those of robots. The script, with what was sent."""
        script = Script(*answers)
        with transport.use_wire(script):
            for batch in send_notices.claim_due(limit=50, now=now):
                send_notices.send_batch(batch=batch, now=now)
        return script

    def fresh(self, robot) -> ChatRobot:
        return ChatRobot.objects.get(pk=robot.pk)


@pytest.fixture
def lotus(world, settings):
    settings.ROBOT_ENDPOINTS = {}
    with tenant_scope(world.lotus):
        yield Lotus(world)
