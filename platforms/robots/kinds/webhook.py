"""A plain signed webhook: JSON to somebody's own server.

Source: the Standard Webhooks specification (github.com/standard-webhooks/standard-webhooks,
spec/standard-webhooks.md): headers webhook-id, webhook-timestamp (seconds), webhook-signature
"v1," + base64 of HMAC-SHA256 over "id.timestamp.body"; the secret is "whsec_" + base64 of 24 to
64 bytes; any 2xx is success, 410 means stop. Body: {"type", "timestamp", "data"}.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.robots.spec import (
    OK,
    Kind,
    Message,
    Post,
    SecretUse,
    Verdict,
    by_status,
    json_post,
    later,
    refused,
)
from platforms.robots.words import Reason
from platforms.spec import Limit

# Each part is taken from the text itself and used as it stands, so that nobody downstream can
# read another host in it. No user, no fragment, no other ports.
ADDRESS = re.compile(
    r"https://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>443|8443))?"
    r"(?P<target>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion")
_MOST = 2000


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """As in the header `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def message_id(key: str) -> str:
    """The same for the same message, whatever characters its key has: a header carries it."""
    return f"msg_{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}"


class Webhook(Kind):
    code = "webhook"
    name = _("Webhook")
    hosts = ()
    pattern = ADDRESS.pattern
    placeholder = "https://hooks.example.com/storelink"
    where = (
        _("Enter the https address of your own server that takes our messages."),
        _("Keep the signing secret on that server and check the signature of each message."),
    )
    where_secret = (_("We make the secret; your server needs it to check signatures."),)
    secret = SecretUse.REQUIRED
    secret_label = _("Signing secret")
    secret_pattern = r"whsec_[A-Za-z0-9+/]{32,88}={0,2}"  # noqa: S105 - a pattern
    secret_placeholder = "whsec_…"  # noqa: S105 - an example
    help = _(
        "Messages are JSON and are signed as Standard Webhooks describes (standardwebhooks.com). "
        "Your server answers with any 2xx status within ten seconds."
    )
    limits = (Limit(rate=1, burst=10),)

    def check_address(self, address: str) -> str | None:
        found = ADDRESS.fullmatch(address)
        if found is None or len(address) > _MOST:
            return _wrong_form(address)
        labels = found["host"].split(".")
        if not all(_LABEL.fullmatch(label) for label in labels):
            return gettext("The host in the address is not written as host names are.")
        # As browsers do: a host that ends in a number is an IP address, however it is written.
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
            return gettext("Enter a host name; IP addresses are not called.")
        if len(labels) < 2 or labels[-1] in _INSIDE:
            return gettext("The host in the address is not on the public internet.")
        return None

    def new_secret(self) -> str:
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"

    def check_secret(self, secret: str) -> str | None:
        wrong = super().check_secret(secret)
        if wrong is None and secret:
            try:
                base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            except ValueError:
                return gettext("The signing secret was not copied whole.")
        return wrong

    def build(self, message: Message, address: str, secret: str, now: datetime) -> Post:
        payload = {
            "type": message.event,
            "timestamp": message.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "data": dict(message.data),
        }
        post = json_post(address, payload)
        identity, timestamp = message_id(message.key), int(now.timestamp())
        headers = {
            **post.headers,
            "webhook-id": identity,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, identity, timestamp, post.body),
        }
        return Post(url=address, headers=headers, body=post.body)

    def read_answer(self, status: int, body: bytes) -> Verdict:
        code = str(status)
        if 200 <= status < 300:
            return OK
        if 300 <= status < 400:
            return refused(Reason.REDIRECTED, code=code)
        if status == 410:
            return refused(Reason.GONE, code=code)
        if status == 429 or status >= 500:
            return by_status(status)
        return later(Reason.REJECTED, code=code)


def _wrong_form(address: str) -> str:
    if len(address) > _MOST:
        return gettext("The address is too long.")
    if not address.isascii():
        return gettext(
            "Write the address with Latin letters only; hosts in other scripts begin with xn--."
        )
    if not address.startswith("https://"):
        return gettext("The address must begin with https://.")
    authority = re.split(r"[/?#\\]", address.removeprefix("https://"), maxsplit=1)[0]
    if "@" in authority:
        return gettext("The address must not contain a user name or a password.")
    if re.search(r":\d+$", authority) and not re.search(r":(443|8443)$", authority):
        return gettext("Only the ports 443 and 8443 are called.")
    if "#" in address:
        return gettext("Leave out what comes after # in the address.")
    if authority.lower() != authority:
        return gettext("Write the host name in small letters.")
    return gettext("This is not an address of the form https://hooks.example.com/path.")
