"""Who lives at eBay in the emulator. Everything is invented and opens nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App

EBAY_SCOPE = "https://api.ebay.com/oauth/api_scope"
EBAY_SCOPES = (
    EBAY_SCOPE,
    f"{EBAY_SCOPE}/commerce.identity.readonly",
    f"{EBAY_SCOPE}/sell.fulfillment",
    f"{EBAY_SCOPE}/sell.fulfillment.readonly",
    f"{EBAY_SCOPE}/sell.finances",
    f"{EBAY_SCOPE}/sell.payment.dispute",
    f"{EBAY_SCOPE}/commerce.message",
    f"{EBAY_SCOPE}/commerce.notification.subscription",
)

APPS: tuple[App, ...] = (
    App(
        key="ebay",
        platform="ebay",
        client_id="Emulator-Storelin-PRD-e2e0e2e0e2e0-e2e0e2e0",
        client_secret="PRD-e2e0e2e0e2e0-e2e0-4e2e-8e2e-e2e0",
        redirect="Emulator_Trade-Emulator-Storel-eemul8or",
        scopes=EBAY_SCOPES,
        extra=(("verification_token", "emulator-verification-e2e0e2e0-e2e0e2e0"),),
    ),
    App(
        key="ebay-other",
        platform="ebay",
        client_id="Emulator-OtherApp-PRD-e2e1e2e1e2e1-e2e1e2e1",
        client_secret="PRD-e2e1e2e1e2e1-e2e1-4e2e-8e2e-e2e1",
        redirect="Emulator_Trade-Emulator-OtherA-eemul9or",
        scopes=EBAY_SCOPES[:4],
    ),
)


@dataclass(frozen=True, kw_only=True)
class EbayAccount(Account):
    key: str
    user_id: str
    username: str
    account_type: str
    site: str  # registrationMarketplaceId
    sites: tuple[str, ...]  # where its items are listed
    orders: int
    status: str = "CONFIRMED"
    platform: str = "ebay"

    @property
    def label(self) -> str:
        return self.username

    @property
    def account_id(self) -> str:
        return self.user_id

    def ways(self) -> dict[str, dict[str, str]]:
        return {"authorization_code": {}}

    def number(self, serial: int) -> str:
        from platforms.emulator import ebay_payload

        return ebay_payload.number_of(self, serial)


ACCOUNTS: tuple[EbayAccount, ...] = (
    EbayAccount(
        key="ebay-lantern",
        user_id="eMuLanTern1",
        username="emu_lantern_home",
        account_type="BUSINESS",
        site="EBAY_GB",
        sites=("EBAY_GB", "EBAY_DE", "EBAY_US"),
        orders=64,
    ),
    EbayAccount(
        key="ebay-willow",
        user_id="eMuWiLLow02",
        username="emu-willow.outdoor",
        account_type="BUSINESS",
        site="EBAY_US",
        sites=("EBAY_US",),
        orders=48,
    ),
    EbayAccount(
        key="ebay-hold",
        user_id="eMuOnHoLd03",
        username="emu_hold_gadgets",
        account_type="INDIVIDUAL",
        site="EBAY_DE",
        sites=("EBAY_DE",),
        orders=12,
        status="ACCOUNTONHOLD",
    ),
    EbayAccount(
        key="ebay-magnolia",
        user_id="eMuMaGnoLia4",
        username="emu_magnolia_gifts",
        account_type="BUSINESS",
        site="EBAY_US",
        sites=("EBAY_US", "EBAY_GB"),
        orders=40,
    ),
    EbayAccount(
        key="ebay-harbour",
        user_id="eMuHaRbouR5",
        username="emu_harbour_tools",
        account_type="BUSINESS",
        site="EBAY_DE",
        sites=("EBAY_DE",),
        orders=40,
    ),
)
