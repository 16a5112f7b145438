"""Records in quarantine, made in the scope of their tenant."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from typing import Any

from platforms import landing
from platforms.models import Quarantined, Stream
from tenants.models import Store, Tenant
from tests.platforms.adapters.payloads import payload
from tests.support.factories import make_authorization, make_stream

WRONG_NUMBER = "Expected `str`, got `int` - at `$.orderId`"
_counter = itertools.count(1)


def raw_order(number: str = "", **changes: Any) -> bytes:
    """An eBay order that our adapter reads, under a number of its own."""
    order: dict[str, Any] = copy.deepcopy(json.loads(bytes(payload("ebay", "digital"))))
    order["orderId"] = number or f"77-00000-{next(_counter):05}"
    return json.dumps(order | changes).encode()


def aside(
    store: Store | None, raw: bytes = b"{}", *, reason: str = WRONG_NUMBER,
    stream: Stream | None = None, tenant: Tenant | None = None, **fields: Any,
) -> Quarantined:  # fmt: skip
    owner = tenant or (store or stream).tenant  # type: ignore[union-attr]
    return Quarantined.objects.create(
        **{
            "tenant": owner,
            "store": store,
            "stream": stream,
            "platform": store.platform if store else "ebay",
            "reason": reason,
            "raw": landing.compress(raw),
            "raw_sha256": hashlib.sha256(raw + str(next(_counter)).encode()).hexdigest(),
        }
        | fields
    )


def many_aside(store: Store, count: int, *, raws: Any = None, reason: str = "") -> None:
    """Many in one statement; `raws(n)` is what the n-th holds, `reason` may hold {n}."""
    empty = landing.compress(b"{}")
    Quarantined.objects.bulk_create(
        [
            Quarantined(
                tenant=store.tenant, store=store, platform=store.platform,
                number=f"N-{n:05}", raw_sha256=f"{n:064x}",
                reason=(reason or "Expected `str`, got `int` - at `$.lines[{n}].sku`").format(n=n),
                raw=landing.compress(raws(n)) if raws else empty,
            )
            for n in range(count)
        ],
        batch_size=500,
    )  # fmt: skip


def granted(store: Store) -> Stream:
    """Give the store an authorization, and a stream for all of its stores."""
    store.authorization = make_authorization(store.tenant, platform=store.platform)
    store.save()
    return make_stream(store.authorization, None)
