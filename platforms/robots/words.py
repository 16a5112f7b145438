"""Why a robot did not take a message, and what to do about it, in plain words.

What only one product means by a reason, and where in its menus to go, is data of its kind
(`Kind.advice`).
"""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from platforms.spec import Text


class Reason(StrEnum):
    """Stored, exported and shown by these very words."""

    NONE = ""
    BAD_ADDRESS = "bad_address"  # what is entered here is no address of such a robot
    BAD_SECRET = "bad_secret"  # noqa: S105 - a word, not a secret
    NOT_PUBLIC = "not_public"  # the host is not on the public internet
    GONE = "gone"  # the robot was deleted or switched off
    KEYWORD = "keyword"
    SIGNATURE = "signature"
    IP_NOT_ALLOWED = "ip_not_allowed"
    CLOCK = "clock"
    SECURITY = "security"  # one of the four above; the product does not say which
    FORBIDDEN = "forbidden"  # by the workspace's administrators
    CHANNEL_CLOSED = "channel_closed"
    TOO_FAST = "too_fast"
    BAD_MESSAGE = "bad_message"
    REDIRECTED = "redirected"
    REJECTED = "rejected"  # somebody's own server said no
    BAD_ANSWER = "bad_answer"
    DOWN = "down"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    UNKNOWN = "unknown"


ADVICE: dict[Reason, Text] = {
    Reason.BAD_ADDRESS: _(
        "The address entered here is not that of a %(robot)s robot. Copy it again from the "
        "robot's own page and enter it here."
    ),
    Reason.BAD_SECRET: _(
        "The signing secret entered here cannot be one of %(robot)s. Copy it again and enter "
        "it here."
    ),
    Reason.NOT_PUBLIC: _(
        "The host in the address is not on the public internet, so nothing was sent. Enter an "
        "address that can be reached from outside."
    ),
    Reason.GONE: _(
        "%(robot)s says that this robot does not exist any more or is switched off. Add a robot "
        "to the group again and enter its new address here."
    ),
    Reason.KEYWORD: _(
        "The robot takes only messages with one of its keywords. Add the keyword Storelink in "
        "the robot's security settings in %(robot)s: each of our messages contains it."
    ),
    Reason.SIGNATURE: _(
        "The signature was not accepted. Copy the signing secret again from the robot's "
        "security settings in %(robot)s and enter it here."
    ),
    Reason.IP_NOT_ALLOWED: _(
        "The robot takes messages only from certain IP addresses. Add ours in the robot's "
        "security settings in %(robot)s, or choose signing instead."
    ),
    Reason.CLOCK: _(
        "%(robot)s says that the time of the message is wrong. Our clock needs to be set; you "
        "need not do anything."
    ),
    Reason.SECURITY: _(
        "The robot's security settings in %(robot)s did not let the message through. They ask "
        "for a keyword, a signature or certain IP addresses. Choose signing there and enter the "
        "signing secret here, or add the keyword Storelink."
    ),
    Reason.FORBIDDEN: _(
        "Your administrators do not let this robot write there. Ask them to allow it in "
        "%(robot)s, or choose another group."
    ),
    Reason.CHANNEL_CLOSED: _(
        "The group or channel of this robot was archived or deleted. Add a robot to another one "
        "and enter its address here."
    ),
    Reason.TOO_FAST: _(
        "%(robot)s takes only so many messages a minute from one robot. We send the rest later; "
        "you need not do anything."
    ),
    Reason.BAD_MESSAGE: _(
        "%(robot)s could not read our message. This is our mistake; please tell our support."
    ),
    Reason.REDIRECTED: _(
        "The server sends us on to another address, and we do not follow. Enter the address "
        "that it finally leads to."
    ),
    Reason.REJECTED: _(
        "The server answered with an error instead of a success (2xx). Check that it is ready, "
        "that the path is right and that it checks the signature as described. We try again."
    ),
    Reason.BAD_ANSWER: _("%(robot)s gave an answer that cannot be understood. We try again."),
    Reason.DOWN: _("%(robot)s did not answer or has a disturbance. We try again."),
    Reason.UNREACHABLE: _(
        "%(robot)s could not be reached. Check that the host in the address exists. We try again."
    ),
    Reason.TLS_FAILED: _(
        "The certificate of the server is not valid for this address, has expired, or is "
        "incomplete. Have it renewed with its whole chain. We try again."
    ),
    Reason.UNKNOWN: _(
        "%(robot)s did not take the message, for a reason we do not know. We try again; if it "
        "stays so, make a new robot and enter its address here."
    ),
}
