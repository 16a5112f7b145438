"""`manage.py worker` that also knows the marketplaces of the local server.

    python -m bench.worker

Settings come from the environment, as in production; POLL_EVERY_S is how often a store is asked.
"""

from __future__ import annotations

import os
from datetime import timedelta


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from platforms import worker

    register(poll_every=timedelta(seconds=float(os.environ.get("POLL_EVERY_S", "60"))))
    worker.run()


def register(*, poll_every: timedelta) -> None:
    from bench import contenders
    from bench.shops import AmazonLike, ShopifyLike

    for adapter in (ShopifyLike, AmazonLike):
        adapter.poll_every = poll_every
        adapter.overlap = timedelta(seconds=5)  # the server's clock ticks in whole seconds
    contenders.register()


if __name__ == "__main__":
    main()
