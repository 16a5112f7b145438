from __future__ import annotations

import ast
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

import platforms.emulator
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.emulator.app import Emulator, endpoints
from tests.platforms.emulator.acts import AMAZON_ORDERS, EBAY_ORDERS, EBAY_USER, Acts, in_query
from tests.platforms.emulator.conftest import Clock, MakeEmulator

SELLERS = "/amazon/eu/sellers/v1/marketplaceParticipations"


def test_expire_revoke_and_restore(acts: Acts) -> None:
    grant = acts.ebay_grant()
    acts.control("expire", account="ebay-lantern")
    assert acts.ebay_get(EBAY_USER, grant["access_token"]).status_code == 401
    access = acts.ebay_refresh(grant["refresh_token"]).json["access_token"]

    acts.control("revoke", account="ebay-lantern")

    assert acts.ebay_get(EBAY_USER, access).status_code == 401
    assert acts.ebay_refresh(grant["refresh_token"]).json["error"] == "invalid_grant"
    assert acts.ebay_grant()["refresh_token"]


def test_revoking_a_pasted_token_and_a_key_can_be_undone(acts: Acts) -> None:
    acts.control("revoke", account="ozon-zarya")
    assert acts.ozon("/v1/roles").json["message"].startswith("Api-key is deactivated")
    acts.control("revoke", account="amazon-aurora-eu")
    pasted = ACCOUNTS["amazon-aurora-eu"].refresh_token
    form = {"grant_type": "refresh_token", "refresh_token": pasted}
    app = APPS["amazon-private-aurora"]
    assert acts.amazon_token(app, **form).json["error"] == "invalid_grant"

    acts.control("restore", account="ozon-zarya")
    acts.control("restore", account="amazon-aurora-eu")

    assert acts.ozon("/v1/roles").status_code == 200
    assert acts.amazon_token(app, **form).status_code == 200


def test_strict_rotation_at_ebay_replaces_the_refresh_token_once(acts: Acts) -> None:
    acts.knobs("ebay", rotate="strict")
    first = acts.ebay_grant()["refresh_token"]

    answer = acts.ebay_refresh(first).json

    assert answer["refresh_token"] != first
    assert acts.ebay_refresh(first).json["error"] == "invalid_grant"
    assert acts.ebay_refresh(answer["refresh_token"]).status_code == 200


def test_strict_rotation_at_amazon_lets_one_of_many_through(acts: Acts) -> None:
    acts.knobs("amazon", rotate="strict")
    token = acts.amazon_grant()["refresh_token"]

    def refresh(_: int) -> int:
        return acts.amazon_token(grant_type="refresh_token", refresh_token=token).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(refresh, range(16)))

    assert statuses == [200] + [400] * 15


def test_refresh_answers_may_leave_out_the_refresh_token(acts: Acts) -> None:
    acts.knobs("amazon", omit_refresh=True)
    token = acts.amazon_grant()["refresh_token"]

    answer = acts.amazon_token(grant_type="refresh_token", refresh_token=token)

    assert "refresh_token" not in answer.json


@pytest.mark.parametrize("platform", ["ebay", "amazon"])
def test_a_rotated_client_secret_refuses_the_old_one(acts: Acts, platform: str) -> None:
    secret = acts.control("rotate_secret", app=platform)["client_secret"]
    app = APPS[platform]
    call = acts.ebay_token if platform == "ebay" else acts.amazon_token

    response = call(app, grant_type="refresh_token", refresh_token="x")

    assert (response.status_code, response.json["error"]) == (401, "invalid_client")
    assert len(secret) == len(app.client_secret)
    assert secret != app.client_secret


def test_an_expired_client_secret_shows_in_amazons_calls(acts: Acts) -> None:
    token = acts.amazon_self()
    acts.knobs("amazon", secret_expired=True)

    error = acts.amazon_get(SELLERS, token).json["errors"][0]

    assert error["details"] == "The LWA secret token you provided has expired."


@pytest.mark.parametrize(
    ("knob", "ebay", "amazon", "ozon"),
    [("down", 503, 503, 503), ("throttle", 429, 429, 429), ("block_ip", 403, 403, 403)],
)
def test_each_platform_fails_in_its_own_form(
    acts: Acts, knob: str, ebay: int, amazon: int, ozon: int
) -> None:
    access, pasted = acts.ebay_grant()["access_token"], acts.amazon_self()
    for platform in ("ebay", "amazon", "ozon"):
        acts.knobs(platform, **{knob: True})

    answers = (
        acts.ebay_get(EBAY_USER, access),
        acts.amazon_get(SELLERS, pasted),
        acts.ozon("/v1/roles"),
    )

    assert [a.status_code for a in answers] == [ebay, amazon, ozon]
    if knob == "throttle":
        assert answers[0].json["errors"][0]["errorId"] == 2001
        assert answers[1].json["errors"][0]["code"] == "QuotaExceeded"
        assert (answers[2].json["code"], answers[2].headers["Retry-After"]) == (8, "1")


@pytest.mark.parametrize("how", ["broken_json", "truncated", "html", "empty"])
def test_garbled_answers_are_200_and_no_json(acts: Acts, how: str) -> None:
    token = acts.ebay_grant()["access_token"]
    acts.knobs("ebay", garble=how)

    response = acts.ebay_get(EBAY_ORDERS, token)

    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        json.loads(response.data)


def test_a_garbled_token_answer_has_used_up_the_token_all_the_same(acts: Acts) -> None:
    acts.knobs("ebay", rotate="strict")
    token = acts.ebay_grant()["refresh_token"]
    acts.knobs("ebay", token_garble="truncated")
    acts.ebay_refresh(token)
    acts.knobs("ebay", token_garble="")

    assert acts.ebay_refresh(token).json["error"] == "invalid_grant"


def test_delays_come_after_the_effect_and_by_kind_of_call(acts: Acts, slept: list[float]) -> None:
    acts.knobs("ebay", delay=2, token_delay=7.5)
    token = acts.ebay_grant()["access_token"]
    acts.ebay_get(EBAY_USER, token)

    assert slept == [2.0, 7.5, 2.0]  # consent page, token, call


def test_a_skewed_clock_shows_in_the_date_header_and_in_token_life(acts: Acts) -> None:
    token = acts.ebay_grant()["access_token"]
    acts.knobs("ebay", skew=7_300)

    response = acts.ebay_get(EBAY_USER, token)

    assert response.headers["Date"] == "Sat, 21 Nov 2026 14:01:40 GMT"
    assert response.status_code == 401
    acts.knobs("ebay", skew=-600)
    fresh = acts.ebay_grant()["access_token"]
    window = "lastmodifieddate:[2026-11-20T00:00:00.000Z..2026-11-21T11:59:00.000Z]"
    error = acts.ebay_get(EBAY_ORDERS, fresh, filter=window).json["errors"][0]
    assert error["errorId"] == 30850


def test_dropped_scopes_suspension_and_another_account_by_account(acts: Acts) -> None:
    lantern, willow = (acts.ebay_grant(a)["access_token"] for a in ("ebay-lantern", "ebay-willow"))
    scope = "https://api.ebay.com/oauth/api_scope/commerce.identity.readonly"
    acts.knobs("ebay-lantern", drop_scopes=[scope])
    acts.knobs("ebay-willow", suspended=True, wrong_account="ebay-lantern")
    acts.knobs("ozon-zarya", suspended=True)

    other = acts.ebay_get(EBAY_USER, willow).json

    assert acts.ebay_get(EBAY_USER, lantern).json["errors"][0]["errorId"] == 1100
    assert (other["userId"], other["status"]) == ("eMuLanTern1", "ACCOUNTONHOLD")
    assert acts.ozon("/v1/roles").json["message"].startswith("Company is blocked")
    assert acts.ozon("/v1/roles", account="ozon-expiring").status_code == 200


def test_bad_record_and_unknown_status_spoil_one_record_in_a_page(acts: Acts) -> None:
    acts.knobs("ebay", bad_record=True)
    acts.knobs("ozon", unknown_status=True)

    orders = acts.ebay_page(acts.ebay_grant()["access_token"])["orders"]
    postings = acts.fbs().json["postings"]

    assert [isinstance(o["lineItems"], list) for o in orders[:3]] == [False, True, True]
    assert [p["status"] == "awaiting_teleport" for p in postings[:3]] == [True, False, False]


def test_an_empty_page_can_follow_the_last(acts: Acts) -> None:
    acts.knobs("ozon", empty_page=True)

    full = acts.fbs().json
    empty = acts.fbs(cursor=full["cursor"]).json

    assert full["has_next"]
    assert empty["postings"] == []


def test_planned_failures_hit_the_next_calls_only(acts: Acts) -> None:
    token = acts.ebay_grant()["access_token"]
    acts.control("fail_next", kind="throttle", count=2, operation="ebay.identity")
    acts.control("fail_next", kind="html", operation="ebay.orders")

    statuses = [acts.ebay_get(EBAY_USER, token).status_code for _ in range(3)]
    pages = [acts.ebay_get(EBAY_ORDERS, token).mimetype for _ in range(2)]

    assert statuses == [429, 429, 200]
    assert pages == ["text/html", "application/json"]


def test_rate_limits_can_be_off_real_or_given(acts: Acts, clock: Clock) -> None:
    acts.knobs("ozon", rate_limits={"ozon.*": [1, 2]})
    assert [acts.ozon("/v1/roles").status_code for _ in range(3)] == [200, 200, 429]
    acts.knobs("ozon", rate_limits="real")
    clock.move(10)
    assert [acts.ozon("/v1/roles").status_code for _ in range(51)].count(429) == 1
    acts.knobs("amazon", rate_limits="off")
    token = acts.amazon_self()
    after = {"lastUpdatedAfter": "2026-11-21T00:00:00Z"}
    calls = [acts.amazon_get(AMAZON_ORDERS, token, **after).status_code for _ in range(25)]
    assert set(calls) == {200}


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("knobs", {"where": "etsy", "set": {}}),
        ("knobs", {"where": "ebay", "set": {"dwon": True}}),
        ("knobs", {"where": "ebay", "set": {"down": "yes"}}),
        ("knobs", {"where": "ebay", "set": {"garble": "a bit"}}),
        ("knobs", {"where": "ebay", "set": {"rate_limits": {"ebay.orders": [0, 1]}}}),
        ("orders/add", {"account": "nobody"}),
        ("orders/add", {"account": "ebay-lantern", "n": -1}),
        ("orders/add", {"account": "ebay-lantern", "stage": "lost"}),
        ("fail_next", {"kind": "explode"}),
        ("rotate_secret", {"app": "etsy"}),
        ("callback_base", {"url": "javascript:alert(1)"}),
        ("nothing", {}),
    ],
)
def test_control_says_what_is_wrong(acts: Acts, action: str, body: dict[str, Any]) -> None:
    response = acts.client.post(f"/control/api/{action}", json=body)

    assert response.status_code == 400
    assert response.json["error"]


def test_counters_and_requests_tell_calls_but_no_secrets(acts: Acts) -> None:
    grant = acts.ebay_grant()
    acts.ebay_refresh(grant["refresh_token"])
    acts.ebay_get(EBAY_ORDERS, grant["access_token"], limit="999")

    counters = acts.client.get("/control/api/counters").json
    log = acts.client.get("/control/api/requests").text

    assert counters["calls"] == {"ebay.consent": 1, "ebay.token": 2, "ebay.orders": 1}
    assert counters["token_calls"] == {"ebay-lantern": 2}
    assert "Invalid limit: 999" in log
    secrets = (grant["access_token"], grant["refresh_token"], "state-1", APPS["ebay"].client_id)
    assert not any(secret in log for secret in secrets)
    acts.control("counters/reset")
    assert acts.client.get("/control/api/counters").json["calls"] == {}


def test_the_page_has_a_button_for_everything_and_buttons_work(acts: Acts) -> None:
    page = acts.client.get("/control/")
    form = {"action": "knobs", "where": "ebay", "knob": "delay", "value": "3"}
    back = acts.client.post("/control/do", data=form)
    acts.client.post(
        "/control/do",
        data={"action": "orders/add", "account": "ebay-hold", "n": "3", "spread_hours": "1"},
    )

    assert back.headers["Location"] == "/control/"
    state = acts.client.get("/control/api/state").json
    assert state["knobs"] == {"ebay": {"delay": 3.0}}
    assert state["accounts"]["ebay-hold"]["orders"] == 15
    assert all(key in page.text for key in ACCOUNTS)
    assert "<script" not in page.text
    assert acts.client.get("/static/emulator.css").mimetype == "text/css"


def test_state_survives_a_restart(make_emulator: MakeEmulator, tmp_path: Path) -> None:
    path = tmp_path / "var" / "emulator.json"
    before = Acts(Client(make_emulator(state_path=path)))
    grant = before.ebay_grant()
    code = in_query(before.ebay_agree(), "code")
    before.control("orders/add", account="ebay-lantern", n=2)
    before.knobs("ozon", delay=1)
    secret = before.control("rotate_secret", app="amazon")["client_secret"]
    numbers = before.client.get("/control/api/orders?account=ebay-lantern").json

    again = make_emulator(state_path=path)
    after = Acts(Client(again))

    assert after.ebay_refresh(grant["refresh_token"]).status_code == 200
    assert after.ebay_get(EBAY_USER, grant["access_token"]).status_code == 200
    assert after.ebay_exchange(code).status_code == 200
    assert after.client.get("/control/api/orders?account=ebay-lantern").json == numbers
    assert after.client.get("/control/api/knobs").json == {"ozon": {"delay": 1.0}}
    assert again.state.app("amazon", APPS["amazon"].client_id).client_secret == secret
    assert [p.name for p in path.parent.iterdir()] == ["emulator.json"]


def test_a_used_up_refresh_token_stays_used_up_after_a_restart(
    make_emulator: MakeEmulator, tmp_path: Path
) -> None:
    path = tmp_path / "emulator.json"
    before = Acts(Client(make_emulator(state_path=path)))
    before.knobs("ebay", rotate="strict")
    token = before.ebay_grant()["refresh_token"]
    before.ebay_refresh(token)

    after = Acts(Client(make_emulator(state_path=path)))

    assert after.ebay_refresh(token).json["error"] == "invalid_grant"


def test_starting_afresh_forgets_everything(acts: Acts) -> None:
    grant = acts.ebay_grant()
    acts.knobs("ebay", down=True)

    acts.control("reset")

    assert acts.ebay_get(EBAY_USER, grant["access_token"]).status_code == 401
    assert acts.client.get("/control/api/knobs").json == {}


def test_making_an_emulator_and_ten_thousand_orders_is_quick(make_emulator: MakeEmulator) -> None:
    began = time.process_time()
    emulator = make_emulator(orders={"ebay-lantern": 10_000})
    made = time.process_time() - began
    acts = Acts(Client(emulator))
    page = acts.ebay_page(acts.ebay_grant()["access_token"], limit="200")
    added = acts.control("orders/add", account="ebay-lantern", n=10_000, spread_hours=24)

    assert made < 0.05
    assert page["total"] == 10_000
    assert len(set(added["numbers"])) == 10_000
    assert time.process_time() - began < 5


def test_endpoints_name_a_base_for_every_kind_of_call() -> None:
    found = endpoints("http://127.0.0.1:8100/")

    assert found["ebay"]["apiz"] == "http://127.0.0.1:8100/ebay/apiz"
    assert set(found["amazon"]) == {"api.na", "api.eu", "api.fe", "auth", "consent"}
    assert found["ozon"]["api"] == "http://127.0.0.1:8100/ozon/api"
    assert set(found["ozon"]) == {"api", "auth", "consent"}


def test_the_emulator_imports_nothing_of_the_product() -> None:
    for file in Path(platforms.emulator.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                top = (node.module or "").split(".")[0]
                ours = top in ("accounts", "tenants", "platforms", "config", "django")
                assert not ours or (node.module or "").startswith("platforms.emulator")


def test_unknown_paths_are_404(emulator: Emulator) -> None:
    client = Client(emulator)

    assert [client.get(p).status_code for p in ("/etsy", "/ebay/api/x", "/control/x")] == [404] * 3
    assert client.get("/").headers["Location"] == "/control/"
