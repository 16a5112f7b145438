"""Pages as a browser is given them."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse


def text_of(client: Client, name: str, *args: Any, **query: Any) -> str:
    """The page at the address of that name, which must be there."""
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def words_of(client: Client, name: str, *args: Any, **query: Any) -> str:
    """What can be read on that page: no address of a row, where any digits may be by chance."""
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(client, name, *args, **query)).split())
