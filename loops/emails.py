"""The mail of a notice: plain text, a quiet HTML twin, and for calendars what has changed.

It goes to one address and names no other. Sent again, it has the same Message-ID, and for a
calendar the same entry.
"""

import re
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from loops import ics
from loops.answer_links import Purpose, answer_path
from loops.calendars import event_told
from loops.hours import load_zone
from loops.models import Notice, Proposal
from loops.telling import Link, Told, told

ANSWERED = frozenset({Notice.Kind.PROPOSED, Notice.Kind.COUNTERED, Notice.Kind.PAIRED})


@dataclass(frozen=True)
class Button:
    """A link of a mail, with the whole address."""

    label: str
    url: str


def compose(notice: Notice, *, proposal: Proposal | None = None) -> EmailMultiAlternatives:
    """Write the mail of a notice, whose person, mock, seats and turns are fetched with it.

    `proposal` is the one that a proposing notice asks about: its mail is answered by a signed
    link, without signing in.
    """
    reader = notice.person
    with (
        translation.override(settings.LANGUAGE_CODE),
        timezone.override(load_zone(reader.time_zone)),
    ):
        words = told(notice)
        event = event_told(notice)
        context = {
            "told": words,
            "buttons": [_button(link) for link in _links(notice, words, proposal)],
            "calendar": event,
            "cohort": notice.mock.cohort.name if notice.mock else "",
            "site": settings.SITE_URL,
            "notices": f"{settings.SITE_URL}{reverse('loops:notice_list')}",
            "wishes": f"{settings.SITE_URL}{reverse('loops:notice_wishes')}",
            "language": settings.LANGUAGE_CODE,
        }
        mail = EmailMultiAlternatives(
            subject=" ".join(words.title.split()),
            body=_tidy(render_to_string("email/notice.txt", context)),
            to=[reader.email],
            headers={"Message-ID": notice.message_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("email/notice.html", context), "text/html")
    if event is not None:
        written = ics.invitation(event)
        with_method, _semicolon, _charset = ics.content_type(event).rpartition(";")
        mail.attach_alternative(written.decode(), with_method)  # the charset is added for us
        mail.attach("invite.ics", written, "application/ics")
    return mail


def _tidy(text: str) -> str:
    """Leave one empty line where a template's parts leave several."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _links(notice: Notice, words: Told, proposal: Proposal | None) -> list[Link]:
    """Return the links of the words, the first one signed where it asks for an answer."""
    first, *rest = words.links
    if notice.mock is None:
        return [first, *rest]
    if notice.kind in ANSWERED and proposal is not None:
        path = answer_path(notice.person, notice.mock, proposal, Purpose.ANSWER)
        return [Link(first.label, path), Link(_("See the mock"), first.path), *rest]
    if notice.kind == Notice.Kind.CONFIRM:
        path = answer_path(notice.person, notice.mock, None, Purpose.CONFIRM)
        return [Link(first.label, path), *rest]
    return [first, *rest]


def _button(link: Link) -> Button:
    return Button(link.label, f"{settings.SITE_URL}{link.path}")
