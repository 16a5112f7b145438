"""Keys of ours that are refused end nobody's grant; keys of their own are for the sellers."""

from __future__ import annotations

import pytest

from platforms import registry, transport
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError
from platforms.transport import Channel
from tests.refusals.accounts import account_for
from tests.refusals.corpus import NOW, WINDOW
from tests.support.wire import Script

pytestmark = pytest.mark.django_db

REFUSED = {
    "aliexpress": {"code": "InvalidAppKey", "type": "ISV", "message": "The App Key is invalid"},
    "lazada": {"code": "InvalidAppKey", "type": "ISV", "message": "The App Key is invalid"},
    "shopee": {"error": "error_partner_key_expired", "message": "Your partner key has expired"},
}


CALLS = (
    lambda adapter, channel: adapter.refresh(channel, now=NOW),
    lambda adapter, channel: adapter.who_am_i(channel, now=NOW),
    lambda adapter, channel: adapter.fetch_orders(channel, window=WINDOW, cursor=None, now=NOW),
)


@pytest.mark.parametrize("platform", REFUSED)
@pytest.mark.parametrize("call", CALLS, ids=["refresh", "who_am_i", "orders"])
@pytest.mark.parametrize(
    ("mode", "kind"), [("authorization_code", NeedsSupport), ("own_app", NeedsSeller)]
)
def test_refused_keys_are_for_their_owner_to_mend(platform, call, mode, kind):
    adapter = registry.get(platform)
    channel = Channel(adapter, account_for(platform, mode))

    with (
        transport.use_wire(Script((200, REFUSED[platform]))),
        pytest.raises(PlatformError) as refused,
    ):
        call(adapter, channel)

    assert refused.value.fault is Fault.BAD_CREDENTIALS
    assert isinstance(refused.value, kind)
