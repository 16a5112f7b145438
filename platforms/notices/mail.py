"""A letter as an e-mail: text, and the same as HTML."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from platforms.notices.letters import Letter, page_url
from tenants.models import Membership


def mail_of(letter: Letter, *, member: Membership, batch: UUID) -> EmailMultiAlternatives:
    """The mail in the active language. Its Message-ID is made from `batch`: the same mail sent
    again can be told from another one."""
    settings_url = page_url("notice_settings", tenant=member.tenant)
    context = {
        "letter": letter,
        "company": member.tenant.name,
        "name": member.user.get_short_name(),
        "zone": member.user.time_zone,
        "language": get_language(),
        "settings_url": settings_url,
    }
    title = _("[Storelink] %(title)s") % {"title": letter.title}
    mail = EmailMultiAlternatives(
        # A shop's name may be long, and hold what would break the header.
        subject=" ".join(title.split())[:200],
        body=render_to_string("platforms/notices/mail.txt", context),
        to=[member.user.email],
        headers={
            "Message-ID": f"<{batch.hex}@{urlsplit(settings.BASE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",  # or out-of-office notes come back
            "List-Unsubscribe": f"<{settings_url}>",
        },
    )
    mail.attach_alternative(render_to_string("platforms/notices/mail.html", context), "text/html")
    return mail
