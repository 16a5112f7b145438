"""Whether the marketplace's pushes reach us, and fast enough for it to go on sending them."""

from __future__ import annotations

from datetime import datetime, timedelta

from platforms.diagnosis.callback import is_local
from platforms.diagnosis.spec import Case, Found, failed, passed, skipped, warned
from platforms.errors import Fault
from platforms.models import Delivery, DeliveryState
from platforms.models.linking import PushState
from platforms.push_addresses import address_of

# The marketplaces wait five seconds (fact sheets wish, shopify); some switch off after that.
SLOW_MS, TOO_SLOW_MS = 2_000, 5_000
LATELY = timedelta(days=1)


def address(case: Case) -> str:
    """The push address of this store with a wrong mark at its end, "" where there is none: it
    takes the same way through every proxy of ours, and no push is written down for it."""
    authorization, hooks = case.authorization, case.adapter.webhooks
    if authorization is None or hooks is None or authorization.pushes == PushState.NONE:
        return ""
    owner = authorization.app if hooks.per_app and authorization.app else authorization
    return f"{address_of(owner).rstrip('/').rpartition('/')[0]}/diagnosis/"


def webhook(case: Case) -> Found:
    authorization, looked = case.authorization, case.webhook
    if authorization is None or case.adapter.webhooks is None:
        return skipped("not_offered")
    if authorization.pushes == PushState.NONE:
        return skipped("not_offered")
    facts: dict[str, object] = {"state": authorization.pushes, **_came(case)}
    if authorization.pushes == PushState.REFUSED:
        return warned("refused", **facts)
    if authorization.pushes == PushState.FAILED:
        return warned("not_registered", **facts)
    if looked is not None and is_local(looked.host) and not facts["last_at"]:
        return warned("local", **facts)
    if looked is None or looked.failed in ("tcp", "http"):
        # No proof: many networks do not let a server reach itself by its outer address.
        return passed("comes", **facts) if facts["last_at"] else warned("not_reached", **facts)
    if looked.failed:
        fault = Fault.TLS_FAILED if looked.failed == "tls" else Fault.NETWORK_UNREACHABLE
        return failed("unreachable", fault, why=looked.why, **facts)
    took = (looked.tcp_ms or 0) + (looked.tls_ms or 0) + (looked.http_ms or 0)
    facts |= {"ms": took, "status": looked.status}
    # Our application answers an unknown address with 404; anything else stands in front of it.
    if looked.status != 404:
        return failed("other_answer", Fault.BAD_RESPONSE, **facts)
    if took > TOO_SLOW_MS:
        return failed("too_slow", Fault.NETWORK_UNREACHABLE, **facts)
    if took > SLOW_MS:
        return warned("slow", **facts)
    return warned("not_genuine", **facts) if facts["refused"] else passed("fast", **facts)


def _came(case: Case) -> dict[str, object]:
    """When the last genuine push came, and how many were not genuine lately."""
    authorization, hooks = case.authorization, case.adapter.webhooks
    assert authorization is not None
    assert hooks is not None
    rows = (
        Delivery.objects.filter(app=authorization.app)
        if hooks.per_app and authorization.app
        else Delivery.objects.filter(authorization=authorization)
    )
    genuine = rows.exclude(state=DeliveryState.REFUSED).order_by("-received_at")
    last: datetime | None = genuine.values_list("received_at", flat=True).first()
    refused = rows.filter(state=DeliveryState.REFUSED, received_at__gte=case.now - LATELY)
    return {"last_at": last.isoformat() if last else None, "refused": refused.count()}
