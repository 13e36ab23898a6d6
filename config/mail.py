"""The mail catcher of development: messages become files in .local/mail, which /mail/ shows."""

from __future__ import annotations

import email
import email.policy
import mimetypes
import time
import uuid
from collections.abc import Iterable, Iterator
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
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from icalendar import Calendar, vCalAddress, vDDDTypes

SHOWN_AT_MOST = 200
TOLD_OF_AN_ENTRY = (
    "UID SEQUENCE STATUS DTSTART DTEND SUMMARY LOCATION URL ORGANIZER ATTENDEE DESCRIPTION"
).split()


class EmailBackend(BaseEmailBackend):
    """Keeps each message as one file, named so that names sort by time."""

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Write the messages and return how many there were."""
        settings.MAIL_DIR.mkdir(parents=True, exist_ok=True)
        count = 0
        for message in email_messages:
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.eml"
            as_sent = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
            (settings.MAIL_DIR / name).write_bytes(as_sent)
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


@dataclass(frozen=True)
class MailPart:
    """One part of a message: a body or an attachment. Parts are counted from 1.

    `calendar` is what a part of type text/calendar says, property by property; None where it
    says nothing new, empty where it cannot be read.
    """

    number: int
    name: str
    content_type: str
    size_bytes: int
    calendar: list[str] | None


def _read(path: Path) -> CaughtMail:
    parsed = _parse(path)
    return CaughtMail(
        name=path.stem,
        sender=str(parsed["From"] or ""),
        recipients=str(parsed["To"] or ""),
        subject=str(parsed["Subject"] or ""),
        sent_at=parsed["Date"].datetime if parsed["Date"] else None,
        text=_text(parsed),
    )


def _parse(path: Path) -> ParsedMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _text(parsed: ParsedMessage) -> str:
    part = parsed.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    content = str(part.get_content())
    return strip_tags(content) if part.get_content_type() == "text/html" else content


def _parts(path: Path) -> list[MailPart]:
    parts = []
    calendars: set[bytes] = set()
    for number, part in enumerate(_leaves(_parse(path)), 1):
        content = _content(part)
        is_new = part.get_content_type() == "text/calendar" and content not in calendars
        if is_new:
            calendars.add(content)
        parts.append(
            MailPart(
                number=number,
                name=part.get_filename() or _name(part),
                content_type=_type(part),
                size_bytes=len(content),
                calendar=_calendar(content) if is_new else None,
            )
        )
    return parts


def _leaves(parsed: ParsedMessage) -> Iterator[ParsedMessage]:
    return (part for part in parsed.walk() if not part.is_multipart())


def _content(part: ParsedMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _name(part: ParsedMessage) -> str:
    names = {
        "text/plain": _("The text"),
        "text/html": _("The text, laid out"),
        "text/calendar": _("For the calendar"),
    }
    return names.get(part.get_content_type(), _("Without a name"))


def _type(part: ParsedMessage) -> str:
    """Return the part's type with the method, by which a mail program knows an invitation."""
    method = part.get_param("method")
    return f"{part.get_content_type()}; method={method}" if method else part.get_content_type()


def _calendar(content: bytes) -> list[str]:
    """Return what a calendar reads in the file, unfolded and unescaped."""
    try:
        calendar = Calendar.from_ical(content)
    except ValueError:
        return []
    if not isinstance(calendar, Calendar):
        return []
    told = [f"METHOD: {calendar.get('METHOD', '–')}"]
    for entry in calendar.walk("VEVENT"):
        for name in TOLD_OF_AN_ENTRY:
            values = entry.get(name, [])
            for value in values if isinstance(values, list) else [values]:
                told.append(f"{name}: {_said(value)}")
    return told


def _said(value: object) -> str:
    if isinstance(value, vDDDTypes):
        moment = value.dt
        if isinstance(moment, datetime):
            return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or _('without a zone')}"
        return str(moment)
    if isinstance(value, vCalAddress):
        told = [f"{value.name or ''} <{value.email}>".lstrip(), value.params.get("PARTSTAT")]
        return ", ".join(filter(None, told))
    return str(value)


def _caught_file(name: str) -> Path:
    """Return the file of a message; 404 where it is not, and everywhere but in development."""
    path: Path = settings.MAIL_DIR / f"{name}.eml"
    if not settings.DEBUG or not path.is_file():
        raise Http404
    return path


def _download(content: bytes, *, content_type: str, filename: str) -> HttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": disposition}
    )


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
    path = _caught_file(name)
    context = {"message": _read(path), "parts": _parts(path)}
    return render(request, "config/mail/read.html", context)


@login_not_required
@require_safe
def mail_file(request: HttpRequest, name: str) -> HttpResponse:
    """Hand out a message as the file that a mail program opens; in development only."""
    path = _caught_file(name)
    return _download(path.read_bytes(), content_type="message/rfc822", filename=path.name)


@login_not_required
@require_safe
def mail_part(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Hand out one part of a message, never to be shown in its place; in development only."""
    parts = list(_leaves(_parse(_caught_file(name))))
    if not 1 <= number <= len(parts):
        raise Http404
    part = parts[number - 1]
    content_type = part.get_content_type()
    ending = mimetypes.guess_extension(content_type) or ".bin"
    return _download(
        _content(part),
        content_type=content_type,
        filename=part.get_filename() or f"part-{number}{ending}",
    )
