"""What the group sees: whole, short enough, and nobody's phone rings because of a store's name."""

from __future__ import annotations

import json

import pytest

from platforms.robots import KINDS, text
from tests.platforms.robots.says import ADDRESSES, NOW, SECRETS, message

CHATS = [code for code in KINDS if code != "webhook"]


def built(code: str, **changed: object) -> dict[str, object]:
    post = KINDS[code].build(message(**changed), ADDRESSES[code], SECRETS[code], NOW)
    return json.loads(post.body)


def shown(found: object) -> list[str]:
    """All texts of a payload, however deep."""
    if isinstance(found, dict):
        return [t for value in found.values() for t in shown(value)]
    if isinstance(found, list):
        return [t for value in found for t in shown(value)]
    return [found] if isinstance(found, str) else []


@pytest.mark.parametrize("code", CHATS)
def test_title_lines_link_and_keyword_are_there(code):
    told = "\n".join(shown(built(code)))
    for wanted in ("Tea House needs you", "no longer accepts", "Open the store", "Storelink 店联"):
        assert wanted in told
    assert "https://storelink.example/stores/1/?a=1&b=" in told


@pytest.mark.parametrize("code", CHATS)
def test_a_message_without_a_link_has_no_button(code):
    told = "\n".join(shown(built(code, url="", url_label="")))
    assert "Tea House needs you" in told
    assert "http" not in told.replace(text.FOOT, "")


HOSTILE = [
    "@all",
    "@所有人",
    "<@all>",
    "<!channel>",
    "<!here|x>",
    "<@U0123ABCD>",
    "<at id=all></at>",
    '<at user_id="all">everyone</at>',
    "&lt;!channel&gt;",
    "&#60;@all&#62;",
    "[free money](https://evil.test)",
    "![x](https://evil.test/x.png)",
    "<https://evil.test|Open the store>",
    '<font color="warning">x</font>',
    "# Big",
    "**bold** `code` ~gone~",
    "a\nb\r\n# c\u2028d\u0085e",
    "\u202eelddim\u2069 \u200b@\u200ball \x00 \x1b[31m",
    "half \ud83d of a character",
    '"}}],"x":[{"',
    "\\u0040all \\<!channel>",
    "",
    "长" * 30_000,
    "*" * 30_000,
]


@pytest.mark.parametrize("code", CHATS)
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_is_never_markup_and_never_rings(code, name):
    found = built(
        code, title=f"{name} needs you", lines=(f"{name} was refused.", name), url_label=name
    )
    told = "\n".join(shown(found)).replace("</font>", "")
    for active in ("@", "<", "\u202e", "\u200b", "\x00", "\x1b"):
        assert active not in told
    assert "at" not in found
    if code == "slack":
        assert "&lt;" not in told.replace("&amp;lt;", "")
    if code in ("dingtalk", "wecom"):
        for markup in ("&#", "&lt;", "](https://evil", "**", "`", "~~", "|"):
            assert markup not in told
        lines = [line.removeprefix("### ") for line in told.splitlines()]
        assert not [line for line in lines if line.startswith("#")]


@pytest.mark.parametrize("code", CHATS)
def test_ordinary_names_stay_as_they_are(code):
    told = "\n".join(shown(built(code, lines=("Tom & Jerry's (US) my_store 50% — 茶叶店 #1.",))))
    name = "Tom & Jerry's (US) my_store 50% — 茶叶店 #1."
    assert (name.replace("&", "&amp;") if code == "slack" else name) in told


SIZES = {"dingtalk": 20_000, "feishu": 20 * 1024, "lark": 20 * 1024, "wecom": 2 * 4096 + 200}


@pytest.mark.parametrize("code", CHATS)
@pytest.mark.parametrize(
    "lines",
    [("长" * 30_000,), tuple(f"店铺 {n} 需要重新授权。" for n in range(900)), ('"' * 900,) * 99],
)
def test_whatever_the_length_the_product_takes_it_and_the_end_is_kept(code, lines):
    post = KINDS[code].build(
        message(title="茶" * 5000, lines=lines, url_label="开" * 500),
        ADDRESSES[code],
        SECRETS[code],
        NOW,
    )
    body = json.loads(post.body)
    assert len(post.body) <= SIZES.get(code, 40_000)
    assert "…" in "".join(shown(body))
    assert text.FOOT in "".join(shown(body))
    if code == "wecom":
        assert len(body["markdown"]["content"].encode()) <= 4096
    if code == "slack":
        sizes = {b["type"]: len(b["text"]["text"]) for b in body["blocks"] if "text" in b}
        assert sizes["header"] <= 150
        assert sizes["section"] <= 3000
        assert len(body["blocks"]) <= 50


def test_levels_are_told_apart():
    colours = [built("feishu", level=x)["card"]["header"]["template"] for x in
               ("good", "warning", "danger")]  # fmt: skip
    marks = {shown(built("slack", level=x))[0][0] for x in ("good", "warning", "danger")}
    assert colours == ["green", "orange", "red"]
    assert len(marks) == 3


def test_wecoms_link_ends_where_it_ends():
    content = built("wecom")["markdown"]["content"]
    assert "](https://storelink.example/stores/1/?a=1&b=%282%29)" in content


def test_the_webhook_carries_data_as_it_is():
    found = built("webhook", data={"store": "<!channel> @all", "n": 1}, event="store.broken")
    assert found == {
        "type": "store.broken",
        "timestamp": "2026-11-21T12:00:00Z",
        "data": {"store": "<!channel> @all", "n": 1},
    }


@pytest.mark.parametrize("size", range(0, 12))
def test_clipping_never_splits_a_character(size):
    cut = text.clip("a茶🟢b", size)
    assert len(cut.encode()) <= max(size, 3)
    assert "\ufffd" not in cut


def test_neither_posts_nor_kinds_show_addresses_or_secrets():
    for code, kind in KINDS.items():
        post = kind.build(message(), ADDRESSES[code], SECRETS[code], NOW)
        assert repr(post) == "Post()"
