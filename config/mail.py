"""The mail catcher of development: messages become files in .local/mail, which /mail/ shows."""

from __future__ import annotations

import email
import email.policy
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage as ParsedMessage
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import strip_tags
from django.views.decorators.http import require_safe

SHOWN_AT_MOST = 200


class EmailBackend(BaseEmailBackend):
    """Keeps each message as one file, named so that names sort by time."""

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Write the messages and return how many there were."""
        settings.MAIL_DIR.mkdir(parents=True, exist_ok=True)
        count = 0
        for message in email_messages:
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.eml"
            (settings.MAIL_DIR / name).write_bytes(message.message().as_bytes())
            count += 1
        return count


@dataclass(frozen=True)
class CaughtMail:
    """One message as the catcher shows it."""

    name: str
    sender: str
    recipients: str
    subject: str
    sent_at: datetime | None
    text: str


def caught_mail() -> list[CaughtMail]:
    """Return the newest messages, newest first."""
    files = sorted(settings.MAIL_DIR.glob("*.eml"), reverse=True)
    return [_read(path) for path in files[:SHOWN_AT_MOST]]


def _read(path: Path) -> CaughtMail:
    parsed = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return CaughtMail(
        name=path.stem,
        sender=str(parsed["From"] or ""),
        recipients=str(parsed["To"] or ""),
        subject=str(parsed["Subject"] or ""),
        sent_at=parsed["Date"].datetime if parsed["Date"] else None,
        text=_text(parsed),
    )


def _text(parsed: ParsedMessage) -> str:
    part = parsed.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    content = str(part.get_content())
    return strip_tags(content) if part.get_content_type() == "text/html" else content


@login_not_required
@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """List the mail that was caught; in development only."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "config/mail/list.html", {"caught": caught_mail()})


@login_not_required
@require_safe
def mail_message(request: HttpRequest, name: str) -> HttpResponse:
    """Show one message with its links to follow; in development only."""
    path = settings.MAIL_DIR / f"{name}.eml"
    if not settings.DEBUG or not path.is_file():
        raise Http404
    return render(request, "config/mail/read.html", {"message": _read(path)})
