"""What every marketplace of the emulator has: developer applications and seller accounts."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class App:
    """A developer application. `redirect` is the RuName at eBay; elsewhere "" means that the
    redirect address is `<callback_base>/link/callback/<platform>/`.

    `key` of the one that the demo and the tests enter as ours is the platform's code, with
    `-<region>` where a region has an application of its own."""

    key: str
    platform: str
    client_id: str
    client_secret: str
    application_id: str = ""
    redirect: str = ""
    scopes: tuple[str, ...] = ()
    public: bool = True  # has a consent page
    draft: bool = False  # Amazon: consent needs version=beta
    region: str = ""  # TikTok Shop: the portal it is registered in
    extra: tuple[tuple[str, str], ...] = ()  # what the product's form asks beyond id and secret

    @property
    def extras(self) -> dict[str, str]:
        """The product's `App.extra` for it."""
        known = {"application_id": self.application_id} if self.application_id else {}
        return known | dict(self.extra)


@dataclass(frozen=True, kw_only=True)
class FixedToken:
    """A token that exists from the first day, made by the seller by hand."""

    value: str
    app: str  # key of its application, "" for none
    kind: str = "refresh"
    scopes: tuple[str, ...] = ()


class Account:
    """A seller account. Subclasses are frozen dataclasses with what their marketplace needs."""

    key: str
    platform: str
    orders: int  # how many it starts with
    sites: tuple[str, ...]

    @property
    def label(self) -> str:
        """As the consent page and the control page name it."""
        raise NotImplementedError

    @property
    def account_id(self) -> str:
        """What the marketplace says to "who am I"."""
        raise NotImplementedError

    def ways(self) -> dict[str, dict[str, str]]:
        """Mode -> what a seller types or chooses for it: fields, and `site` or `region`. The
        first is the one that the demo takes."""
        raise NotImplementedError

    def number(self, serial: int) -> str:
        """The order's number as the marketplace states it."""
        raise NotImplementedError

    def fixed_tokens(self) -> tuple[FixedToken, ...]:
        return ()
