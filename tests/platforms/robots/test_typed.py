"""What people type: addresses and secrets."""

from __future__ import annotations

import pytest
from django.utils import translation

from platforms.robots import KINDS
from tests.platforms.robots.says import ADDRESSES, SECRETS


@pytest.mark.parametrize("code", KINDS)
def test_a_product_takes_its_own_address(code):
    assert KINDS[code].check_address(ADDRESSES[code]) is None


@pytest.mark.parametrize("code", [code for code in KINDS if code != "webhook"])
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.replace("https:", "http:"),
        lambda a: a + "\n",
        lambda a: " " + a,
        lambda a: a + "&x=1",
        lambda a: a + "#x",
        lambda a: a + "/../x",
        lambda a: a.replace("https://", "https://evil.test/"),
        lambda a: a.replace("https://", "https://evil.test@"),
        lambda a: a.replace("https://", "https://x."),
        lambda a: a.replace(".com/", ".com.evil.test/").replace(".cn/", ".cn.evil.test/"),
        lambda a: a.replace(".com/", ".com:444/").replace(".cn/", ".cn:444/"),
        lambda a: a.replace(".com", "-com").replace(".cn", "-cn"),
        lambda a: a.replace("/", "\\"),
        lambda a: a[:-32],
        lambda a: "",
    ],
)
def test_nothing_but_the_whole_address_is_accepted(code, change):
    assert KINDS[code].check_address(change(ADDRESSES[code]))


@pytest.mark.parametrize("code", KINDS)
def test_no_product_takes_the_address_of_another(code):
    others = [a for other, a in ADDRESSES.items() if other not in (code, "webhook")]
    taken = [a for a in others if KINDS[code].check_address(a) is None]
    # Somebody's own webhook may be anywhere.
    assert taken == (others if code == "webhook" else [])


def test_the_address_of_a_slack_workflow_is_explained():
    told = KINDS["slack"].check_address("https://hooks.slack.com/triggers/T0/1/2")
    assert "workflow" in told


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://hooks.example.com/", "https://"),
        ("ftp://hooks.example.com/", "https://"),
        ("hooks.example.com/x", "https://"),
        ("https://user:pass@hooks.example.com/", "user name"),
        ("https://user@hooks.example.com/", "user name"),
        ("https://127.0.0.1@hooks.example.com/", "user name"),
        ("https://hooks.example.com:22/", "ports"),
        ("https://hooks.example.com:80/", "ports"),
        ("https://hooks.example.com:0443/", "ports"),
        ("https://hooks.example.com:/", "form"),
        ("https://hooks.example.com/#x", "#"),
        ("https://hooks.example.com/a b", "form"),
        ("https://hooks.example.com/\r\nhost: x", "form"),
        ("https://hooks.example.com\\@127.0.0.1/", "form"),
        ("https://hooks.example.com/\t", "form"),
        ("https://Hooks.Example.com/", "small letters"),
        ("https://店铺.example.com/", "Latin"),
        ("https://hooks。example.com/", "Latin"),
        ("https://①②⑦.0.0.1/", "Latin"),
        ("https://127.0.0.1/", "IP"),
        ("https://8.8.8.8/", "IP"),
        ("https://2130706433/", "IP"),
        ("https://0x7f000001/", "IP"),
        ("https://0177.0.0.1/", "IP"),
        ("https://127.1/", "IP"),
        ("https://0x7f.0x0.0x0.0x1/", "IP"),
        ("https://127.0.0.1.0x/", "IP"),
        ("https://[::1]/", "form"),
        ("https://[::ffff:127.0.0.1]/", "form"),
        ("https://localhost/", "public"),
        ("https://intranet/", "public"),
        ("https://db.internal/", "public"),
        ("https://metadata.google.internal/", "public"),
        ("https://printer.local/", "public"),
        ("https://x.localhost/", "public"),
        ("https://1.0.0.127.in-addr.arpa/", "public"),
        ("https://hooks.example.com./", "host"),
        ("https://hooks..example.com/", "host"),
        ("https://-hooks.example.com/", "host"),
        ("https:///x", "form"),
        ("https://", "form"),
        ("https://hooks.example.com/" + "x" * 2000, "long"),
    ],
)
def test_an_address_of_a_webhook_that_cannot_be_is_refused_with_the_reason(address, told):
    assert told in (KINDS["webhook"].check_address(address) or "")


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/",
        "https://hooks.example.com?a=1",
        "https://hooks.example.com:8443/a/b;c?d=e&f=%20@x",
        "https://hooks.example.com:443/",
        "https://xn--fiq228c.example.com/",
        "https://1.example.com/",
    ],
)
def test_addresses_of_webhooks_that_may_be(address):
    assert KINDS["webhook"].check_address(address) is None


@pytest.mark.parametrize("code", KINDS)
def test_a_secret_is_wanted_where_the_product_signs(code):
    kind = KINDS[code]
    assert kind.check_secret(SECRETS[code]) is None
    assert bool(kind.check_secret("")) == (code == "webhook")
    for wrong in ("x", SECRETS[code] + "\n", SECRETS[code] + " ", "密钥", "whsec_" + "=" * 40):
        assert kind.check_secret(wrong)


def test_what_is_wrong_is_said_without_quoting_what_was_typed():
    for kind in KINDS.values():
        told = f"{kind.check_address('https://s3cret.internal/')} {kind.check_secret('s3cret')}"
        assert "s3cret" not in told


@pytest.mark.parametrize("code", KINDS)
def test_every_product_says_where_to_find_what_is_asked(code):
    kind = KINDS[code]
    with translation.override("en"):
        assert all(str(step) for step in kind.where)
        assert len(kind.where) >= 2
        assert str(kind.name)
        assert str(kind.help)
    # The example must not pass for somebody's address.
    assert code == "webhook" or kind.check_address(kind.placeholder)
    assert all(limit.rate > 0 for limit in kind.limits)
