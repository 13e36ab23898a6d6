"""Tell people what happened, and mail it: once for each (subject, person, kind)."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from loops.background import enqueue
from loops.models import Mock, Notice, User

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

    Its mail goes out once it is due. The Message-ID follows from subject, person and kind.
    """
    due_at = due_at or at
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
        },
    )
    if is_new and due_at <= at:
        enqueue("loops.tasks.send_notice", notice_id=notice.pk)
    return notice


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
