"""The demo's company, people and stores; stores are linked through the ordinary flows."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import requests
from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from platforms import credentials, registry, tasks
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.emulator.robots_known import KNOWN
from platforms.flows import consent as consent_flow
from platforms.flows import link, manage_robot
from platforms.flows.confirm_link import Linked, confirm
from platforms.flows.prepare_link import callback_address, prepare
from platforms.flows.refresh import refresh
from platforms.flows.start_streams import back_fill
from platforms.models import App, Authorization, LinkAttempt, Occasion
from platforms.spec import ModeKind
from tenants.flows.bind_store import Grant, give_duties
from tenants.flows.create_tenant import create_tenant
from tenants.models import Duty, Membership, Role, Store, Tenant
from tenants.scope import tenant_scope

PASSWORD = "storelink-demo"  # noqa: S105 - printed at the start of the demo
SUPPORT = "support@demo.test"


@dataclass(frozen=True, kw_only=True)
class Person:
    email: str
    name: str
    role: Role
    does: str  # for the list of logins


PEOPLE = (
    Person(
        email="chen@demo.test", name="陈安", role=Role.OWNER,
        does="owner: links stores, binds people; operator of two stores",
    ),
    Person(
        email="li@demo.test", name="李博", role=Role.MEMBER,
        does="operator of the eBay and Amazon stores",
    ),
    Person(
        email="wang@demo.test", name="王琴", role=Role.MEMBER,
        does="customer service of the Ozon stores: sees no orders",
    ),
    Person(
        email="zhao@demo.test", name="赵敏", role=Role.ADMIN,
        does="admin without any binding: manages, but sees no orders",
    ),
)  # fmt: skip

# (emulator account, mode, account name, display name)
STORES = (
    ("ebay-lantern", "authorization_code", "lantern_home", "灯语家居"),
    ("ebay-willow", "authorization_code", "willow_outdoor", "柳岸户外"),
    ("amazon-aurora-eu", "website_authorization", "aurora_eu", "极光生活欧洲"),
    ("amazon-aurora-na", "self_authorization", "aurora_na", "极光生活北美"),
    ("ozon-zarya", "api_key", "zarya_lights", "晨曦灯饰"),
    ("ozon-expiring", "api_key", "sopka_home", "远山家居"),
    ("shopify-lantern", "client_credentials", "lantern_goods", "灯塔优品"),
    ("tiktok_shop-lumen", "authorization_code", "lumen_home", "流明家居"),
    ("aliexpress-harbor", "authorization_code", "harbor_lights", "港湾灯饰"),
)
BROKEN = "ebay-willow"
# Asked once a second, a month would keep whoever starts the demo waiting.
SLOW = ("aliexpress-harbor",)


def seed(*, emulator_url: str) -> bool:
    """Fill an empty demo; False if it was filled before. The emulator must be running."""
    if Tenant.objects.filter(slug="demo").exists():
        return False
    make_apps()
    owner = _make_people()
    tenant = Tenant.objects.get(slug="demo")
    with tenant_scope(tenant):
        for key, mode, account_name, display_name in STORES:
            linked = _link(tenant, owner, key, mode, account_name, display_name)
            if key not in SLOW:
                _back_fill(linked)
        tasks.pump_orders()
        _bind(tenant, owner)
        _add_robot(tenant, owner)
        _break(emulator_url)
    return True


def make_apps() -> None:
    """Our applications at the emulator's marketplaces. Safe to repeat."""
    for known in APPS.values():
        ours = known.platform + (f"-{known.region}" if known.region else "")
        if known.key != ours:
            continue  # a seller's own, or a stranger's
        key = {"platform": known.platform, "region": known.region}
        app = App.objects.filter(**key, tenant=None).first() or App(**key)
        app.name = f"Storelink demo ({known.key})"
        app.client_id = known.client_id
        app.redirect_uri = known.redirect or callback_address(known.platform)
        app.extra = known.extras
        credentials.seal_app_secret(app, known.client_secret)
        app.save()


@transaction.atomic
def _make_people() -> User:
    now = timezone.now()
    users = [_user(person.email, person.name) for person in PEOPLE]
    membership = create_tenant(name="Demo", founder=users[0], now=now)
    tenant = membership.tenant
    Tenant.objects.filter(pk=tenant.pk).update(slug="demo", name="蓝鲸跨境(演示)")
    with tenant_scope(tenant):
        for person, user in zip(PEOPLE[1:], users[1:], strict=True):
            Membership.objects.create(tenant=tenant, user=user, role=person.role)
    support = _user(SUPPORT, "平台支持")
    support.is_staff = support.is_superuser = True
    support.save(update_fields=["is_staff", "is_superuser"])
    return users[0]


def _user(email: str, name: str) -> User:
    user = User.objects.create_user(email=email, password=PASSWORD, name=name)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _link(
    tenant: Tenant, owner: User, key: str, mode: str, account_name: str, display_name: str
) -> Linked:
    account = ACCOUNTS[key]
    adapter = registry.get(account.platform)
    declared, typed = adapter.mode(mode), dict(account.ways()[mode])
    in_fields = {field.name for field in declared.fields}
    # Amazon's consent is given at the home site's Seller Central, for the whole region.
    place = {
        name: typed.pop(name)
        for name in ("site", "region")
        if name in typed and name not in in_fields
    }
    now = timezone.now()
    attempt = link.start(
        tenant=tenant, user=owner, platform=account.platform, mode=mode,
        account_name=account_name, display_name=display_name, now=now,
        site=place.get("site", ""), region=place.get("region", ""),
    )  # fmt: skip
    if declared.kind == ModeKind.KEYS:
        attempt = link.submit_keys(attempt=attempt, values=typed, ip=None, now=now)
    else:
        if declared.fields:
            attempt = prepare(attempt=attempt, values=typed, now=now)
        attempt = _consent(attempt, key)
    return confirm(attempt=attempt, user=owner, now=timezone.now())


def _back_fill(linked: Linked) -> None:
    """The month before too, so that the lists have something to show."""
    now = timezone.now()
    for store in linked.stores:
        back_fill(store=store, since=now - timedelta(days=30), now=now)


def _consent(attempt: LinkAttempt, account_key: str) -> LinkAttempt:
    """Agree on the emulator's page as a seller's browser would."""
    url = consent_flow.begin_consent(attempt=attempt, session="demo", now=timezone.now()).url
    answer = requests.post(
        url,
        data={"decision": "agree", "account": account_key},
        allow_redirects=False,
        timeout=10,
    )
    answer.raise_for_status()
    params = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    return consent_flow.finish_consent(
        platform=attempt.platform, params=params, session="demo", ip=None, now=timezone.now()
    )


def _bind(tenant: Tenant, owner: User) -> None:
    members = {m.user.email: m for m in Membership.objects.select_related("user")}
    grants = []
    for store in Store.objects.all():
        if store.account_name in ("lantern_home", "zarya_lights"):
            grants.append(Grant(membership=members["chen@demo.test"], store=store,
                                duty=Duty.OPERATOR))  # fmt: skip
        if store.platform in ("ebay", "amazon"):
            grants.append(Grant(membership=members["li@demo.test"], store=store,
                                duty=Duty.OPERATOR))  # fmt: skip
        if store.platform == "ozon":
            grants.append(Grant(membership=members["wang@demo.test"], store=store,
                                duty=Duty.CUSTOMER_SERVICE))  # fmt: skip
    give_duties(tenant=tenant, actor=owner, grants=grants, now=timezone.now())


def _add_robot(tenant: Tenant, owner: User) -> None:
    """A DingTalk robot that the emulator plays; what it is told stands at its page /robots/."""
    known = KNOWN["dingtalk"][0]
    facts = manage_robot.RobotFacts(
        name="店铺预警", address=known.address, secret=known.secret, language="zh-hans",
        occasions=(Occasion.BROKE, Occasion.HEALED, Occasion.ENDS_SOON, Occasion.SECRET_ENDS),
        all_stores=True,
    )  # fmt: skip
    manage_robot.add_robot(
        tenant=tenant, kind="dingtalk", wanted=facts, actor=owner, now=timezone.now()
    )


def _break(emulator_url: str) -> None:
    """One store whose seller took our permission away, as found out by the next refresh."""
    answer = requests.post(
        f"{emulator_url}/control/api/revoke", json={"account": BROKEN}, timeout=10
    )
    answer.raise_for_status()
    broken = Authorization.objects.get(account_id=getattr(ACCOUNTS[BROKEN], "user_id", ""))
    refresh(authorization=broken, now=timezone.now(), used_generation=broken.generation)
    # Grants made in one second would all be refreshed in one second for ever.
    for each in Authorization.objects.exclude(refresh_due_at=None):
        each.refresh_due_at -= timedelta(seconds=random.randint(0, 600))  # noqa: S311
        each.save(update_fields=["refresh_due_at"])
