"""manage.py diagnose_store."""

from __future__ import annotations

import pytest

from platforms.diagnosis.run import OF_STORE
from tests.platforms.commands.run import run

EBAY, OZON, AMAZON = "ebay-lantern", "ozon-zarya", "amazon-aurora-eu"


def diagnosed(path: str, *more: str):
    return run("diagnose_store", f"--store={path}", "--json", *more)


def test_a_store_that_works_exits_with_0(link, net):
    link(OZON)
    ran = diagnosed("lotus/ozon/shop")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["verdict"] == "ok"
    assert [each["name"] for each in ran.json["checks"]] == [each.name for each in OF_STORE]
    for each in ran.json["checks"]:
        assert {"name", "result", "detail", "advice"} <= set(each)
        assert each["result"] in ("pass", "warn", "fail", "skip")
        assert each["detail"]


def test_a_cause_exits_with_3_and_its_sentence(link, net, market):
    link(EBAY)
    market.control("revoke", account=EBAY)
    ran = diagnosed("lotus/ebay/shop", "--language=en")
    assert ran.code == 3
    assert ran.json["verdict"] == "token_revoked"
    assert ran.err == ran.json["sentence"] == "eBay no longer accepts our permission."


def test_sites_under_one_name_are_all_looked_at(link, net):
    link(AMAZON)
    ran = diagnosed("lotus/amazon/shop")
    assert ran.code == 0
    assert len(ran.json["stores"]) > 1
    assert {each["verdict"] for each in ran.json["stores"]} == {"ok"}


@pytest.mark.parametrize(
    ("language", "said"), [("en", "does not let our network address in"), ("zh-hans", "Ozon")]
)
def test_the_table_speaks_the_language_asked_for(link, net, market, language, said):
    link(OZON)
    market.control("knobs", where="ozon", set={"block_ip": True})
    ran = run("diagnose_store", "--store=lotus/ozon/shop", f"--language={language}")
    assert ran.code == 3
    assert "lotus/ozon/shop: ip_not_whitelisted" in ran.out
    assert said in ran.out
    assert "✗" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--store=lotus/ozon/nothing"], "lotus/ozon/rice"),
        (["--store=lotus/ozon/rice"], "not linked"),
        (["--store=lotus/ozon/rice", "--language=fr"], "zh-hans, en"),
    ],
)
def test_bad_input_is_code_2_with_what_exists(world, net, arguments, said):
    ran = run("diagnose_store", "--json", *arguments)
    assert ran.code == 2
    assert said in ran.json["detail"]
