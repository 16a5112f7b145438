"""Handing one mail to the mail server, and what came of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.core.mail import EmailMessage, get_connection

TIMEOUT_S = 20


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What came of a message, also of a robot's. `why` is a word for what went wrong.
    `surely_not`: it was not taken, while without an answer it may have been. `for_good`: it
    never will be, there is nobody at this address. `wait`: not before then."""

    sent: bool = False
    why: str = ""
    wait: timedelta | None = None
    surely_not: bool = False
    for_good: bool = False


def carry(mail: EmailMessage) -> Carried:
    """Never raises for what the network or the server does."""
    connection = get_connection(timeout=TIMEOUT_S)
    try:
        connection.open()
    except (SMTPException, OSError):
        return Carried(why="server_away", surely_not=True)
    try:
        connection.send_messages([mail])
    except SMTPRecipientsRefused as exc:
        codes = [code for code, _text in exc.recipients.values()]
        gone = bool(codes) and all(500 <= code < 600 for code in codes)
        return Carried(why="address_refused", surely_not=True, for_good=gone)
    except SMTPResponseException:
        return Carried(why="server_refused", surely_not=True)
    except (SMTPException, OSError):
        return Carried(why="no_answer")
    finally:
        with suppress(SMTPException, OSError):
            connection.close()
    return Carried(sent=True)
