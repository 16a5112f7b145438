"""What ends, in a reader's words; for pages, feeds and mails."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.expiries import Act, Expiry, What
from platforms.templatetags.storelink import platform_name

WHAT = {
    What.PERMISSION: gettext_lazy("Permission of the platform"),
    What.REFRESH_TOKEN: gettext_lazy("Permission of the platform"),
    What.KEY: gettext_lazy("API key"),
    What.APP_SECRET: gettext_lazy("Secret of the application"),
    What.CERTIFICATE: gettext_lazy("Certificate of our callback address"),
}


def what_ends(expiry: Expiry) -> str:
    return str(WHAT[expiry.what])


def whose(expiry: Expiry) -> str:
    """The store, the first of several and how many more, the application, or the host."""
    if expiry.name:
        return expiry.name
    first, *more = (store.name for store in expiry.stores)
    if not more:
        return first
    return _("%(store)s and %(count)s more") % {"store": first, "count": len(more)}


def title(expiry: Expiry) -> str:
    """One line for a calendar: whose, where, what."""
    platform = platform_name(expiry.platform)
    facts = {"whose": whose(expiry), "platform": platform, "what": what_ends(expiry)}
    if not platform:
        return _("%(whose)s: %(what)s ends") % facts
    return _("%(whose)s (%(platform)s): %(what)s ends") % facts


def to_do(expiry: Expiry) -> str:
    """What must be done about it, in one or two sentences."""
    if expiry.act is Act.OURS:
        return _("Nothing to do for you: Storelink renews it.")
    if expiry.what is What.KEY:
        return _(
            "Make a new key at the platform and link the store again with it; the same store and "
            "all its orders stay."
        )
    if expiry.what is What.APP_SECRET:
        return _(
            "Renew the secret of your application at the platform, link one store again with the "
            "new one, and write down until when it works."
        )
    return _("Link the store again before that day; it takes two minutes and no order is missed.")
