"""Settings: the product's, but the queue and its connection as django-q2 and Django have them."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import DATABASES, Q_CLUSTER, REDIS_URL

Q_CLUSTER = {
    "name": Q_CLUSTER["name"],
    "workers": Q_CLUSTER["workers"],
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
