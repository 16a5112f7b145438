"""Eight ways in which a store stops, and the words a seller reads about each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from platforms.emulator.cast.amazon import ROLE_ORDERS


@dataclass(frozen=True, kw_only=True)
class Said:
    """The same thing in both languages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        return self.zh if language == "zh-hans" else self.en


Call = tuple[str, dict[str, object]]  # an action of the emulator's control API, and its body

RELINK = Said(en="Relink", zh="重新关联")
SETTLE = Said(en="See how to settle it", zh="查看处理办法")
FIND = Said(en="Find the cause", zh="查找原因")
NOTHING = Said(en="Nothing, it goes on by itself", zh="不用处理，会自行恢复")


@dataclass(frozen=True, kw_only=True, eq=False)
class Breakage:
    """`fault`: the few words for it in a notice; `state` and `button` stand on the board,
    `verdict` heads the diagnosis. `waits`: nobody is told before it has lasted."""

    store: str
    site: Said = field(default_factory=lambda: Said(en="", zh=""))
    platform: str
    account: str
    breaks: tuple[Call, ...]
    heals: tuple[Call, ...] = ()
    fault: Said
    state: Said
    button: Said
    verdict: Said
    waits: bool = False
    relinks_by: str = ""  # the way of linking again, where only that heals

    def title(self, language: str) -> str:
        """What ends the title of the notice, after the store's name."""
        words = {
            ("en", False): "stopped working: ",
            ("en", True): "waits: ",
            ("zh-hans", False): "已停止同步：",
            ("zh-hans", True): "在等待：",
        }[language, self.waits]
        return words + self.fault.of(language)


def _knobs(where: str, **values: object) -> tuple[tuple[Call, ...], tuple[Call, ...]]:
    """Turning knobs, and turning them back."""
    return (("knobs", {"where": where, "set": values}),), (("knobs/clear", {"where": where}),)


def _turned(where: str, **values: object) -> dict[str, tuple[Call, ...]]:
    breaks, heals = _knobs(where, **values)
    return {"breaks": breaks, "heals": heals}


BREAKAGES = (
    Breakage(
        store="灯语家居", platform="eBay", account="ebay-lantern",
        breaks=(("revoke", {"account": "ebay-lantern"}),),
        relinks_by="authorization_code",
        fault=Said(en="Permission ended", zh="授权已失效"),
        state=Said(en="Needs relinking: permission ended", zh="需要重新关联：授权已失效"),
        button=RELINK,
        verdict=Said(en="eBay no longer accepts our permission.", zh="eBay 的授权已失效。"),
    ),
    Breakage(
        store="极光生活北美", site=Said(en="United States", zh="美国"), platform="Amazon",
        account="amazon-aurora-na",
        # The token at hand would go on working for an hour.
        breaks=(("rotate_secret", {"app": "amazon-private-aurora"}),
                ("expire", {"account": "amazon-aurora-na"})),
        relinks_by="self_authorization",
        fault=Said(en="Keys refused", zh="密钥被拒绝"),
        state=Said(en="Needs relinking: keys refused", zh="需要重新关联：密钥被拒绝"),
        button=RELINK,
        verdict=Said(en="Amazon does not accept these keys.", zh="Amazon 不接受这组密钥。"),
    ),
    Breakage(
        store="极光生活欧洲", site=Said(en="Germany", zh="德国"), platform="Amazon",
        account="amazon-aurora-eu",
        **_turned("amazon-aurora-eu", drop_scopes=[ROLE_ORDERS]),
        relinks_by="website_authorization",
        fault=Said(en="Permission missing", zh="缺少权限"),
        state=Said(en="Needs relinking: permission missing", zh="需要重新关联：缺少权限"),
        button=RELINK,
        verdict=Said(en="A permission that we need is missing.", zh="缺少必需的权限。"),
    ),
    Breakage(
        store="晨曦灯饰", platform="Ozon", account="ozon-zarya",
        **_turned("ozon-zarya", block_ip=True),
        fault=Said(en="Network address not allowed", zh="IP 地址不被允许"),
        state=Said(en="Waits for you: network address not allowed",
                   zh="等你处理：IP 地址不被允许"),
        button=SETTLE,
        verdict=Said(en="Ozon does not let our network address in.",
                     zh="Ozon 不允许我们的 IP 地址访问。"),
    ),
    Breakage(
        store="远山家居", platform="Ozon", account="ozon-expiring",
        **_turned("ozon-expiring", suspended=True),
        fault=Said(en="Account suspended", zh="账号被冻结"),
        state=Said(en="Waits for you: account suspended", zh="等你处理：账号被冻结"),
        button=SETTLE,
        verdict=Said(en="Ozon has suspended this account.", zh="Ozon 已冻结该账号。"),
    ),
    Breakage(
        store="灯塔优品", platform="Shopify", account="shopify-lantern",
        **_turned("shopify-lantern", down=True),
        fault=Said(en="Platform disturbed", zh="平台服务异常"),
        state=Said(en="We keep trying: platform disturbed", zh="正在自动重试：平台服务异常"),
        button=NOTHING,
        verdict=Said(en="Shopify has a disturbance.", zh="Shopify 服务异常。"),
        waits=True,
    ),
    Breakage(
        store="流明家居", site=Said(en="United States", zh="美国"), platform="TikTok Shop",
        account="tiktok_shop-lumen",
        **_turned("tiktok_shop-lumen", throttle=True),
        fault=Said(en="Slowed down by the platform", zh="被平台限速"),
        state=Said(en="Waits its turn: slowed down by the platform", zh="排队等待：被平台限速"),
        button=NOTHING,
        verdict=Said(en="TikTok Shop asks us to slow down.",
                     zh="请求过于频繁，TikTok Shop 要求放慢速度。"),
        waits=True,
    ),
    Breakage(
        store="港湾灯饰", platform="AliExpress", account="aliexpress-harbor",
        **_turned("aliexpress", skew=3 * 3600),
        fault=Said(en="Clocks differ", zh="时钟不一致"),
        state=Said(en="Waits for us: clocks differ", zh="等我们处理：时钟不一致"),
        button=FIND,
        verdict=Said(
            en="Our clock is wrong: 3 hours behind against AliExpress, and 2 hours are allowed.",
            zh="我们的时钟不对：与 AliExpress 相比慢 3 小时，允许偏差 2 小时。",
        ),
    ),
)  # fmt: skip
