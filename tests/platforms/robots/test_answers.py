"""Every answer we know, and those we do not."""

from __future__ import annotations

import json

import pytest

from platforms.robots import KINDS
from platforms.robots.spec import Outcome
from platforms.robots.words import ADVICE, Reason

YES, L, R = Outcome.OK, Outcome.LATER, Outcome.REFUSED


def ding(code: int, words: str = "") -> bytes:
    return json.dumps({"errcode": code, "errmsg": words}, ensure_ascii=False).encode()


def fei(code: int, words: str = "") -> bytes:
    return json.dumps({"code": code, "msg": words, "data": {}}).encode()


SIGN_ZH = (
    "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中"
)
ANSWERS = [
    ("dingtalk", 200, ding(0, "ok"), YES, "", 0),
    ("dingtalk", 200, ding(310000, "keywords not in content"), R, "keyword", 0),
    ("dingtalk", 200, ding(310000, "错误描述:关键词不匹配;解决方案:..."), R, "keyword", 0),
    ("dingtalk", 200, ding(310000, "sign not match"), R, "signature", 0),
    ("dingtalk", 200, ding(310000, SIGN_ZH), R, "signature", 0),
    ("dingtalk", 200, ding(310000, "invalid timestamp, more: [https://x]"), R, "clock", 0),
    ("dingtalk", 200, ding(310000, "ip 1.2.3.4 not in whitelist"), R, "ip_not_allowed", 0),
    ("dingtalk", 200, ding(310000, "something new"), R, "security", 0),
    ("dingtalk", 200, ding(130101, "send too fast, exceed 20 times"), L, "too_fast", 600),
    ("dingtalk", 200, ding(410100, "发送速度太快而限流"), L, "too_fast", 600),
    ("dingtalk", 200, ding(300001, "token is not exist"), R, "gone", 0),
    ("dingtalk", 200, ding(300005, "token is not exist"), R, "gone", 0),
    ("dingtalk", 200, ding(400101), R, "gone", 0),
    ("dingtalk", 200, ding(400102), R, "gone", 0),
    ("dingtalk", 200, ding(400013), R, "gone", 0),
    ("dingtalk", 200, ding(460101, "message too long"), R, "bad_message", 0),
    ("dingtalk", 200, ding(43004), R, "bad_message", 0),
    ("dingtalk", 200, ding(-1, "系统繁忙"), L, "down", 60),
    ("dingtalk", 200, ding(999999, "new"), L, "unknown", 60),
    ("dingtalk", 302, b"", L, "bad_answer", 60),
    ("dingtalk", 200, b"<html>", L, "bad_answer", 60),
    ("feishu", 200, fei(0, "success"), YES, "", 0),
    ("feishu", 200, b'{"StatusCode":0,"StatusMessage":"success"}', YES, "", 0),
    ("feishu", 200, b'{"StatusCode":0,"code":0,"msg":"success"}', YES, "", 0),
    ("feishu", 200, b'{"StatusCode":19024,"StatusMessage":"x"}', R, "keyword", 0),
    ("feishu", 200, fei(19001, "incoming webhook access token invalid"), R, "gone", 0),
    ("feishu", 400, fei(19001), R, "gone", 0),
    ("feishu", 200, fei(19021, "sign match fail"), R, "signature", 0),
    ("feishu", 200, fei(19022, "Ip Not Allowed"), R, "ip_not_allowed", 0),
    ("feishu", 200, fei(19024, "Key Words Not Found"), R, "keyword", 0),
    ("feishu", 200, fei(19002, "params error"), R, "bad_message", 0),
    ("feishu", 200, fei(9499, "Bad Request"), R, "bad_message", 0),
    ("feishu", 200, fei(9499, "too many request"), L, "too_fast", 60),
    ("feishu", 429, fei(11232, "frequency limited"), L, "too_fast", 60),
    ("feishu", 429, b"", L, "too_fast", 60),
    ("feishu", 200, fei(77777), L, "unknown", 60),
    ("feishu", 502, b"<html>", L, "down", 60),
    ("lark", 200, fei(0), YES, "", 0),
    ("lark", 200, fei(19021), R, "signature", 0),
    ("wecom", 200, ding(0, "ok"), YES, "", 0),
    ("wecom", 200, ding(93000, "invalid webhook url"), R, "gone", 0),
    ("wecom", 200, ding(45009, "api freq out of limit"), L, "too_fast", 60),
    ("wecom", 200, ding(45033), L, "too_fast", 60),
    ("wecom", 200, ding(40058, "exceed max length"), R, "bad_message", 0),
    ("wecom", 200, ding(45002), R, "bad_message", 0),
    ("wecom", 200, ding(44004), R, "bad_message", 0),
    ("wecom", 200, ding(60020), R, "ip_not_allowed", 0),
    ("wecom", 200, ding(-1), L, "down", 60),
    ("wecom", 200, ding(12345), L, "unknown", 60),
    ("slack", 200, b"ok", YES, "", 0),
    ("slack", 200, b"<html>", L, "bad_answer", 60),
    ("slack", 404, b"no_service", R, "gone", 0),
    ("slack", 404, b"no_team", R, "gone", 0),
    ("slack", 404, b"", R, "gone", 0),
    ("slack", 403, b"invalid_token", R, "gone", 0),
    ("slack", 403, b"action_prohibited", R, "forbidden", 0),
    ("slack", 403, b"something_new", R, "forbidden", 0),
    ("slack", 404, b"channel_not_found", R, "channel_closed", 0),
    ("slack", 410, b"channel_is_archived", R, "channel_closed", 0),
    ("slack", 400, b"invalid_payload", R, "bad_message", 0),
    ("slack", 400, b"invalid_blocks", R, "bad_message", 0),
    ("slack", 400, b"user_not_found", R, "bad_message", 0),
    ("slack", 400, b"something_new", R, "bad_message", 0),
    ("slack", 429, b"rate_limited", L, "too_fast", 60),
    ("slack", 500, b"rollup_error", L, "down", 60),
    ("slack", 503, b"", L, "down", 60),
    ("webhook", 200, b"anything", YES, "", 0),
    ("webhook", 204, b"", YES, "", 0),
    ("webhook", 202, b'{"error": 1}', YES, "", 0),
    ("webhook", 301, b"", R, "redirected", 0),
    ("webhook", 307, b"", R, "redirected", 0),
    ("webhook", 410, b"", R, "gone", 0),
    ("webhook", 400, b"", L, "rejected", 60),
    ("webhook", 401, b"", L, "rejected", 60),
    ("webhook", 404, b"", L, "rejected", 60),
    ("webhook", 429, b"", L, "too_fast", 60),
    ("webhook", 500, b"", L, "down", 60),
    ("webhook", 504, b"", L, "down", 60),
]


@pytest.mark.parametrize(
    ("code", "status", "body", "outcome", "reason", "wait_s"),
    ANSWERS,
    ids=[f"{a[0]} {a[1]} {a[2].decode()[:30]}" for a in ANSWERS],
)
def test_an_answer_is_read(code, status, body, outcome, reason, wait_s):
    verdict = KINDS[code].read_answer(status, body)
    wait = verdict.retry_after.total_seconds() if verdict.retry_after else 0
    assert (verdict.outcome, str(verdict.reason), wait) == (outcome, reason, wait_s)


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"0", b'"ok"', b"\xff\xfe", b'{"errcode":null}', b'{"code":[]}',
     b'{"errcode":"' + b"9" * 90 + b'"}', b"[" * 60_000, b'{"code":1e999}'],
)  # fmt: skip
@pytest.mark.parametrize("status", [100, 200, 302, 404, 500, 999])
def test_no_answer_is_too_strange_and_none_of_these_is_success(code, body, status):
    verdict = KINDS[code].read_answer(status, body)
    assert (verdict.outcome == Outcome.OK) == (code == "webhook" and status == 200)
    assert len(verdict.code) <= 20


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize("reason", [r for r in Reason if r])
def test_every_reason_is_explained_with_the_products_name(code, reason):
    told = KINDS[code].explain(reason)
    assert "%" not in told
    assert len(told) > 40


def test_no_reason_says_nothing_and_an_unknown_one_says_something():
    assert KINDS["slack"].explain("") == ""
    assert KINDS["slack"].explain("nobody knows") == KINDS["slack"].explain("unknown")
    assert set(ADVICE) == {reason for reason in Reason if reason}
