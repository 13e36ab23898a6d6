"""Tell people what happened, and mail it: once for each (subject, person, kind)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from loops.actions.events import record
from loops.background import enqueue
from loops.models import Mock, Notice, NoticeWish, User
from loops.queries.notices import default_mail

MAIL_STATES = {
    NoticeWish.Mail.AT_ONCE: Notice.Mail.WAITING,
    NoticeWish.Mail.DAILY: Notice.Mail.DIGEST,
    NoticeWish.Mail.NEVER: Notice.Mail.NONE,
}
NAMESPACE = uuid.UUID("5c1f7a52-0d5b-4a0e-9d0e-6c1b5a6f2f11")


def tell(
    person: User,
    kind: str,
    subject: str,
    *,
    at: datetime,
    mock: Mock | None = None,
    due_at: datetime | None = None,
    useful_until: datetime | None = None,
    **data: Any,
) -> Notice:
    """Write a notice to one person; the same one again is the one that is there.

    Its mail goes out once it is due, as the person wishes for its kind: at once, in the daily
    digest, or never. The Message-ID follows from subject, person and kind.
    """
    due_at = due_at or at
    wish = wish_of(person, kind)
    notice, is_new = Notice.objects.get_or_create(
        subject=subject,
        person=person,
        kind=kind,
        defaults={
            "mock": mock,
            "data": data,
            "made_at": at,
            "due_at": due_at,
            "useful_until": useful_until,
            "message_id": message_id(person, kind, subject),
            "is_on_page": wish.is_on_page,
            "mail_state": MAIL_STATES[NoticeWish.Mail(wish.mail)],
        },
    )
    if is_new and due_at <= at and notice.mail_state == Notice.Mail.WAITING:
        enqueue("loops.tasks.send_notice", notice_id=notice.pk)
    return notice


def wish_of(person: User, kind: str) -> NoticeWish:
    """Return how a person wants to be told of a kind; unsaved where they never said.

    The digest is a mail alone: what it tells of stands on the page by itself.
    """
    if kind == Notice.Kind.DIGEST:
        return NoticeWish(person=person, kind=kind, is_on_page=False)
    kept = NoticeWish.objects.filter(person=person, kind=kind).first()
    return kept or NoticeWish(person=person, kind=kind, mail=default_mail(kind))


@transaction.atomic
def save_wishes(
    *, person: User, wishes: Mapping[str, tuple[bool, str]], by: User, at: datetime
) -> None:
    """Keep how a person wants to be told: by kind, whether on the page, and when by mail.

    What is still to be mailed follows the new wish, a reminder too.
    """
    for kind, (is_on_page, mail) in sorted(wishes.items()):
        NoticeWish.objects.update_or_create(
            person=person, kind=kind, defaults={"is_on_page": is_on_page, "mail": mail}
        )
        pending = Notice.objects.filter(
            person=person, kind=kind, mail_state__in=[Notice.Mail.WAITING, Notice.Mail.DIGEST]
        )
        pending.update(mail_state=MAIL_STATES[NoticeWish.Mail(mail)])
        Notice.objects.filter(person=person, kind=kind, due_at__gt=at).update(is_on_page=is_on_page)
    record("wishes_saved", person, by=by, at=at, kinds=sorted(wishes))


def message_id(person: User, kind: str, subject: str) -> str:
    """Return the one Message-ID of a notice's mail: the same for the same three things."""
    name = uuid.uuid5(NAMESPACE, f"{subject} {person.public_id} {kind}")
    return f"<{name}@{settings.SITE_HOST}>"


def take_back(notices: Any, *, at: datetime) -> int:
    """Withdraw notices that are not due yet, and their mail: what they remind of is over."""
    pending = notices.filter(due_at__gt=at, withdrawn_at=None)
    count: int = pending.update(withdrawn_at=at, mail_state=Notice.Mail.SKIPPED)
    return count


@transaction.atomic
def mark_read(*, person: User, at: datetime, notice: Notice | None = None) -> int:
    """Note that the person has read one notice, or all that are shown to them."""
    unread = Notice.objects.unread(at).filter(person=person)
    if notice is not None:
        unread = unread.filter(pk=notice.pk)
    return unread.order_by().update(read_at=at)
