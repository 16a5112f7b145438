"""The mails of a demo, read back from the files that the file-based backend writes."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

# django.core.mail.backends.filebased writes this line after each message.
SEPARATOR = b"\n" + b"-" * 79 + b"\n"
SHOWN_AT_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Mail:
    id: str
    subject: str
    sender: str
    to: str
    sent_at: datetime | None
    body: str


def read_mails(folder: Path) -> list[Mail]:
    """The latest mails, newest first; none where nothing was sent yet."""
    # The names begin with the time; one sender's next file may share the second.
    files = sorted(folder.glob("*.log"), key=lambda file: (file.stat().st_mtime, file.name))
    mails = [mail for file in files[-SHOWN_AT_MOST:] for mail in _read_file(file)]
    return mails[::-1]


def _read_file(file: Path) -> list[Mail]:
    parts = file.read_bytes().split(SEPARATOR)
    return [_read_mail(f"{file.stem}-{n}", part) for n, part in enumerate(parts) if part.strip()]


def _read_mail(id: str, source: bytes) -> Mail:
    message = email.message_from_bytes(source, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(preferencelist=("plain", "html"))
    date = message["Date"]
    return Mail(
        id=id,
        subject=str(message["Subject"] or ""),
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        sent_at=parsedate_to_datetime(str(date)) if date else None,
        body=str(body.get_content()).strip() if body else "",
    )
