"""Notices of orders that differ from the platform's, and stay so (flows/tell_differences.py).

They are of the occasions of stores that stop working and work again, told from those by their
keys: who wants to hear of nothing but what is urgent wants to hear of lost orders, and so do the
robots that tell of breaks, without anybody's changing what they tell of.
"""

from __future__ import annotations

from django.db.models import Q

from platforms.models import Notice

_MARK = "orders-"
BROKE = f"broke:{_MARK}"  # the keys' beginnings
HEALED = f"healed:{_MARK}"
ABOUT_ORDERS = Q(key__startswith=BROKE) | Q(key__startswith=HEALED)


def is_about_orders(notice: Notice) -> bool:
    return notice.key.startswith((BROKE, HEALED))


def healed_key(broke: str) -> str:
    return HEALED + broke.removeprefix(BROKE)
