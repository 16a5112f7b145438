"""The emulator's own HTML: consent pages and the frame of the control page.

Plain, without scripts, works under `default-src 'self'`. No marketplace's name or mark: these
pages must not be taken for the real ones.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

from werkzeug.wrappers import Request, Response

STYLESHEET = Path(__file__).resolve().parents[2] / "static" / "emulator" / "emulator.css"
CSP = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"

WORDS = {
    "en": {
        "lang": "en",
        "banner": "Emulator: nothing here is real",
        "title": "Give an application access",
        "lead": "The application asks to act for your seller account.",
        "app": "Application",
        "account": "Seller account",
        "asks": "It will be able to use",
        "agree": "Agree and continue",
        "decline": "Do not agree",
        "declined": "You did not agree. Nothing was changed; you can close this page.",
        "foot": "You can remove this access at any time.",
        "control": "Emulator control",
    },
    "zh": {
        "lang": "zh-Hans",
        "banner": "模拟器：此处一切均非真实",
        "title": "授予应用访问权限",
        "lead": "该应用请求代表您的卖家账号进行操作。",
        "app": "应用",
        "account": "卖家账号",
        "asks": "它将可以使用",
        "agree": "同意并继续",
        "decline": "不同意",
        "declined": "您没有同意授权。未做任何更改，您可以关闭此页面。",
        "foot": "您可以随时取消此授权。",
        "control": "模拟器控制台",
    },
}


def words(request: Request) -> dict[str, str]:
    best = request.accept_languages.best_match(["zh-hans", "zh-cn", "zh", "en"], default="en")
    return WORDS["zh" if best.startswith("zh") else "en"]


def word(request: Request, name: str) -> str:
    return words(request)[name]


def redirect(location: str, code: int = 303) -> Response:
    # The location is given as it is: codes must not be quoted a second time.
    response = Response(status=code)
    response.autocorrect_location_header = False
    response.headers["Location"] = location
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def html(title: str, body: str, *, lang: str, banner: str, status: int = 200) -> Response:
    page = (
        f'<!DOCTYPE html><html lang="{escape(lang)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/static/emulator.css">'
        f'</head><body><p class="banner">{escape(banner)}</p>'
        f"<main>{body}</main></body></html>"
    )
    response = Response(page, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def plain(title: str, text: str, *, status: int = 200) -> Response:
    text_html = f'<section class="card narrow"><p>{escape(text)}</p></section>'
    return html(title, text_html, lang="en", banner=WORDS["en"]["banner"], status=status)


def consent(
    request: Request, *, accounts: list[tuple[str, str]], asks: list[str], app: str
) -> Response:
    """Choose an account, see what is asked, agree or decline; posts back to the same address."""
    w = words(request)
    choices = "".join(
        f'<label class="choice"><input type="radio" name="account" value="{escape(key)}" '
        f"{'checked' if index == 0 else ''}> <span>{escape(label)}</span></label>"
        for index, (key, label) in enumerate(accounts)
    )
    listed = "".join(f"<li><code>{escape(ask)}</code></li>" for ask in asks)
    body = (
        f'<section class="card narrow"><h1>{w["title"]}</h1><p>{w["lead"]}</p>'
        f"<dl><dt>{w['app']}</dt><dd><code>{escape(app)}</code></dd></dl>"
        f'<form method="post"><fieldset><legend>{w["account"]}</legend>{choices}</fieldset>'
        f"<h2>{w['asks']}</h2><ul>{listed}</ul>"
        f'<p class="actions"><button name="decision" value="agree" class="main">{w["agree"]}'
        f'</button> <button name="decision" value="decline">{w["decline"]}</button></p></form>'
        f'<p class="quiet">{w["foot"]}</p></section>'
    )
    return html(w["title"], body, lang=w["lang"], banner=w["banner"])


@cache
def _css() -> bytes:
    return STYLESHEET.read_bytes()


def stylesheet() -> Response:
    return Response(_css(), content_type="text/css; charset=utf-8")
